from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from answering import CUT, Answering, Call, Says, answering, plain
from cattlegrid.clock import Clock
from cattlegrid.cloudflare.http import open_http
from cattlegrid.model.check import Check, Outcome, SmokeReport
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Auth, EnvironmentSettings, Fleet, HttpCheck, SecretPolicy, WorkerSettings
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Database, Deployable
from cattlegrid.model.version import Version
from cattlegrid.release.smoke.run import Surroundings, run
from cattlegrid.release.smoke.subject import Subject
from cattlegrid.secrets.store import Stored

STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION
NEW, OLD = "11111111-aaaa", "00000000-bbbb"
KEY = Auth("Authorization", "Bearer", "KEY")


class Time:
    """A clock on which only waiting passes."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: datetime(2026, 11, 24, tzinfo=UTC), lambda: self.seconds, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Worker:
    """A worker that answers health, probe and one page; a test changes what it says."""

    def __init__(self, environment: Environment = STAGING, key: str = "staging-key") -> None:
        self.version = lambda: NEW
        self.environment = environment.value
        self.key = key
        self.databases: dict[str, object] = {"DB": {"environment": environment.value, "migration": "0002_b.sql"}}
        self.page: Callable[[Call], Says] = lambda _: plain({"items": [1, 2], "ok": True})
        self.calls: list[Call] = []

    def __call__(self, call: Call) -> Says:
        self.calls.append(call)
        if call.path == "/health":
            version = {"id": self.version(), "tag": "", "timestamp": ""}
            return plain({"status": "ok", "environment": self.environment, "version": version})
        if call.path == "/probe/database":
            if call.headers.get("authorization") != f"Bearer {self.key}":
                return plain({"error": "who are you"}, 401)
            return plain({"database": "ok", "databases": self.databases})
        return self.page(call)


SETTINGS = WorkerSettings(
    "context", "workers/context", "workers/context/wrangler.toml", probe="/probe/database", auth=KEY, secrets=("KEY",)
)


def deployable(*checks: HttpCheck, database_id: str = "db-staging", health: str | None = "/health") -> Deployable:
    fields = {**SETTINGS.__dict__, "smoke": checks, "health": health}
    config = {"d1_databases": [{"binding": "DB", "database_id": database_id}]}
    database = Database("DB", database_id, "context-staging", None)
    return Deployable(WorkerSettings(**fields), "context-staging", config, (database,), Path())


def live_version(database_id: str = "db-staging") -> Version:
    bindings = ({"type": "d1", "name": "DB", "id": database_id}, {"type": "plain_text", "name": "X", "text": "x"})
    return Version(NEW, 2, datetime(2026, 11, 24, tzinfo=UTC), "me", "wrangler", "upload", "", "", "etag", bindings)


def fleet() -> Fleet:
    environments = {environment: EnvironmentSettings(environment) for environment in Environment}
    return Fleet(Path(), "crane", (SETTINGS,), (), environments, SecretPolicy(isolated=("KEY",)))


def around(**changes: object) -> Surroundings:
    stored = Stored(STAGING, "secrets/staging.env", {"KEY": Secret("staging-key")})
    fields: dict[str, object] = {
        "fleet": fleet(),
        "stored": stored,
        "other_stored": Stored(PRODUCTION, "secrets/production.env", {"KEY": Secret("production-key")}),
        "owned_by_other": {("d1", "db-production"): "context"},
    }
    return Surroundings(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def served(worker: Worker) -> Iterator[Answering]:
    with answering(worker) as server:
        yield server


def smoke(
    served: Answering,
    *checks: HttpCheck,
    time: Time | None = None,
    surroundings: Surroundings | None = None,
    version: Version | None = None,
    of: Deployable | None = None,
    ahead: bool = False,
) -> SmokeReport:
    newest = {"DB": "0002_b.sql"}
    subject = Subject(STAGING, of or deployable(*checks), version or live_version(), served.url, ahead, newest)
    with open_http() as http:
        return run(http, (subject,), surroundings or around(), (time or Time()).clock())


def bad(report: SmokeReport) -> list[tuple[str, str, Outcome]]:
    return [(check.name, check.detail, check.outcome) for check in report.checks if check.outcome is not Outcome.PASS]


def the(report: SmokeReport, name: str) -> Check:
    return next(check for check in report.checks if check.name.startswith(name))


def test_a_healthy_worker_passes_and_the_report_counts_what_was_examined(served: Answering) -> None:
    report = smoke(served, HttpCheck("GET", "/page", json={"ok": True}))
    assert bad(report) == []
    assert (report.outcome, report.examined) == (Outcome.PASS, "1 worker, 1 database, 6 checks, 1 binding")


def test_with_nothing_deployed_the_outcome_is_not_measured() -> None:
    with open_http() as http:
        report = run(http, (), around(), Time().clock())
    assert (report.outcome, report.outcome.exit_code, report.workers) == (Outcome.NOT_MEASURED, 4, 0)


def test_an_old_version_is_waited_for(served: Answering, worker: Worker) -> None:
    answers = iter([OLD, OLD, OLD])
    worker.version = lambda: next(answers, NEW)
    time = Time()
    assert smoke(served, time=time).outcome is Outcome.PASS
    assert time.seconds == 0.25 + 0.5 + 1


def test_an_old_version_that_never_goes_fails_within_a_minute(served: Answering, worker: Worker) -> None:
    worker.version = lambda: OLD
    time = Time()
    report = smoke(served, HttpCheck("GET", "/page"), time=time)
    assert the(report, "GET /health").detail.startswith("version 00000000 still answers after")
    assert the(report, "GET /page").outcome is Outcome.NOT_MEASURED
    assert time.seconds <= 60


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (plain({}, 500), "status 500"),
        (Says(200, b"<html>"), "the answer is not JSON with version.id (bind version_metadata and return it)"),
        (plain({"status": "ok"}), "the answer is not JSON with version.id (bind version_metadata and return it)"),
        (plain({"version": {"id": NEW}, "environment": "production"}), 'it says that its environment is "production"'),
    ],
)
def test_a_health_answer_that_is_wrong_fails_at_once(said: Says, detail: str) -> None:
    time = Time()
    with answering(lambda _: said) as served:
        report = smoke(served, time=time)
    assert (the(report, "GET /health").detail, time.seconds) == (detail, 0)


def test_a_cut_connection_fails_at_once() -> None:
    with answering(lambda _: CUT) as served:
        assert the(smoke(served), "GET /health").detail.startswith("no answer: ")


def test_a_worker_without_a_health_path_is_not_measured(served: Answering) -> None:
    report = smoke(served, of=deployable(health=None))
    assert the(report, "version").outcome is Outcome.NOT_MEASURED
    assert report.outcome is Outcome.NOT_MEASURED


@pytest.mark.parametrize(
    ("check", "detail"),
    [
        (HttpCheck("GET", "/page", status=201), "status 200, not 201"),
        (HttpCheck("GET", "/page", json={"ok": False}), "ok is true, not false"),
        (HttpCheck("GET", "/page", json={"ok": 1}), "ok is true, not 1"),
        (HttpCheck("GET", "/page", json={"items": [1, 3]}), "items[1] is 2, not 3"),
        (HttpCheck("GET", "/page", json={"more": {}}), "more is missing"),
        (HttpCheck("GET", "/page", text="hello"), 'the text "hello" is not in the answer'),
    ],
)
def test_a_declared_check_fails_with_what_was_seen(served: Answering, check: HttpCheck, detail: str) -> None:
    report = smoke(served, check)
    assert (the(report, "GET /page").detail, report.outcome) == (detail, Outcome.FAIL)


def test_a_declared_check_that_met_the_old_version_is_asked_again(served: Answering, worker: Worker) -> None:
    health, pages = iter([NEW, OLD]), iter([plain({}, 500)])
    worker.version = lambda: next(health, NEW)
    worker.page = lambda _: next(pages, plain({}))
    assert smoke(served, HttpCheck("GET", "/page")).outcome is Outcome.PASS


def test_a_declared_check_that_fails_on_the_new_version_is_not_asked_again(served: Answering, worker: Worker) -> None:
    pages = iter([plain({}, 500)])
    worker.page = lambda _: next(pages, plain({}))
    assert the(smoke(served, HttpCheck("GET", "/page")), "GET /page").detail == "status 500, not 200"


def test_a_key_that_is_not_here_is_not_measured_and_says_what_to_type(served: Answering) -> None:
    report = smoke(
        served,
        HttpCheck("GET", "/page", auth="KEY"),
        surroundings=around(stored=Stored(STAGING, "secrets/staging.env")),
    )
    detail = "KEY of staging is not here: cattlegrid secrets set KEY"
    assert the(report, "GET /page").detail == the(report, "database DB").detail == detail
    assert (report.outcome, report.databases) == (Outcome.NOT_MEASURED, 0)


def test_the_other_environments_database_fails_by_its_marker(served: Answering, worker: Worker) -> None:
    worker.databases = {"DB": {"environment": "production", "migration": "0002_b.sql"}}
    check = the(smoke(served), "database DB")
    assert check.detail == 'its marker says "production", not "staging": this is another database'


def test_a_missing_migration_fails(served: Answering, worker: Worker) -> None:
    worker.databases = {"DB": {"environment": "staging", "migration": "0001_a.sql"}}
    assert the(smoke(served), "database DB").detail == 'its newest migration is "0001_a.sql", not "0002_b.sql"'


def test_a_database_that_the_probe_leaves_out_fails(served: Answering, worker: Worker) -> None:
    worker.databases = {}
    assert the(smoke(served), "database DB").detail == "the probe says nothing about this binding"


def test_a_binding_to_production_fails(served: Answering) -> None:
    report = smoke(served, version=live_version("db-production"))
    assert the(report, "binding DB").detail == "d1 db-production belongs to production (worker context)"


def test_a_binding_to_something_else_than_the_config_says_fails(served: Answering) -> None:
    report = smoke(served, version=live_version("db-other"))
    assert the(report, "binding DB").detail == "is d1 db-other; the config says d1 db-staging"


def test_a_worker_that_takes_any_key_fails(served: Answering, worker: Worker) -> None:
    worker.key = "staging-key"
    answer = worker.__call__

    def open_door(call: Call) -> Says:
        headers = {**call.headers, "authorization": "Bearer staging-key"}
        return answer(Call(call.method, call.path, headers, call.body))

    with answering(open_door) as open_served:
        check = the(smoke(open_served), "a made-up key")
    assert check.detail == "/probe/database answered 200: the key opens staging"


def test_staging_key_is_refused_by_a_production_that_has_its_own(served: Answering) -> None:
    with answering(Worker(PRODUCTION, "production-key")) as production:
        other = Subject(PRODUCTION, deployable(), live_version(), production.url)
        report = smoke(served, surroundings=around(production=(other,)))
    assert the(report, "staging's KEY").outcome is Outcome.PASS
    assert "production-key" not in str(served.calls)


def test_staging_key_that_opens_production_fails_and_is_not_shown(served: Answering) -> None:
    with answering(Worker(PRODUCTION, "staging-key")) as production:
        other = Subject(PRODUCTION, deployable(), live_version(), production.url)
        report = smoke(served, surroundings=around(production=(other,)))
    assert the(report, "staging's KEY").detail == "/probe/database answered 200: the key opens production"
    assert "staging-key" not in str(report)


def test_the_same_value_in_both_stores_fails_without_showing_it(served: Answering) -> None:
    same = Stored(PRODUCTION, "secrets/production.env", {"KEY": Secret("staging-key")})
    report = smoke(served, surroundings=around(other_stored=same))
    check = the(report, "KEY differs")
    assert check.detail == "the same value is in secrets/staging.env and secrets/production.env"
    assert "staging-key" not in str(report)


def test_a_version_at_no_traffic_is_asked_for_by_header(served: Answering, worker: Worker) -> None:
    smoke(served, HttpCheck("GET", "/page"), ahead=True)
    headers = {call.headers.get("cloudflare-workers-version-overrides") for call in worker.calls}
    assert headers == {f'context-staging="{NEW}"'}


def in_steps(served: Answering, *steps: HttpCheck) -> SmokeReport:
    return smoke(served, of=replace(deployable(), worker=replace(SETTINGS, steps=steps)))


def test_steps_hand_on_what_an_answer_held_and_stop_at_the_first_that_fails(served: Answering, worker: Worker) -> None:
    def page(call: Call) -> Says:
        if call.method == "POST":
            return plain({"session": {"id": "a/b", "title": call.json["title"]}}, 201, location="/sessions/7")
        return plain({"id": "a/b"} if call.path == "/sessions/a%2Fb" else {"error": "none"})

    worker.page = page
    opened = HttpCheck(
        "POST", "/sessions", 201, send={"title": "smoke"}, answers={"location": "/sessions/"}, take={"id": "session.id"}
    )
    read = HttpCheck("GET", "/sessions/{id}", json={"id": "{id}"}, title="it can be read")
    assert bad(in_steps(served, opened, read)) == []
    lost = replace(opened, take={"id": "session.key"})
    [failed, after] = bad(in_steps(served, lost, read))
    assert failed == ("POST /sessions → 201", "session.key is not in the answer", Outcome.FAIL)
    assert after == ("it can be read", "a step before it did not pass", Outcome.NOT_MEASURED)


def test_a_check_for_the_other_environment_is_not_asked(served: Answering, worker: Worker) -> None:
    in_steps(served, HttpCheck("POST", "/sessions", only=PRODUCTION))
    smoke(served, HttpCheck("GET", "/page", only=PRODUCTION))
    assert {call.path for call in worker.calls} == {"/health", "/probe/database"}


def test_a_header_that_does_not_come_back_fails(served: Answering) -> None:
    report = smoke(served, HttpCheck("GET", "/page", answers={"content-type": "html", "x-frame-options": "DENY"}))
    assert "the header content-type is" in the(report, "GET /page").detail
    assert '"html" must be in it' in the(report, "GET /page").detail


def test_a_slow_answer_fails_a_latency_limit(served: Answering) -> None:
    report = smoke(served, HttpCheck("GET", "/page", within=0.0))
    assert "0 s are allowed" in the(report, "GET /page").detail


def test_the_report_is_plain_data(served: Answering) -> None:
    assert json.loads(json.dumps([check.__dict__ for check in smoke(served).checks]))
