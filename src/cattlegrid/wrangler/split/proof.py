"""The proof that production is what it was: wrangler's own reader, asked about every file before and after."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from cattlegrid.process import run
from cattlegrid.toolchain import Toolchain
from cattlegrid.wrangler.resources import resources
from cattlegrid.wrangler.split.content import STAGING, Layout
from cattlegrid.wrangler.split.plan import File, FilePlan

_READER: Final = Path(__file__).parent.parent / "read_config.cjs"
# Facts about the reading, not about the Worker. `topLevelName` is the name at the file's top level, which wrangler
# writes into a tag for the dashboard and nothing else.
_NOT_THE_WORKER: Final = frozenset(
    {"configPath", "definedEnvironments", "targetEnvironment", "topLevelName", "userConfigPath"}
)
_TIMEOUT: Final = 300.0


@dataclass(frozen=True)
class Difference:
    """`what` differs at `path` of the file's `environment`; for a shared resource, `after` says whose it is."""

    file: str
    environment: str
    path: str
    before: object
    after: object

    @property
    def said(self) -> str:
        return f"{self.file}: {self.environment}: {self.path}: {_short(self.before)} → {_short(self.after)}"


@dataclass(frozen=True)
class Proof:
    """`readings` counts the configurations that wrangler read. No difference: proven."""

    readings: int
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        return self.readings > 0 and not self.differences


def prove(parts: Toolchain, plans: Sequence[FilePlan], environ: Mapping[str, str]) -> Proof:
    """Ask wrangler about all files in one process. Raises ToolFailed when it cannot be started.

    Compared for each file: production, and every other environment it had, before against after; then everything that
    staging uses against everything that production uses, across all files.
    """
    questions = [_question(plan, index) for index, plan in enumerate(plans)]
    answers = _ask(parts, questions, environ)
    differences: list[Difference] = []
    production: dict[tuple[str, str], str] = {}
    staging: list[tuple[FilePlan, Mapping[str, Any]]] = []
    for plan, (before, after) in zip(plans, answers, strict=True):
        places = _places(plan)
        for name, (old, new) in places.items():
            differences += _compared(plan.file.path, name, before[old], after[new])
        for resource in resources(after[places[plan.blocks.production][1]].get("config", {})):
            production.setdefault(resource.key, plan.file.path)
        if plan.layout is not Layout.SINGLE and not plan.apart:
            staging.append((plan, after[_staging_place(plan)]))
    for plan, answer in staging:
        differences += _shared(plan.file.path, answer, production)
    readings = sum(len(one) for answer in answers for one in answer)
    return Proof(readings, tuple(differences))


def accepted(parts: Toolchain, files: Sequence[File], environ: Mapping[str, str]) -> list[File]:
    """Those of the files that wrangler reads without an error, in every environment that they have."""
    questions: list[dict[str, object]] = [
        {"file": f"{index}/{file.name}", "contents": [file.text], "environments": ["", *_blocks(file)]}
        for index, file in enumerate(files)
    ]
    answers = _ask(parts, questions, environ)
    return [
        file
        for file, (answer,) in zip(files, answers, strict=True)
        if all("error" not in one for one in answer.values())
    ]


def _blocks(file: File) -> list[str]:
    return sorted(cast("Mapping[str, object]", file.content().get("env") or {}))


def _places(plan: FilePlan) -> dict[str, tuple[str, str]]:
    """Each environment that has to stay: where it is written before and after. The top level is ""."""
    places = {name: (name, name) for name in _blocks(plan.file) if name != plan.blocks.staging}
    production = plan.blocks.production
    if plan.was is Layout.PRODUCTION_ON_TOP:
        places[production] = ("", "")
    elif plan.was is Layout.SINGLE:
        places[production] = ("", production if plan.layout is Layout.STAGING_ON_TOP else "")
    return places


def _staging_place(plan: FilePlan) -> str:
    return "" if plan.layout is Layout.STAGING_ON_TOP else plan.blocks.staging


def _question(plan: FilePlan, index: int) -> dict[str, object]:
    names = {"", plan.blocks.production, plan.blocks.staging, *_blocks(plan.file)}
    return {
        "file": f"{index}/{plan.file.name}",
        "contents": [plan.file.text, plan.after],
        "environments": sorted(names),
    }


def _ask(
    parts: Toolchain, questions: list[dict[str, object]], environ: Mapping[str, str]
) -> list[list[dict[str, dict[str, Any]]]]:
    script = parts.modules / "wrangler" / "wrangler-dist" / "cli.js"
    with tempfile.TemporaryDirectory(prefix="cattlegrid-") as folder:
        asked = [{**question, "file": f"{folder}/{question['file']}"} for question in questions]
        finished = run(
            [str(parts.node), "--no-warnings", str(_READER), str(script)],
            cwd=Path(folder),
            env={"PATH": environ.get("PATH", ""), "HOME": folder, "WRANGLER_SEND_METRICS": "false"},
            input=json.dumps(asked).encode(),
            timeout=_TIMEOUT,
        )
    finished.expect_success("reading the configurations with wrangler")
    return cast("list[list[dict[str, dict[str, Any]]]]", json.loads(finished.raw))


def _compared(file: str, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    if "error" in before or "error" in after:
        said = before.get("error") or after.get("error")
        return [Difference(file, name, "wrangler refuses it", "", said)]
    old, new = before["config"], after["config"]
    return [
        Difference(file, name, key, old.get(key), new.get(key))
        for key in sorted({*old, *new} - _NOT_THE_WORKER)
        if old.get(key) != new.get(key)
    ]


def _shared(file: str, answer: Mapping[str, Any], production: Mapping[tuple[str, str], str]) -> list[Difference]:
    if "error" in answer:
        return [Difference(file, STAGING, "wrangler refuses it", "", answer["error"])]
    found = []
    for resource in resources(answer["config"], previews=True):
        if resource.key in production:
            path = ".".join(map(str, resource.path))
            owner = f"production's {resource.word} in {production[resource.key]}"
            found.append(Difference(file, STAGING, path, resource.identity, owner))
    return found


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]}…"
