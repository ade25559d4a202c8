"""API tokens and what each may do. Only a token's digest is stored."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import uuid
from dataclasses import dataclass

from cattlegrid.local.envelope import ApiError
from cattlegrid.local.state import tables

tables("""
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, subdomain TEXT, email TEXT NOT NULL, created TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, rights TEXT NOT NULL, scripts TEXT
);
""")

EVERYTHING = frozenset({"*"})


@dataclass(frozen=True)
class Token:
    """`rights` holds "<area>:read" and "<area>:write", or "*"; every token may do "self:read".
    `scripts` limits Workers by name, None is all of them.
    """

    id: str
    name: str
    rights: frozenset[str]
    scripts: frozenset[str] | None

    def may(self, scope: str) -> bool:
        area, _, deed = scope.partition(":")
        if area == "self" or "*" in self.rights or scope in self.rights:
            return True
        return deed == "read" and f"{area}:write" in self.rights

    def reaches(self, script: str) -> bool:
        return self.scripts is None or script in self.scripts


@dataclass(frozen=True)
class Account:
    id: str
    name: str
    subdomain: str | None
    email: str
    created: str


def issue(
    db: sqlite3.Connection, name: str, rights: frozenset[str], scripts: frozenset[str] | None = None
) -> tuple[Token, str]:
    """A new token and its value, which is told this once."""
    value = secrets.token_urlsafe(30)
    return adopt(db, value, name, rights, scripts), value


def adopt(
    db: sqlite3.Connection, value: str, name: str, rights: frozenset[str], scripts: frozenset[str] | None = None
) -> Token:
    """Makes `value` a valid token, or finds it when it is one already."""
    if known := find(db, value):
        return known
    token = Token(uuid.uuid4().hex, name, rights, scripts)
    limited = None if scripts is None else json.dumps(sorted(scripts))
    with db:
        db.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?)",
            (token.id, name, _digest(value), json.dumps(sorted(rights)), limited),
        )
    return token


def find(db: sqlite3.Connection, value: str) -> Token | None:
    row = db.execute("SELECT id, name, rights, scripts FROM tokens WHERE digest = ?", (_digest(value),)).fetchone()
    return _token(row) if row else None


def all_tokens(db: sqlite3.Connection) -> list[Token]:
    return [_token(row) for row in db.execute("SELECT id, name, rights, scripts FROM tokens ORDER BY rowid")]


def revoke(db: sqlite3.Connection, identifier: str) -> bool:
    with db:
        return db.execute("DELETE FROM tokens WHERE id = ?", (identifier,)).rowcount > 0


def _token(row: tuple[str, str, str, str | None]) -> Token:
    scripts = None if row[3] is None else frozenset(json.loads(row[3]))
    return Token(row[0], row[1], frozenset(json.loads(row[2])), scripts)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def account(db: sqlite3.Connection) -> Account:
    """The one account of this local Cloudflare."""
    return Account(*db.execute("SELECT id, name, subdomain, email, created FROM accounts").fetchone())


def create_account(db: sqlite3.Connection, one: Account) -> None:
    """Does nothing when there is one already."""
    with db:
        db.execute(
            "INSERT INTO accounts SELECT ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM accounts)",
            (one.id, one.name, one.subdomain, one.email, one.created),
        )


def bearer(header: str | None, key: str | None) -> str:
    """The token of a request's headers. Raises ApiError as Cloudflare words missing and malformed credentials."""
    if header is None and key is None:
        raise ApiError(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
    if header is None:
        return key or ""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer" or not value.strip() or " " in value.strip():
        chain = ((6111, "Invalid format for Authorization header"),)
        raise ApiError(400, 6003, "Invalid request headers", chain=chain)
    return value.strip()
