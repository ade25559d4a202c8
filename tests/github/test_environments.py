"""What GitHub's API says of the environments, from a real server on a socket that answers as GitHub documents it."""

from __future__ import annotations

import pytest

from answering import CUT, Answering, Call, Says, answering, plain
from cattlegrid.github import environments
from cattlegrid.model.check import Check, Outcome

GUARDED = {
    "name": "production",
    "protection_rules": [{"type": "required_reviewers", "reviewers": []}, {"type": "branch_policy"}],
    "deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False},
}


def asked(answer: Says | dict[str, object]) -> tuple[dict[str, Check], Answering]:
    said = answer if isinstance(answer, Says) else plain(answer)

    def github(call: Call) -> Says:
        return said if call.path.endswith("/production") else plain({"name": "staging"})

    with answering(github) as server:
        environ = {"GH_TOKEN": "t", "GITHUB_API_URL": server.url}
        return {check.name: check for check in environments.check("acme/fleet", environ)}, server


def test_a_guarded_environment_passes() -> None:
    found, server = asked(GUARDED)
    assert {check.outcome for check in found.values()} == {Outcome.PASS}
    assert [call.path for call in server.calls] == [
        "/repos/acme/fleet/environments/production",
        "/repos/acme/fleet/environments/staging",
    ]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"protection_rules": []}, "no reviewer is required"),
        ({"deployment_branch_policy": None}, "any branch may use it"),
    ],
)
def test_an_environment_that_lacks_a_guard_fails(change: dict[str, object], detail: str) -> None:
    check = asked({**GUARDED, **change})[0]["environment production"]
    assert (check.outcome, check.detail) == (Outcome.FAIL, detail)


def test_a_missing_environment_fails_since_github_would_make_it_unguarded() -> None:
    check = asked(plain({"message": "Not Found"}, 404))[0]["environment production"]
    assert check.outcome is Outcome.FAIL
    assert "would create it without protection" in check.detail


@pytest.mark.parametrize("said", [plain({"message": "Bad credentials"}, 401), CUT, Says(200, b"<html>")])
def test_what_github_does_not_say_is_not_measured(said: Says) -> None:
    assert asked(said)[0]["environment production"].outcome is Outcome.NOT_MEASURED
