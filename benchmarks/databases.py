"""A fleet of one Worker with a database, on a local Cloudflare of its own, for the benchmarks of migrate and schema."""

from __future__ import annotations

import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_cloud import local
from programs import Programs

from cattlegrid.cloudflare import d1, resources
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.resources import Kind, Traits
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account

_WRANGLER = """\
name = "{name}-staging"
main = "index.js"
compatibility_date = "2026-01-01"
d1_databases = [
  {{ binding = "DB", database_name = "{name}-staging", database_id = "{staging}", migrations_dir = "migrations" }}
]
[env.production]
name = "{name}"
d1_databases = [
  {{ binding = "DB", database_name = "{name}", database_id = "{production}", migrations_dir = "migrations" }}
]
"""


@dataclass(frozen=True)
class Bench:
    """`environ` reaches the local Cloudflare; `worker` is the folder in which wrangler is run."""

    root: Path
    environ: Mapping[str, str]
    client: Client

    @property
    def worker(self) -> Path:
        return self.root / "workers" / "notes"

    def migrations(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.worker / "migrations" / name).write_text(text)

    def fresh(self, sql: str = "") -> str:
        """Two new databases, their ids in the wrangler file; `sql` runs in both. The id of staging's."""
        name = f"bench-{uuid.uuid4().hex[:8]}"
        ids = {}
        for environment, title in (("staging", f"{name}-staging"), ("production", name)):
            ids[environment] = resources.create(self.client, Kind.D1, title, Traits()).id
            if sql:
                d1.write(self.client, ids[environment], sql)
        (self.worker / "wrangler.toml").write_text(_WRANGLER.format(name=name, **ids))
        return ids["staging"]


@contextmanager
def started(programs: Programs) -> Iterator[Bench]:
    with (
        tempfile.TemporaryDirectory(prefix="cattlegrid-bench-") as folder,
        local(programs, Path(folder) / "cloud") as cloud,
    ):
        root, env = Path(folder) / "fleet", cloud.environ
        account = Account(
            env["CLOUDFLARE_API_BASE_URL"], env["CLOUDFLARE_ACCOUNT_ID"], Secret(env["CLOUDFLARE_API_TOKEN"])
        )
        (root / "workers/notes/migrations").mkdir(parents=True)
        (root / "cattlegrid.toml").write_text('[fleet]\nname = "bench"\nworkers = ["workers/*"]\n')
        (root / "workers/notes/index.js").write_text("export default { fetch: () => new Response('') };\n")
        subprocess.run(["git", "init", "-q", str(root)], check=True)
        with Client(account) as client:
            yield Bench(root, env, client)
