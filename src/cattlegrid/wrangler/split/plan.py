"""The split of a fleet, as data: for each file its text before and after, and what a person should know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.model.environment import Blocks
from cattlegrid.wrangler import config as reading
from cattlegrid.wrangler.edit.rewrite import rewrite
from cattlegrid.wrangler.resources import WORKER, resources
from cattlegrid.wrangler.split.content import Content, Layout, Parts, parts, split, staging_script
from cattlegrid.wrangler.split.twin import Note, Surroundings, Wishes

_BLOCKS = Blocks()


@dataclass(frozen=True)
class File:
    """One wrangler file: the `worker` it is of, its `path` relative to the fleet's root, and its text."""

    worker: str
    path: str
    text: str = field(repr=False)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def content(self) -> dict[str, object]:
        return reading.parse(self.text.encode(), self.name, shown=self.path)


@dataclass(frozen=True)
class FilePlan:
    """`layout` is the file's after the split; `was` what it was before. `after` equals `file.text`: nothing to do.

    `apart`: staging is in an account of its own, where production's names mean nothing.
    """

    file: File
    was: Layout
    layout: Layout
    after: str = field(repr=False)
    notes: tuple[Note, ...] = ()
    blocks: Blocks = field(default_factory=Blocks)
    apart: bool = False

    @property
    def changes(self) -> bool:
        return self.after != self.file.text

    def left_alone(self) -> FilePlan:
        """As if this file had not been chosen."""
        return replace(self, after=self.file.text, layout=self.was, notes=())


def plan(
    files: Sequence[File], layout: Layout, wishes: Wishes, blocks: Blocks = _BLOCKS, *, one_account: bool = True
) -> tuple[FilePlan, ...]:
    """Every file of the fleet has to be given: what one Worker uses in production is taken for all of them.

    Unless both environments are in `one_account`, a file that has both already is in order. Raises ConfigError with the
    mistakes of all files at once.
    """
    contents, found = read(files, blocks)
    together = surroundings(found)
    made = []
    for file in files:
        was = found[file.worker].layout
        apart = not one_account and was is not Layout.SINGLE
        around = Surroundings(frozenset(), {}) if apart else together
        content = split(contents[file.worker], found[file.worker], around, wishes, layout)
        same = content.between is None and content.after == contents[file.worker]
        after = file.text if same else write(file, content)
        to = layout if was is Layout.SINGLE else was
        made.append(FilePlan(file, was, to, after, content.notes, blocks, apart))
    return tuple(made)


def read(files: Sequence[File], blocks: Blocks) -> tuple[dict[str, dict[str, object]], dict[str, Parts]]:
    """The files' contents and their environments, by worker. Raises ConfigError with all mistakes at once."""
    mistakes: list[Mistake] = []
    contents: dict[str, dict[str, object]] = {}
    found: dict[str, Parts] = {}
    next_step = ""
    for file in files:
        try:
            contents[file.worker] = file.content()
            found[file.worker] = parts(contents[file.worker], file.path, blocks)
        except ConfigError as error:
            mistakes += error.mistakes
            next_step = next_step or error.next
    if mistakes:
        raise ConfigError(tuple(mistakes), next=next_step or "mend the files named above, then repeat the command")
    return contents, found


def surroundings(found: Mapping[str, Parts]) -> Surroundings:
    taken = {resource.key for one in found.values() for resource in resources(one.production)}
    siblings = {str(one.production["name"]): staging_script(one) for one in found.values()}
    # A script that is some Worker's production is never another's staging.
    free = {name: script for name, script in siblings.items() if (WORKER, script) not in taken}
    return Surroundings(frozenset(taken), free)


def write(file: File, content: Content) -> str:
    text = file.text
    if content.between is not None:
        text = rewrite(text, file.name, content.between, copies=content.copies, shown=file.path)
        return rewrite(text, file.name, content.after, shown=file.path)
    return rewrite(text, file.name, content.after, copies=content.copies, shown=file.path)
