"""npm scripts after the split: `deploy` goes to staging, `deploy:prod` is the explicit door."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.model.environment import Blocks, Environment
from cattlegrid.wrangler.calls import calls
from cattlegrid.wrangler.edit.rewrite import rewrite
from cattlegrid.wrangler.split.content import Layout

_BLOCKS: Final = Blocks()
_SAYS_PRODUCTION: Final = re.compile(r"(?:^|[:_.-])(?:prod|production|live)(?:$|[:_.-])")
_PASSED_ON: Final = re.compile(r"\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:-\S+\s+)*deploy(?![\w:-])")


@dataclass(frozen=True)
class ScriptsPlan:
    """A package.json before and after; `changed` are the scripts that are new or say something else."""

    path: str
    before: str = field(repr=False)
    after: str = field(repr=False)
    changed: Mapping[str, str]


def plan_scripts(
    path: str, text: str, layout: Layout, blocks: Blocks = _BLOCKS, *, all_scripts: bool
) -> ScriptsPlan | None:
    """None when nothing is to change. Raises ConfigError for a package.json that npm could not read either.

    `deploy` gets its twin `deploy:prod`; a script whose name says production says so to wrangler too, since without an
    environment it now means staging. With `all_scripts`, every other script that reaches Cloudflare gets a twin.
    """
    try:
        package: Any = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        what = f"is not valid JSON: {error.msg} (at line {error.lineno}, column {error.colno})"
        raise ConfigError((Mistake(path, "", what),), next=f"mend {path}, then repeat the command") from error
    scripts = package.get("scripts") if isinstance(package, dict) else None
    if not isinstance(scripts, dict):
        return None
    made = {name: line for name, line in scripts.items() if isinstance(line, str)}
    for name, line in list(made.items()):
        if _SAYS_PRODUCTION.search(name):
            made[name] = told(line, Environment.PRODUCTION, layout, blocks)
        elif name == "deploy" or (all_scripts and any(call.environment is None for call in calls(line))):
            _twin(made, name, line, layout, blocks)
    changed = {name: line for name, line in made.items() if scripts.get(name) != line}
    if not changed:
        return None
    after = rewrite(text, "package.json", {**package, "scripts": {**scripts, **changed}}, shown=path)
    return ScriptsPlan(path, text, after, changed)


def _twin(made: dict[str, str], name: str, line: str, layout: Layout, blocks: Blocks) -> None:
    bare = any(call.environment is None for call in calls(line))
    production = told(line, Environment.PRODUCTION, layout, blocks) if bare else _PASSED_ON.sub(r"\g<0>:prod", line)
    if production == line and not bare:
        return
    if bare:
        made[name] = told(line, Environment.STAGING, layout, blocks)
    if not {f"{name}:prod", f"{name}:production"} & set(made):
        made[f"{name}:prod"] = production


def told(line: str, environment: Environment, layout: Layout, blocks: Blocks) -> str:
    """The line with every call of wrangler that names no environment naming this one. Staging at the top level needs
    no word: a bare call is what people type.
    """
    for call in reversed(list(calls(line))):
        if call.environment is None:
            line = line[: call.end] + _flag(environment, layout, blocks) + line[call.end :]
    return line


def _flag(environment: Environment, layout: Layout, blocks: Blocks) -> str:
    if layout is Layout.STAGING_ON_TOP and environment is Environment.STAGING:
        return ""
    on_top = layout is Layout.PRODUCTION_ON_TOP and environment is Environment.PRODUCTION
    return " --env=" if on_top else f" --env {blocks.of(environment)}"
