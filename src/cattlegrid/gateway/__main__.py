"""A session's gateway, as `cattlegrid run` starts it: a process of its own, which outlives the launcher.

`python -P -m cattlegrid.gateway FOLDER`; one JSON document on standard input, and then `ready` on standard output. The
credentials come through that pipe, so they are in no argument, file or environment, and the process forbids its
memory to be read by other processes of the same user.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from pathlib import Path
from typing import Final

from cattlegrid.agents import folder as session_folder
from cattlegrid.agents.session import CONTROL, GATEWAY

_PR_SET_DUMPABLE: Final = 4


def main() -> int:
    """The launcher's child ends at once; its own child, adopted by init, serves."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    folder = Path(sys.argv[1])
    document = sys.stdin.buffer.read()
    if not document:
        return 1
    session_folder.hold(folder)
    sockets = [_listening(folder / name) for name in (GATEWAY, CONTROL)]
    if os.fork() != 0:
        os._exit(0)  # at once: the launcher waits for it, and nothing here wants to be closed
    os.setsid()
    _serve(document, folder, sockets)
    return 0


def _listening(place: Path) -> socket.socket:
    one = socket.socket(socket.AF_UNIX)
    one.bind(str(place))
    place.chmod(0o600)
    one.listen(128)
    return one


def _serve(document: bytes, folder: Path, sockets: list[socket.socket]) -> None:
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.write(1, b"ready\n")
    os.dup2(quiet, 1)
    os.dup2(os.open(folder / "gateway.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    import anyio  # noqa: PLC0415 - a second of imports, which happens after `ready` while the agent starts

    from cattlegrid.agents import session  # noqa: PLC0415 - as above
    from cattlegrid.gateway import serve  # noqa: PLC0415 - as above
    from cattlegrid.gateway.way import open_way  # noqa: PLC0415 - as above
    from cattlegrid.verbs.edge import Edge  # noqa: PLC0415 - as above

    told = json.loads(document)
    begun = session.decode(told["session"])
    try:
        way = open_way(begun, Edge(Path(begun.root), told["environ"]))
        anyio.run(serve.in_session, way, int(told["agent"]), sockets)
    finally:
        session_folder.discard(folder)


if __name__ == "__main__":
    sys.exit(main())
