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


BY_HAND = "it was deployed by bob@example.com with wrangler, not by cattlegrid"


def version(
    number: int, triggered_by: str, message: str = "", bindings: tuple[object, ...] = (VAR,), etag: str = "same"
) -> object:
    return {
        "id": f"v{number}",
        "number": number,
        "metadata": {"created_on": "2026-11-24T12:00:00Z", "author_email": "bob@example.com", "source": "wrangler"},
        "annotations": {"workers/triggered_by": triggered_by, "workers/message": message},
        "resources": {"script": {"etag": etag}, "bindings": list(bindings)},
    }


def live(*later: object, serves: int = 0, message: str = "") -> Live:
    """What is live when these versions follow a stamped one; the newest, or the one that `serves` numbers."""
    versions = (version(1, "upload", STAMP.message), *later)
    known = {f"v{number}": found for number, found in enumerate(versions, 1)}
    deployed = {
        "id": "d",
        "created_on": "2026-11-24T12:00:00Z",
        "author_email": "eve@example.com",
        "source": "dash",
        "annotations": {"workers/message": message},
        "versions": [{"version_id": f"v{serves or len(known)}", "percentage": 100}],
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
    assert (found.stamp, found.drift) == (None, f"{BY_HAND}: the same code, with the same bindings")


def test_a_binding_that_changed_beside_a_secret_is_drift() -> None:
    found = live(version(2, "secret", bindings=({**VAR, "text": "debug"}, KEY)))
    assert (found.stamp, found.drift) == (None, "its bindings were changed by bob@example.com with wrangler: LEVEL")


def test_a_secret_that_changed_after_a_deploy_by_hand_does_not_hide_it() -> None:
    assert live(version(2, "upload"), version(3, "secret", bindings=(VAR, KEY))).stamp is None


def test_several_changes_of_secrets_keep_the_stamp() -> None:
    assert live(version(2, "secret", bindings=(VAR, KEY)), version(3, "secret")).stamp is not None


def test_other_code_deployed_by_hand_is_called_so() -> None:
    assert live(version(2, "upload", etag="other")).drift == f"{BY_HAND}: other code"


def test_other_bindings_deployed_by_hand_are_named() -> None:
    found = live(version(2, "upload", bindings=({**VAR, "text": "debug"}, {"type": "d1", "name": "DB", "id": "x"})))
    assert found.drift == f"{BY_HAND}: the same code, with other bindings: DB, LEVEL"


def test_an_older_version_of_ours_that_somebody_made_live_is_drift() -> None:
    found = live(version(2, "upload", STAMP.message), serves=1)
    made_live = "an older version was made live by eve@example.com with dash, not by cattlegrid"
    assert (found.stamp, found.drift) == (None, made_live)


def test_an_older_version_that_cattlegrid_went_back_to_is_no_drift() -> None:
    held = "cattlegrid/1 held 0123456789ab"
    assert live(version(2, "upload", STAMP.message), serves=1, message=held).drift is None
