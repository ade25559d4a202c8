"""Whose rules are in force: those of the commit that production runs, so that a candidate cannot weaken its gate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.errors import Refused
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.git.tree import read as listed
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Approver, Fleet
from cattlegrid.release.gate.signing import Signers
from cattlegrid.release.promotion.files import fleet_at, whole_commit

_NAMESPACES: Final = 'namespaces="cattlegrid"'


@dataclass(frozen=True)
class Rules:
    """`commits` are those whose settings these are. `first`: production runs nothing yet.

    `approval` is "signature", "person" or None; `signers` holds the text of the allowed-signers files.
    """

    commits: tuple[str, ...]
    first: bool
    gate: tuple[str, ...]
    soak: float
    approval: str | None
    self_approval: bool
    approvers: tuple[Approver, ...]
    signers: tuple[str, ...]

    def allowed(self) -> Signers:
        """Everybody who may sign, and the keys that count no longer. [approvers] sign as `approver:<name>`."""
        lines = [f"approver:{_quoted(one.name)} {_NAMESPACES} {key}" for one in self.approvers for key in one.keys]
        revoked = tuple(key for one in self.approvers for key in one.revoked)
        return Signers((*lines, *(line for text in self.signers for line in text.splitlines())), revoked)

    def described(self) -> str:
        """In one line, for the person who is asked to rely on them."""
        how = {"signature": "a signature", "person": "a person", None: "no approval"}[self.approval]
        names = ", ".join(one.name for one in self.approvers)
        by = f" by {names}" if names and self.approval == "signature" else ""
        soak = f", {self.soak:g} s in staging" if self.soak else ""
        whose = " and ".join(commit[:12] for commit in self.commits)
        first = ", as production runs nothing yet" if self.first else ", which production runs"
        return f"{how}{by}{soak}; from commit {whose}{first}"


def read(repository: Repository, root: Path, commit: str, into: Path, *, first: bool = False) -> Rules:
    """The rules of one commit. Raises ConfigError when its settings are wrong, Refused when its signers are missing."""
    return of_fleet(repository, root, fleet_at(repository, root, commit, into / commit), commit, first=first)


def of_fleet(repository: Repository, root: Path, fleet: Fleet, commit: str, *, first: bool = False) -> Rules:
    """`fleet` is the one of that commit; `root` is where it lies in the working tree."""
    here = fleet.environments[Environment.PRODUCTION]
    approval = here.approval
    if approval is None and "approval" in here.gate:
        approval = "signature" if fleet.approvers or here.signers else "person"
    return Rules(
        commits=(commit,),
        first=first,
        gate=here.gate,
        soak=here.soak,
        approval=approval,
        self_approval=here.self_approval,
        approvers=fleet.approvers,
        signers=_signers(repository, root, commit, here.signers),
    )


def strictest(found: Iterable[Rules]) -> Rules:
    """All of these at once: every condition, the longest wait, and only the approvers that all of them name."""
    rules = list(found)
    first, rest = rules[0], rules[1:]
    for one in rest:
        first = Rules(
            commits=(*first.commits, *one.commits),
            first=first.first and one.first,
            gate=tuple(dict.fromkeys((*first.gate, *one.gate))),
            soak=max(first.soak, one.soak),
            approval=max((first.approval, one.approval), key=(None, "person", "signature").index),
            self_approval=first.self_approval and one.self_approval,
            approvers=tuple(approver for approver in first.approvers if approver in one.approvers),
            signers=first.signers if first.signers == one.signers else (),
        )
    return first


def tips(repository: Repository, commits: Iterable[str]) -> tuple[str, ...]:
    """Those of the commits that no other of them contains: one, unless production runs branches that never met."""
    left = list(dict.fromkeys(commits))
    if len(left) > 1 and any(git.is_ancestor(repository, left[0], other) is None for other in left[1:]):
        git.deepen(repository)
    return tuple(
        one for one in left if not any(other != one and git.is_ancestor(repository, one, other) for other in left)
    )


def in_force(repository: Repository, root: Path, running: Iterable[str], first: Iterable[str], into: Path) -> Rules:
    """The rules of the newest commit that production runs; while it runs nothing, those of the `first` commits.

    The commits are prefixes, as stamps have them. Raises Refused when one is nowhere to be had.
    """
    live = [whole_commit(repository, prefix, "production") for prefix in dict.fromkeys(running)]
    chosen = live or [whole_commit(repository, prefix, "staging") for prefix in dict.fromkeys(first)]
    newest = tips(repository, chosen)
    return strictest(read(repository, root, commit, into, first=not live) for commit in newest)


def _signers(repository: Repository, root: Path, commit: str, path: str | None) -> tuple[str, ...]:
    if path is None:
        return ()
    prefix = root.relative_to(repository.root).as_posix()
    inside = path if prefix == "." else f"{prefix}/{path}"
    entry = listed(repository, commit).entry(inside)
    content = git.objects(repository, [entry.oid]) if entry is not None else {}
    if not content:
        raise Refused(f"the commit has no file {path}, which environments.production.signers names", where=commit[:12])
    return (next(iter(content.values())).decode("utf-8", "replace"),)


def _quoted(name: str) -> str:
    """A name that ssh-keygen takes as itself and not as a pattern or a list."""
    return "".join(sign if sign.isalnum() or sign in "-_.@+" else "_" for sign in name)
