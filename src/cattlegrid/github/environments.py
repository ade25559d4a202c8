"""What GitHub's API says about the environments that the workflow names. It makes a missing one, without protection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx2

from cattlegrid.model.check import Check, Outcome

_TOKENS: Final = ("GH_TOKEN", "GITHUB_TOKEN")


def check(repository: str, environ: Mapping[str, str]) -> tuple[Check, ...]:
    """`repository` is `owner/name`. Without a token, or for another forge, nothing is measured."""
    token = next((environ[name] for name in _TOKENS if environ.get(name)), "")
    if not repository or not token:
        why = "GH_TOKEN is not set" if repository else "the repository's origin is not on GitHub"
        return (Check("environment production", Outcome.NOT_MEASURED, f"{why}: GitHub was not asked"),)
    api = environ.get("GITHUB_API_URL", "https://api.github.com")
    headers = {"authorization": f"Bearer {token}", "accept": "application/vnd.github+json"}
    with httpx2.Client(base_url=api, headers=headers, timeout=20) as http:
        return (_production(http, repository), _staging(http, repository))


def _production(http: httpx2.Client, repository: str) -> Check:
    name = "environment production"
    found, trouble = _read(http, repository, "production")
    if found is None:
        return trouble
    rules = found.get("protection_rules")
    kinds = {str(rule.get("type")) for rule in rules if isinstance(rule, Mapping)} if isinstance(rules, list) else set()
    lacking = []
    if "required_reviewers" not in kinds:
        lacking.append("no reviewer is required")
    if not isinstance(found.get("deployment_branch_policy"), Mapping):
        lacking.append("any branch may use it")
    seen = "; ".join(lacking) or "reviewers are required, and branches are limited"
    return Check(name, Outcome.FAIL if lacking else Outcome.PASS, seen)


def _staging(http: httpx2.Client, repository: str) -> Check:
    found, trouble = _read(http, repository, "staging")
    return trouble if found is None else Check("environment staging", Outcome.PASS, "is there")


def _read(http: httpx2.Client, repository: str, name: str) -> tuple[Mapping[str, object] | None, Check]:
    title = f"environment {name}"
    try:
        answer = http.get(f"/repos/{repository}/environments/{name}")
        body = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        return None, Check(title, Outcome.NOT_MEASURED, f"GitHub could not be asked: {error or type(error).__name__}")
    if answer.status_code == 404:
        detail = "does not exist, or the token may not see it; GitHub would create it without protection"
        return None, Check(title, Outcome.FAIL, detail)
    if answer.status_code != 200 or not isinstance(body, Mapping):
        return None, Check(title, Outcome.NOT_MEASURED, f"GitHub answered {answer.status_code}")
    return body, Check(title, Outcome.PASS)
