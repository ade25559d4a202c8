from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback

import pytest

from cattlegrid.cli.plain import document
from cattlegrid.model.secret import Secret, redact

VALUE = "hunter2-is-not-for-your-eyes"


def test_no_form_of_a_secret_shows_its_text(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    logging.getLogger("test").warning("token %s %r", secret, secret)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{[secret]}",
        document({"k": secret}),
        caplog.text,
    ]
    assert all(VALUE not in text for text in shown)
    assert all("[redacted]" in text for text in shown)


def test_a_secret_is_read_only_by_asking_for_it() -> None:
    assert Secret(VALUE).reveal() == VALUE
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != VALUE


def test_a_secret_is_neither_pickled_nor_written_as_json() -> None:
    for leak in (pickle.dumps, copy.copy, json.dumps):
        with pytest.raises(TypeError) as refusal:
            leak(Secret(VALUE))
        assert VALUE not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize(
    "written",
    ["a/b+c=secret-value", "a%2Fb%2Bc%3Dsecret-value", "YS9iK2M9c2VjcmV0LXZhbHVl", "x a/b+c=secret-value y"],
)
def test_the_redactor_takes_a_value_out_in_whatever_form_it_is_written(written: str) -> None:
    Secret("a/b+c=secret-value")
    assert "secret-value" not in redact(written)
    assert "[redacted]" in redact(written)


def test_the_redactor_takes_out_each_line_of_a_value_of_many_lines() -> None:
    Secret("-----BEGIN-----\nthe-first-line-of-it\nthe-second-line-of-it")
    assert redact("log: the-second-line-of-it") == "log: [redacted]"
