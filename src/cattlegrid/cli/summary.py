"""Reports as Markdown for GitHub's step summary: what happened, and what to type next."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cattlegrid.errors import CattlegridError
from cattlegrid.model.change import Changes
from cattlegrid.model.check import Check, Outcome, SmokeReport

if TYPE_CHECKING:
    from cattlegrid.verbs.approve import Preview
    from cattlegrid.verbs.deploy import DeployReport
    from cattlegrid.verbs.promote import PromoteReport

_MARK = {Outcome.PASS: "✅", Outcome.FAIL: "❌", Outcome.NOT_MEASURED: "❔"}


def append(path: str, text: str) -> None:
    """Add to the summary that the step has so far. No path: nothing."""
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def error(found: CattlegridError) -> str:
    after = f"\n\nNext: `{_code(found.next)}`" if found.next else ""
    where = f"{_text(found.where)}: " if found.where else ""
    lines = "<br>".join(_text(line) for line in found.what.splitlines())
    return f"### ❌ {found.code}\n\n{where}{lines}{after}\n"


def changes(found: Changes) -> str:
    rows = [[one.worker, one.verdict.value, one.why] for one in found.workers]
    head = f"### {found.environment}: {len(found.changed)} of {len(found.workers)} workers differ\n\n"
    return head + _table(["worker", "", "why"], rows)


def deploy(found: DeployReport) -> str:
    rows = [[one.worker, one.script, one.why] for one in found.plan.workers]
    done = {one.name: one for one in found.ran.workers} if found.ran is not None else {}
    for row in rows:
        one = done.get(row[0])
        row.insert(1, "not tried" if one is None or not one.tried else "✅" if one.ok else f"❌ {one.detail}")
    text = f"### {found.environment}: commit {found.plan.commit[:12]}\n\n"
    text += _table(["worker", "", "script", "why"], rows) if rows else "Nothing to deploy.\n"
    return text + (smoke(found.smoke) if found.smoke is not None else "")


def smoke(found: SmokeReport) -> str:
    bad = [check for check in found.checks if check.outcome is not Outcome.PASS]
    head = f"\n### {_MARK[found.outcome]} {found.environment}: smoke {found.outcome}\n\n{found.examined}\n\n"
    return head + (checks(bad) if bad else "")


def checks(found: Iterable[Check]) -> str:
    return _table(
        ["", "worker", "check", ""], [[_MARK[one.outcome], one.worker, one.name, one.detail] for one in found]
    )


def preview(found: Preview) -> str:
    name = found.manifest.name
    rows = [[worker, one.commit[:12], one.code[:12]] for worker, one in found.manifest.workers.items()]
    text = f"\n### Candidate `{name}`\n\n" + _table(["worker", "commit", "code"], rows)
    return text + (
        f"\nApprove it with `cattlegrid approve --release {name}`, then start this workflow by hand with `{name}`,"
        f" or type `cattlegrid promote --release {name}`.\n"
    )


def promote(found: PromoteReport) -> str:
    head = f"### {_MARK[found.outcome]} production: release `{found.plan.release}`\n\n"
    text = head + checks(found.plan.conditions)
    if found.done is None:
        return text
    for worker, version in found.done.live.items():
        text += f"\n- {_text(worker)} runs `{version}`"
    for bookmark in found.done.bookmarks:
        if bookmark.restore:
            text += f"\n- to take {_text(bookmark.database)} back: `{bookmark.restore}`"
    if found.done.problem:
        text += f"\n\n{_text(found.done.problem)}\n\nNext: `{_code(found.done.next)}`"
    return text + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return _text(" ".join(text.split())).replace("|", "\\|")


def _text(text: str) -> str:
    """As text: nothing in it becomes markup, a link or an image."""
    shown = html.escape(text, quote=False)
    return "".join(f"\\{sign}" if sign in "[]!*`" else sign for sign in shown)


def _code(text: str) -> str:
    return text.replace("`", "'")
