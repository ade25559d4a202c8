"""wrangler tail: what a Worker logs and throws, as it happens."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from clouds import Cloud, until
from uploads import put

pytestmark = pytest.mark.slow
CODE = """
export default { fetch(request) {
  console.log("asked for", { path: new URL(request.url).pathname });
  if (request.url.includes("boom")) throw new Error("the kettle is empty");
  return new Response("ok");
} };
"""


@contextmanager
def tailing(cloud: Cloud, folder: Any, script: str, *words: str) -> Iterator[list[dict[str, Any]]]:
    """The events that `wrangler tail` has printed so far."""
    argv = [*cloud.parts.wrangler, "tail", script, "--format", "json", *words]
    path = f"/workers/scripts/{script}/tails"
    others = len(cloud.result("GET", path))
    with subprocess.Popen(argv, cwd=folder, env=cloud.env(), stdout=subprocess.PIPE, text=True) as process:
        events: list[dict[str, Any]] = []
        reader = threading.Thread(target=lambda: events.extend(documents(process.stdout)))
        reader.start()
        try:
            until(lambda: len(cloud.result("GET", path)) > others, what="wrangler asks for a tail", seconds=60)
            yield events
        finally:
            process.terminate()
            reader.join(30)
    until(lambda: len(cloud.result("GET", path)) == others, what="the tail ends")


def documents(lines: Any) -> Iterator[dict[str, Any]]:
    """The JSON documents that wrangler prints over several lines each."""
    text = ""
    for line in lines:
        text += line
        if line.rstrip() == "}":
            yield json.loads(text)
            text = ""


def test_wrangler_tail_tells_logs_and_exceptions_and_filters_them(cloud: Cloud, tmp_path: Any) -> None:
    script = put(cloud, CODE)
    until(lambda: cloud.fetch(script).text == "ok", what="the Worker answers")
    with tailing(cloud, tmp_path, script, "--status", "error") as failed, tailing(cloud, tmp_path, script) as events:

        def seen() -> bool:
            assert cloud.fetch(script, "/calm").text == "ok"
            assert cloud.fetch(script, "/boom").status_code >= 500
            return bool(failed) and {"ok", "exception"} <= {one["outcome"] for one in events}

        until(seen, what="both kinds of event are told", seconds=60)
    calm = next(one for one in events if one["outcome"] == "ok")
    assert calm["event"]["request"]["url"].endswith("/calm")
    assert calm["logs"][0]["message"] == ["asked for", {"path": "/calm"}]
    assert calm["scriptName"] == script
    assert {one["outcome"] for one in failed} == {"exception"}
    assert failed[0]["exceptions"][0]["message"] == "the kettle is empty"
    assert cloud.fetch(script).text == "ok"


def test_the_tail_of_a_worker_that_is_not_there_and_the_end_of_no_tail_are_refused(cloud: Cloud) -> None:
    script = put(cloud, CODE)
    assert cloud.refusal("POST", "/workers/scripts/no-such-worker/tails", json={"filters": []})[0] == 404
    assert cloud.refusal("DELETE", f"/workers/scripts/{script}/tails/{'0' * 32}")[0] == 404
