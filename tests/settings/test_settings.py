from __future__ import annotations

from pathlib import Path

import pytest

from cattlegrid.errors import ConfigError, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.settings import load

FIVE_LINES = """\
[fleet]
name = "crane"
workers = ["workers/*"]
[secrets]
isolated = ["CONTEXT_KEY"]
"""


def repository(root: Path, settings: str, *workers: str) -> Path:
    (root / "cattlegrid.toml").write_text(settings)
    for worker in workers or ("context", "watch"):
        folder = root / "workers" / worker
        folder.mkdir(parents=True)
        (folder / "wrangler.toml").write_text(f'name = "{worker}-staging"\n[env.production]\nname = "{worker}"\n')
    return root


def mistakes(root: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(root)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_five_lines_describe_a_conventional_fleet(tmp_path: Path) -> None:
    fleet = load(repository(tmp_path, FIVE_LINES))
    assert [(w.name, w.folder, w.config) for w in fleet.workers] == [
        ("context", "workers/context", "workers/context/wrangler.toml"),
        ("watch", "workers/watch", "workers/watch/wrangler.toml"),
    ]
    assert fleet.root == tmp_path
    assert fleet.environments[Environment.PRODUCTION].token == "CLOUDFLARE_API_TOKEN"
    assert fleet.secrets.names(Environment.STAGING) == ("CONTEXT_KEY",)


def test_the_settings_are_found_from_a_folder_deep_inside(tmp_path: Path) -> None:
    repository(tmp_path, FIVE_LINES)
    assert load(tmp_path / "workers" / "context").root == tmp_path


def test_without_settings_anywhere_above_the_error_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no cattlegrid\.toml in .* or any folder above it"):
        load(tmp_path)


def test_a_syntax_error_is_told_with_line_and_column(tmp_path: Path) -> None:
    assert mistakes(repository(tmp_path, '[fleet]\nname = "crane\n')) == [
        "cattlegrid.toml: is not valid TOML: Illegal character '\\n' (at line 2, column 14)"
    ]


def test_the_design_s_own_example_is_read(tmp_path: Path) -> None:
    settings = """
[fleet]
name = "crane"
workers = ["workers/*"]
shared = ["package-lock.json", "tsconfig.json"]
[environments.production]
gate = ["smoke", "approval"]
soak = "10m"
approval = "signature"
signers = "signers"
account_id = "abc"
token = "PRODUCTION_TOKEN"
[approvers.ann]
keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA ann@laptop"]
[workers.context]
smoke = [
  { get = "/health", json = { status = "ok" } },
  { get = "/probe/database", auth = "CONTEXT_KEY", json = { database = "ok" }, within = "500ms" },
  { get = "/sessions", auth = "none", status = 401 },
]
mcp = "/mcp"
health = false
auth = { header = "Authorization", scheme = "Bearer", secret = "CONTEXT_KEY" }
[secrets]
isolated = ["CONTEXT_KEY", "ADMIN_KEY"]
shared = ["GH_WEBHOOK_SECRET"]
production-only = []
[ventures.vc]
environments = ["staging", "production"]
[ventures.ke]
environments = ["production"]
"""
    fleet = load(repository(tmp_path, settings))
    context = fleet.workers[0]
    assert [check.name for check in context.smoke] == [
        "GET /health → 200",
        "GET /probe/database with CONTEXT_KEY → 200",
        "GET /sessions without a key → 401",
    ]
    assert context.smoke[1].within == 0.5
    assert (context.health, context.mcp) == (None, "/mcp")
    production = fleet.environments[Environment.PRODUCTION]
    assert (production.soak, production.gate, production.token) == (600.0, ("smoke", "approval"), "PRODUCTION_TOKEN")
    assert fleet.ventures["ke"] == (Environment.PRODUCTION,)


def test_ten_kinds_of_mistake_are_reported_at_once_each_with_file_and_path(tmp_path: Path) -> None:
    settings = """
[fleet]
nmae = "crane"
workers = ["workers/*", "services/*"]
[environments.dev]
soak = "1m"
[environments.production]
soak = "ten minutes"
approval = "magic"
[workers.contxt]
mcp = "/mcp"
[workers.context]
mcp = "mcp"
smoke = [{ get = "/a", post = "/b" }, { get = "/c", status = 9000, auth = "CONTEXT_KYE" }]
[secrets]
isolated = ["CONTEXT_KEY"]
shared = ["CONTEXT_KEY"]
[ventures.vc]
environments = ["staging", "test"]
"""
    found = mistakes(repository(tmp_path, settings))
    assert set(found) == {
        "cattlegrid.toml: fleet.nmae: there is no such setting; did you mean 'name'?",
        "cattlegrid.toml: fleet.name: is missing; it needs text",
        "cattlegrid.toml: fleet.workers[1]: 'services/*' matches no folder with a wrangler file",
        "cattlegrid.toml: environments.dev: there is no such environment; the environments are staging, production",
        (
            'cattlegrid.toml: environments.production.soak: needs a duration such as "10m", "30s" or "500ms",'
            " not 'ten minutes'"
        ),
        'cattlegrid.toml: environments.production.approval: needs "signature" or "person", not \'magic\'',
        "cattlegrid.toml: workers.contxt: fleet.workers finds no such worker; did you mean 'context'?",
        "cattlegrid.toml: workers.context.mcp: needs a path that starts with \"/\", not 'mcp'",
        "cattlegrid.toml: workers.context.smoke[0]: needs exactly one method and path; it has get and post",
        "cattlegrid.toml: workers.context.smoke[1].status: needs an HTTP status from 100 to 599, not 9000",
        (
            "cattlegrid.toml: workers.context.smoke[1].auth: 'CONTEXT_KYE' is not declared in [secrets];"
            " did you mean 'CONTEXT_KEY'?"
        ),
        "cattlegrid.toml: secrets.shared[0]: 'CONTEXT_KEY' is in secrets.isolated too; a secret is in one list",
        'cattlegrid.toml: ventures.vc.environments: needs words out of "staging" or "production", not \'test\'',
    }


def test_a_folder_with_two_wrangler_files_is_refused_by_name(tmp_path: Path) -> None:
    repository(tmp_path, FIVE_LINES)
    (tmp_path / "workers" / "watch" / "wrangler.jsonc").write_text("{}")
    assert mistakes(tmp_path) == [
        (
            "workers/watch: holds wrangler.jsonc and wrangler.toml; wrangler would read wrangler.jsonc only:"
            " remove the other"
        )
    ]


def test_two_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    repository(tmp_path, FIVE_LINES.replace('"workers/*"', '"workers/*", "other/*"'))
    (tmp_path / "other" / "watch").mkdir(parents=True)
    (tmp_path / "other" / "watch" / "wrangler.json").write_text("{}")
    assert mistakes(tmp_path) == [
        "cattlegrid.toml: fleet.workers[1]: two workers are named 'watch': workers/watch and other/watch"
    ]


def test_a_smoke_file_beside_the_wrangler_file_holds_steps_and_its_mistakes_are_named(tmp_path: Path) -> None:
    repository(tmp_path, FIVE_LINES)
    steps = tmp_path / "workers" / "context" / "smoke.toml"
    steps.write_text("""
[[smoke]]
name = "a session begins"
post = "/sessions"
auth = "CONTEXT_KEY"
send = { title = "smoke" }
status = 201
take = { id = "session.id" }
only = "staging"
""")
    [step] = load(tmp_path).workers[0].steps
    assert (step.name, step.method, step.send, step.take) == (
        "a session begins",
        "POST",
        {"title": "smoke"},
        {"id": "session.id"},
    )
    steps.write_text('other = 1\n[[smoke]]\nget = "/"\nstatsu = 1\n[[smoke]]\nauth = "NOBODY"\n')
    said = mistakes(tmp_path)
    assert any(one.startswith("workers/context/smoke.toml: smoke[0].statsu: there is no such setting") for one in said)
    assert any(one.startswith("workers/context/smoke.toml: smoke[1]: needs exactly one method") for one in said)
    assert any(one.startswith("workers/context/smoke.toml: other") for one in said)
    steps.write_text("[[smoke]\n")
    assert "workers/context/smoke.toml: is not valid TOML" in mistakes(tmp_path)[0]
