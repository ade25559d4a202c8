"""Encrypted backups: who opens them, and what is left of them on this machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from mirror_files import filled

from cattlegrid.errors import MissingCredential, StoreError, UsageError
from cattlegrid.mirror import keeping, schema
from cattlegrid.mirror.engine import OnFile
from cattlegrid.mirror.keeping import Manifest
from cattlegrid.model.check import Outcome
from cattlegrid.secrets.sops import age
from cattlegrid.settings import load
from cattlegrid.verbs import backup, sealed
from cattlegrid.verbs.edge import Edge

SECRET, PUBLIC = age.generate()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A backup of a database with one row in it, encrypted for PUBLIC."""
    (tmp_path / "plain").mkdir()
    file = filled(tmp_path / "plain/one-20261124T030000Z.sqlite", "CREATE TABLE t (v)", "INSERT INTO t VALUES ('ada')")
    with OnFile(file) as engine:
        tables, shape = keeping.digests(engine), schema.read(engine).digest
    Manifest("one", "id", "production", "then", "b", True, shape, tables, keeping.sha256(file)).write(file)
    return sealed.seal(file, tmp_path, (PUBLIC,))


def edge(folder: Path, secret: str) -> Edge:
    return Edge(folder, {"SOPS_AGE_KEY": secret})


def test_a_recipient_can_verify_and_nothing_lies_here_in_the_clear(written: Path) -> None:
    before = {*Path("/dev/shm").glob("cattlegrid-*")}  # noqa: S108 - where it is decrypted
    report = backup.verify(edge(written.parent, SECRET.reveal()), written)
    assert report.outcome is Outcome.PASS, report.files
    assert {*Path("/dev/shm").glob("cattlegrid-*")} <= before  # noqa: S108 - as above
    assert sorted(one.name for one in written.parent.glob("*.*")) == [
        "one-20261124T030000Z.json.age",
        "one-20261124T030000Z.sqlite.age",
    ]
    assert b"ada" not in written.read_bytes()
    assert oct(written.stat().st_mode & 0o777) == "0o600"


def test_another_key_opens_nothing(written: Path) -> None:
    with pytest.raises(MissingCredential, match="no key of this machine opens"):
        backup.verify(edge(written.parent, age.generate()[0].reveal()), written)


@pytest.mark.parametrize("damage", [lambda raw: raw[:-9], lambda raw: raw[:-9] + b"x" * 9], ids=["cut", "changed"])
def test_a_damaged_file_is_not_opened(written: Path, damage: object) -> None:
    written.write_bytes(damage(written.read_bytes()))  # type: ignore[operator] # one of the two above
    with pytest.raises(StoreError, match="is not"):
        backup.verify(edge(written.parent, SECRET.reveal()), written)


def test_the_last_good_backup_is_one_with_a_manifest(written: Path) -> None:
    folder = written.parent
    (folder / "one-20261125T030000Z.sqlite").touch()
    (folder / "one-two-20261125T030000Z.json").touch()
    assert backup.newest(folder, "one") == datetime(2026, 11, 24, 3, tzinfo=UTC)
    assert backup.newest(folder, "two") is None


def test_to_encrypt_for_nobody_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cattlegrid.toml").write_text('[fleet]\nname = "crane"\nworkers = ["w"]\n')
    (tmp_path / "w").mkdir()
    (tmp_path / "w/wrangler.toml").write_text('name = "w"\n')
    with pytest.raises(UsageError, match="no recipients are named"):
        sealed.recipients(load(tmp_path))
