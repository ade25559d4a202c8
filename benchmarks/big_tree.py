"""A repository of many Workers, the same at every run: what change detection is measured on.

Each Worker is an npm workspace that depends on one shared package of its team. The second commit changes one file of
one Worker and one of one shared package; `Tree.changed` are the Workers that this touches.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import ProgramFailed

WHEN = 1_760_000_000


@dataclass(frozen=True)
class Tree:
    root: Path
    workers: int
    files: int
    changed: frozenset[str]


def build(root: Path, *, workers: int, files: int, teams: int) -> Tree:
    """Write the repository, two commits of it, and check it out. `files` is how many the last commit holds, at least
    sixty for each team and ten for each Worker.
    """
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    plan = dict(_tree(workers, files, teams))
    edited = {f"workers/{worker(7)}/src/part-001.ts", f"packages/{team(3 % teams)}/src/part-001.ts"}
    _import(root, plan, {path: plan[path] + b"export const changed = true;\n" for path in sorted(edited)})
    for command in (["checkout", "-q", "main"], ["config", "gc.auto", "0"], ["status", "--short"]):
        subprocess.run(["git", "-C", str(root), *command], check=True, stdout=subprocess.DEVNULL)
    by_team = {worker(number) for number in range(workers) if number % teams == 3 % teams}
    return Tree(root, workers, len(plan), frozenset({worker(7), *by_team}))


def worker(number: int) -> str:
    return f"worker-{number:04}"


def team(number: int) -> str:
    return f"team-{number:02}"


def _tree(workers: int, files: int, teams: int) -> Iterator[tuple[str, bytes]]:
    yield from _root(workers, teams)
    of_teams = teams * 60
    for number in range(teams):
        yield from _package(f"packages/{team(number)}", f"@bench/{team(number)}", {}, 60)
    left = files - of_teams - len(dict(_root(0, 0)))
    for number in range(workers):
        share = left // workers + (1 if number < left % workers else 0)
        folder = f"workers/{worker(number)}"
        yield f"{folder}/wrangler.jsonc", _json(_wrangler(worker(number)))
        yield from _package(folder, worker(number), {f"@bench/{team(number % teams)}": "1.0.0"}, share - 1)


def _package(folder: str, name: str, dependencies: dict[str, str], files: int) -> Iterator[tuple[str, bytes]]:
    scripts = {"build": "wrangler deploy --dry-run --outdir dist"}
    package = {"name": name, "version": "1.0.0", "private": True, "type": "module", "main": "src/index.ts"}
    yield f"{folder}/package.json", _json({**package, "scripts": scripts, "dependencies": dependencies})
    yield f"{folder}/tsconfig.json", _json({"extends": "../../tsconfig.json", "include": ["src"]})
    for number in range(files - 2):
        name_of_file = "index" if number == 0 else f"part-{number:03}"
        yield f"{folder}/src/{name_of_file}.ts", _source(name, number)


def _source(name: str, number: int) -> bytes:
    line = f"export const value{number} = (text: string) => `{name} ${{text}} {number}`;\n"
    return (f"// Part {number} of {name}.\n" + line * (2 + number % 9)).encode()


def _root(workers: int, teams: int) -> Iterator[tuple[str, bytes]]:
    compiler = {"strict": True, "module": "esnext", "target": "es2022", "moduleResolution": "bundler"}
    package = {
        "name": "bench",
        "private": True,
        "packageManager": "npm@11.6.0",
        "workspaces": ["workers/*", "packages/*"],
    }
    yield ".gitignore", b"node_modules\n.turbo\n.nx\ndist\n"
    yield "package.json", _json(package)
    yield "package-lock.json", _json(_lock(workers, teams))
    yield "tsconfig.json", _json({"compilerOptions": compiler})
    yield "turbo.json", _json({"tasks": {"build": {"dependsOn": ["^build"], "outputs": ["dist/**"]}}})
    yield "nx.json", _json({"targetDefaults": {"build": {"dependsOn": ["^build"], "cache": True}}, "analytics": False})
    yield "cattlegrid.toml", b'[fleet]\nname = "bench"\nworkers = ["workers/*"]\nshared = ["tsconfig.json"]\n'


def _wrangler(name: str) -> dict[str, object]:
    return {
        "name": f"{name}-staging",
        "main": "src/index.ts",
        "compatibility_date": "2026-11-01",
        "vars": {"ENVIRONMENT": "staging"},
        "env": {"production": {"name": name, "vars": {"ENVIRONMENT": "production"}}},
    }


def _lock(workers: int, teams: int) -> dict[str, object]:
    packages: dict[str, object] = {"": {"name": "bench", "workspaces": ["workers/*", "packages/*"]}}
    for number in range(teams):
        name, folder = f"@bench/{team(number)}", f"packages/{team(number)}"
        packages[folder] = {"name": name, "version": "1.0.0"}
        packages[f"node_modules/{name}"] = {"resolved": folder, "link": True}
    for number in range(workers):
        name, folder = worker(number), f"workers/{worker(number)}"
        packages[folder] = {"version": "1.0.0", "dependencies": {f"@bench/{team(number % teams)}": "1.0.0"}}
        packages[f"node_modules/{name}"] = {"resolved": folder, "link": True}
    return {"name": "bench", "lockfileVersion": 3, "requires": True, "packages": packages}


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def _import(root: Path, first: dict[str, bytes], second: dict[str, bytes]) -> None:
    """Both commits through one `git fast-import`: one pack, as a clone would have."""
    argv = ["git", "-C", str(root), "fast-import", "--quiet"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as git:
        if git.stdin is None:
            raise ProgramFailed("git fast-import takes no input")
        for number, files in enumerate((first, second)):
            git.stdin.write(_commit(number, files))
    if git.returncode != 0:
        raise ProgramFailed(f"git fast-import ended with {git.returncode}")


def _commit(number: int, files: dict[str, bytes]) -> bytes:
    who = f"committer bench <bench@example.invalid> {WHEN + number} +0000"
    head = f"commit refs/heads/main\n{who}\ndata 6\ncommit\n"
    parts = [b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(raw), raw) for path, raw in files.items()]
    return head.encode() + b"".join(parts) + b"\n"
