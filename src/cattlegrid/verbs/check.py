"""`check`: every rule over the fleet's files, and with `live` over what runs."""

from __future__ import annotations

from cattlegrid.check.examine import examine
from cattlegrid.check.look import look
from cattlegrid.errors import ConfigError, MissingCredential, UsageError
from cattlegrid.git import repository as git
from cattlegrid.git.repository import Repository
from cattlegrid.model.finding import Checked, Finding
from cattlegrid.settings import load
from cattlegrid.verbs.edge import Edge


def check(edge: Edge, *, live: bool = False) -> Checked:
    """Raises ConfigError for files that cannot be read. Without a git repository callers are not looked for.

    What could not be looked at is named in `not_measured`, and the outcome is then never pass.
    """
    fleet = load(edge.cwd)
    seen = look(fleet)
    repository, missing = _repository(edge)
    running: list[Finding] = []
    bindings = 0
    if live:
        from cattlegrid.verbs.check_live import read  # noqa: PLC0415 - an HTTP client that only --live needs

        try:
            running, bindings, absent = read(edge, seen)
            missing = missing or absent
        except (ConfigError, MissingCredential) as error:
            missing = f"what runs was not looked at: {error.what}"
    findings = examine(seen, repository, running)
    return Checked(findings, len(seen.workers), len(seen.workers) + 1, bindings, missing)


def _repository(edge: Edge) -> tuple[Repository | None, str]:
    try:
        return git.find(edge.cwd, edge.environ), ""
    except UsageError:
        return None, "callers of wrangler were not looked for: this is no git repository"
