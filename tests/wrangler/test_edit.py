"""Texts changed where their content changes, and nowhere else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cattlegrid.errors import Failed
from cattlegrid.wrangler import config
from cattlegrid.wrangler.edit.rewrite import locate, rewrite
from cattlegrid.wrangler.edit.step import Path

TOML = "wrangler.toml"
JSONC = "wrangler.jsonc"


def content(text: str, name: str) -> dict[str, Any]:
    return copy.deepcopy(config.parse(text.encode(), name, shown=name))


def put(text: str, name: str, path: Path, value: object) -> str:
    """The text with the value at the path, which may be new; None removes it."""
    after = content(text, name)
    holder: Any = after
    for part in path[:-1]:
        holder = holder.setdefault(part, {}) if isinstance(part, str) else holder[part]
    if value is None:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return rewrite(text, name, after)


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ('name = "a" # mine\n', ("name",), "b", 'name = "b" # mine\n'),
        ("name = 'a'\n", ("name",), "b", "name = 'b'\n"),
        ("name = 'a'\n", ("name",), "it's", 'name = "it\'s"\n'),
        ('name = """a"""\n', ("name",), "b", 'name = "b"\n'),
        ('name="a"\r\nmain="x" # y\r\n', ("name",), "b", 'name="b"\r\nmain="x" # y\r\n'),
        ('\ufeffname = "a"\n', ("name",), "b", '\ufeffname = "b"\n'),
        ('a = 1\n# kept\nname = "a"', ("name",), None, "a = 1\n# kept\n"),
        ("[vars]\n\tA = 1 # one\n\tB = 2\n", ("vars", "A"), 3, "[vars]\n\tA = 3 # one\n\tB = 2\n"),
        ("vars = { A = 1, B = 2 }\n", ("vars", "A"), None, "vars = { B = 2 }\n"),
        ("vars = { A = 1, B = 2 }\n", ("vars", "B"), None, "vars = { A = 1 }\n"),
        ("vars = { A = 1 }\n", ("vars", "B"), True, "vars = { A = 1, B = true }\n"),
        ("vars.A = 1\nvars.B = 2\n", ("vars", "A"), None, "vars.B = 2\n"),
        ("vars.A = 1\n[x]\n", ("vars", "B"), 2, "vars.A = 1\nvars.B = 2\n[x]\n"),
        ("[a]\nx = 1\n\n[b]\ny = 1\n\n[c]\n", ("b",), None, "[a]\nx = 1\n\n[c]\n"),
        ("[a]\nx = 1\n# about b\n[b]\ny = 1\n", ("a", "z"), 2, "[a]\nx = 1\nz = 2\n# about b\n[b]\ny = 1\n"),
        ("[env.dev]\nname = 'a'\n", ("workers_dev",), True, "workers_dev = true\n[env.dev]\nname = 'a'\n"),
        ("l = [\n  1, # one\n  2,\n]\n", ("l",), [1], "l = [1]\n"),
        ('r = [\n  { p = "a" }, # a\n  {},\n]\n', ("r", 0, "p"), "c", 'r = [\n  { p = "c" }, # a\n  {},\n]\n'),
        ('"quoted key" = 1\n', ("quoted key",), 2, '"quoted key" = 2\n'),
        ('s = "ä\\u00e4 # no comment"\nx = 1\n', ("x",), 2, 's = "ä\\u00e4 # no comment"\nx = 2\n'),
        ("m = '''\n[not.a.header]\nx = 1'''\nx = 1\n", ("x",), 2, "m = '''\n[not.a.header]\nx = 1'''\nx = 2\n"),
        ("a = 1", ("b",), 2, "a = 1\nb = 2"),
        ("", ("b",), "x", 'b = "x"\n'),
    ],
)  # fmt: skip
def test_toml_changes_where_it_is_meant_to_and_nowhere_else(
    text: str, path: Path, value: object, expected: str
) -> None:
    assert put(text, TOML, path, value) == expected


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ('{ "name": "a" /* mine */ }', ("name",), "b", '{ "name": "b" /* mine */ }'),
        ('{"a":1,"b":2}', ("a",), None, '{"b":2}'),
        ('{"a":1,"b":2}', ("b",), None, '{"a":1}'),
        ('{"a":1}', ("b",), 2, '{"a":1, "b": 2}'),
        ("{}", ("b",), 2, '{\n  "b": 2\n}'),
        ('{\n  "a": 1\n}\n', ("b",), 2, '{\n  "a": 1,\n  "b": 2\n}\n'),
        ('{\n  "a": 1,\n}\n', ("b",), 2, '{\n  "a": 1,\n  "b": 2,\n}\n'),
        ('{\n\t"a": 1 // one\n}\n', ("b",), 2, '{\n\t"a": 1, // one\n\t"b": 2\n}\n'),
        ('{\r\n  "a": 1\r\n}\r\n', ("b",), {"c": 2}, '{\r\n  "a": 1,\r\n  "b": {\r\n    "c": 2\r\n  }\r\n}\r\n'),
        ('{\n  "a": 1, // one\n  "b": 2 // two\n}\n', ("b",), None, '{\n  "a": 1 // one\n}\n'),
        ('{\n  "a": 1,\n  // two\n  "b": 2,\n}\n', ("b",), None, '{\n  "a": 1,\n  // two\n}\n'),
        ('\ufeff{ "a": "x//y" }', ("a",), "z", '\ufeff{ "a": "z" }'),
        ('{ "a": [ /* none */ ] }', ("b",), 1, '{ "a": [ /* none */ ], "b": 1 }'),
        ('{ "a": "\\"," }', ("a",), None, "{  }"),
        ('{\n  /* only a comment */\n}', ("a",), 1, '{\n  /* only a comment */\n  "a": 1\n}'),
    ],
)  # fmt: skip
def test_json_changes_where_it_is_meant_to_and_nowhere_else(
    text: str, path: Path, value: object, expected: str
) -> None:
    assert put(text, JSONC, path, value) == expected


def test_an_entry_leaves_a_list_of_tables_with_its_sub_tables() -> None:
    text = '[[s]]\nbinding = "A"\n[s.props]\nx = 1\n\n# of B\n[[s]]\nbinding = "B" # b\n'
    after = content(text, TOML)
    del after["s"][0]
    assert rewrite(text, TOML, after) == '# of B\n[[s]]\nbinding = "B" # b\n'


def test_a_new_entry_of_a_list_comes_last() -> None:
    text = '[[d1_databases]]\nbinding = "A"\n\n[vars]\nX = 1\n'
    after = content(text, TOML)
    after["d1_databases"].append({"binding": "B"})
    assert (
        rewrite(text, TOML, after)
        == '[[d1_databases]]\nbinding = "A"\n\n[[d1_databases]]\nbinding = "B"\n\n[vars]\nX = 1\n'
    )


def test_a_copied_section_keeps_its_form_and_what_goes_away_takes_its_comments_along() -> None:
    text = "# the shop's\nroute = \"a/*\" # all\n\n# sessions\n[[kv]]\nbinding = 'K' # k\n# inner\nid = '1'\n"
    after = content(text, TOML)
    after["env"] = {"production": {"route": after.pop("route"), "kv": after["kv"]}}
    copies: dict[Path, Path] = {("env", "production", key): (key,) for key in ("route", "kv")}
    assert rewrite(text, TOML, after, copies=copies) == (
        "# sessions\n[[kv]]\nbinding = 'K' # k\n# inner\nid = '1'\n"
        '\n[env.production]\n# the shop\'s\nroute = "a/*" # all\n'
        "\n[[env.production.kv]]\nbinding = 'K' # k\n# inner\nid = '1'\n"
    )


def test_members_join_an_environment_that_is_written_in_the_middle_of_the_file() -> None:
    text = "[env.production]\nname = 'a'\n\n[env.production.vars]\nX = 1\n\n[vars]\nX = 2\n"
    after = content(text, TOML)
    after["env"]["production"] |= {"main": "b", "kv": [{"binding": "K"}]}
    assert rewrite(text, TOML, after) == (
        '[env.production]\nname = \'a\'\nmain = "b"\nkv = [{ binding = "K" }]\n'
        "\n[env.production.vars]\nX = 1\n\n[vars]\nX = 2\n"
    )


def test_members_and_sections_join_an_environment_at_the_end_of_a_file_without_a_last_newline() -> None:
    text = "[logfwdr]\nbindings = []\n\n[env.dev]\nx = 1"
    after = content(text, TOML)
    after["env"]["dev"] |= {"name": "b", "logfwdr": after["logfwdr"]}
    copies: dict[Path, Path] = {("env", "dev", "logfwdr"): ("logfwdr",)}
    assert rewrite(text, TOML, after, copies=copies) == (
        '[logfwdr]\nbindings = []\n\n[env.dev]\nx = 1\nname = "b"\n\n[env.dev.logfwdr]\nbindings = []'
    )


def test_an_environment_that_only_its_tables_make_gets_a_header() -> None:
    text = "name = 'a'\n[env.production.vars]\nX = 1\n"
    assert put(text, TOML, ("env", "production", "name"), "b") == (
        "name = 'a'\n[env.production]\nname = \"b\"\n\n[env.production.vars]\nX = 1\n"
    )


def test_a_form_that_cannot_be_changed_in_place_is_refused_and_not_guessed() -> None:
    with pytest.raises(Failed, match="cannot be changed without rewriting it whole"):
        put("[[kv]]\nid = 1\n", TOML, ("kv",), ["a"])


@pytest.mark.parametrize(
    ("text", "name", "path", "place"),
    [
        ("a = 1\n[vars]\n  X = 1\n", TOML, ("vars", "X"), (3, 3)),
        ("[[kv]]\nid = 1\n[[kv]]\nid = 2\n", TOML, ("kv", 1, "id"), (4, 1)),
        ("[[kv]]\nid = 1\n[[kv]]\nbinding = 2\n", TOML, ("kv", 1, "id"), (3, 3)),
        ("kv = [\n {id = 1},\n {id = 2}]\n", TOML, ("kv", 1, "id"), (3, 3)),
        ('\ufeff{\n  "vars": { "X": 1 }\n}', JSONC, ("vars", "X"), (2, 13)),
        ('{\n  "vars": { "X": 1 }\n}', JSONC, ("vars", "Y"), (2, 3)),
    ],
)
def test_a_value_is_found_by_line_and_column(text: str, name: str, path: Path, place: tuple[int, int]) -> None:
    assert locate(text, name, path) == place
