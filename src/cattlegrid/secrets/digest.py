"""Keyed digests: what can be said of a value without saying it, and the manifest of them on each Worker.

A Worker's secrets cannot be read back. So each push writes one plain variable beside them, `CATTLEGRID_SECRETS`: for
each name HMAC-SHA-256 over name and value, 16 hex digits. The key lives inside the stores. Names of both environments
are digested with the key that both stores have, so that the two can be compared; names of one environment with that
environment's own key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as randomness
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from cattlegrid.model.fleet import Kind, SecretPolicy
from cattlegrid.model.secret import Secret
from cattlegrid.secrets.store import RESERVED, Stored

VARIABLE: Final = f"{RESERVED}SECRETS"
AUDIT_KEY, OWN_KEY = "AUDIT_KEY", "OWN_KEY"
_VERSION: Final = "1"
_DIGITS: Final = 16
_COMMON: Final = frozenset({Kind.ISOLATED, Kind.SHARED})


@dataclass(frozen=True)
class Manifest:
    """By name the digest of the value that was set. `key` tells which store's keys made them; empty for none.

    It is `own-audit`, eight digits of each. Digests of two environments compare only with the same audit key.
    """

    key: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def audit(self) -> str:
        return self.key.partition("-")[2]

    def __str__(self) -> str:
        """As it is kept in the variable; empty when there is nothing to keep."""
        pairs = (f"{name}={digest}" for name, digest in sorted(self.digests.items()))
        return " ".join((_VERSION, self.key, *pairs)) if self.digests else ""

    def after(self, new: Manifest, names: Iterable[str], gone: Iterable[str] = ()) -> Manifest:
        """What holds once `names` were set from the store of `new`, and `gone` removed."""
        if not new.digests:
            return replace(self, digests={name: d for name, d in self.digests.items() if name not in {*names, *gone}})
        old = self.digests if self.key in {"", new.key} else {}
        put = {name: new.digests[name] for name in names if name in new.digests}
        return Manifest(new.key, {name: d for name, d in {**old, **put}.items() if name not in set(gone)})


NOTHING: Final = Manifest()


def of(policy: SecretPolicy, stored: Stored) -> Manifest:
    """The digests of all that the store holds, under every name; empty when it is closed or has no keys."""
    audit, own = stored.own.get(AUDIT_KEY), stored.own.get(OWN_KEY)
    if audit is None or own is None:
        return NOTHING
    kinds = policy.kinds()
    digests = {}
    for name, value in stored.values.items():
        canonical = policy.canonical(name)
        key = audit if kinds.get(canonical) in _COMMON else own
        digests[name] = digest(key, canonical, value)
    return Manifest("-".join(digest(key, "key", key)[:8] for key in (own, audit)), digests)


def digest(key: Secret, name: str, value: Secret) -> str:
    return digester(key, name)(value.reveal())


def digester(key: Secret, name: str) -> Callable[[str], str]:
    """The digests that texts would have as values of this name, for many of them."""
    begun = hmac.new(key.reveal().encode(), f"{name}\0".encode(), hashlib.sha256)

    def of_text(text: str) -> str:
        whole = begun.copy()
        whole.update(text.encode("utf-8", "surrogatepass"))
        return whole.hexdigest()[:_DIGITS]

    return of_text


def read(bindings: Iterable[Mapping[str, object]]) -> Manifest:
    """The manifest among a version's bindings; empty when it has none, or one that is not ours."""
    for binding in bindings:
        if binding.get("name") == VARIABLE and binding.get("type") == "plain_text":
            return parse(str(binding.get("text", "")))
    return NOTHING


def together(versions: Iterable[Iterable[Mapping[str, object]]]) -> Manifest:
    """The manifests of several Workers of one environment as one; nothing where they are of different keys."""
    found = [manifest for bindings in versions if (manifest := read(bindings)).digests]
    if len({manifest.key for manifest in found}) != 1:
        return NOTHING
    return Manifest(found[0].key, {name: d for manifest in found for name, d in manifest.digests.items()})


def parse(text: str) -> Manifest:
    """A manifest's text; nothing for one that is not ours."""
    words = text.split()
    if words[:1] != [_VERSION] or len(words) < 2:
        return NOTHING
    return Manifest(words[1], dict(pair.split("=", 1) for pair in words[2:] if "=" in pair))


def new_keys(audit: Secret | None = None) -> dict[str, Secret]:
    """The entries of a new store. `audit` is the key of the other environment's store, which both must have."""
    return {AUDIT_KEY: audit or Secret(randomness.token_hex(32)), OWN_KEY: Secret(randomness.token_hex(32))}


def as_variable(manifest: str) -> list[str]:
    """The words that make wrangler set the variable. It holds digests, so that it may be seen."""
    return ["--var", f"{VARIABLE}:{manifest}"] if manifest else []
