"""A fleet of one or two Workers on the local Cloudflare, as the tests of provision, migrate and schema hold it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from cattlegrid.cloudflare import d1
from cattlegrid.cloudflare.client import Client
from cattlegrid.local import daemon
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account, Database
from cattlegrid.release.target import deployables
from cattlegrid.settings import load
from cattlegrid.toolchain import Toolchain
from cattlegrid.verbs.edge import Edge
from repositories import ENVIRON, Clone, empty

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);\n"
LOG = (
    "CREATE TABLE log (id INTEGER, what TEXT DEFAULT 'a;b');\n"
    "CREATE TRIGGER noted AFTER INSERT ON notes BEGIN INSERT INTO log VALUES (new.id, 'new;'); SELECT 1; END;\n-- end\n"
)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Grid:
    """`word` makes this test's names unique in the account. `state` is the local Cloudflare's folder."""

    clone: Clone
    word: str
    state: Path
    environ: Mapping[str, str]
    client: Client = field(repr=False)
    parts: Toolchain = field(repr=False)

    @property
    def root(self) -> Path:
        return self.clone.root

    @property
    def edge(self) -> Edge:
        return Edge(self.root, self.environ)

    def worker(self, name: str = "context", config: str = "", **migrations: str) -> None:
        """A worker with a D1 binding in both environments and no ids; `config` instead of the usual file."""
        self.clone.write(
            {
                f"workers/{name}/wrangler.toml": config.replace("WORD", self.word) or self.config(name),
                f"workers/{name}/index.js": "export default { fetch: () => new Response('hello') };\n",
                f"workers/{name}/migrations/.keep": "",
            }
            | {f"workers/{name}/migrations/{file}.sql": text for file, text in migrations.items()}
        )

    def config(self, name: str) -> str:
        binding = '[[{0}d1_databases]]\nbinding = "DB"\ndatabase_name = "{1}"\nmigrations_dir = "migrations"\n'
        script = f"{name}-{self.word}"
        return (
            f'name = "{script}-staging"\nmain = "index.js"\ncompatibility_date = "2026-01-01"\n'
            + binding.format("", f"{script}-staging")
            + f'[env.production]\nname = "{script}"\n'
            + binding.format("env.production.", script)
        )

    def write(self, **migrations: str) -> None:
        """Migration files of the worker `context`."""
        self.clone.write({f"workers/context/migrations/{name}.sql": text for name, text in migrations.items()})

    def file(self, name: str = "context") -> Path:
        return self.root / "workers" / name / "wrangler.toml"

    def database(self, environment: Environment = Environment.STAGING, worker: str = "context") -> Database:
        return deployables(load(self.root), environment)[worker].databases[0]

    def sql(self, text: str, environment: Environment = Environment.STAGING) -> list[tuple[Any, ...]]:
        """The rows of the last statement, as D1 has them."""
        results = d1.write(self.client, self.database(environment).id, text)
        rows: Any = results[-1]["results"]
        return [tuple(row.values()) for row in rows]

    def ledger(self, environment: Environment = Environment.STAGING) -> list[str]:
        return [str(name) for (name,) in self.sql("SELECT name FROM d1_migrations ORDER BY id", environment)]

    def fault(self, kind: str, method: str = "*", route: str = "*", **more: Any) -> None:
        daemon.arm(self.state, {"kind": kind, "method": method, "route": route, **more})

    def limits(self, **limits: int) -> None:
        """D1's limits; without any, Cloudflare's own again."""
        env = daemon.env(self.state)
        headers = {"Authorization": f"Bearer {env['CLOUDFLARE_API_TOKEN']}"}
        url = f"{env['CLOUDFLARE_API_BASE_URL']}/local/limits/d1"
        self.client.http.put(url, json=limits, headers=headers).raise_for_status()

    def killed_at_write(self, skip: int, *words: str) -> bool:
        """Start `cattlegrid …` and kill it during its POST number `skip`+1; False when it ended before that."""
        daemon.arm(self.state, {"kind": "delay", "method": "POST", "skip": skip, "seconds": 0.4})
        program = subprocess.Popen(
            [str(Path(sys.executable).with_name("cattlegrid")), *words],
            cwd=self.root, env=dict(self.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while program.poll() is None and not any(one["hit"] for one in daemon.armed(self.state)):
            time.sleep(0.01)
        killed = program.poll() is None
        program.kill()
        program.wait()
        daemon.disarm(self.state)
        return killed

    def run(self, *words: str, input: str = "") -> Ran:
        """`cattlegrid …` as a person types it."""
        ran = subprocess.run(
            [str(Path(sys.executable).with_name("cattlegrid")), *words],
            cwd=self.root, env=dict(self.environ), input=input, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json").out)

    def wrangler(self, *words: str) -> str:
        """The real wrangler in the folder of the worker `context`; a failure fails the test."""
        ran = subprocess.run(
            [*self.parts.wrangler, *words],
            cwd=self.file().parent, env={**self.environ, "WRANGLER_SEND_METRICS": "false", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


def make(root: Path, state: Path, parts: Toolchain, client: Client) -> Grid:
    clone = empty(root)
    clone.commit({"cattlegrid.toml": '[fleet]\nname = "crane"\nworkers = ["workers/*"]\n'}, "first")
    environ = {**ENVIRON, **daemon.env(state), "CI": "1", "HOME": str(root), "PATH": os.environ["PATH"]}
    environ |= {name: os.environ[name] for name in ("XDG_CACHE_HOME",) if name in os.environ}
    return Grid(clone, uuid.uuid4().hex[:6], state, environ, client, parts)


def running(parts: Toolchain, state: Path) -> Iterator[Path]:
    """A local Cloudflare while it is used. These tests make more than 1,200 calls in five minutes."""
    cloud = daemon.up(state, node=parts.node, modules=parts.modules)
    headers = {"Authorization": f"Bearer {daemon.env(state)['CLOUDFLARE_API_TOKEN']}"}
    with httpx2.Client(trust_env=False, headers=headers, timeout=60) as client:
        client.put(f"{cloud.base_url}/local/rate-limit", json={"calls": 100_000}).raise_for_status()
    yield state
    daemon.reset(state)


def account(state: Path) -> Account:
    env = daemon.env(state)
    return Account(env["CLOUDFLARE_API_BASE_URL"], env["CLOUDFLARE_ACCOUNT_ID"], Secret(env["CLOUDFLARE_API_TOKEN"]))
