"""What a wrangler file says after the split: the same environments, production among them, and a staging of its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, cast

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.model.environment import Blocks, Environment
from cattlegrid.wrangler import config as reading
from cattlegrid.wrangler.inheritance import IDLE, INHERITED, NOT_INHERITED, NOT_SETTINGS, TOP_LEVEL_ONLY
from cattlegrid.wrangler.resources import Path
from cattlegrid.wrangler.split.twin import About, Note, Surroundings, Wishes, staging_name, twin

PRODUCTION_WORDS: Final = frozenset({"live", "main", "prd", "prod"})
PRODUCTION: Final = Environment.PRODUCTION.value
STAGING: Final = Environment.STAGING.value
_KNOWN: Final = INHERITED | NOT_INHERITED | TOP_LEVEL_ONLY | NOT_SETTINGS | IDLE
_EMPTY: Final[Mapping[str, object]] = {"routes": [], "triggers": {"crons": []}, "logfwdr": {"bindings": []}}


class Layout(StrEnum):
    """Where each environment is written. SINGLE is not split yet."""

    SINGLE = "one environment"
    STAGING_ON_TOP = "staging at the top level, production in a block"
    PRODUCTION_ON_TOP = "production at the top level, staging in a block"
    BLOCKS = "a block each"


@dataclass(frozen=True)
class Parts:
    """A file's environments before the split: `production` and `staging` resolved, or None where there is none."""

    layout: Layout
    production: Mapping[str, object]
    staging: Mapping[str, object] | None
    blocks: Blocks = field(default_factory=Blocks)


@dataclass(frozen=True)
class Content:
    """`copies`: which new places repeat the text of which old ones. `between` is a first content to write, from which
    the second step goes on to `after`: the copy made first, then changed, keeps its comments.
    """

    after: dict[str, Any]
    copies: Mapping[Path, Path]
    notes: tuple[Note, ...]
    between: dict[str, Any] | None = None


def parts(raw: Mapping[str, object], shown: str, blocks: Blocks) -> Parts:
    """Raises ConfigError for a file that cannot have two environments, or does not say which its production is."""
    if "pages_build_output_dir" in raw:
        what = "is a Pages project: its environments are Cloudflare's own (production and preview)"
        raise ConfigError(
            (Mistake(shown, "pages_build_output_dir", what),), next="take its folder out of fleet.workers"
        )
    if "legacy_env" in raw:
        raise ConfigError((Mistake(shown, "legacy_env", "is gone from wrangler: each environment is a Worker"),))
    written = raw.get("env") or {}
    if not isinstance(written, Mapping):
        raise ConfigError((Mistake(shown, "env", "is no table of environments"),))
    names = set(written) & {blocks.production, blocks.staging}
    if not names:
        _refuse_other_production(written, shown)
        top = {key: value for key, value in raw.items() if key not in NOT_SETTINGS and value is not None}
        if not isinstance(top.get("name"), str) or not top["name"]:
            raise ConfigError((Mistake(shown, "name", "the worker has no name"),))
        return Parts(Layout.SINGLE, top, None, blocks)
    both = {env: reading.resolved(raw, env, shown=shown, blocks=blocks).config for env in Environment}
    on_top = {frozenset({blocks.production}): Layout.STAGING_ON_TOP}
    on_top[frozenset({blocks.staging})] = Layout.PRODUCTION_ON_TOP
    layout = on_top.get(frozenset(names), Layout.BLOCKS)
    return Parts(layout, both[Environment.PRODUCTION], both[Environment.STAGING], blocks)


def _refuse_other_production(written: Mapping[str, object], shown: str) -> None:
    """With an `env.prod`, the top level is hardly production: nobody but its owner knows what it is."""
    for name in written:
        if name in PRODUCTION_WORDS:
            what = f"seems to be production, under another name than {PRODUCTION!r}"
            said = f'write [environments.production] block = "{name}" into cattlegrid.toml, or rename the block'
            raise ConfigError((Mistake(shown, f"env.{name}", what),), next=said)


def staging_script(found: Parts) -> str:
    """The script that the Worker is, or will be, in staging."""
    if found.staging is not None and found.staging["name"] != found.production["name"]:
        return str(found.staging["name"])
    return staging_name(str(found.production["name"]))


def split(raw: Mapping[str, object], found: Parts, around: Surroundings, wishes: Wishes, layout: Layout) -> Content:
    """What the file is to say. `layout` is for a file that is not split yet; another keeps its own."""
    fresh = found.layout is Layout.SINGLE
    chosen = layout if fresh else found.layout
    made = twin(found.staging or found.production, around, wishes, fresh=fresh)
    notes = [*made.notes, *_unknown(raw, chosen)]
    if chosen is Layout.STAGING_ON_TOP:
        after, copies = _staging_on_top(raw, found, made.config)
        return Content(after, copies, tuple(notes))
    name = found.blocks.staging
    between, copies = _staging_block(raw, made.config, name)
    after = copy.deepcopy(between)
    block = after["env"][name]
    _as_staging(block, raw, made.config, name)
    return Content(after, copies, tuple(notes), between if between != raw else None)


def _unknown(raw: Mapping[str, object], layout: Layout) -> list[Note]:
    """A key that is new to us may be a binding: production keeps it, and a person is told."""
    said = "it is repeated in production" if layout is Layout.STAGING_ON_TOP else "staging's block does not have it"
    return [
        Note(
            About.LOOK,
            key,
            f"the wrangler that cattlegrid knows has no such key; {said}",
            "look whether it names a resource of production, and take that out of staging's part of the file",
        )
        for key in raw
        if key not in _KNOWN
    ]


def _staging_on_top(
    raw: Mapping[str, object], found: Parts, staging: dict[str, Any]
) -> tuple[dict[str, Any], dict[Path, Path]]:
    blocks = {name: dict(block) for name, block in cast("dict[str, dict[str, Any]]", raw.get("env") or {}).items()}
    before = {name: reading.inherited(raw, name) for name in blocks}
    if found.blocks.production not in blocks:
        blocks[found.blocks.production], before[found.blocks.production] = {}, dict(found.production)
    after = {key: staging.get(key, value) for key, value in raw.items() if key in staging or _stays(key, value)}
    copies: dict[Path, Path] = {}
    for name, block in blocks.items():
        own: dict[str, Any] = {}
        if "name" not in block and before[name].get("name") != f"{after['name']}-{name}":
            own["name"] = before[name]["name"]
        for key, value in before[name].items():
            inherits = key in INHERITED and after.get(key) == value
            if key in block or key in TOP_LEVEL_ONLY | IDLE or key == "name" or inherits:
                continue
            own[key] = copy.deepcopy(value)
            if raw.get(key) == value:
                copies["env", name, key] = (key,)
        blocks[name] = {**block, **own}
    after["env"] = blocks
    return after, copies


def _stays(key: str, value: object) -> bool:
    return key in NOT_SETTINGS or value is None


def _staging_block(
    raw: Mapping[str, object], staging: dict[str, Any], called: str
) -> tuple[dict[str, Any], dict[Path, Path]]:
    """With a staging block that repeats what wrangler does not inherit, word for word as production has it."""
    after: dict[str, Any] = copy.deepcopy(dict(raw))
    blocks: dict[str, Any] = after.get("env") or {}
    if called in blocks:
        return after, {}
    block = {key: copy.deepcopy(raw[key]) for key in staging if key in NOT_INHERITED and key in raw}
    if staging["name"] != f"{raw['name']}-{called}":
        block = {"name": staging["name"], **block}
    after["env"] = {**blocks, called: block}
    return after, {("env", called, key): (key,) for key in block if key != "name"}


def _as_staging(block: dict[str, Any], raw: Mapping[str, object], staging: Mapping[str, Any], called: str) -> None:
    """What staging would inherit and must not is written into its block: as nothing, where it has none."""
    for key in list(block):
        if key in staging:
            block[key] = staging[key]
        else:
            del block[key]
    for key in sorted(INHERITED - {"name"}):
        if key not in block and raw.get(key) is not None and staging.get(key) != raw[key]:
            own = "routes" if key == "route" else key
            block[own] = staging.get(key, _EMPTY.get(own))
    if "name" not in block and staging["name"] != f"{raw.get('name')}-{called}":
        block["name"] = staging["name"]
