"""From what `[mirror]` says to what happens to each column. Default deny: a column that nobody decided on stops all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from cattlegrid.errors import Mistake, Refused
from cattlegrid.mirror import masks
from cattlegrid.mirror.rules import Const, Mask, Rules, TableRules
from cattlegrid.mirror.schema import Schema, Table
from cattlegrid.model.fleet import MirrorSettings
from cattlegrid.model.secret import Secret

LEDGERS: Final = ("d1_migrations",)


@dataclass(frozen=True)
class Open:
    """A column that nobody decided on; `suggestion` is the line to add, right of the `=`."""

    table: str
    column: str
    type: str
    suggestion: str

    @property
    def line(self) -> str:
        return f'"{self.table}.{self.column}" = "{self.suggestion}"'


@dataclass(frozen=True)
class Resolved:
    """`rules` are complete when `open` is empty; `unused` are settings that name nothing in the database."""

    rules: Rules
    open: tuple[Open, ...]
    wrong: tuple[Mistake, ...]


def resolve(schema: Schema, settings: MirrorSettings, key: Secret, ledgers: Iterable[str] = LEDGERS) -> Resolved:
    """What `[mirror]` means for this schema."""
    words = _words(schema, settings, frozenset(ledgers))
    unique = _unique_masks(schema, words)
    tables: dict[str, TableRules] = {}
    undecided: list[Open] = []
    wrong: list[Mistake] = []
    for table in schema.filled:
        said = words[table.name]
        empty = _any(table.name, settings.skip) or _any(table.name, settings.schema_only)
        if not empty:
            undecided += [
                Open(table.name, column.name, column.type, suggestion(table.name, column.name))
                for column in table.columns
                if column.text_like and column.name not in said
            ]
            wrong += _wrong(table, words, settings)
        made = _table(table, said, unique, key)
        tables[table.name] = replace(made, empty=empty, kept=_any(table.name, settings.skip))
    return Resolved(Rules(tables), tuple(undecided), tuple(wrong))


def only(settings: MirrorSettings, schema: Schema, tables: Iterable[str]) -> MirrorSettings:
    """The settings with all other tables left empty. Raises Refused for a name that fits no table."""
    wanted = tuple(tables)
    names = [table.name for table in schema.filled]
    for pattern in wanted:
        if pattern not in LEDGERS and not any(fnmatchcase(name, pattern) for name in names):
            raise Refused(
                f"production has no table {pattern!r}; it has {', '.join(names[:20])}", next="cattlegrid mirror plan"
            )
    rest = tuple(name for name in names if not _any(name, (*wanted, *settings.skip)))
    return replace(settings, schema_only=(*settings.schema_only, *rest))


def refuse_open(resolved: Resolved, database: str) -> None:
    """Raises Refused with the lines to add, when a column is undecided or a rule cannot be kept."""
    if resolved.wrong:
        raise Refused(
            "\n".join(str(one) for one in resolved.wrong), where=database, next="mend [mirror] in cattlegrid.toml"
        )
    if resolved.open:
        lines = "\n".join(f"  {one.line}" for one in resolved.open[:40])
        more = f"\n  … and {len(resolved.open) - 40} more" if len(resolved.open) > 40 else ""
        raise Refused(
            f"{len(resolved.open)} columns may hold text and nobody decided what becomes of it; nothing was copied."
            f" These lines under [mirror.mask] are proposals made from the columns' names:\n{lines}{more}",
            where=database,
            next="cattlegrid mirror plan",
        )


def _words(schema: Schema, settings: MirrorSettings, ledgers: frozenset[str]) -> dict[str, dict[str, object]]:
    """By table and column: what is said of it, by its own name, a pattern, or the column that it references."""
    found: dict[str, dict[str, object]] = {}
    for table in schema.filled:
        said: dict[str, object] = {}
        for column in table.columns:
            rule = "keep" if table.name in ledgers else _said(f"{table.name}.{column.name}", settings.mask)
            if rule is not None:
                said[column.name] = rule
        found[table.name] = said
    for table in schema.tables:
        for reference in table.references:
            for mine, theirs in zip(reference.columns, reference.to, strict=False):
                theirs_said = found.get(reference.table, {}).get(theirs)
                if theirs_said is not None:
                    found[table.name].setdefault(mine, theirs_said)
    return found


def _said(place: str, mask: Mapping[str, object]) -> object | None:
    """The rule for `table.column`: its own, or that of the first pattern that fits."""
    if place in mask:
        return mask[place]
    return next((rule for pattern, rule in mask.items() if "*" in pattern and fnmatchcase(place, pattern)), None)


def _unique_masks(schema: Schema, words: Mapping[str, Mapping[str, object]]) -> frozenset[str]:
    """The masks that some unique column has: they give unique values everywhere, so that joins still find them."""
    return frozenset(
        str(words[table.name][column])
        for table in schema.tables
        for group in table.unique
        for column in group
        if isinstance(words[table.name].get(column), str)
    )


def _table(table: Table, said: Mapping[str, object], unique: frozenset[str], key: Secret) -> TableRules:
    made: dict[str, Mask] = {}
    consts: dict[str, Const] = {}
    apart = {column for group in table.unique for column in group}
    for column, rule in said.items():
        if rule == "keep":
            continue
        if isinstance(rule, str) and (rule == "null" or rule.startswith("const:")):
            consts[column] = Const("n", None) if rule == "null" else Const("t", rule.removeprefix("const:"))
        else:
            made[column] = made_of(rule, key, unique=str(rule) in unique, strict=column in apart)
    looked = {column.name for column in table.columns if column.text_like} | set(said)
    return TableRules(
        masks=made,
        consts=consts,
        words={column: rule if isinstance(rule, str) else "json" for column, rule in said.items() if rule != "keep"},
        unlooked=frozenset(column.name for column in table.columns) - looked,
    )


def made_of(rule: object, key: Secret, *, unique: bool = False, strict: bool = False) -> Mask:
    """A mask from what is written: its name, or `{ "$.path" = name }` for JSON (`"*"`: every other text in it)."""
    if isinstance(rule, Mapping):
        paths = {
            path: None if name == "keep" else masks.named(str(name), key, unique=False)
            for path, name in rule.items()
            if path != "*"
        }
        rest = rule.get("*", "text")
        return masks.Json(paths, None if rest == "keep" else masks.named(str(rest), key, unique=False))
    if rule == "json":
        return masks.Json({}, masks.named("text", key, unique=False))
    return masks.named(str(rule), key, unique=unique, strict=strict)


def _wrong(table: Table, words: Mapping[str, Mapping[str, object]], settings: MirrorSettings) -> list[Mistake]:
    """What cannot be kept: keys that order the rows, references whose ends are masked differently, NOT NULL as null."""
    found = []
    said = words[table.name]

    def note(column: str, what: str) -> None:
        found.append(Mistake("cattlegrid.toml", f'mirror.mask."{table.name}.{column}"', what))

    for column in table.columns:
        rule = said.get(column.name, "keep")
        orders = column.name == table.integer_key or (table.without_rowid and column.primary)
        if rule != "keep" and orders:
            note(column.name, "is the key by which the table's rows are addressed: it can only be kept")
        if rule == "null" and column.not_null:
            note(column.name, "is declared NOT NULL: null is refused there; choose a mask or const:…")
        if isinstance(rule, str) and rule.startswith("const:") and (column.name,) in table.unique:
            note(column.name, "is unique: one constant for every row is refused there; choose a mask")
    for reference in table.references:
        gone = _any(reference.table, settings.skip) or _any(reference.table, settings.schema_only)
        for name, theirs in zip(reference.columns, reference.to, strict=False):
            ours = said.get(name, "keep")
            other = words.get(reference.table, {}).get(theirs, "keep")
            if gone and ours != "null":
                note(name, f"references {reference.table}, whose rows are not mirrored: say null, or mirror those too")
            elif not gone and ours not in (other, "null"):
                note(
                    name,
                    f"is masked as {_shown(ours)} and references {reference.table}.{theirs}, masked as {_shown(other)}",
                )
    return found


def _shown(rule: object) -> str:
    return repr(rule) if isinstance(rule, str) else "json"


def _any(table: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(table, pattern) for pattern in patterns)


_HINTS: Final = (
    (("email", "e_mail", "mail"), "email"),
    (("hostname", "host", "machine"), "hostname"),
    (("phone", "mobile", "tel", "fax"), "phone"),
    (("url", "uri", "link", "href", "website", "homepage"), "url"),
    (("ip", "ip_address", "remote_addr", "ipaddr"), "ip"),
    (("address", "street", "city", "zip", "postcode"), "address"),
    (("birth", "birthday", "dob", "date_of_birth"), "date-shift"),
    (("token", "secret", "password", "hash", "key", "api_key", "credential", "session_key"), "hash"),
    (("payload", "json", "metadata", "meta", "data", "settings", "attributes"), "json"),
    (("name", "first_name", "last_name", "full_name", "username", "user", "author", "owner", "login"), "name"),
)
_KEPT: Final = frozenset(
    {"id", "uuid", "kind", "type", "status", "state", "role", "source", "level", "currency", "day"}
)


def suggestion(table: str, column: str) -> str:
    """A proposal from the column's name alone: a mask where the name says what it holds, otherwise `text`."""
    del table
    name = column.lower()
    parts = name.split("_")
    for words, mask in _HINTS:
        if name in words or any(part in words for part in parts):
            return mask
    if name in _KEPT or name.endswith(("_id", "_at", "_on", "_day", "_kind", "_type", "_status")):
        return "keep"
    return "text"
