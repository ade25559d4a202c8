from __future__ import annotations

from pathlib import Path

import pytest

from cattlegrid.errors import ConfigError, MissingCredential
from cattlegrid.model.environment import Environment
from cattlegrid.release import target
from cattlegrid.settings import load

ENVIRON = {"CLOUDFLARE_API_TOKEN": "t", "CLOUDFLARE_ACCOUNT_ID": "acc"}
CONTEXT = """
name = "context-staging"
main = "src/index.ts"
d1_databases = [{ binding = "DB", database_name = "context-staging", database_id = "s-1" }]
[env.production]
name = "context"
d1_databases = [{ binding = "DB", database_name = "context", database_id = "p-1" }]
"""


def repository(root: Path, settings: str = "", **workers: str) -> Path:
    (root / "cattlegrid.toml").write_text(f'[fleet]\nname = "f"\nworkers = ["workers/*"]\n{settings}')
    for name, text in (workers or {"context": CONTEXT}).items():
        (root / "workers" / name / "migrations").mkdir(parents=True)
        (root / "workers" / name / "wrangler.toml").write_text(text)
    return root


def mistakes(root: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        target.resolve(load(root), Environment.STAGING, ENVIRON)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_a_target_moves_whole(tmp_path: Path) -> None:
    fleet = load(repository(tmp_path))
    staging = target.resolve(fleet, Environment.STAGING, ENVIRON)
    production = target.resolve(fleet, Environment.PRODUCTION, ENVIRON)
    assert (staging.workers["context"].script, production.workers["context"].script) == ("context-staging", "context")
    assert staging.workers["context"].databases[0].id == "s-1"
    assert production.workers["context"].databases[0].id == "p-1"
    assert production.workers["context"].databases[0].migrations == tmp_path / "workers/context/migrations"
    assert staging.account.api == "https://api.cloudflare.com/client/v4"


def test_the_credential_of_an_environment_never_falls_back_to_another_s(tmp_path: Path) -> None:
    fleet = load(repository(tmp_path, '[environments.production]\ntoken = "PRODUCTION_TOKEN"\n'))
    assert target.resolve(fleet, Environment.STAGING, ENVIRON).account.token.reveal() == "t"
    with pytest.raises(MissingCredential, match="PRODUCTION_TOKEN is not set"):
        target.resolve(fleet, Environment.PRODUCTION, ENVIRON)


def test_without_an_account_the_error_names_both_places_to_write_it(tmp_path: Path) -> None:
    fleet = load(repository(tmp_path))
    with pytest.raises(MissingCredential, match=r"environments\.staging\.account_id .* CLOUDFLARE_ACCOUNT_ID"):
        target.resolve(fleet, Environment.STAGING, {"CLOUDFLARE_API_TOKEN": "t"})


def test_an_account_in_a_wrangler_file_that_differs_is_refused(tmp_path: Path) -> None:
    repository(tmp_path, context=f'account_id = "other"\n{CONTEXT}')
    assert mistakes(tmp_path) == [
        "workers/context/wrangler.toml: account_id: is not the account of this environment (acc)"
    ]


def test_one_script_in_both_environments_is_refused_naming_both_places(tmp_path: Path) -> None:
    repository(tmp_path, context='name = "context"\n[env.production]\nname = "context"\n')
    assert mistakes(tmp_path) == [
        (
            "workers/context/wrangler.toml: env.production.name: worker 'context' in production is script 'context',"
            " and so is worker 'context' in staging (workers/context/wrangler.toml: name);"
            " a deploy of one would overwrite the other"
        )
    ]


def test_two_workers_of_one_script_name_are_refused_naming_both_places(tmp_path: Path) -> None:
    watch = 'name = "watch-staging"\n[env.production]\nname = "context"\n'
    repository(tmp_path, context=CONTEXT, watch=watch)
    assert len(mistakes(tmp_path)) == 1
    assert "workers/context/wrangler.toml: env.production.name" in mistakes(tmp_path)[0]


def test_mistakes_of_several_wrangler_files_come_at_once(tmp_path: Path) -> None:
    repository(tmp_path, context='name = "context"\n', watch='name = "watch\n', mail=CONTEXT + "migrations = 3\n")
    found = mistakes(tmp_path)
    assert found == [
        (
            "workers/context/wrangler.toml: env: has no environments of ours (none):"
            " one of env.production and env.staging is needed"
        ),
        "workers/watch/wrangler.toml: is not valid TOML: Illegal character '\\n' (at line 1, column 14)",
    ]


def test_cloudflare_s_layout_with_production_on_top_is_understood(tmp_path: Path) -> None:
    fleet = load(repository(tmp_path, context='name = "context"\n[env.staging]\nvars = { A = "1" }\n'))
    assert target.resolve(fleet, Environment.STAGING, ENVIRON).workers["context"].script == "context-staging"
    assert target.resolve(fleet, Environment.PRODUCTION, ENVIRON).workers["context"].script == "context"


def test_a_migrations_folder_that_is_named_but_absent_is_a_mistake(tmp_path: Path) -> None:
    repository(tmp_path, context=CONTEXT.replace('database_id = "s-1"', 'database_id = "s-1", migrations_dir = "sql"'))
    assert mistakes(tmp_path) == [
        "workers/context/wrangler.toml: d1_databases[0].migrations_dir: there is no folder 'sql' beside the file"
    ]


def test_staging_bound_to_production_s_database_is_refused_naming_both_places(tmp_path: Path) -> None:
    repository(tmp_path, context=CONTEXT.replace('database_id = "s-1"', 'database_id = "p-1"'))
    assert mistakes(tmp_path) == [
        (
            "workers/context/wrangler.toml: d1_databases[0].database_id: staging is bound to production's database p-1"
            " (workers/context/wrangler.toml: env.production.d1_databases[0].database_id)"
        ),
    ]


def test_staging_of_one_worker_bound_to_production_of_another_is_refused(tmp_path: Path) -> None:
    watch = CONTEXT.replace('"context', '"watch').replace('"p-1"', '"p-2"').replace('"s-1"', '"p-1"')
    repository(tmp_path, context=CONTEXT, watch=watch)
    assert [mistake.split(": staging")[0] for mistake in mistakes(tmp_path)] == [
        "workers/watch/wrangler.toml: d1_databases[0].database_id"
    ]
