from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable

import httpx2
import pytest
from d1_calls import Database

pytestmark = pytest.mark.slow


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def restore(database: Database, **query: str) -> httpx2.Response:
    return database.api.post(f"{database.path}/time_travel/restore", params=query)


@pytest.fixture
def notes(database: Database) -> Database:
    database.raw("CREATE TABLE notes (body); INSERT INTO notes VALUES ('one')")
    return database


def test_a_bookmark_stays_the_same_until_something_is_written(notes: Database) -> None:
    first = notes.bookmark()
    notes.raw("SELECT * FROM notes")
    assert notes.bookmark() == first
    notes.raw("INSERT INTO notes VALUES ('two')")
    assert notes.bookmark() > first


def test_a_bookmark_has_cloudflares_shape(notes: Database) -> None:
    assert [len(part) for part in notes.bookmark().split("-")] == [8, 8, 8, 32]


def test_a_restore_brings_back_the_rows_and_can_be_undone(notes: Database) -> None:
    before = notes.bookmark()
    notes.raw("DROP TABLE notes")
    answer = restore(notes, bookmark=before).json()["result"]
    assert answer["bookmark"] == before
    assert notes.raw("SELECT body FROM notes") == [["one"]]
    restore(notes, bookmark=answer["previous_bookmark"])
    assert notes.raw("SELECT count(*) FROM sqlite_schema WHERE name = 'notes'") == [[0]]


def test_a_restore_by_timestamp_finds_the_state_of_that_moment(notes: Database) -> None:
    time.sleep(1.1)  # states are a second apart: it is this passing of time that is tested
    between = now()
    notes.raw("UPDATE notes SET body = 'later'")
    assert restore(notes, timestamp=between).json()["success"]
    assert notes.raw("SELECT body FROM notes") == [["one"]]


def test_the_bookmark_of_a_timestamp_is_the_one_that_a_restore_to_it_uses(notes: Database) -> None:
    bookmark = notes.bookmark()
    assert notes.bookmark(timestamp=now()) == bookmark


@pytest.mark.parametrize(
    ("timestamp", "words"),
    [
        ("2099-01-01T00:00:00Z", "must not be in the future"),
        ("2020-01-01T00:00:00Z", "within the last 30 days"),
        ("yesterday", "is not an ISO 8601 time"),
    ],
)
def test_a_moment_that_is_not_kept_is_refused(notes: Database, timestamp: str, words: str) -> None:
    said = restore(notes, timestamp=timestamp).json()
    assert (said["errors"][0]["code"], words in said["errors"][0]["message"]) == (7400, True)


@pytest.mark.parametrize("bookmark", ["nonsense", "00000009-00000001-00000000-" + "0" * 32])
def test_an_unknown_bookmark_is_refused_and_nothing_changes(notes: Database, bookmark: str) -> None:
    assert restore(notes, bookmark=bookmark).status_code == 400
    assert notes.raw("SELECT body FROM notes") == [["one"]]


def test_the_eleventh_restore_in_ten_minutes_is_throttled(notes: Database) -> None:
    bookmark = notes.bookmark()
    assert [restore(notes, bookmark=bookmark).status_code for _ in range(11)] == [200] * 10 + [429]


def test_wrangler_shows_the_bookmark_and_restores_to_it(notes: Database, wrangler: Callable[..., str]) -> None:
    bookmark = json.loads(wrangler("d1", "time-travel", "info", notes.name, "--json"))["bookmark"]
    notes.raw("DELETE FROM notes")
    said = wrangler("d1", "time-travel", "restore", notes.name, f"--bookmark={bookmark}", "--json")
    assert json.loads(said)["bookmark"] == bookmark
    assert notes.raw("SELECT body FROM notes") == [["one"]]


def test_wrangler_restores_to_a_timestamp(notes: Database, wrangler: Callable[..., str]) -> None:
    notes.bookmark()
    moment = str(int(time.time()) + 1)
    time.sleep(int(moment) - time.time() + 0.1)
    notes.raw("DELETE FROM notes")
    wrangler("d1", "time-travel", "restore", notes.name, f"--timestamp={moment}", "--json")
    assert notes.raw("SELECT body FROM notes") == [["one"]]
