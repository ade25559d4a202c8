from __future__ import annotations

import pytest

from cattlegrid.model.stamp import MESSAGE_BYTES, TAG_CHARACTERS, Digests, Stamp

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGESTS = Digests(inputs="a" * 64, code="b" * 64, config="c" * 64, schema="d" * 64)


@pytest.mark.parametrize("dirty", [False, True])
def test_a_stamp_fits_into_cloudflares_annotations_and_reads_back(dirty: bool) -> None:
    stamp = Stamp(COMMIT, DIGESTS, dirty=dirty)
    assert len(stamp.message.encode()) <= MESSAGE_BYTES
    assert len(stamp.tag) <= TAG_CHARACTERS
    read = Stamp.read(stamp.message)
    assert read is not None
    assert COMMIT.startswith(read.commit)
    assert read.dirty is dirty
    assert read.digests == Digests("a" * 12, "b" * 12, "c" * 12, "d" * 12)


@pytest.mark.parametrize(
    "message",
    [
        None,
        "",
        "fix the login",
        "cattlegrid/1",
        "cattlegrid/2 0123456789abcdef in=aaaaaaaaaaaa code=bbbbbbbbbbbb cfg=cccccccccccc mig=dddddddddddd",
        "cattlegrid/1 0123456789abcdef in=aaaaaaaaaaaa code=bbbbbbbbbbbb cfg=cccccccccccc mig=dddddddddddd and more",
    ],
)
def test_a_message_that_is_not_a_whole_stamp_is_no_stamp(message: str | None) -> None:
    assert Stamp.read(message) is None
