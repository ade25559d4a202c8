"""A fleet of small Workers in TypeScript, as wrangler deploys them, in a git repository of its own."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from local_cloud import Cloud
from measure import run
from programs import Programs

MODULES = 30


@dataclass(frozen=True)
class Fleet:
    root: Path
    workers: tuple[str, ...]

    def folder(self, worker: str) -> Path:
        return self.root / "workers" / worker

    def edit(self, workers: tuple[str, ...], mark: str) -> None:
        """Change what these Workers answer, and commit it."""
        for worker in workers:
            (self.folder(worker) / "src" / "mark.ts").write_text(f'export const mark = "{mark}";\n')
        self.commit(mark)

    def commit(self, message: str) -> None:
        for command in (["add", "--all"], ["commit", "-q", "--allow-empty", "-m", message]):
            subprocess.run(["git", "-C", str(self.root), *_WHO, *command], check=True)


def write(root: Path, name: str, count: int) -> Fleet:
    """`count` Workers named `<name>-00`, …: each of thirty modules, with its version's metadata and `/health`."""
    fleet = Fleet(root, tuple(f"{name}-{number:02}" for number in range(count)))
    for worker in fleet.workers:
        folder = fleet.folder(worker)
        (folder / "src").mkdir(parents=True)
        (folder / "wrangler.jsonc").write_text(json.dumps(_config(worker), indent=2))
        for number in range(MODULES):
            (folder / "src" / f"part{number:02}.ts").write_text(_part(number))
        (folder / "src" / "mark.ts").write_text('export const mark = "first";\n')
        (folder / "src" / "index.ts").write_text(_index(worker))
    (root / "cattlegrid.toml").write_text(_SETTINGS.replace("NAME", name))
    (root / ".gitignore").write_text("node_modules\n.wrangler\n.cattlegrid\nsecrets\n")
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    fleet.commit("first")
    return fleet


def promote(programs: Programs, cloud: Cloud, fleet: Fleet) -> float:
    """Promote what staging runs, as a script does: look, then name the release. Seconds of the second alone.

    What wrangler deployed to production beside it is drift, and is meant to be replaced.
    """
    promote = (programs.cattlegrid, "promote", "--replace-drift", "--release", release(programs, cloud, fleet))
    return run(promote, cwd=fleet.root, env=cloud.environ).seconds


def release(programs: Programs, cloud: Cloud, fleet: Fleet) -> str:
    """The name of what staging runs, as a dry run shows it."""
    dry_run = (programs.cattlegrid, "promote", "--replace-drift", "--dry-run", "--json")
    return str(json.loads(run(dry_run, cwd=fleet.root, env=cloud.environ).out)["plan"]["release"])


def _config(worker: str) -> dict[str, object]:
    """Staging at the top level, production as its environment; bindings are not inherited and stand in both."""

    def of(environment: str) -> dict[str, object]:
        return {"vars": {"ENVIRONMENT": environment}, "version_metadata": {"binding": "VERSION"}}

    return {
        "name": f"{worker}-staging",
        "main": "src/index.ts",
        "compatibility_date": "2026-11-01",
        "workers_dev": True,
        **of("staging"),
        "env": {"production": {"name": worker, **of("production")}},
    }


def _part(number: int) -> str:
    lines = [f"export function work{number}(text: string): string {{"]
    lines += [
        f"  if (text.length === {length}) return `${{text}} of part {number} is {length} long`;" for length in range(40)
    ]
    return "\n".join([*lines, f"  return `part {number}: ${{text}}`;", "}", ""])


def _index(worker: str) -> str:
    imports = "\n".join(f'import {{ work{number} }} from "./part{number:02}";' for number in range(MODULES))
    calls = ", ".join(f"work{number}" for number in range(MODULES))
    return _INDEX.replace("IMPORTS", imports).replace("CALLS", calls).replace("WORKER", worker)


_INDEX = """\
IMPORTS
import { mark } from "./mark";

interface Env { ENVIRONMENT: string; VERSION: { id: string; tag: string; timestamp: string } }

const works = [CALLS];

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const path = new URL(request.url).pathname;
    if (path === "/health")
      return Response.json({ status: "ok", worker: "WORKER", environment: env.ENVIRONMENT, version: env.VERSION });
    if (path === "/mark") return new Response(mark);
    return new Response(works.map((work) => work(path)).join("\\n"));
  },
};
"""

_SETTINGS = """\
[fleet]
name = "NAME"
workers = ["workers/*"]
"""

_WHO = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid", "-c", "commit.gpgsign=false"]
