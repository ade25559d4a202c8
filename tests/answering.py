"""A small HTTP server on a real socket that answers what a test says, cuts connections, and remembers the calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.body)


@dataclass(frozen=True)
class Says:
    """An answer; `cut` closes the connection instead of answering (after the test's own effect, if it has one)."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


def ok(result: object, **info: object) -> Says:
    envelope = {"success": True, "errors": [], "messages": [], "result": result, "result_info": info}
    return Says(200, json.dumps(envelope).encode(), {"content-type": "application/json"})


def no(status: int, code: int, message: str, **headers: str) -> Says:
    envelope = {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}
    return Says(status, json.dumps(envelope).encode(), {"content-type": "application/json", **headers})


def plain(body: object, status: int = 200, **headers: str) -> Says:
    return Says(status, json.dumps(body).encode(), {"content-type": "application/json", **headers})


CUT = Says(cut=True)


@dataclass
class Answering:
    url: str
    calls: list[Call]


@contextmanager
def answering(answer: Callable[[Call], Says]) -> Iterator[Answering]:
    calls: list[Call] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, headers, self.rfile.read(length))
            calls.append(call)
            said = answer(call)
            if said.cut:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Answering(f"http://127.0.0.1:{server.server_port}", calls)
    finally:
        server.shutdown()
        server.server_close()
