"""The README's tour, typed: two Workers with one environment, live and with data, get a staging; production stays.

After every command that the page shows, production's deployments and rows are looked at past everything of ours, until
the explicit door is opened.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain
from repositories import ENVIRON, Clone, empty
from sessions import play, shell

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # some twenty commands in one go, on a busy machine
README = Path(__file__).parents[2] / "README.md"
DOOR = "npm run --silent deploy:prod"

SHOP = """\
name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
vars = { ENVIRONMENT = "production" }
services = [{ binding = "MAIL", service = "mail" }]

[triggers]
crons = ["0 6 * * *"]     # the daily letter

[version_metadata]
binding = "VERSION"

# who has ordered
[[d1_databases]]
binding = "DB"
database_name = "shop"
database_id = "DATABASE"
"""
MAIL = """\
{
  "name": "mail", // letters
  "main": "index.js",
  "compatibility_date": "2026-11-01",
  "vars": { "ENVIRONMENT": "production" },
  "version_metadata": { "binding": "VERSION" },
  "kv_namespaces": [{ "binding": "SENT", "id": "NAMESPACE" }]
}
"""
HEALTH = "const health = (env) => Response.json({ environment: env.ENVIRONMENT, version: env.VERSION });\n"
SHOP_CODE = """\
HEALTH
async function first(env, sql) {
  return (await env.DB.prepare(sql).first())?.value;
}

async function probe(env) {
  const environment = await first(env, "SELECT value FROM _cattlegrid WHERE name = 'environment'");
  const migration = await first(env, "SELECT name AS value FROM d1_migrations ORDER BY id DESC LIMIT 1");
  return Response.json({ databases: { DB: { environment, migration } } });
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return health(env);
    if (pathname === "/probe/database") return probe(env);
    const { results } = await env.DB.prepare("SELECT name FROM people").all();
    const mail = await (await env.MAIL.fetch(request)).text();
    return Response.json({ shop: env.ENVIRONMENT, mail, people: results.map((row) => row.name) });
  },
  scheduled() {},
};
""".replace("HEALTH", HEALTH)
MAIL_CODE = """\
HEALTH
export default {
  fetch: (request, env) => (request.url.endsWith("/health") ? health(env) : new Response(env.ENVIRONMENT)),
};
""".replace("HEALTH", HEALTH)
FILES = {
    "package.json": '{\n  "name": "acme",\n  "private": true,\n  "workspaces": ["workers/*"],\n'
    '  "scripts": { "deploy": "npm run deploy --workspaces" }\n}\n',
    "workers/shop/package.json": '{\n  "name": "shop",\n  "scripts": { "deploy": "wrangler deploy" }\n}\n',
    "workers/mail/package.json": '{\n  "name": "mail",\n  "scripts": { "deploy": "wrangler deploy" }\n}\n',
    "workers/shop/index.js": SHOP_CODE,
    "workers/mail/index.js": MAIL_CODE,
    "workers/shop/migrations/0001_people.sql": "CREATE TABLE people (name TEXT NOT NULL);\n",
    ".gitignore": ".wrangler\nnode_modules\n",
}
ALL_OF_IT = (
    "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '_cf%' ORDER BY name;"
    "SELECT * FROM people; SELECT * FROM d1_migrations"
)
# wrangler as a repository has it installed; of what it says, the lines that name a script.
SHIM = """\
#!/bin/bash
said=$({wrangler} "$@" 2>&1) || {{ echo "$said"; exit 1; }}
echo "$said" | grep -E '^(Uploaded|Deployed)'
"""

# `curl -s URL` where curl may not be installed; like curl it takes *.localhost for this machine.
CURL = """\
#!{python}
import http.client, sys, urllib.parse
url = urllib.parse.urlsplit(sys.argv[2])
asked = http.client.HTTPConnection("127.0.0.1", url.port)
asked.request("GET", url.path, headers={{"Host": url.netloc}})
print(asked.getresponse().read().decode())
"""


@dataclass(frozen=True)
class Place:
    """The repository, and the account past everything of ours."""

    clone: Clone
    environ: dict[str, str]
    port: int
    api: httpx2.Client
    database: str

    def sql(self, text: str) -> list[list[Any]]:
        """The rows of each statement."""
        answers = result(self.api, "POST", f"/d1/database/{self.database}/query", json={"sql": text})
        return [one["results"] for one in answers]

    def production(self) -> tuple[list[Any], ...]:
        """What must not move: the deployments of both scripts, when they run, the tables, the rows, the ledger."""
        live = [
            result(self.api, "GET", f"/workers/scripts/{name}/deployments")["deployments"] for name in ("shop", "mail")
        ]
        schedules = result(self.api, "GET", "/workers/scripts/shop/schedules")["schedules"]
        return live, [one["cron"] for one in schedules], self.sql(ALL_OF_IT)

    def type(self, command: str) -> str:
        return shell(self.clone.root, self.environ)(command)

    def type_for_the_page(self, command: str) -> str:
        """The address that the page shows has this run's port; what differs from run to run is zeros."""
        said = self.type(command.replace("PORT", str(self.port))).replace(str(self.port), "PORT")
        return aligned(in_order(_AGE.sub("0s", _HEX.sub(_zeros, said))))


_HEX = re.compile(r"\b(?:[0-9a-f]{32}|[0-9a-f]{12}(?= )|(?<=version )[0-9a-f]{8}|(?<=[0-9a-f]{12} )[0-9a-f]{8}(?= ))\b")
_AGE = re.compile(r"\b\d+[smh](?=  )")
_OF_A_WORKER = re.compile(r"  […✓] staging (mail|shop)  ")


def _zeros(found: re.Match[str]) -> str:
    return "0" * min(len(found[0]), 12)


def in_order(said: str) -> str:
    """Lines about Workers that are under way at once, one Worker after the other."""
    lines = said.splitlines(keepends=True)
    about = [bool(_OF_A_WORKER.match(line)) for line in lines]
    if True in about:
        first, end = about.index(True), len(about) - about[::-1].index(True)
        lines[first:end] = sorted(lines[first:end], key=lambda line: line.split()[2])
    return "".join(lines)


def aligned(said: str) -> str:
    """The table of `status`, whose columns are as wide as the ages in it were."""
    lines = said.splitlines()
    if not lines or not lines[0].startswith("fleet "):
        return said
    rows = [re.split(r" {2,}", line.strip()) for line in lines[1:4]]
    rows[0] = ["", *rows[0]]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    table = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "".join(f"{line}\n" for line in (lines[0], *table, *lines[4:]))


def result(api: httpx2.Client, method: str, path: str, **more: Any) -> Any:
    answer = api.request(method, path, **more)
    assert answer.is_success, answer.text
    return answer.json()["result"]


@pytest.fixture(scope="module")
def place(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Deployed and with a row, as whoever adopts us has it. An account of its own: the page counts databases."""
    folder = tmp_path_factory.mktemp("tour")
    running = daemon.up(folder / "state", node=node_parts.node, modules=node_parts.modules)
    cloud = daemon.env(folder / "state")
    base = f"{cloud['CLOUDFLARE_API_BASE_URL']}/accounts/{cloud['CLOUDFLARE_ACCOUNT_ID']}"
    headers = {"Authorization": f"Bearer {cloud['CLOUDFLARE_API_TOKEN']}"}
    with httpx2.Client(base_url=base, headers=headers, trust_env=False, timeout=60) as api:
        database = result(api, "POST", "/d1/database", json={"name": "shop"})["uuid"]
        environ = programs(folder, node_parts) | cloud
        one = Place(empty(folder / "acme"), environ, running.router_port, api, database)
        adopted(one)
        yield one
    daemon.reset(folder / "state")


def programs(folder: Path, parts: Toolchain) -> dict[str, str]:
    """An environment in which `cattlegrid`, `npm`, `wrangler` and `curl` are found."""
    npm = f"{parts.node} {parts.node.parents[1] / 'lib/node_modules/npm/bin/npm-cli.js'}"
    (folder / "bin").mkdir()
    (folder / "bin/cattlegrid").symlink_to(Path(sys.executable).with_name("cattlegrid"))
    for name, text in (("wrangler", SHIM), ("npm", '#!/bin/sh\nexec {npm} "$@"\n'), ("curl", CURL)):
        (folder / "bin" / name).write_text(
            text.format(wrangler=" ".join(parts.wrangler), npm=npm, python=sys.executable)
        )
        (folder / "bin" / name).chmod(0o755)
    return {
        **ENVIRON,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "NODE_COMPILE_CACHE": str(folder / "node-compile-cache"),
        **dict.fromkeys(("CI", "NO_COLOR", "NO_UPDATE_NOTIFIER"), "1"),
        "WRANGLER_SEND_METRICS": "false",
    }


def adopted(place: Place) -> None:
    namespace = result(place.api, "POST", "/storage/kv/namespaces", json={"title": "sent"})["id"]
    wrangler = {
        "workers/shop/wrangler.toml": SHOP.replace("DATABASE", place.database),
        "workers/mail/wrangler.jsonc": MAIL.replace("NAMESPACE", namespace),
    }
    place.clone.commit(FILES | wrangler, "Two Workers")
    assert "Uploaded mail" in place.type("cd workers/mail && wrangler deploy")
    place.type("cd workers/shop && wrangler d1 migrations apply DB --remote")
    assert "Uploaded shop" in place.type("cd workers/shop && wrangler deploy")
    place.sql("INSERT INTO people VALUES ('Ann')")


@dataclass(frozen=True)
class Toured:
    """The page, as it is and as it would be; production before, and when the explicit door had been used."""

    page: str
    found: str
    before: tuple[list[Any], ...]
    after: tuple[list[Any], ...]


@pytest.fixture(scope="module")
def toured(place: Place) -> Toured:
    before = place.production()
    after: list[tuple[list[Any], ...]] = []

    def typed(command: str) -> str:
        said = place.type_for_the_page(command)
        if command == DOOR:
            after.append(place.production())
        elif not after:
            assert place.production() == before, command
        return said

    page = README.read_text()
    head, mark, rest = page.partition("## Your own repository\n")
    tour, end, tail = rest.partition("\n## ")
    found = "".join((head, mark, play(tour, place.clone.root, typed), end, tail))
    if os.environ.get("CATTLEGRID_WRITE_PAGES"):
        README.write_text(found)
    return Toured(page, found, before, after[0])


def test_the_tour_prints_what_the_page_says(toured: Toured) -> None:
    assert toured.found == toured.page, "run it with CATTLEGRID_WRITE_PAGES=1 and read the difference"


def test_production_moved_by_its_explicit_door_alone_and_by_nothing_but_a_new_version(toured: Toured) -> None:
    """That it had not moved after any command before is asserted where these were typed."""
    assert toured.after[1:] == toured.before[1:]
    assert [one[1:] for one in toured.after[0]] == toured.before[0]


def test_what_runs_in_staging_is_read_and_not_believed(place: Place, toured: Toured) -> None:
    """Somebody deploys from a file of his own."""
    wrong = SHOP.replace('"shop"', '"shop-staging"', 1).replace("DATABASE", place.database)
    (place.clone.root / "workers/shop/wrong.toml").write_text(wrong.replace("ENVIRONMENT =", "OTHER ="))
    assert "Uploaded shop-staging" in place.type("cd workers/shop && wrangler deploy --config wrong.toml")
    said = place.type("cattlegrid check --live")
    for line in (
        f"C701 shop runs in staging with DB bound to D1 database {place.database}, production's in workers/shop/",
        "C701 shop runs in staging with MAIL bound to Worker mail, production's in workers/mail/wrangler.jsonc",
        "C702 shop runs in staging with the variable OTHER, which the file does not have",
        "C702 shop runs in staging without the variable ENVIRONMENT, which the file has",
    ):
        assert line in said


def test_status_names_what_no_file_names_any_more_and_deletes_nothing(place: Place, toured: Toured) -> None:
    made = [
        result(place.api, "POST", path, json=body)
        for path, body in (
            ("/d1/database", {"name": "attic-staging"}),
            ("/d1/database", {"name": "theirs-staging"}),
            ("/storage/kv/namespaces", {"title": "shop-staging-cache"}),
            ("/r2/buckets", {"name": "mail-staging-files"}),
            ("/queues", {"queue_name": "shop-staging-jobs"}),
            ("/queues", {"queue_name": "shopping"}),
        )
    ]
    marker = (
        "CREATE TABLE _cattlegrid (name TEXT, value TEXT); INSERT INTO _cattlegrid VALUES ('environment', 'staging')"
    )
    result(place.api, "POST", f"/d1/database/{made[0]['uuid']}/query", json={"sql": marker})
    said = place.type("cattlegrid status")
    named = "(called after shop-staging): KV namespace shop-staging-cache, queue shop-staging-jobs\n"
    assert f"staging named by no wrangler file, left as it is {named}" in said
    assert "(called after mail-staging): R2 bucket mail-staging-files\n" in said
    assert "(its marker says staging: of another fleet, or left behind): D1 database attic-staging\n" in said
    assert "theirs-staging" not in said
    assert "shopping" not in said
