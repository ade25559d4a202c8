"""The SOPS format, proven both ways against the stock sops."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keys import NOW, Person, person, sops

from cattlegrid.errors import CattlegridError, Refused, StoreError, UsageError
from cattlegrid.model.secret import Secret
from cattlegrid.secrets.sops import age, document
from cattlegrid.secrets.sops.age import Keyring
from cattlegrid.secrets.sops.store import Recipient, SopsStore

VALUES = {
    "PLAIN": "hunter2",
    "EMPTY": "",
    "UNICODE": "пароль-🔑-é\u2028\x00\x7f",
    "LINES": "-----BEGIN X-----\nabc\r\n\tdef\n-----END X-----\n",
    "JSON": '{"a": [1, "b"]}',
    "LOOKS": "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]",
    "BIG": "x" * 1_000_000,
}
NESTED = {
    "a": {"b": ["x", "", {"c": "y"}], "n": 5, "f": 2.5, "t": True, "none": None},
    "p_unencrypted": "seen",
    **VALUES,
}


@pytest.fixture
def ann() -> Person:
    return person("Ann")


@pytest.fixture
def store(tmp_path: Path, ann: Person) -> SopsStore:
    made = ann.store(tmp_path)
    made.create((ann.recipient,), {}, NOW)
    return made


def put(store: SopsStore, **values: str) -> None:
    store.change({name: Secret(value) for name, value in values.items()}, NOW)


def values(store: SopsStore) -> dict[str, str]:
    return {name: value.reveal() for name, value in store.read().values.items() if not name.startswith("CATTLEGRID_")}


def edit(store: SopsStore, change: dict[str, object]) -> None:
    """Change the file as somebody without a key can."""
    whole = json.loads(store.file.read_text())
    store.file.write_text(json.dumps({**whole, **change}))


def test_the_stock_sops_reads_what_we_write(store: SopsStore, ann: Person) -> None:
    put(store, **VALUES)
    read = json.loads(sops("decrypt", str(store.file), environ=ann.environ))
    assert {name: read[name] for name in VALUES} == VALUES


def test_we_read_what_the_stock_sops_writes(tmp_path: Path, ann: Person) -> None:
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(NESTED))
    written = sops("encrypt", "--age", ann.public, str(plain), environ={})
    found = document.parse(written, "x")
    key = age.unwrap(found.recipients, Keyring(ann.environ))
    assert key is not None
    assert document.opened(found, key) == NESTED


def test_a_value_that_sops_sets_and_one_that_we_set_are_in_one_file(store: SopsStore, ann: Person) -> None:
    put(store, OURS="one")
    sops("set", str(store.file), '["THEIRS"]', '"two"', environ=ann.environ)
    put(store, AGAIN="three")
    assert values(store) == {"OURS": "one", "THEIRS": "two", "AGAIN": "three"}
    assert json.loads(sops("decrypt", str(store.file), environ=ann.environ))["THEIRS"] == "two"


def test_sops_can_change_the_key_of_our_file_and_we_go_on(store: SopsStore, ann: Person) -> None:
    put(store, OURS="one")
    sops("rotate", "-i", str(store.file), environ=ann.environ)
    put(store, OURS="two")
    assert values(store) == {"OURS": "two"}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.from_regex(r"[A-Z]{1,8}", fullmatch=True), st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_text_goes_through_us_and_the_stock_sops(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, str]
) -> None:
    ann = person()
    store = ann.store(tmp_path_factory.mktemp("any"))
    store.create((ann.recipient,), {}, NOW)
    put(store, **tree)
    assert values(store) == tree
    read = json.loads(sops("decrypt", str(store.file), environ=ann.environ))
    assert {name: read[name] for name in tree} == tree


def test_a_change_leaves_the_bytes_of_the_other_values(store: SopsStore) -> None:
    put(store, ONE="1", TWO="2")
    before = json.loads(store.file.read_text())
    put(store, TWO="3")
    after = json.loads(store.file.read_text())
    assert {name for name in before if before[name] != after[name]} == {"TWO", "sops"}


def test_the_file_and_its_folder_are_their_owners_alone(store: SopsStore) -> None:
    assert store.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in store.file.parent.iterdir()] == ["staging.sops.json"]


def swapped(store: SopsStore) -> None:
    whole = json.loads(store.file.read_text())
    edit(store, {"ONE": whole["TWO"], "TWO": whole["ONE"]})


def cut(store: SopsStore) -> None:
    store.file.write_text(store.file.read_text()[:-40])


def removed(store: SopsStore) -> None:
    whole = json.loads(store.file.read_text())
    del whole["ONE"]
    store.file.write_text(json.dumps(whole))


def older(store: SopsStore) -> None:
    before = json.loads(store.file.read_text())["ONE"]
    put(store, ONE="new")
    edit(store, {"ONE": before})


def plain(store: SopsStore) -> None:
    edit(store, {"ONE": "mine"})


def twice(store: SopsStore) -> None:
    store.file.write_text(store.file.read_text().replace('\t"ONE"', '\t"TWO": "",\n\t"ONE"', 1))


def redated(store: SopsStore) -> None:
    store.file.write_text(store.file.read_text().replace("2026-11-25T12:00:00Z", "2026-11-26T12:00:00Z"))


@pytest.mark.parametrize("tamper", [swapped, cut, removed, older, plain, twice, redated])
def test_a_file_that_was_tampered_with_is_refused(store: SopsStore, tamper: object) -> None:
    put(store, ONE="first", TWO="second")
    assert callable(tamper)
    tamper(store)
    with pytest.raises(StoreError, match=r"tampered|cut short|twice") as error:
        store.read()
    assert "first" not in str(error.value)
    assert error.value.where == "secrets/staging.sops.json"


def test_a_recipient_that_somebody_slipped_into_the_file_is_named_and_refused(store: SopsStore) -> None:
    put(store, ONE="first")
    mallory = person("Mallory")
    whole = json.loads(store.file.read_text())
    whole["sops"]["age"].append({"recipient": mallory.public, "enc": whole["sops"]["age"][0]["enc"]})
    store.file.write_text(json.dumps(whole))
    with pytest.raises(StoreError, match=f"new: {mallory.public}") as error:
        put(store, ONE="second")
    assert "secrets recipients accept" in error.value.next


def test_recipients_that_sops_changed_are_accepted_when_they_were_meant(store: SopsStore, ann: Person) -> None:
    bob = person("Bob")
    sops("rotate", "-i", "--add-age", bob.public, str(store.file), environ=ann.environ)
    assert [one.key for one in store.accept(NOW)] == [bob.public]
    put(bob.store(store.root), ONE="1")
    assert values(store) == {"ONE": "1"}


def test_a_file_that_another_tool_made_is_read_and_written_only_when_its_recipients_are_meant(
    tmp_path: Path, ann: Person
) -> None:
    mallory = person("Mallory")
    store = ann.store(tmp_path)
    store.file.parent.mkdir()
    plain = tmp_path / "plain.json"
    plain.write_text('{"ONE": "1"}')
    store.file.write_text(sops("encrypt", "--age", f"{ann.public},{mallory.public}", str(plain), environ={}))
    assert values(store) == {"ONE": "1"}
    with pytest.raises(StoreError, match="nobody has said yet that its recipients are meant"):
        put(store, ONE="a real secret")
    assert {one.key for one in store.accept(NOW)} == {ann.public, mallory.public}
    put(store, ONE="2")
    assert store.readers() == (ann.public, mallory.public)


def test_a_colleague_reads_after_being_added_and_not_after_being_removed(store: SopsStore) -> None:
    bob = person("Bob")
    put(store, ONE="1")
    theirs = bob.store(store.root)
    assert "none of the keys on this machine opens it" in theirs.read().closed
    assert "ONE" in theirs.read().names
    store.add(bob.recipient, NOW)
    assert values(theirs) == {"ONE": "1"}
    assert store.remove("Bob", NOW) == bob.recipient
    assert theirs.read().values == {}
    assert [one.name for one in store.recipients()] == ["Ann"]


def test_removing_somebody_encrypts_every_value_anew(store: SopsStore) -> None:
    bob = person("Bob")
    put(store, ONE="1")
    store.add(bob.recipient, NOW)
    before = json.loads(store.file.read_text())
    store.remove(bob.public, NOW)
    after = json.loads(store.file.read_text())
    assert before["ONE"] != after["ONE"]


def test_the_last_recipient_stays(store: SopsStore) -> None:
    with pytest.raises(Refused, match="nobody could open it"):
        store.remove("Ann", NOW)


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_ssh_key_opens_the_file_for_us_and_for_sops(tmp_path: Path, ann: Person, kind: str) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    key = home / ".ssh" / f"id_{kind}"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "bob@x", "-f", key], check=True)
    public = age.recipient(key.with_name(f"{key.name}.pub").read_text())
    store = ann.store(tmp_path)
    store.create((ann.recipient, Recipient(public, "Bob")), {}, NOW)
    put(store, ONE="1")
    theirs = SopsStore(tmp_path, store.environment, Keyring({"HOME": str(home)}))
    assert values(theirs) == {"ONE": "1"}
    read = sops("decrypt", str(store.file), environ={"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(key)})
    assert json.loads(read)["ONE"] == "1"


def test_an_ssh_key_with_a_passphrase_asks_a_person_and_says_so_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    key = tmp_path / ".ssh" / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", key], check=True)
    environ = {"HOME": str(tmp_path)}
    bob = Recipient(age.own_recipients(environ)[0], "Bob")
    asked = SopsStore(tmp_path, person().store(tmp_path).environment, Keyring(environ, lambda _: "open sesame"))
    asked.create((bob,), {}, NOW)
    put(asked, ONE="1")
    assert values(asked) == {"ONE": "1"}
    for ask, said in ((None, "nobody is at a terminal"), (lambda _: "wrong", "not the passphrase")):
        with pytest.raises(CattlegridError, match=said):
            SopsStore(tmp_path, asked.environment, Keyring(environ, ask)).read()


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, store: SopsStore, ann: Person) -> None:
    file = tmp_path / "key"
    file.write_text(ann.secret)
    file.chmod(0o644)
    with pytest.raises(StoreError, match="can be read by others") as error:
        SopsStore(store.root, store.environment, Keyring({"SOPS_AGE_KEY_FILE": str(file)})).read()
    assert error.value.next == f"chmod 600 {file}"


@pytest.mark.parametrize("text", ["AGE-SECRET-KEY-1QQ", "age1nonsense", "ssh-dss AAAA", "Bob"])
def test_what_is_no_public_key_is_no_recipient(text: str) -> None:
    with pytest.raises(UsageError):
        age.recipient(text)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [({"encrypted_regex": "^x"}, "encrypted_regex"), ({"shamir_threshold": 2}, "shamir_threshold")],
)
def test_rules_that_we_do_not_follow_are_refused_by_name(
    store: SopsStore, metadata: dict[str, object], said: str
) -> None:
    whole = json.loads(store.file.read_text())
    edit(store, {"sops": {**whole["sops"], **metadata}})
    with pytest.raises(StoreError, match=said):
        store.read()


def test_a_file_of_a_newer_sops_is_read_and_keeps_what_we_do_not_know(store: SopsStore) -> None:
    put(store, ONE="1")
    whole = json.loads(store.file.read_text())
    edit(store, {"sops": {**whole["sops"], "version": "9.0.0", "hckms": [{"key_id": "k"}]}})
    assert values(store) == {"ONE": "1"}
    put(store, TWO="2")
    kept = json.loads(store.file.read_text())["sops"]
    assert (kept["version"], kept["hckms"]) == ("9.0.0", [{"key_id": "k"}])
    with pytest.raises(Refused, match="hckms"):
        store.add(person("Bob").recipient, NOW)


def test_a_file_that_is_not_encrypted_at_all_is_refused(store: SopsStore) -> None:
    store.file.write_text('{"ONE": "1"}')
    with pytest.raises(StoreError, match="not encrypted"):
        store.read()


def test_a_file_in_the_middle_of_a_merge_says_so(store: SopsStore) -> None:
    store.file.write_text("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n")
    with pytest.raises(StoreError, match="merge conflict") as error:
        store.read()
    assert re.match("cattlegrid secrets merge", error.value.next)
