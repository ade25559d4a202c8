"""Wrangler files made by Hypothesis: contents over wrangler's own schema, written in many hands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from cattlegrid.wrangler.edit.toml import key, value

Schema = dict[str, Any]
# Keys that wrangler checks against other keys or files, or that no file may have: they get values by hand, or none.
NOT_GENERATED = {
    "main",
    "migrations",
    "exports",
    "previews",
    "tsconfig",
    "base_dir",
    "name",
    "python_modules",
    "unsafe",
    "access",
}
WORDS = st.sampled_from(["alpha", "beta", "gamma_x", "delta-1", "épsilon", "shop-production", "x/y", "a b"])
NAMES = st.sampled_from(["alpha", "beta", "gamma-x", "delta-1", "shop-production", "omega"])
BINDINGS = st.text("ABCDEFGH", min_size=2, max_size=4)


def contents(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    """Top-level contents, some with an environment of another name, some with one of ours."""
    known = schema["definitions"]["RawEnvironment"]["properties"]
    made = {name: _values(part, schema, name) for name, part in known.items() if name not in NOT_GENERATED}
    envs = st.dictionaries(st.sampled_from(["dev", "preview", "production", "staging"]), _some(made, 3), max_size=2)
    body = st.tuples(NAMES, _some(made, 7)).map(lambda both: {"name": both[0], **both[1]})
    both = st.tuples(body, st.just({}) | envs).map(lambda one: {**one[0], **({"env": one[1]} if one[1] else {})})
    return both.flatmap(lambda content: st.permutations(list(content.items())).map(dict))


def _some(made: dict[str, st.SearchStrategy[Any]], most: int) -> st.SearchStrategy[dict[str, Any]]:
    keys = st.lists(st.sampled_from(sorted(made)), unique=True, max_size=most)
    return keys.flatmap(lambda chosen: st.fixed_dictionaries({name: made[name] for name in chosen}))


def _values(part: Schema, schema: Schema, name: str) -> st.SearchStrategy[Any]:
    if "$ref" in part:
        return _values(schema["definitions"][part["$ref"].rpartition("/")[2]], schema, name)
    if "anyOf" in part:
        return st.one_of([_values(one, schema, name) for one in part["anyOf"]])
    if "const" in part:
        return st.just(part["const"])
    if "enum" in part:
        return st.sampled_from(part["enum"])
    kind = part.get("type")
    if isinstance(kind, list):
        kind = next(one for one in kind if one != "null")
    simple: dict[str | None, Callable[[], st.SearchStrategy[Any]]] = {
        "string": lambda: _texts(name),
        "number": lambda: st.integers(1, 60),
        "boolean": st.booleans,
        "array": lambda: st.lists(_values(part["items"], schema, name), min_size=1, max_size=2, unique_by=repr),
    }
    if kind in simple:
        return simple[kind]()
    return _objects(part, schema, name)


def _objects(part: Schema, schema: Schema, name: str) -> st.SearchStrategy[Any]:
    fields = part.get("properties")
    if fields is None:
        inner = part.get("additionalProperties")
        texts = WORDS if isinstance(inner, dict) else st.integers(0, 9)
        return st.dictionaries(
            st.sampled_from(["A", "B_C", "ENVIRONMENT", "with space"]), texts, min_size=1, max_size=3
        )
    required = set(part.get("required", ()))
    made = {field: _values(one, schema, field) for field, one in fields.items()}
    return st.fixed_dictionaries(
        {field: made[field] for field in made if field in required},
        optional={field: made[field] for field in made if field not in required},
    )


def _texts(name: str) -> st.SearchStrategy[str]:
    if name == "binding":
        return BINDINGS
    if name == "compatibility_date":
        return st.just("2026-01-01")
    if name in {"pattern", "routes", "route"}:
        return st.sampled_from(["a.example.com", "example.com/*", "b.example.com/x"])
    if name in {"crons", "schedules"}:
        return st.sampled_from(["0 0 * * *", "*/5 * * * *"])
    if name == "namespace_id":
        return st.sampled_from(["1001", "7"])
    return NAMES if name.endswith(("name", "id", "queue", "service", "dataset", "stream")) else WORDS


@dataclass(frozen=True)
class Written:
    name: str
    text: str
    comments: tuple[str, ...]


@st.composite
def written(draw: st.DrawFn, content: dict[str, Any]) -> Written:
    """The content as a file: TOML or JSON, with comments everywhere, in one of many hands."""
    hand = _Hand(draw)
    if draw(st.booleans()):
        text = hand.toml(content)
        name = "wrangler.toml"
    else:
        text = hand.json(content, 0) + "\n"
        name = draw(st.sampled_from(["wrangler.json", "wrangler.jsonc"]))
    if draw(st.integers(0, 5)) == 0:
        text = text.replace("\n", "\r\n")
    if draw(st.integers(0, 5)) == 0:
        text = text.rstrip("\r\n")
    if draw(st.integers(0, 8)) == 0:
        text = "\ufeff" + text
    return Written(name, text, tuple(hand.comments))


class _Hand:
    def __init__(self, draw: st.DrawFn) -> None:
        self.comments: list[str] = []
        self._draw = draw
        self._indent = draw(st.sampled_from(["  ", "\t", "    "]))
        self._trailing = draw(st.booleans())

    def _maybe(self, chance: int = 3) -> bool:
        return self._draw(st.integers(0, chance)) == 0

    def _comment(self) -> str:
        self.comments.append(f"c{len(self.comments)}!")
        return self.comments[-1]

    def toml(self, content: dict[str, Any]) -> str:
        lines = self._table(content, ())
        return "\n".join(lines) + "\n"

    def _table(self, table: dict[str, Any], path: tuple[str, ...]) -> list[str]:
        """Statements first, then the sections of what is written as sections."""
        statements: list[str] = []
        sections: list[str] = []
        for name, item in table.items():
            if isinstance(item, dict) and item and not self._maybe():
                if (
                    name != "env"
                    and self._maybe()
                    and not any(isinstance(held, (dict, list)) for held in item.values())
                ):
                    statements += [f"{key(name)}.{key(inner)} = {value(held)}" for inner, held in item.items()]
                    continue
                here = (*path, name)
                body = self._table(item, here)
                header = [] if name == "env" else [f"[{'.'.join(map(key, here))}]{self._beside()}"]
                sections += ["", *self._above(), *header, *body]
            elif isinstance(item, list) and item and all(isinstance(held, dict) for held in item) and not self._maybe():
                here = (*path, name)
                for held in item:
                    header = f"[[{'.'.join(map(key, here))}]]{self._beside()}"
                    sections += ["", *self._above(), header, *self._table(held, here)]
            elif isinstance(item, list) and item and self._maybe(1):
                inner = [
                    line for held in item for line in (*self._inside(), f"{self._indent}{value(held)},{self._beside()}")
                ]
                statements += [*self._above(), f"{key(name)} = [{self._beside()}", *inner, f"]{self._beside()}"]
            else:
                statements += [*self._above(), f"{key(name)} = {value(item)}{self._beside()}"]
        return statements + sections

    def _beside(self) -> str:
        return f" # {self._comment()}" if self._maybe() else ""

    def _above(self) -> list[str]:
        return [f"# {self._comment()}"] if self._maybe() else [""] if self._maybe(5) else []

    def _inside(self) -> list[str]:
        return [f"{self._indent}# {self._comment()}"] if self._maybe(4) else []

    def json(self, item: Any, depth: int) -> str:
        if not isinstance(item, (dict, list)) or not item or (depth > 1 and self._maybe()):
            return json.dumps(item, ensure_ascii=False)
        pad = self._indent * (depth + 1)
        lines: list[str] = []
        members = list(item.items()) if isinstance(item, dict) else [(None, held) for held in item]
        for index, (name, held) in enumerate(members):
            if self._maybe():
                mark = self._draw(st.sampled_from(["// {}", "/* {} */"]))
                lines.append(pad + mark.format(self._comment()))
            label = f"{json.dumps(name, ensure_ascii=False)}: " if name is not None else ""
            comma = "," if index + 1 < len(members) or self._trailing else ""
            beside = f" // {self._comment()}" if self._maybe() else ""
            lines.append(f"{pad}{label}{self.json(held, depth + 1)}{comma}{beside}")
        opening, closing = ("{", "}") if isinstance(item, dict) else ("[", "]")
        return "\n".join([opening, *lines, self._indent * depth + closing])
