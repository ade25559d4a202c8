"""Ids are written into wrangler files of every form with one value changed and every other byte as it was."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cattlegrid.errors import Failed, StalePlan
from cattlegrid.wrangler import config, ids
from cattlegrid.wrangler.spans import spans

DB = ("d1_databases", 0, "database_id")
PRODUCTION = ("env", "production", "d1_databases", 1, "database_id")

JSONC = """\
{ // a comment with { and "quotes"
  "name": "a", /* d1_databases */
  "d1_databases": [ { "binding": "DB", "database_id": "old" } /* here */ ],
  "env": {
    "production": {
      "d1_databases": [
        { "binding": "ONE", "database_id": "1", },
        {
          "binding": "DB", // the ledger
          "database_name": "x" },
      ],
    },
  },
}
"""
TOML = """\
# [[d1_databases]] in a comment
name = 'a' # "quoted"
d1_databases = [
  { binding = "DB", database_id = "old" }, # first
]
[vars]
TEXT = '''
[[d1_databases]]
'''
[[env.production.d1_databases]]
binding = "ONE"
[env."production"]
workers_dev = true
[[env.production.d1_databases]]
  binding = "DB"  # the ledger
  database_name = "x"
[env.production.vars]
a.b = 1
"""


def changed(text: str, name: str, places: dict[tuple[str | int, ...], str]) -> list[str]:
    after = ids.edited(text.encode(), places, name, shown=name).decode()
    lines = difflib.ndiff(text.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line for line in lines if line[0] in "+-"]


def test_an_id_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    assert changed(JSONC, "wrangler.jsonc", {DB: "new"}) == [
        '-   "d1_databases": [ { "binding": "DB", "database_id": "old" } /* here */ ],\n',
        '+   "d1_databases": [ { "binding": "DB", "database_id": "new" } /* here */ ],\n',
    ]
    assert changed(TOML, "wrangler.toml", {DB: "new"}) == [
        '-   { binding = "DB", database_id = "old" }, # first\n',
        '+   { binding = "DB", database_id = "new" }, # first\n',
    ]


def test_a_missing_id_is_written_as_its_neighbours_are() -> None:
    assert changed(JSONC, "wrangler.jsonc", {PRODUCTION: "new"}) == [
        '-           "database_name": "x" },\n',
        '+           "database_name": "x",\n',
        '+           "database_id": "new" },\n',
    ]
    assert changed(TOML, "wrangler.toml", {PRODUCTION: "new"}) == ['+   database_id = "new"\n']


def test_line_ends_of_windows_stay() -> None:
    text = TOML.replace("\n", "\r\n")
    assert changed(text, "wrangler.toml", {PRODUCTION: "new"}) == ['+   database_id = "new"\r\n']


def test_an_id_is_put_into_an_inline_table_and_an_object_on_one_line() -> None:
    assert changed('kv_namespaces = [{binding="K"}]', "w.toml", {("kv_namespaces", 0, "id"): "n"})[1] == (
        '+ kv_namespaces = [{binding="K", id = "n"}]'
    )
    assert changed('{"kv_namespaces":[{"binding":"K",}]}', "w.json", {("kv_namespaces", 0, "id"): "n"})[1] == (
        '+ {"kv_namespaces":[{"binding":"K", "id": "n",}]}'
    )


def test_a_form_that_is_not_known_is_refused_with_what_to_write() -> None:
    with pytest.raises(Failed, match="it is unchanged") as caught:
        ids.edited(b'd1_databases = [{}]\nname = "a"', {DB: "new"}, "wrangler.toml", shown="wrangler.toml")
    assert caught.value.next == 'write it by hand: d1_databases[0].database_id = "new"'


def test_a_file_that_changed_underneath_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "wrangler.toml"
    path.write_text(TOML + "# mine\n")
    with pytest.raises(StalePlan, match="changed by somebody else"):
        ids.write(path, {DB: "new"}, before=TOML.encode(), shown="wrangler.toml")
    assert path.read_text() == TOML + "# mine\n"


def test_a_read_only_file_is_left_alone_and_the_ids_are_told(tmp_path: Path) -> None:
    path = tmp_path / "wrangler.toml"
    path.write_text(TOML)
    path.chmod(0o444)
    with pytest.raises(Failed, match="read-only") as caught:
        ids.write(path, {DB: "new"}, before=TOML.encode(), shown="wrangler.toml")
    assert 'd1_databases[0].database_id = "new"' in caught.value.what
    assert path.read_text() == TOML


names = st.text("abAB-_", min_size=1, max_size=4)
leaves = st.text("ab\"\\'#/[{é\n", max_size=6) | st.integers(-9, 9) | st.booleans()
values = st.recursive(leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3), max_leaves=12)


@given(st.dictionaries(names, values, max_size=4), st.integers(0, 3))
def test_every_value_of_a_json_file_is_found_where_it_stands(value: dict[str, object], indent: int) -> None:
    text = json.dumps(value, indent=indent or None, ensure_ascii=False)
    for path, span in spans(text, "w.json").values.items():
        here: object = value
        for part in path:
            here = here[part]
        assert json.loads(text[span.start : span.end]) == here


def test_every_value_of_a_toml_file_is_found_where_it_stands() -> None:
    parsed = config.parse(TOML.encode(), "w.toml", shown="w.toml")
    found = spans(TOML, "w.toml").values
    for path, span in found.items():
        here: object = parsed
        for part in path:
            here = here[part]
        if not isinstance(here, dict):
            assert config.parse(f"x = {TOML[span.start : span.end]}".encode(), "w.toml", shown="") == {"x": here}
    assert len(found) == 11
