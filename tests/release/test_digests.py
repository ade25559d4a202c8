from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cattlegrid.model.fleet import WorkerSettings
from cattlegrid.model.target import Database, Deployable
from cattlegrid.model.version import Module
from cattlegrid.release import digests

MAIN = Module("index.js", "application/javascript+module", b"export default {};\n")
TEXT = Module("abc-query.sql", "text/plain", b"select 1;\n")
WORKER = WorkerSettings("context", "workers/context", "workers/context/wrangler.toml", secrets=("A_KEY",))


def deployable(config: dict[str, object], *databases: Database, worker: WorkerSettings = WORKER) -> Deployable:
    return Deployable(worker, "context-staging", config, databases, Path("/anywhere"))


def test_code_depends_on_names_and_bytes_and_not_on_order_or_content_types() -> None:
    one = digests.code([MAIN, TEXT])
    assert one == digests.code([replace(TEXT, content_type="application/octet-stream"), MAIN])
    assert one != digests.code([MAIN, replace(TEXT, content=b"select 2;\n")])
    assert one != digests.code([MAIN, replace(TEXT, name="abc-other.sql")])


def test_a_source_map_is_no_code() -> None:
    assert digests.code([MAIN]) == digests.code([MAIN, Module("index.js.map", "application/source-map", b"{}")])


def test_bytes_that_move_between_a_name_and_its_content_are_another_code() -> None:
    assert digests.code([Module("a", "text/plain", b"b")]) != digests.code([Module("ab", "text/plain", b"")])


def test_where_wrangler_is_installed_does_not_change_the_code_but_everything_else_in_the_line_does() -> None:
    here = replace(MAIN, content=b"// ../../../.cache/x/node_modules/unenv/a.mjs\nvar a = 1;\n")
    there = replace(MAIN, content=b"// ../node_modules/unenv/a.mjs\nvar a = 1;\n")
    other = replace(MAIN, content=b"// ../node_modules/unenv/b.mjs\nvar a = 1;\n")
    assert digests.code([here]) == digests.code([there]) != digests.code([other])


def test_static_assets_are_part_of_the_code() -> None:
    assert digests.code([MAIN], {"index.html": "1"}) != digests.code([MAIN], {"index.html": "2"})


def test_config_sees_vars_bindings_and_secret_names_and_not_what_only_this_machine_uses() -> None:
    base = digests.config(deployable({"name": "a", "vars": {"X": "1"}}))
    assert base != digests.config(deployable({"name": "a", "vars": {"X": "2"}}))
    assert base != digests.config(deployable({"name": "a", "vars": {"X": "1"}, "services": [{"binding": "B"}]}))
    assert base != digests.config(deployable({"name": "a", "vars": {"X": "1"}}, worker=replace(WORKER, secrets=())))
    assert base == digests.config(deployable({"vars": {"X": "1"}, "name": "a", "dev": {"port": 1}, "account_id": "1"}))


def test_schema_sees_a_new_an_edited_and_a_renamed_migration(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("create table a (x);\n")
    held = deployable({}, Database("DB", "id", "name", tmp_path))
    first = digests.schema(held)
    (tmp_path / "0002_b.sql").write_text("create table b (x);\n")
    second = digests.schema(held)
    (tmp_path / "0002_b.sql").write_text("create table b (y);\n")
    third = digests.schema(held)
    (tmp_path / "0002_b.sql").rename(tmp_path / "0002_c.sql")
    assert len({first, second, third, digests.schema(held)}) == 4


def test_staging_and_production_of_one_commit_have_one_schema(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("create table a (x);\n")
    staging = deployable({}, Database("DB", "s-1", "context-staging", tmp_path))
    production = deployable({}, Database("DB", "p-1", "context", tmp_path))
    assert digests.schema(staging) == digests.schema(production)
