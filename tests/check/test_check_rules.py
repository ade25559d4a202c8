"""Every rule seen to fail on a planted fault, and to pass without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from planted import GOOD, PLANTED, SETTINGS, fleet

from cattlegrid.check.rules import RULES
from cattlegrid.check.words import is_secret
from cattlegrid.errors import ConfigError
from cattlegrid.model.check import Outcome
from cattlegrid.model.finding import Checked, Finding
from cattlegrid.verbs.check import check
from cattlegrid.verbs.edge import Edge
from repositories import ENVIRON, Clone


def checked(clone: Clone) -> Checked:
    return check(Edge(clone.root, ENVIRON))


def found(clone: Clone) -> list[Finding]:
    return [finding for finding in checked(clone).findings if not finding.ignored]


def test_a_fleet_in_order_passes(tmp_path: Path) -> None:
    result = checked(fleet(tmp_path))
    assert (result.findings, result.outcome) == ((), Outcome.PASS)


@pytest.mark.parametrize("code", PLANTED)
def test_a_planted_fault_is_found_at_its_line(tmp_path: Path, code: str) -> None:
    text, place = PLANTED[code]
    account = '\n[environments.production]\naccount_id = "mine"\n[environments.staging]\naccount_id = "mine"\n'
    findings = found(fleet(tmp_path, text, SETTINGS + (account if code == "C204" else "")))
    places = [(one.file, one.line) for one in findings if one.rule.code == code]
    assert places[:1] == [("workers/a/wrangler.toml", place[0])]
    assert all(one.fix for one in findings)


def test_what_no_environment_inherits_and_one_of_them_lacks_is_told(tmp_path: Path) -> None:
    consumer = '\n[[env.production.queues.consumers]]\nqueue = "jobs"\n[env.production.define]\nFLAG = "1"\n'
    required = '[env.production.secrets]\nrequired = ["KEY"]\n'
    findings = [(one.rule.code, one.line, one.what) for one in found(fleet(tmp_path, GOOD + consumer + required))]
    assert findings == [
        ("C201", 17, "queues.consumers: 1 in production and 0 in staging"),
        ("C201", 20, "the define FLAG is set in production and not in staging"),
        ("C201", 22, "secrets.required: 1 in production and 0 in staging"),
    ]


def test_what_another_worker_uses_in_production_is_shared_too(tmp_path: Path) -> None:
    other = 'name = "b-staging"\n[[kv_namespaces]]\nbinding = "X"\nid = "kv-production"\n[env.production]\nname = "b"\n'
    clone = fleet(tmp_path, **{"workers__b__wrangler.toml": other})
    (shared,) = [one for one in found(clone) if one.rule.code == "C102"]
    assert (shared.file, shared.line) == ("workers/b/wrangler.toml", 4)
    assert shared.what == "KV namespace kv-production is production's in workers/a/wrangler.toml"


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    shown = str(checked(fleet(tmp_path, PLANTED["C302"][0])))
    assert "ghp_" not in shown
    assert "looks like a secret (24 characters)" in shown


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("STRIPE", "sk_live_abc", True),
        ("DATABASE", "postgres://user:pw@host/db", True),
        ("API_KEY", "9f86d081884c7d659a2feaa0c55ad015", True),
        ("API_KEY", "your-api-key-goes-here", False),
        ("PUBLIC_KEY", "9f86d081884c7d659a2feaa0c55ad015", False),
        ("TOKEN_URL", "https://example.com/oauth/token", False),
        ("ADMIN_PASSWORD", "change-me", False),
        ("GREETING", "9f86d081884c7d659a2feaa0c55ad015", False),
    ],
)
def test_what_looks_like_a_secret(name: str, value: str, expected: bool) -> None:
    assert is_secret(name, value) is expected


CALLERS = {
    "package.json": '{\n  "scripts": {\n    "ship": "wrangler deploy"\n  }\n}\n',
    "deploy.sh": "set -e\n\nnpx wrangler d1 migrations apply DB --remote\n",
    ".github/workflows/d.yml": "on: push\njobs:\n  d:\n    steps:\n      - uses: cloudflare/wrangler-action@v3\n",
    "Makefile": "deploy:\n\twrangler deploy --env stage\n",
    "README.md": "Run `wrangler deploy`.\n",
}


def test_callers_without_an_environment_are_named_with_their_line(tmp_path: Path) -> None:
    clone = fleet(tmp_path)
    clone.write(CALLERS)
    findings = [(one.rule.code, one.file, one.line) for one in found(clone)]
    assert findings == [
        ("C401", ".github/workflows/d.yml", 5),
        ("C403", "Makefile", 2),
        ("C401", "deploy.sh", 3),
        ("C401", "package.json", 3),
    ]


def test_a_script_is_found_at_its_line_though_another_key_has_its_name(tmp_path: Path) -> None:
    twice = '{\n  "config": { "ship": "to sea" },\n  "scripts": {\n    "ship": "wrangler deploy"\n  }\n}\n'
    assert [(one.rule.code, one.line) for one in found(fleet(tmp_path / "one", **{"package.json": twice}))] == [
        ("C401", 4)
    ]
    broken = '{\n  "scripts": {\n    "ship": "wrangler deploy",\n'
    assert [(one.rule.code, one.line) for one in found(fleet(tmp_path / "two", **{"package.json": broken}))] == [
        ("C401", 3)
    ]


def test_with_production_on_top_a_bare_call_reaches_production_and_fails(tmp_path: Path) -> None:
    clone = fleet(tmp_path, 'name = "a"\n[env.staging]\n')
    clone.write(CALLERS)
    codes = {one.file: one.rule.code for one in found(clone)}
    assert (codes["package.json"], codes["README.md"]) == ("C402", "C401")
    assert checked(clone).outcome is Outcome.FAIL


def test_a_bare_deploy_beside_its_production_twin_is_as_it_should_be(tmp_path: Path) -> None:
    scripts = '{"scripts": {"deploy": "wrangler deploy", "deploy:prod": "wrangler deploy --env production"}}'
    assert found(fleet(tmp_path, **{"workers__a__package.json": scripts})) == []


def test_a_worker_outside_the_fleet_and_one_without_smoke_checks_are_named(tmp_path: Path) -> None:
    clone = fleet(tmp_path, settings=SETTINGS.partition("[workers")[0], **{"tools__x__wrangler.toml": 'name = "x"\n'})
    assert [(one.rule.code, one.file) for one in found(clone)] == [
        ("C502", "cattlegrid.toml"),
        ("C501", "tools/x/wrangler.toml"),
    ]


def test_a_finding_is_ignored_with_its_reason_and_an_idle_ignore_is_found(tmp_path: Path) -> None:
    ignores = '[[check.ignore]]\nrule = "C102"\nfile = "workers/a/*"\nreason = "shared on purpose"\n'
    findings = checked(fleet(tmp_path / "one", PLANTED["C102"][0], SETTINGS + ignores)).findings
    assert [(one.rule.code, one.ignored) for one in findings] == [("C102", "shared on purpose")]
    assert [one.rule.code for one in found(fleet(tmp_path / "two", GOOD, SETTINGS + ignores))] == ["C601"]


def test_an_ignore_without_a_reason_or_of_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"check.ignore\[0\].reason: is missing"):
        checked(fleet(tmp_path / "one", settings=SETTINGS + '[[check.ignore]]\nrule = "C102"\n'))
    with pytest.raises(ConfigError, match="there is no rule 'C999'"):
        checked(fleet(tmp_path / "two", settings=SETTINGS + '[[check.ignore]]\nrule = "C999"\nreason = "x"\n'))


def test_outside_a_repository_callers_are_not_measured_and_nothing_passes(tmp_path: Path) -> None:
    folder = tmp_path / "workers/a"
    folder.mkdir(parents=True)
    (tmp_path / "cattlegrid.toml").write_text(SETTINGS)
    (folder / "wrangler.toml").write_text(GOOD)
    assert check(Edge(tmp_path, ENVIRON)).outcome is Outcome.NOT_MEASURED


def test_in_two_accounts_equal_names_are_different_things(tmp_path: Path) -> None:
    text = PLANTED["C102"][0]
    assert "C102" in {one.rule.code for one in found(fleet(tmp_path / "one", text))}
    apart = SETTINGS + '[environments.production]\naccount_id = "p"\n[environments.staging]\naccount_id = "s"\n'
    assert "C102" not in {one.rule.code for one in found(fleet(tmp_path / "two", text, apart))}


def test_every_rule_has_a_code_of_its_own_and_is_documented() -> None:
    page = (Path(__file__).parent.parent.parent / "docs/split.md").read_text()
    assert len({rule.code for rule in RULES}) == len(RULES) >= 21
    assert [rule.code for rule in RULES if f"`{rule.code}`" not in page] == []
