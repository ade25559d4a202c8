"""A fleet of two small Workers on a local Cloudflare, and `cattlegrid` typed as a person types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from ran import Ran
from repositories import ENVIRON, Clone, empty

COMMAND = (sys.executable, "-m", "cattlegrid")
KEYS = {"staging": "key-of-staging-7c1e0d", "production": "key-of-production-93ab44"}
MIGRATIONS = {
    "0001_things.sql": "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n",
    "0002_colour.sql": "ALTER TABLE things ADD COLUMN colour TEXT;\n",
}


@dataclass(frozen=True)
class Cloud:
    """The local Cloudflare, over plain HTTP."""

    base_url: str
    router_port: int
    account: str
    token: str
    http: httpx2.Client

    def result(self, method: str, path: str, **more: Any) -> Any:
        own = path.startswith(("/local", "/user"))
        url = self.base_url + (path if own else f"/accounts/{self.account}{path}")
        answer = self.http.request(method, url, headers={"Authorization": f"Bearer {self.token}"}, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["result"]

    def arm(self, kind: str, **more: Any) -> str:
        return str(self.result("POST", "/local/faults", json={"kind": kind, **more})["id"])

    def fault(self, identifier: str) -> dict[str, Any]:
        armed: list[dict[str, Any]] = self.result("GET", "/local/faults")
        return next(one for one in armed if one["id"] == identifier)

    def disarm(self) -> None:
        self.result("DELETE", "/local/faults")

    def fetch(self, script: str, path: str, key: str = "", **more: Any) -> httpx2.Response:
        headers = {"Host": f"{script}.local.localhost", **({"Authorization": f"Bearer {key}"} if key else {})}
        return self.http.get(f"http://127.0.0.1:{self.router_port}{path}", headers=headers, **more)


@dataclass
class Standing:
    """`script(worker, environment)` is a Worker's name on the account; names are unique for each fleet."""

    cloud: Cloud
    clone: Clone
    mark: str
    environ: dict[str, str]
    said: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.clone.root

    def script(self, worker: str, environment: str = "staging") -> str:
        return f"{self.mark}-{worker}" + ("-staging" if environment == "staging" else "")

    def run(self, *words: str, **environ: str) -> Ran:
        done = subprocess.run(
            [*COMMAND, *words],
            cwd=self.root,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=150,
            check=False,
        )
        self.said += [done.stdout, done.stderr]
        return Ran(done.returncode, done.stdout, done.stderr)

    def done(self, *words: str) -> Ran:
        """Must end with 0."""
        ran = self.run(*words)
        assert ran.code == 0, f"cattlegrid {' '.join(words)} ended with {ran.code}:\n{ran.said}"
        return ran

    def promote(self, *words: str) -> Ran:
        """As a script does: look, then name the release."""
        release = json.loads(self.run("promote", "--dry-run", "--json", *words).out)["plan"]["release"]
        return self.run("promote", "--release", release, *words)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *words],
            cwd=self.root,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kill_at_call(self, number: int, *words: str) -> bool:
        """Run it until its `number`th call of the API is under way, and kill it there (its children live on).

        False when it ended before it made so many calls.
        """
        fault = self.cloud.arm("delay", skip=number, seconds=2.0)
        program = self.start(*words)
        try:
            while program.poll() is None and not self.cloud.fault(fault)["hit"]:
                time.sleep(0.01)
            hit = program.poll() is None
            program.send_signal(signal.SIGKILL)
            self.said.append(program.communicate()[0])
        finally:
            self.cloud.disarm()
        return hit

    def calls_of(self, work: Callable[[], object]) -> int:
        """How many calls of the API the work makes."""
        counter = self.cloud.arm("delay", skip=1_000_000)
        work()
        seen: int = self.cloud.fault(counter)["seen"]
        self.cloud.disarm()
        return seen

    def live(self, worker: str, environment: str = "staging") -> list[tuple[str, float]]:
        """(version, percentage) of the newest deployment; empty when it was never deployed."""
        path = f"/workers/scripts/{self.script(worker, environment)}/deployments"
        answer = self.cloud.http.get(
            f"{self.cloud.base_url}/accounts/{self.cloud.account}{path}",
            headers={"Authorization": f"Bearer {self.cloud.token}"},
        )
        if answer.status_code == 404:
            return []
        deployments = answer.json()["result"]["deployments"]
        return [(one["version_id"], one["percentage"]) for one in deployments[0]["versions"]] if deployments else []

    def message(self, worker: str, environment: str = "staging") -> str:
        """The message of the version that has all the traffic."""
        [(version, percentage)] = self.live(worker, environment)
        assert percentage == 100
        script = self.script(worker, environment)
        return str(
            self.cloud.result("GET", f"/workers/scripts/{script}/versions/{version}")["annotations"]["workers/message"]
        )

    def word(self, worker: str, environment: str = "staging") -> str:
        """What the Worker's page says."""
        return self.cloud.fetch(self.script(worker, environment), "/word", KEYS[environment]).text

    def change(self, worker: str, word: str) -> str:
        """Have the Worker say something else; the commit."""
        return self.clone.commit({f"workers/{worker}/src/word.js": f'export default "{word}";\n'}, f"{worker}: {word}")

    def database(self, worker: str, environment: str = "staging") -> str:
        """The database's id."""
        listed = self.cloud.result("GET", f"/d1/database?name={self.script(worker, environment)}")
        return next(one["uuid"] for one in listed if one["name"] == self.script(worker, environment))

    def rows(self, sql: str, worker: str = "alpha", environment: str = "staging") -> list[dict[str, Any]]:
        path = f"/d1/database/{self.database(worker, environment)}/query"
        found: list[dict[str, Any]] = self.cloud.result("POST", path, json={"sql": sql})[0]["results"]
        return found


def stand(cloud: Cloud, root: Path, cache: Mapping[str, str], workers: tuple[str, ...] = ("alpha", "beta")) -> Standing:
    """Lay the fleet out, provisioned and committed, with nothing deployed."""
    mark = f"s{uuid.uuid4().hex[:7]}"
    clone = empty(root)
    standing = Standing(cloud, clone, mark, _environ(cloud, cache))
    files = {"cattlegrid.toml": _settings(workers), ".gitignore": "secrets/\n.wrangler/\n.cattlegrid/\n"}
    for worker in workers:
        ids = {
            environment: cloud.result("POST", "/d1/database", json={"name": standing.script(worker, environment)})[
                "uuid"
            ]
            for environment in KEYS
        }
        folder = f"workers/{worker}"
        files[f"{folder}/wrangler.jsonc"] = json.dumps(_config(standing, worker, ids), indent=2)
        files[f"{folder}/src/index.js"] = _INDEX.replace("WORKER", worker)
        files[f"{folder}/src/word.js"] = 'export default "first";\n'
        files |= {f"{folder}/migrations/{name}": sql for name, sql in MIGRATIONS.items()}
    clone.commit(files, "first")
    for environment, key in KEYS.items():
        secrets = root / "secrets" / f"{environment}.env"
        secrets.parent.mkdir(exist_ok=True)
        secrets.touch(0o600)
        secrets.write_text(f"KEY={key}\n")
    return standing


def _new_database(cloud: Cloud, name: str) -> str:
    return str(cloud.result("POST", "/d1/database", json={"name": name})["uuid"])


def _environ(cloud: Cloud, cache: Mapping[str, str]) -> dict[str, str]:
    carried = {name: os.environ[name] for name in ("PATH", "TMPDIR", "COVERAGE_PROCESS_START") if name in os.environ}
    return {
        **ENVIRON,
        **carried,
        **cache,
        "CLOUDFLARE_API_BASE_URL": cloud.base_url,
        "CLOUDFLARE_API_TOKEN": cloud.token,
        "CLOUDFLARE_ACCOUNT_ID": cloud.account,
        "CI": "1",
        "NO_COLOR": "1",
        "USER": "ann",
    }


def _settings(workers: tuple[str, ...]) -> str:
    own = "".join(
        f'\n[workers.{worker}]\nprobe = "/probe/database"\nsecrets = ["KEY"]\nauth.secret = "KEY"\n'
        'smoke = [{ get = "/word", auth = "KEY" }, { get = "/word", auth = "none", status = 401 }]\n'
        for worker in workers
    )
    return (
        f'[fleet]\nname = "standing"\nworkers = ["workers/*"]\n\n[secrets]\nstore = "dotenv"\nisolated = ["KEY"]\n{own}'
    )


def _config(standing: Standing, worker: str, ids: Mapping[str, str]) -> dict[str, object]:
    def block(environment: str) -> dict[str, object]:
        database = {
            "binding": "DB",
            "database_name": standing.script(worker, environment),
            "database_id": ids[environment],
            "migrations_dir": "migrations",
        }
        services = [{"binding": "ALPHA", "service": standing.script("alpha", environment)}]
        return {
            "name": standing.script(worker, environment),
            "vars": {"ENVIRONMENT": environment},
            "version_metadata": {"binding": "VERSION"},
            "d1_databases": [database],
            **({"services": services} if worker == "beta" else {}),
        }

    return {
        "main": "src/index.js",
        "compatibility_date": "2026-11-01",
        "workers_dev": True,
        **block("staging"),
        "env": {"production": block("production")},
    }


_INDEX = """\
import word from "./word.js";

const json = (value, status = 200) => Response.json(value, { status });

async function probe(database) {
  const of = (sql, column) => database.prepare(sql).first(column);
  try {
    const environment = await of("SELECT value FROM _cattlegrid WHERE name = 'environment'", "value");
    const migration = await of("SELECT name FROM d1_migrations ORDER BY id DESC LIMIT 1", "name");
    return json({ database: "ok", databases: { DB: { environment, migration } } });
  } catch (error) {
    return json({ database: "error", error: error.message }, 503);
  }
}

export default {
  fetch(request, env) {
    const path = new URL(request.url).pathname;
    if (path === "/health")
      return json({ status: "ok", worker: "WORKER", environment: env.ENVIRONMENT, version: env.VERSION });
    if (request.headers.get("authorization") !== `Bearer ${env.KEY}`) return json({ error: "no" }, 401);
    if (path === "/probe/database") return probe(env.DB);
    if (path === "/word") return new Response(word);
    return json({ error: "nothing here" }, 404);
  },
};
"""
