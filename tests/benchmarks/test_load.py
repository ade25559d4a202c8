from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from load import Load, steady


@contextmanager
def server(broken: threading.Event) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if broken.is_set():
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_words: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        found.daemon_threads = True
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}/"
        found.shutdown()


def until(load: Load, answers: int, lost: int) -> None:
    deadline = time.monotonic() + 20
    while len(load.seconds) < answers or len(load.lost) < lost:
        assert time.monotonic() < deadline, load
        time.sleep(0.01)


def test_every_answer_of_a_healthy_server_is_counted_and_none_is_lost() -> None:
    with server(threading.Event()) as url, steady(url, clients=4, per_second=200) as load:
        until(load, answers=40, lost=0)
    assert load.lost == []
    assert load.answers == {"ok": load.sent}


def test_a_connection_that_is_cut_is_a_lost_request_and_is_never_tried_again() -> None:
    broken = threading.Event()
    with server(broken) as url, steady(url, clients=4, per_second=200) as load:
        until(load, answers=10, lost=0)
        broken.set()
        until(load, answers=10, lost=8)
    assert any("IncompleteReadError" in words or "ConnectionReset" in words for words in load.lost)


def test_an_address_of_another_machine_is_refused_before_any_request() -> None:
    with (
        pytest.raises(ValueError, match="not an address of this machine"),
        steady("http://example.com/", clients=1, per_second=1),
    ):
        pass
