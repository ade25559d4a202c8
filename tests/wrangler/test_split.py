"""The split of single files, and of fleets: what staging gets, and that wrangler reads production as before."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from cattlegrid.errors import ConfigError
from cattlegrid.model.environment import Blocks, Environment
from cattlegrid.toolchain import Toolchain
from cattlegrid.wrangler import config
from cattlegrid.wrangler.resources import KINDS
from cattlegrid.wrangler.split.content import Layout
from cattlegrid.wrangler.split.plan import File, FilePlan, plan
from cattlegrid.wrangler.split.proof import prove
from cattlegrid.wrangler.split.scripts import plan_scripts
from cattlegrid.wrangler.split.twin import Wishes, staging_name

LAYOUTS = [Layout.STAGING_ON_TOP, Layout.PRODUCTION_ON_TOP]
# One file of our own for each oddity met in public repositories; docs/split.md tells where they were met.
ODD = sorted((Path(__file__).parent / "oddities").iterdir())
CORPUS = [File(path.stem, f"{path.stem}/wrangler{path.suffix}", path.read_bytes().decode()) for path in ODD]
COMMENT = re.compile(r"(?:^|\s)(?:#|//)\s?([^\n\"']*)$|^\s*/?\*+ ([^\n]*)$", re.MULTILINE)


def split(text: str, layout: Layout = Layout.STAGING_ON_TOP, wishes: Wishes | None = None) -> FilePlan:
    return plan([File("w", "wrangler.toml", text)], layout, wishes or Wishes())[0]


def staging(made: FilePlan) -> dict[str, object]:
    raw = config.parse(made.after.encode(), made.file.name, shown="")
    return dict(config.resolved(raw, Environment.STAGING, shown="").config)


def said(made: FilePlan) -> dict[str, str]:
    return {note.path: f"{note.about.value}: {note.what}" for note in made.notes}


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_wrangler_reads_production_as_before_in_every_odd_file(node_parts: Toolchain, layout: Layout) -> None:
    proof = prove(node_parts, plan(CORPUS, layout, Wishes()), os.environ)
    assert proof.holds, "\n".join(difference.said for difference in proof.differences)
    assert proof.readings >= 6 * len(CORPUS)


@pytest.mark.slow
def test_a_planted_fault_is_seen_by_the_proof(node_parts: Toolchain) -> None:
    file = File("w", "wrangler.toml", 'name = "a"\n[vars]\nX = "1"\n')
    lost = FilePlan(file, Layout.SINGLE, Layout.STAGING_ON_TOP, 'name = "a-staging"\n[env.production]\nname = "a"\n')
    shared = FilePlan(file, Layout.SINGLE, Layout.PRODUCTION_ON_TOP, f'{file.text}[env.staging]\nname = "a"\n')
    found = [prove(node_parts, [one], os.environ).differences for one in (lost, shared)]
    assert [(one.environment, one.path) for (one,) in found] == [("production", "vars"), ("staging", "name")]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("file", CORPUS, ids=[file.worker for file in CORPUS])
def test_comments_stay_and_a_second_split_changes_nothing(file: File, layout: Layout) -> None:
    made = plan([file], layout, Wishes())[0]
    for comment in COMMENT.findall(file.text):
        assert "".join(comment).strip() in made.after
    assert not plan([File("w", file.path, made.after)], layout, Wishes())[0].changes


def test_every_kind_of_binding_in_wrangler_s_schema_has_a_rule(node_parts: Toolchain) -> None:
    schema = json.loads((node_parts.modules / "wrangler" / "config-schema.json").read_text())
    from cattlegrid.wrangler.inheritance import NOT_INHERITED  # noqa: PLC0415 - beside what it is compared with

    known = {kind.key.partition(".")[0] for kind in KINDS}
    assert set(schema["definitions"]["RawEnvironment"]["properties"]) & NOT_INHERITED - known == set()


def test_staging_has_its_own_resources_and_production_keeps_its_text() -> None:
    made = split(
        'name = "shop"\n# sessions\n[[kv_namespaces]]\nbinding = "KV"\nid = "1" # live\n\n[[d1_databases]]\n'
        'binding = "DB"\ndatabase_name = "shop-prod"\ndatabase_id = "2"\n'
    )
    assert made.after == (
        'name = "shop-staging"\n# sessions\n[[kv_namespaces]]\nbinding = "KV"\n\n[[d1_databases]]\n'
        'binding = "DB"\ndatabase_name = "shop-staging"\n\n[env.production]\nname = "shop"\n\n'
        '[[env.production.kv_namespaces]]\nbinding = "KV"\nid = "1" # live\n\n[[env.production.d1_databases]]\n'
        'binding = "DB"\ndatabase_name = "shop-prod"\ndatabase_id = "2"\n'
    )


def test_a_service_leads_to_the_sibling_in_staging_and_one_of_strangers_is_left_out_by_name() -> None:
    files = [
        File(
            "a",
            "a/wrangler.toml",
            'name = "a"\nservices = [{ binding = "B", service = "b" }, { binding = "X", service = "x" }]\n',
        ),
        File("b", "b/wrangler.toml", 'name = "b-staging"\n[env.production]\nname = "b"\n'),
    ]
    made = plan(files, Layout.STAGING_ON_TOP, Wishes())[0]
    assert staging(made)["services"] == [{"binding": "B", "service": "b-staging"}]
    assert said(made)["services[1]"] == "left out: Worker x is no Worker of the fleet and has no staging"


def test_routes_are_dropped_and_the_worker_gets_an_address() -> None:
    text = 'name = "a"\nworkers_dev = false\nroutes = ["example.com/*"]\n'
    assert staging(split(text)) == {"name": "a-staging", "workers_dev": True}
    assert staging(split(text, Layout.PRODUCTION_ON_TOP))["routes"] == []


def test_routes_move_to_the_pattern_that_is_asked_for() -> None:
    made = split(
        'name = "a"\nroute = { pattern = "example.com/*", zone_name = "example.com" }\n',
        wishes=Wishes("staging.{route}"),
    )
    assert staging(made)["route"] == {"pattern": "staging.example.com/*", "zone_name": "example.com"}


def test_crons_stay_off_in_staging_until_asked_for() -> None:
    text = 'name = "a"\n[triggers]\ncrons = ["0 3 * * *"]\n'
    assert staging(split(text))["triggers"] == {"crons": []}
    assert staging(split(text, wishes=Wishes(crons=True)))["triggers"] == {"crons": ["0 3 * * *"]}


def test_the_word_for_the_environment_changes_and_a_value_that_leads_to_production_is_pointed_out() -> None:
    made = split(
        'name = "a"\nroutes = ["shop.example.com/*"]\n[vars]\nENVIRONMENT = "production"\nNODE_ENV = "production"\n'
        'API = "https://shop.example.com/v1"\n'
    )
    assert staging(made)["vars"] == {
        "ENVIRONMENT": "staging",
        "NODE_ENV": "production",
        "API": "https://shop.example.com/v1",
    }
    assert said(made)["vars.API"].startswith("look at it")


def test_a_key_that_is_new_to_us_is_reported_and_kept_by_production() -> None:
    made = split('name = "a"\n[[quantum_stores]]\nbinding = "Q"\nid = "1"\n')
    assert "quantum_stores" in said(made)
    assert '[[env.production.quantum_stores]]\nbinding = "Q"\nid = "1"' in made.after


def test_an_environment_of_another_name_keeps_the_name_and_route_it_had() -> None:
    made = split('name = "a"\nroute = "example.com/*"\n[env.preview]\nmain = "p.ts"\n')
    raw = config.parse(made.after.encode(), "wrangler.toml", shown="")
    assert config.inherited(raw, "preview") == {"name": "a-preview", "main": "p.ts", "route": "example.com/*"}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ('name = "a"\n[env.prod]\n', "env.prod: seems to be production"),
        ('name = "a"\npages_build_output_dir = "x"\n', "is a Pages project"),
        ('main = "a.ts"\n', "the worker has no name"),
        ('name = "a"\nlegacy_env = false\n', "legacy_env"),
    ],
)
def test_a_file_that_cannot_be_split_is_refused_with_the_place(text: str, mistake: str) -> None:
    with pytest.raises(ConfigError, match=mistake):
        split(text)


def test_an_environment_may_be_called_something_else() -> None:
    file = File("w", "wrangler.toml", 'name = "a"\n[[kv_namespaces]]\nbinding = "K"\n[env.prod]\nname = "a-prod"\n')
    made = plan([file], Layout.STAGING_ON_TOP, Wishes(), Blocks(production="prod"))[0]
    assert (made.was, made.changes) == (Layout.STAGING_ON_TOP, False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("files", "files-staging"),
        ("files-prod", "files-staging"),
        ("my_files", "my_files_staging"),
        ("a_production", "a_staging"),
    ],
)
def test_names_of_staging(name: str, expected: str) -> None:
    assert staging_name(name) == expected
    assert len(staging_name("x" * 63)) == 63


def test_npm_scripts_get_their_production_twin_and_one_that_says_production_keeps_its_word() -> None:
    text = (
        '{"scripts": {"deploy": "tsc && wrangler deploy", "migrate:prod": "wrangler d1 migrations apply DB --remote"}}'
    )
    made = plan_scripts("package.json", text, Layout.STAGING_ON_TOP, all_scripts=False)
    assert made is not None
    assert made.changed == {
        "migrate:prod": "wrangler d1 migrations apply DB --remote --env production",
        "deploy:prod": "tsc && wrangler deploy --env production",
    }
    assert plan_scripts("package.json", made.after, Layout.STAGING_ON_TOP, all_scripts=True) is None


def test_with_production_on_top_the_bare_deploy_is_told_to_go_to_staging() -> None:
    text = '{"scripts": {"deploy": "wrangler deploy"}}'
    made = plan_scripts("package.json", text, Layout.PRODUCTION_ON_TOP, all_scripts=False)
    assert made is not None
    assert made.changed == {"deploy": "wrangler deploy --env staging", "deploy:prod": "wrangler deploy --env="}


def test_with_an_account_of_its_own_staging_may_have_production_s_names() -> None:
    text = 'name = "a"\nr2_buckets = [{ binding = "R", bucket_name = "r" }]\n[env.staging]\nname = "a"\n'
    file = File("w", "wrangler.toml", text)
    changes = [plan([file], LAYOUTS[0], Wishes(), one_account=one)[0].changes for one in (True, False)]
    assert changes == [True, False]
