"""Looking for secrets where they should not be: our own values in any of their forms, and well-known kinds of token.

A value is looked for as it is, as JSON, URL and base64 write it, and where the store is closed by the keyed digest of
every word. Nothing found is ever repeated: a finding names the place and the secret.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from cattlegrid.model.secret import Secret

SHORTEST: Final = 8
_WORD: Final = re.compile(rb"[A-Za-z0-9_+/=.~-]{16,256}")

# Forms that the issuers publish, so that the alarm is right when one is seen.
KINDS: Final[Mapping[str, bytes]] = {
    "an age secret key": rb"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}",
    "a private key": rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64}",
    "a GitHub token": rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82})\b",
    "an Anthropic key": rb"\bsk-ant-[A-Za-z0-9_-]{32,}",
    "an OpenAI key": rb"\bsk-(?:proj-)?[A-Za-z0-9_-]{40,}",
    "an AWS access key": rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a Slack token": rb"\bxox[abprs]-[0-9A-Za-z-]{20,}",
    "a Stripe key": rb"\b[rs]k_live_[0-9A-Za-z]{20,}",
    "a Google key": rb"\bAIza[0-9A-Za-z_-]{35}\b",
    "an npm token": rb"\bnpm_[A-Za-z0-9]{36}\b",
    "a Cloudflare token": rb"\bcf(?:ut|at|k)_[A-Za-z0-9_-]{30,}",
    "a Slack webhook": rb"hooks\.slack\.com/services/T[0-9A-Z]+/B[0-9A-Z]+/[0-9A-Za-z]{20,}",
}


@dataclass(frozen=True)
class Finding:
    """`what` is the secret (`CONTEXT_KEY of production`) or the kind of token; `line` counts from 1."""

    place: str
    line: int
    what: str


@dataclass(frozen=True)
class Scanner:
    """`values` by the words that name them; `digests` by digest, for values that cannot be opened here."""

    pattern: re.Pattern[bytes]
    names: Mapping[bytes, str]
    kinds: re.Pattern[bytes]
    labels: tuple[str, ...]
    digest: Callable[[str], Iterable[str]]
    digests: Mapping[str, str]

    def look(self, place: str, content: bytes) -> Iterator[Finding]:
        seen: set[tuple[int, str]] = set()
        for position, what in self._hits(content):
            line = content.count(b"\n", 0, position) + 1
            if (line, what) not in seen:
                seen.add((line, what))
                yield Finding(place, line, what)

    def _hits(self, content: bytes) -> Iterator[tuple[int, str]]:
        if self.names:
            yield from ((hit.start(), self.names[hit[0]]) for hit in self.pattern.finditer(content))
        for hit in self.kinds.finditer(content):
            yield hit.start(), self.labels[(hit.lastindex or 1) - 1]
        if self.digests:
            for hit in _WORD.finditer(content):
                for made in self.digest(hit[0].decode()):
                    if made in self.digests:
                        yield hit.start(), self.digests[made]


def scanner(
    values: Mapping[str, Secret],
    digest: Callable[[str], Iterable[str]] = lambda _: (),
    digests: Mapping[str, str] | None = None,
) -> Scanner:
    """Values shorter than eight characters are left out: they are in every text."""
    names: dict[bytes, str] = {}
    for what, value in values.items():
        if len(value.reveal()) >= SHORTEST:
            for written in _forms(value.reveal()):
                names.setdefault(written, what)
    longest_first = sorted(names, key=len, reverse=True)
    return Scanner(
        pattern=re.compile(b"|".join(re.escape(written) for written in longest_first) or b"(?!)"),
        names=names,
        kinds=re.compile(b"|".join(b"(%s)" % kind for kind in KINDS.values())),
        labels=tuple(KINDS),
        digest=digest,
        digests=digests or {},
    )


def _forms(text: str) -> set[bytes]:
    raw = text.encode("utf-8", "surrogatepass")
    coded = base64.b64encode(raw).rstrip(b"=")
    return {raw, json.dumps(text)[1:-1].encode(), quote(text, safe="").encode(), coded, coded.translate(_URL_SAFE)}


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
