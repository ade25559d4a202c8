"""What every store does: one suite, run against each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keys import NOW, person

from cattlegrid.errors import CattlegridError, ConfigError, MissingCredential, StoreError
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Infisical
from cattlegrid.model.secret import Secret
from cattlegrid.secrets.dotenv import DotenvStore
from cattlegrid.secrets.infisical import CLIENT_ID, CLIENT_SECRET, InfisicalStore
from cattlegrid.secrets.store import Store

STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION
KNOWN = frozenset({"ONE", "TWO", "THREE"})
PERSON = {CLIENT_ID: "person", CLIENT_SECRET: "all"}
Make = Callable[[Environment], Store]


def _sops(root: Path) -> Make:
    ann = person()

    def make(environment: Environment) -> Store:
        made = ann.store(root, environment)
        if not made.file.is_file():
            made.create((ann.recipient,), {}, NOW)
        return made

    return make


def _infisical(url: str, environ: dict[str, str] = PERSON) -> Make:
    where = Infisical(url, "p-1", "/", {STAGING: "staging", PRODUCTION: "prod"})
    return lambda environment: InfisicalStore(where, environment, environ)


@pytest.fixture(params=["sops", "dotenv", "infisical", "old_infisical"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    if request.param == "sops":
        return _sops(tmp_path)
    if request.param == "dotenv":
        return lambda environment: DotenvStore(tmp_path, environment, KNOWN)
    return _infisical(request.getfixturevalue(request.param))


def put(store: Store, **values: str | None) -> None:
    store.change({name: None if value is None else Secret(value) for name, value in values.items()}, NOW)


def values(store: Store) -> dict[str, str]:
    return {name: one.reveal() for name, one in store.read().values.items() if not name.startswith("CATTLEGRID_")}


def test_a_new_store_is_empty_and_open(make: Make) -> None:
    assert values(make(STAGING)) == {}
    assert make(STAGING).read().closed == ""


def test_what_was_set_is_read_back_by_another_reader(make: Make) -> None:
    put(make(STAGING), ONE="first", TWO="zwei = 2 # 'x' \"y\" \\n $z")
    assert values(make(STAGING)) == {"ONE": "first", "TWO": "zwei = 2 # 'x' \"y\" \\n $z"}


def test_a_change_leaves_the_others_and_a_removal_removes(make: Make) -> None:
    put(make(STAGING), ONE="1", TWO="2")
    put(make(STAGING), ONE="one", TWO=None, THREE="3")
    assert values(make(STAGING)) == {"ONE": "one", "THREE": "3"}


def test_removing_what_is_not_there_is_no_error(make: Make) -> None:
    put(make(STAGING), ONE="1", TWO=None)
    assert values(make(STAGING)) == {"ONE": "1"}


def test_the_environments_do_not_see_each_other(make: Make) -> None:
    put(make(STAGING), ONE="staging's")
    put(make(PRODUCTION), ONE="production's")
    assert (values(make(STAGING)), values(make(PRODUCTION))) == ({"ONE": "staging's"}, {"ONE": "production's"})


def test_a_store_knows_when_a_value_was_set(make: Make) -> None:
    put(make(STAGING), ONE="1")
    assert make(STAGING).read().since["ONE"].tzinfo is not None


def test_a_value_of_many_lines_and_one_of_a_megabyte_come_back_whole(make: Make) -> None:
    lines, big = "-----BEGIN X-----\nabc\r\n\tdef\n-----END X-----\n", "x" * 1_000_000
    put(make(STAGING), ONE=lines, TWO=big)
    assert values(make(STAGING)) == {"ONE": lines, "TWO": big}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_back_as_it_was(make: Make, text: str) -> None:
    put(make(STAGING), ONE=text)
    assert values(make(STAGING)) == {"ONE": text}


def test_no_value_stands_in_the_stores_own_text(make: Make) -> None:
    put(make(STAGING), ONE="unmistakable-value")
    store = make(STAGING)
    assert "unmistakable" not in f"{store!r} {store.read()!r} {store.place} {store.how_to_add('ONE')}"


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "neither INFISICAL_TOKEN nor"),
        ({CLIENT_ID: "person", CLIENT_SECRET: "wrong-secret"}, "refuses this identity: Invalid credentials"),
        ({"INFISICAL_TOKEN": "stale-token"}, "refuses this identity: Token missing or not valid"),
    ],
)
def test_an_identity_that_infisical_does_not_know_finds_it_closed(
    infisical: str, environ: dict[str, str], said: str
) -> None:
    store = _infisical(infisical, environ)(STAGING)
    assert said in store.read().closed
    with pytest.raises(MissingCredential) as error:
        put(store, ONE="1")
    assert not any(value in str(error.value) for value in environ.values())


def test_a_staging_machine_finds_production_closed_and_staging_open(infisical: str) -> None:
    put(_infisical(infisical)(STAGING), ONE="1")
    machine = _infisical(infisical, {CLIENT_ID: "machine", CLIENT_SECRET: "staging"})
    assert values(machine(STAGING)) == {"ONE": "1"}
    assert "not allowed" in machine(PRODUCTION).read().closed


def test_an_identity_that_sees_names_only_gets_no_placeholder_for_a_value(infisical: str) -> None:
    put(_infisical(infisical)(STAGING), ONE="1")
    contents = _infisical(infisical, {CLIENT_ID: "names", CLIENT_SECRET: "only"})(STAGING).read()
    assert (contents.values, contents.names) == ({}, {"ONE"})
    assert "no values" in contents.closed


def test_a_store_that_is_down_is_an_error_and_never_an_empty_store() -> None:
    with pytest.raises(StoreError, match=r"does not answer at http://127\.0\.0\.1:9"):
        _infisical("http://127.0.0.1:9")(STAGING).read()


def test_a_wrong_project_is_named_as_infisical_names_it(infisical: str) -> None:
    where = Infisical(infisical, "p-2", "/", {STAGING: "staging"})
    with pytest.raises(StoreError, match="Project p-2"):
        InfisicalStore(where, STAGING, PERSON).read()


def test_the_official_sdk_agrees_with_the_stand_in(infisical: str) -> None:
    """It logs in, creates, lists with and without values, updates, deletes, and is refused, as on the real one."""
    sdk = pytest.importorskip("infisical_sdk", reason="a development dependency")
    client = sdk.InfisicalSDKClient(host=infisical)
    client.auth.universal_auth.login(client_id="person", client_secret="all")
    there = {"project_id": "p-1", "environment_slug": "staging", "secret_path": "/"}
    client.secrets.create_secret_by_name(secret_name="THEIRS", secret_value="theirs", **there)
    put(_infisical(infisical)(STAGING), ONE="ours")
    listed = client.secrets.list_secrets(**there).secrets
    assert {one.secretKey: one.secretValue for one in listed} == {"THEIRS": "theirs", "ONE": "ours"}
    hidden = client.secrets.list_secrets(view_secret_value=False, **there).secrets
    assert {one.secretValue for one in hidden} == {"<hidden-by-infisical>"}
    assert values(_infisical(infisical)(STAGING)) == {"THEIRS": "theirs", "ONE": "ours"}
    client.secrets.update_secret_by_name(current_secret_name="ONE", secret_value="theirs now", **there)
    client.secrets.delete_secret_by_name(secret_name="THEIRS", **there)
    assert values(_infisical(infisical)(STAGING)) == {"ONE": "theirs now"}
    with pytest.raises(sdk.infisical_requests.APIError, match="404"):
        client.secrets.get_secret_by_name(secret_name="THEIRS", **there)
    assert issubclass(StoreError, CattlegridError)


def test_a_dotenv_file_with_an_undeclared_name_is_refused(tmp_path: Path) -> None:
    store = DotenvStore(tmp_path, STAGING, KNOWN)
    put(store, STRANGE="1")
    with pytest.raises(ConfigError, match="STRANGE is not declared"):
        store.read()
