"""`cattlegrid check` and `split --check` on 1 and on 200 Workers, and what asking wrangler about one Worker takes."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import Series, interleaved, run
from programs import Programs
from results import Goal, Result, rows

TITLE = "check"
MANY = 200
OURS = f"cattlegrid check, {MANY} Workers"


def bench(programs: Programs, *, quick: bool) -> Result:
    with tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as folder:
        one, many = fleet(Path(folder) / "one", 1), fleet(Path(folder) / "many", MANY)

        def of(cwd: Path, *argv: str) -> Callable[[], float]:
            return lambda: run(argv, cwd=cwd, env=programs.environ).seconds

        contenders = {
            OURS: of(many, programs.cattlegrid, "check"),
            f"cattlegrid split --check, {MANY} Workers": of(many, programs.cattlegrid, "split", "--check"),
            "cattlegrid check, 1 Worker": of(one, programs.cattlegrid, "check"),
            "cattlegrid split --check, 1 Worker": of(one, programs.cattlegrid, "split", "--check"),
            "wrangler deploy --dry-run, 1 Worker": of(
                one / "workers/w0", *programs.parts.wrangler, "deploy", "--dry-run", "--env", "production"
            ),
        }
        for contender in contenders.values():
            contender()  # one round that does not count: files into memory
        found = interleaved(contenders, rounds=1 if quick else 11)
    return Result(TITLE, _SETTING, rows(found, OURS), _goals(found[OURS]))


def fleet(root: Path, workers: int) -> Path:
    """Split Workers, half of them in TOML and half in JSON, each bound to the next, with scripts; committed."""
    for number in range(workers):
        folder = root / f"workers/w{number}"
        folder.mkdir(parents=True)
        after = f"w{(number + 1) % workers}"
        config: dict[str, object] = {"main": "index.js", "compatibility_date": "2026-11-01"}
        config |= _environment(number, "staging", f"{after}-staging")
        config["env"] = {"production": _environment(number, "production", after)}
        if number % 2:
            (folder / "wrangler.toml").write_text(_toml(config))
        else:
            (folder / "wrangler.jsonc").write_text("// staging is the default\n" + json.dumps(config, indent=2))
        scripts = {"deploy": "wrangler deploy", "deploy:prod": "wrangler deploy --env production"}
        (folder / "package.json").write_text(json.dumps({"scripts": scripts}, indent=2))
        (folder / "index.js").write_text("export default { fetch: () => new Response('') };\n")
    (root / "cattlegrid.toml").write_text('[fleet]\nname = "many"\nworkers = ["workers/*"]\n')
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for words in (["init", "-q"], ["add", "--all"], [*identity, "commit", "-q", "-m", "fleet"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


def _environment(number: int, environment: str, service: str) -> dict[str, object]:
    name = f"w{number}" if environment == "production" else f"w{number}-{environment}"
    return {
        "name": name,
        "vars": {"ENVIRONMENT": environment, "API": f"https://{environment}.example.com", "LIMIT": "10"},
        "d1_databases": [{"binding": "DB", "database_name": name, "database_id": f"{environment}-{number}"}],
        "kv_namespaces": [{"binding": "KV", "id": f"kv-{environment}-{number}"}],
        "services": [{"binding": "NEXT", "service": service}],
    }


def _toml(config: dict[str, object], path: str = "") -> str:
    """Statements first, then sections: what a person would write."""
    lines, sections = [], []
    for key, value in config.items():
        if isinstance(value, dict):
            inner = _toml(value, f"{path}{key}.")
            sections.append(inner if key == "env" else f"[{path}{key}]\n{inner}")
        elif isinstance(value, list):
            sections += [f"[[{path}{key}]]\n{_toml(item, f'{path}{key}.')}" for item in value]
        else:
            lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join([*lines, "", *sections])


def _goals(ours: Series) -> tuple[Goal, ...]:
    missed = "Reading 200 files and asking git for the callers takes longer than allowed."
    return (Goal(f"`cattlegrid check` of {MANY} Workers ≤ 0.5 s", ours.median, 0.5, "s", missed),)


_SETTING = """
Two repositories in order: one Worker, and 200, half in TOML and half in JSON, each with two environments, three kinds
of bindings and npm scripts. Whole programs, warm files. wrangler's dry run of one Worker bundles one line of code.
"""
