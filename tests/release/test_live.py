from __future__ import annotations

import re

from answering import Call, Says, answering, no, ok
from cattlegrid.cloudflare.client import Client
from cattlegrid.model.secret import Secret
from cattlegrid.model.stamp import Digests, Stamp
from cattlegrid.model.target import Account
from cattlegrid.release.live import Live, read_one

STAMP = Stamp("c" * 40, Digests("1" * 64, "2" * 64, "3" * 64, "4" * 64))
VAR = {"type": "plain_text", "name": "LEVEL", "text": "info"}
KEY = {"type": "secret_text", "name": "KEY"}


def version(number: int, triggered_by: str, message: str = "", bindings: tuple[object, ...] = (VAR,)) -> object:
    return {
        "id": f"v{number}",
        "number": number,
        "metadata": {"created_on": "2026-11-24T12:00:00Z", "author_email": "bob@example.com", "source": "wrangler"},
        "annotations": {"workers/triggered_by": triggered_by, "workers/message": message},
        "resources": {"script": {"etag": "same"}, "bindings": list(bindings)},
    }


def live(*later: object) -> Live:
    """What is live when these versions follow a stamped one, all with the same code."""
    versions = (version(1, "upload", STAMP.message), *later)
    known = {f"v{number}": found for number, found in enumerate(versions, 1)}
    deployed = {
        "id": "d",
        "created_on": "2026-11-24T12:00:00Z",
        "versions": [{"version_id": f"v{len(known)}", "percentage": 100}],
    }

    def answer(call: Call) -> Says:
        path = call.path.split("?")[0]
        if path.endswith("/deployments"):
            return ok({"deployments": [deployed]})
        if path.endswith("/versions"):
            return ok({"items": list(known.values())})
        found = re.search(r"/versions/(v\d)$", path)
        return ok(known[found[1]]) if found else no(404, 7000, "no route")

    with answering(answer) as server, Client(Account(server.url, "acc", Secret("t"))) as client:
        return read_one(client, "context-staging")


def test_a_change_of_a_secret_keeps_the_stamp() -> None:
    found = live(version(2, "secret", bindings=(VAR, KEY)))
    assert (found.stamp, found.drift) == (Stamp.read(STAMP.message), None)


def test_a_deploy_by_hand_of_the_very_same_code_and_bindings_is_drift() -> None:
    found = live(version(2, "upload"))
    assert (found.stamp, found.drift) == (None, "it was deployed by bob@example.com with wrangler, not by cattlegrid")


def test_a_binding_that_changed_beside_a_secret_is_drift() -> None:
    found = live(version(2, "secret", bindings=({**VAR, "text": "debug"}, KEY)))
    assert (found.stamp, found.drift) == (None, "its bindings were changed by bob@example.com with wrangler")


def test_a_secret_that_changed_after_a_deploy_by_hand_does_not_hide_it() -> None:
    assert live(version(2, "upload"), version(3, "secret", bindings=(VAR, KEY))).stamp is None


def test_several_changes_of_secrets_keep_the_stamp() -> None:
    assert live(version(2, "secret", bindings=(VAR, KEY)), version(3, "secret")).stamp is not None
