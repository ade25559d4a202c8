"""Ports, folders, disks and states that are not as they should be: each is said with what to do, and loses nothing."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from homes import Home, carried, home, until

from cattlegrid.local import daemon
from cattlegrid.local.daemon import DaemonError
from cattlegrid.toolchain import Toolchain

pytestmark = pytest.mark.slow
ECHO = "export default { fetch: (request, env) => new Response(env.TEXT ?? 'hello') };"


@pytest.fixture
def made(node_parts: Toolchain, tmp_path: Path) -> Iterator[Home]:
    with home(node_parts, tmp_path) as one:
        yield one


def test_a_taken_port_is_named_with_the_option_that_chooses_another(made: Home) -> None:
    was = made.running
    daemon.down(made.state)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        until(lambda: binds(squatter, was.router_port), "the kernel gives the port of the ended router back")
        squatter.listen()
        with pytest.raises(DaemonError, match=f"port {was.router_port} is taken") as refusal:
            made.up()
        assert "--router-port" in refusal.value.next
        assert daemon.status(made.state) is None
    assert made.up() == daemon.status(made.state)
    assert (made.running.port, made.running.router_port) == (was.port, was.router_port)


def binds(one: socket.socket, port: int) -> bool:
    with suppress(OSError):
        one.bind(("127.0.0.1", port))
        return True
    return False


def test_a_state_of_a_newer_release_is_refused_and_left_alone(made: Home) -> None:
    assert made.put("kept", ECHO).is_success
    daemon.down(made.state)
    with sqlite3.connect(made.state / "control.sqlite") as db:
        (ours,) = db.execute("PRAGMA user_version").fetchone()
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(DaemonError, match="was written by a newer cattlegrid \\(format 99; this one reads up to"):
        made.up()
    with sqlite3.connect(made.state / "control.sqlite") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)
        db.execute(f"PRAGMA user_version = {ours}")
    made.up()
    assert made.ask("kept").text == "hello"


def test_a_damaged_state_is_named_with_the_way_to_start_afresh(made: Home) -> None:
    daemon.down(made.state)
    for file in made.state.glob("control.sqlite*"):
        file.write_bytes(b"not a database, but long enough to be taken for one " * 100)
    with pytest.raises(DaemonError, match=r"control.sqlite is damaged .*`cattlegrid local reset` starts afresh"):
        made.up()


def test_a_folder_of_other_files_is_refused_and_not_touched(node_parts: Toolchain, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    tmp_path.chmod(0o755)
    with pytest.raises(DaemonError, match="holds other files"):
        daemon.up(tmp_path, node=node_parts.node, modules=node_parts.modules)
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.tex"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    with pytest.raises(DaemonError, match="is not a state folder"):
        daemon.reset(tmp_path)


AS_NOBODY = """
import os, sys
from pathlib import Path
from cattlegrid.local import daemon
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
state = Path(sys.argv[1])
for act in (lambda: daemon.up(state, node=state, modules=state), lambda: daemon.status(state)):
    try:
        act()
    except daemon.DaemonError as error:
        print(error.message, "|", error.next)
"""


def test_a_folder_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    state = tmp_path / "theirs"
    state.mkdir()
    (state / "up.lock").touch()
    (state / "lock").touch()
    state.chmod(0o000)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    try:
        ran = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(state)],
            env=carried(), capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip
    finally:
        state.chmod(0o700)
    said = ran.stdout.splitlines()
    assert len(said) == 2, ran
    assert all(str(state) in line and "Permission denied" in line and "ls -ld" in line for line in said)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk cannot be mounted here: it takes root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Takes every byte that is left."""
    rubbish = disk / "rubbish"
    with rubbish.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    return rubbish


def test_a_full_disk_is_said_and_nothing_is_lost_or_half_done(node_parts: Toolchain, small_disk: Path) -> None:
    with home(node_parts, small_disk) as made:
        database = made.result("POST", "/d1/database", json={"name": "db"})["uuid"]
        query = f"/d1/database/{database}/query"
        made.result("POST", query, json={"sql": "CREATE TABLE t (x); INSERT INTO t VALUES ('before')"})
        assert made.put("kept", ECHO).is_success
        rubbish = fill(small_disk)

        refused = made.put("kept", ECHO + "// " + "x" * 100_000)
        assert (refused.status_code, "is full" in refused.text) == (507, True)
        assert made.put("new", ECHO).status_code == 507
        big = made.api("POST", query, json={"sql": "INSERT INTO t VALUES (zeroblob(1500000))"})
        assert not big.is_success
        assert "full" in big.text
        assert made.ask("kept").text == "hello"

        rubbish.unlink()
        assert len(made.result("GET", "/workers/scripts/kept/versions")["items"]) == 1
        assert [one["id"] for one in made.result("GET", "/workers/scripts")] == ["kept"]
        (rows,) = made.result("POST", query, json={"sql": "SELECT x FROM t"})
        assert rows["results"] == [{"x": "before"}]
        assert made.put("kept", ECHO.replace("hello", "again")).is_success
        assert made.ask("kept").text == "again"


def test_coming_up_on_a_full_disk_says_so_and_comes_up_when_there_is_room(
    node_parts: Toolchain, small_disk: Path
) -> None:
    with home(node_parts, small_disk) as made:
        assert made.put("kept", ECHO).is_success
        daemon.down(made.state)
        rubbish = fill(small_disk)
        with pytest.raises(DaemonError, match=r"the disk that holds .* is full"):
            made.up()
        assert daemon.status(made.state) is None
        rubbish.unlink()
        made.up()
        assert made.ask("kept").text == "hello"


def test_a_first_start_on_a_full_disk_says_so(node_parts: Toolchain, small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(DaemonError, match=r"the disk that holds .* is full"):
        daemon.up(small_disk / "state", node=node_parts.node, modules=node_parts.modules)


def test_the_api_is_gone_when_it_was_stopped_and_says_how_to_start_it(made: Home) -> None:
    base = made.running.base_url
    assert daemon.down(made.state)
    assert not daemon.down(made.state)
    with pytest.raises(httpx2.TransportError):
        httpx2.get(base, trust_env=False)
    with pytest.raises(DaemonError, match="is not running") as refusal:
        daemon.env(made.state)
    assert refusal.value.next == "cattlegrid local up"
