from __future__ import annotations

import ipaddress
import json
import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from cattlegrid.mirror import masks
from cattlegrid.mirror.masks import NAMES, named
from cattlegrid.mirror.policy import made_of
from cattlegrid.mirror.rules import Mask
from cattlegrid.model.secret import Secret

KEY, OTHER = Secret("one key"), Secret("another key")
SAMPLES = {
    "name": "Ada Lovelace", "email": "ada@corp.io", "phone": "+44 20 7946 0958", "hostname": "db1.corp.io",
    "url": "https://corp.io/a?b=c", "ip": "81.2.69.160", "address": "1 Main St", "text": "Tell Ada: 7 é!",
    "number": "4711", "date-shift": "2026-11-25T10:00:00Z", "hash": "tok_123456",
}  # fmt: skip


def mask(name: str, key: Secret = KEY) -> Mask:
    return named(name, key, unique=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_gives_the_same_value_always_another_one_and_another_by_another_key(name: str) -> None:
    value = SAMPLES[name]
    masked = mask(name).text(value)
    assert masked == mask(name).text(value)
    assert masked != value
    assert mask(name, OTHER).text(value) != masked
    assert mask(name).text("") == ""


def test_formats_stay_valid() -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z]+\.[0-9a-f]{20}@example\.com", mask("email").text("Ada@Corp.io"))
    assert re.fullmatch(r"\+\d\d \d\d \d{4} \d{4}", mask("phone").text("+44 20 7946 0958"))
    assert ipaddress.ip_address(mask("ip").text("81.2.69.160")).version == 4
    assert ipaddress.ip_address(mask("ip").text("2a02:db8::1")).is_private
    assert urlsplit(mask("url").text("https://u:p@corp.io:8443/a?token=1")).hostname.endswith(".example")  # type: ignore[union-attr]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT10:00:00Z", mask("date-shift").text("2026-11-25T10:00:00Z"))
    assert re.fullmatch(r"[A-Z][a-z]{3} [A-Z]{2}-\d{3}!", mask("text").text("Tell DB-042!"))


@given(some.text(max_size=40))
def test_masked_text_is_as_long_as_the_original_in_characters_and_bytes(value: str) -> None:
    masked = mask("text").text(value)
    assert len(masked) == len(value)
    assert len(masked.encode()) == len(value.encode())


@settings(max_examples=20, deadline=None)
@given(some.sets(some.from_regex(r"[a-z]{2}|[+][0-9]{2} [0-9]{3}|[A-Z][0-9]", fullmatch=True), min_size=60))
def test_different_short_texts_stay_different(values: set[str]) -> None:
    for name in ("text", "phone", "hash"):
        assert len({mask(name).text(value) for value in values}) == len(values)


def test_every_four_digit_number_stays_a_different_four_digit_number() -> None:
    masked = {mask("number").other("i", number)[1] for number in range(1000, 10_000)}
    assert masked == set(range(1000, 10_000))


@given(some.integers(-(2**63), 2**63 - 1))
def test_whole_numbers_keep_sign_and_digits_and_stay_within_64_bits(number: int) -> None:
    letter, moved = mask("number").other("I", str(number))
    assert letter in "iI"
    assert -(2**63) <= int(str(moved)) < 2**63
    assert (int(str(moved)) < 0) == (number < 0)


def test_dates_keep_their_order_and_distance() -> None:
    shift = mask("date-shift")
    assert shift.text("2026-02-28") < shift.text("2026-03-01")
    seconds = int(str(shift.other("i", 1_760_000_000)[1])) - 1_760_000_000
    assert seconds % 86_400 == 0
    assert int(str(shift.other("i", 1_760_000_000_000)[1])) - 1_760_000_000_000 == seconds * 1000
    with pytest.raises(ValueError, match="begins with no date"):
        shift.text("tomorrow")


def test_json_is_masked_by_path_and_by_default_everywhere() -> None:
    rule = {"$.kind": "keep", "$.user.email": "email", "$.tags[*]": "keep"}
    text = '{"kind":"push","user":{"email":"a@b.c","name":"Ada"},"tags":["x"],"n":3}'
    found = json.loads(made_of(rule, KEY).text(text))
    assert (found["kind"], found["tags"], found["n"]) == ("push", ["x"], 3)
    assert found["user"]["email"].endswith("@example.com")
    assert found["user"]["name"] != "Ada"
    with pytest.raises(ValueError, match="not JSON"):
        made_of("json", KEY).text("{")


@pytest.mark.parametrize(("name", "letter"), [("email", "i"), ("ip", "b"), ("json", "T"), ("date-shift", "b")])
def test_a_value_that_a_mask_cannot_mask_is_an_error_without_the_value(name: str, letter: str) -> None:
    with pytest.raises(ValueError, match=masks.KINDS[letter]) as found:
        made_of(name, KEY).other(letter, "4711")
    assert "4711" not in str(found.value)
