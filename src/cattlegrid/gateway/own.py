"""cattlegrid's own tools. None has an argument that chooses the environment: it is the session's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cattlegrid.agents.launch import OWN
from cattlegrid.agents.policy import Effect
from cattlegrid.errors import Failed, Refused, UsageError
from cattlegrid.gateway.logs import LONGEST, logs
from cattlegrid.gateway.query import MOST_ROWS, query
from cattlegrid.gateway.way import Way
from cattlegrid.model.environment import Environment
from cattlegrid.model.plain import jsonable
from cattlegrid.process import run
from cattlegrid.release import live
from cattlegrid.release.promotion import candidate
from cattlegrid.verbs.changes import changes
from cattlegrid.verbs.check import check
from cattlegrid.verbs.history import history
from cattlegrid.verbs.schema import schema_diff
from cattlegrid.verbs.smoke import smoke
from cattlegrid.verbs.status import status
from cattlegrid.verbs.why import why

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
}
_DEPLOY_SECONDS: Final = 900.0
_WORKERS: Final = {
    "workers": {"type": "array", "items": {"type": "string"}, "description": "Only these workers; all without it."}
}


@dataclass(frozen=True)
class Tool:
    """`where` are the environments whose sessions have it. `by_files`: it acts by the files, which must not have moved.

    `work` runs in a thread and returns a report.
    """

    name: str
    description: str
    effect: Effect
    work: Callable[[Way, Mapping[str, Any]], object]
    properties: Mapping[str, Any]
    required: tuple[str, ...] = ()
    where: frozenset[Environment] = frozenset(Environment)
    by_files: bool = True

    @property
    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": dict(self.properties),
            "required": list(self.required),
            "additionalProperties": False,
        }


def run_tool(tool: Tool, way: Way, arguments: Mapping[str, Any]) -> object:
    """The report as plain JSON values. Raises CattlegridError; Refused when the files moved under the session."""
    unknown = sorted(arguments.keys() - tool.properties.keys())
    missing = [name for name in tool.required if name not in arguments]
    if unknown or missing:
        what = f"has no argument {unknown[0]!r}" if unknown else f"needs the argument {missing[0]!r}"
        raise Refused(f"tool {tool.name} {what}; the environment is the session's and cannot be chosen")
    for name, value in arguments.items():
        kind = tool.properties[name]["type"]
        if not isinstance(value, _TYPES[kind]) or isinstance(value, bool):
            raise UsageError(f"tool {tool.name} wants {name} as {kind}, not {type(value).__name__}")
    if tool.by_files and (moved := way.moved()):
        raise Refused(
            f"the files name another {way.target.label} than this session: {moved}. The session keeps its target",
            next="ask the person to look at the change and start a new session: cattlegrid run -- <agent>",
        )
    return jsonable(tool.work(way, arguments))


def _names(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(name) for name in arguments.get("workers", ()))


def _deploy(way: Way, arguments: Mapping[str, Any]) -> object:
    """A process of its own: it takes minutes, and wrangler reads what it is handed from its parent's memory."""
    settings = way.fleet.environments
    if settings[Environment.STAGING].token == settings[Environment.PRODUCTION].token:
        raise Refused(
            "staging has no token of its own, and a build could read the one that opens production too",
            where="cattlegrid.toml: environments.staging.token",
            next="ask the person for a token that is limited to staging's Workers, named in environments.staging.token",
        )
    argv = [*OWN, "deploy", "--json", *_names(arguments)]
    done = run(argv, cwd=way.fleet.root, env=way.edge.environ, timeout=_DEPLOY_SECONDS)
    try:
        report = json.loads(done.out)
    except ValueError:
        said = _error(done.err)
        raise Failed(str(said.get("what", "deploy said nothing")), next=str(said.get("next", ""))) from None
    return {"exit_code": done.code, "outcome": "pass" if done.code == 0 else "fail", **report}


def _error(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text.strip().splitlines()[-1])["error"]
    except (ValueError, KeyError, IndexError, TypeError):
        return {"what": text.strip()[-2000:]}
    return dict(found)


def _request_promotion(way: Way, arguments: Mapping[str, Any]) -> object:
    found = live.read_live(way.client, way.target, tuple(way.target.workers))
    return {
        "requested": str(arguments.get("reason", "")),
        "candidate": candidate.parts(found),
        "checks": candidate.check(found),
        "next": "a person types `cattlegrid promote` in a terminal of their own; an agent cannot",
    }


def _query(way: Way, arguments: Mapping[str, Any]) -> object:
    parameters = arguments.get("parameters", [])
    limit = arguments.get("limit", MOST_ROWS)
    return query(
        way.client, way.target, str(arguments["database"]), str(arguments["sql"]), list(parameters), int(limit)
    )


_STAGING: Final = frozenset({Environment.STAGING})
TOOLS: Final = (
    Tool("status", "What runs where, drift, pending migrations, and what to do next.", Effect.READ,
         lambda way, a: status(way.edge, _names(a)), _WORKERS),
    Tool("changes", "Which workers differ from what is live here.", Effect.READ,
         lambda way, a: changes(way.edge, way.session.environment, _names(a)), _WORKERS),
    Tool("why", "Why one worker counts as changed or not: files, packages, what is live.", Effect.READ,
         lambda way, a: why(way.edge, str(a["worker"]), way.session.environment),
         {"worker": {"type": "string"}}, ("worker",)),
    Tool("deploy", "Deploy what changed to staging: migrations, the workers in parallel, smoke tests.", Effect.WRITE,
         _deploy, _WORKERS, where=_STAGING),
    Tool("smoke", "Examine what is live: version, database, bindings, keys.", Effect.READ,
         lambda way, a: smoke(way.edge, way.session.environment, _names(a)), _WORKERS),
    Tool("check", "Every rule over the fleet's files: what staging shares with production, who calls wrangler without"
         " an environment, secrets in files.", Effect.READ, lambda way, _: check(way.edge), {}, by_files=False),
    Tool("schema_diff", "Compare the structure that the migration files make with this environment's databases.",
         Effect.READ, lambda way, a: schema_diff(way.edge, _names(a), way.session.environment), _WORKERS),
    Tool("logs", "Listen to one worker for some seconds: what it logs and throws. Call the worker meanwhile.",
         Effect.READ, logs,
         {"worker": {"type": "string"},
          "seconds": {"type": "number", "minimum": 1, "maximum": LONGEST, "description": "10 without it."}},
         ("worker",), by_files=False),
    Tool("history", "Who deployed what, and when.", Effect.READ,
         lambda way, a: history(way.edge, way.session.environment, _names(a)), _WORKERS),
    Tool("query_staging", f"One SELECT on a staging database; at most {MOST_ROWS} rows.", Effect.READ, _query,
         {"database": {"type": "string", "description": "worker.BINDING, such as context.DB"},
          "sql": {"type": "string"},
          "parameters": {"type": "array", "description": "Values for ? in the statement."},
          "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS}},
         ("database", "sql"), where=_STAGING, by_files=False),
    Tool("request_promotion", "Ask a person to promote what staging runs; says whether it could be.", Effect.READ,
         _request_promotion, {"reason": {"type": "string"}}, where=_STAGING, by_files=False),
)  # fmt: skip


def serving(environment: Environment) -> dict[str, Tool]:
    return {tool.name: tool for tool in TOOLS if environment in tool.where}
