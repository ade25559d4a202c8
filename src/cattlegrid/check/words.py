"""Values in the files: what leads from staging to production, and what is a secret and should not stand there."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from cattlegrid.check import rules
from cattlegrid.check.look import PRODUCTION, STAGING, Look, Worker
from cattlegrid.model.finding import Finding
from cattlegrid.wrangler.resources import Path, naming

_PRODUCTION: Final = re.compile(r"(?<![a-z])prod(?:uction)?(?![a-z])", re.IGNORECASE)
_SECRET_NAME: Final = re.compile(
    r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD|CREDENTIALS?|PRIVATE)(?:$|_)", re.IGNORECASE
)
_PUBLIC_NAME: Final = re.compile(
    r"PUBLIC|PUBLISHABLE|SITE_?KEY|_URL$|_ID$|KEY_(?:NAME|PREFIX)|_TTL|HEADER|EXPIR", re.IGNORECASE
)
# Forms that issuers give their secrets, so that scanners find them.
_SECRET_FORM: Final = re.compile(
    r"sk_live_|rk_live_|sk-[A-Za-z0-9]|ghp_|gho_|github_pat_|glpat-|xox[abprs]-|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|SG\.[\w-]{20,}|npm_[A-Za-z0-9]{30,}|whsec_|AGE-SECRET-KEY-|://[^/\s:@]+:[^/\s:@]+@"
)
_PLACEHOLDER: Final = re.compile(
    r"^(?:<.*>|\$\{?.*|your[-_ ].*|change.?me.*|xxx+|todo.*|example.*|dummy.*|test.*|dev.*)$", re.IGNORECASE
)
_FEWEST_BITS: Final = 45.0


def words(look: Look) -> Iterator[Finding]:
    hosts = {
        identity.partition("/")[0].removeprefix("*."): owner.file
        for (word, identity), owner in look.production.items()
        if word == "route"
    }
    ids = {
        identity: owner.file
        for (word, identity), owner in look.production.items()
        if word != "route" and len(identity) >= 20
    }
    literals = {one.lower(): file for one, file in (hosts | ids).items()}
    named = naming(literals)
    scripts = {str(one.parts.production["name"]): one.file for one in look.workers}
    for worker in look.workers:
        if worker.parts.staging is not None:
            yield from _production(worker, named, literals, scripts)
        for environment, config in ((STAGING, worker.parts.staging), (PRODUCTION, worker.parts.production)):
            yield from _secrets(worker, environment, config or {})


def _production(
    worker: Worker, named: re.Pattern[str], literals: Mapping[str, str], scripts: Mapping[str, str]
) -> Iterator[Finding]:
    for path, value in _texts((worker.parts.staging or {}).get("vars"), ("vars",)):
        literal = named.search(value)
        said = f"{literal[0]} of {literals[literal[0].lower()]}" if literal is not None else ""
        for name in re.findall(r"://([\w-]+)\.[\w-]+\.workers\.dev", value):
            said = said or (f"the Worker {name} of {scripts[name]}" if name in scripts else "")
        if not said and _PRODUCTION.search(value) and path[-1] != "NODE_ENV":
            said = "the word production"
        if said:
            what = f"{'.'.join(map(str, path))} of staging names {said}"
            yield worker.finding(rules.NAMES_PRODUCTION, worker.at(STAGING, path), what, "give staging its own value")


def _secrets(worker: Worker, environment: str, config: Mapping[str, object]) -> Iterator[Finding]:
    for path, value in _texts(config.get("vars"), ("vars",)):
        if is_secret(str(path[-1]), value):
            # The value itself is never shown.
            what = f"the variable {path[-1]} of {environment} looks like a secret ({len(value)} characters)"
            fix = f"take it out, change it at its issuer, then: wrangler secret put {path[-1]} --env …"
            yield worker.finding(rules.SECRET_AS_VAR, worker.at(environment, path), what, fix)


def is_secret(name: str, value: str) -> bool:
    """By the form that issuers give, or by a name that says so and a value that nobody would think up."""
    if _SECRET_FORM.search(value):
        return True
    if not _SECRET_NAME.search(name) or _PUBLIC_NAME.search(name) or _PLACEHOLDER.match(value):
        return False
    return " " not in value and not value.startswith(("http://", "https://")) and _bits(value) >= _FEWEST_BITS


def _bits(value: str) -> float:
    """Shannon's measure over the value's own characters."""
    counts = Counter(value)
    return -sum(n * math.log2(n / len(value)) for n in counts.values())


def _texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, held in value.items():
            yield from _texts(held, (*path, str(name)))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from _texts(held, (*path, index))
