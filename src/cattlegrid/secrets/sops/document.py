"""A whole file in SOPS's JSON format: read, proven whole by its MAC, changed, and written again.

The MAC is SHA-512 over the plain texts in their order, encrypted for the file's date. A value is bound to its path. So
swapped values, a value of an older file, and a cut file are all refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias, cast

from cattlegrid.errors import StoreError
from cattlegrid.secrets.sops import cipher
from cattlegrid.secrets.sops.cipher import Leaf, Unreadable

Tree: TypeAlias = Mapping[str, object]

VERSION: Final = "3.11.0"
_MARKERS: Final = ("<<<<<<< ", ">>>>>>> ")
_SUFFIX: Final = "_unencrypted"
# What chooses other values to encrypt, or splits the key among several groups: read wrongly, it would leak or mislead.
_OTHER_RULES: Final = (
    "encrypted_suffix", "encrypted_regex", "unencrypted_regex", "encrypted_comment_regex", "unencrypted_comment_regex",
    "mac_only_encrypted", "shamir_threshold", "key_groups",
)  # fmt: skip


@dataclass(frozen=True)
class Document:
    """`tree` has its values encrypted; `metadata` is the `sops` part; `shown` names the file in errors."""

    tree: Tree
    metadata: Tree
    shown: str

    @property
    def recipients(self) -> tuple[Mapping[str, str], ...]:
        """`recipient` and `enc` (the data key, encrypted for it) of each."""
        found = self.metadata.get("age")
        entries = [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []
        return tuple({"recipient": str(entry.get("recipient")), "enc": str(entry.get("enc"))} for entry in entries)


def parse(text: str, shown: str) -> Document:
    """Raises StoreError for what is no SOPS file, holds a merge conflict, or uses rules that are not ours to guess."""
    if any(line.startswith(_MARKERS) for line in text.splitlines()):
        raise StoreError("has a merge conflict in it", where=shown, next="cattlegrid secrets merge")
    try:
        whole = json.loads(text, object_pairs_hook=_once)
    except ValueError as error:
        raise StoreError(f"is not JSON, or was cut short: {error}", where=shown, next=f"git log -- {shown}") from error
    metadata = whole.get("sops") if isinstance(whole, dict) else None
    if not isinstance(metadata, dict):
        raise StoreError(
            "is not encrypted: it has no `sops` part", where=shown, next="cattlegrid secrets import --help"
        )
    for rule in _OTHER_RULES:
        if metadata.get(rule):
            raise StoreError(f"uses SOPS's {rule}, which cattlegrid does not read", where=shown)
    return Document({name: value for name, value in whole.items() if name != "sops"}, metadata, shown)


def opened(document: Document, key: bytes) -> dict[str, object]:
    """The plain tree. Raises StoreError unless every value and the whole are as a holder of the key wrote them."""
    suffix = str(document.metadata.get("unencrypted_suffix") or _SUFFIX)
    plain = cast("dict[str, object]", _walk(document.tree, (), lambda v, p: _decrypted(v, p, key, suffix, document)))
    written, date = str(document.metadata.get("mac") or ""), str(document.metadata.get("lastmodified") or "")
    try:
        mac = str(cipher.decrypt(written, key, date))
    except Unreadable as error:
        raise _tampered(document, "its MAC or its date was changed") from error
    if not hmac.compare_digest(mac, _mac(plain)):
        raise _tampered(document, "its values are not those that its MAC was made for")
    return plain


def sealed(plain: Tree, key: bytes, metadata: Tree, now: datetime, *, before: Document | None, shown: str) -> Document:
    """The tree encrypted. A value that is as it was in `before` keeps its very bytes, so that a diff shows the rest."""
    suffix = str(metadata.get("unencrypted_suffix") or _SUFFIX)
    known = dict(_leaves(before.tree)) if before is not None else {}

    def encrypted(value: object, path: tuple[str, ...]) -> object:
        if value is None or _is_plain(path, suffix):
            return value
        where = _where(path)
        written = known.get(path)
        if isinstance(written, str) and _is(written, value, key, where):
            return written
        return cipher.encrypt(cast("Leaf", value), key, where)

    tree = cast("dict[str, object]", _walk(plain, (), encrypted))
    date = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = {"lastmodified": date, "mac": cipher.encrypt(_mac(plain), key, date), "unencrypted_suffix": suffix}
    return Document(tree, {**metadata, **own, "version": metadata.get("version") or VERSION}, shown)


def text(document: Document) -> str:
    return json.dumps({**document.tree, "sops": document.metadata}, ensure_ascii=False, indent="\t") + "\n"


def _decrypted(value: object, path: tuple[str, ...], key: bytes, suffix: str, document: Document) -> object:
    if value is None or _is_plain(path, suffix):
        return value
    if not isinstance(value, str):
        raise _tampered(document, f"{'.'.join(path)} is not encrypted")
    try:
        return cipher.decrypt(value, key, _where(path))
    except Unreadable as error:
        raise _tampered(document, f"{'.'.join(path)} {error}") from error


def _tampered(document: Document, what: str) -> StoreError:
    return StoreError(f"was tampered with: {what}", where=document.shown, next=f"git log -p -- {document.shown}")


def _mac(plain: Tree) -> str:
    whole = hashlib.sha512()
    for _, value in _leaves(plain):
        if value is not None:
            whole.update(cipher.text_of(cast("Leaf", value)).encode())
    return whole.hexdigest().upper()


def _walk(node: object, path: tuple[str, ...], change: Callable[[object, tuple[str, ...]], object]) -> object:
    if isinstance(node, str):  # nearly every node is one, and is told in a tenth of a Mapping's time
        return change(node, path)
    if isinstance(node, Mapping):
        return {name: _walk(value, (*path, str(name)), change) for name, value in node.items()}
    if isinstance(node, list):
        return [_walk(value, path, change) for value in node]
    return change(node, path)


def _leaves(node: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, (*path, str(name)))
    elif isinstance(node, list):
        for value in node:
            yield from _leaves(value, path)
    else:
        yield path, node


def _where(path: Sequence[str]) -> str:
    return ":".join(path) + ":"


def _is_plain(path: Iterable[str], suffix: str) -> bool:
    return any(part.endswith(suffix) for part in path)


def _is(written: str, value: object, key: bytes, where: str) -> bool:
    try:
        known = cipher.decrypt(written, key, where)
    except Unreadable:
        return False
    return type(known) is type(value) and known == value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of JSON. Raises ValueError for a name that comes twice: two readers could each believe another one."""
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} comes twice")
        found[name] = value
    return found
