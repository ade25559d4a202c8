"""Infisical as a store: its REST API, by universal auth; version 4 of the API, or 3 where an instance is older.

Credentials are Infisical's own variables: INFISICAL_UNIVERSAL_AUTH_CLIENT_ID and …_CLIENT_SECRET of a machine identity,
or INFISICAL_TOKEN. An identity that may read staging only finds production closed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

import httpx2

from cattlegrid.cloudflare.http import open_http
from cattlegrid.errors import MissingCredential, StoreError
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Infisical
from cattlegrid.model.secret import Secret
from cattlegrid.secrets.store import Changes, Contents

CLIENT_ID: Final = "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"
CLIENT_SECRET: Final = "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"  # noqa: S105 - a variable's name
TOKEN: Final = "INFISICAL_TOKEN"  # noqa: S105 - as above
CREDENTIALS: Final = (CLIENT_ID, CLIENT_SECRET, TOKEN)
_ATTEMPTS: Final = 4
_REFUSED: Final = frozenset({401, 403})

Json = Mapping[str, object]


class _Closed(Exception):
    """Infisical does not let this identity in; the text says why."""


@dataclass(frozen=True)
class InfisicalStore:
    """`where.project`'s secrets of one environment, in one folder; folders that it imports are read, never written."""

    where: Infisical
    environment: Environment
    environ: Mapping[str, str] = field(repr=False)

    @property
    def place(self) -> str:
        return f"Infisical {self._slug}{self.where.path}"

    def how_to_add(self, name: str) -> str:
        return f"cattlegrid secrets set {name} --env {self.environment}"

    def readers(self) -> tuple[str, ...]:
        return ()

    def read(self) -> Contents:
        with closing(_Session(self.where, self.environ)) as session:
            try:
                answer = session.folder(self._slug)
            except _Closed as closed:
                return Contents(closed=str(closed))
        values, since = {}, {}
        for entry in _entries(answer):
            name = str(entry.get("secretKey"))
            if entry.get("secretValueHidden") is True:
                return Contents(names=_names(answer), closed="this identity may see names, and no values")
            values[name] = Secret(str(entry.get("secretValue") or ""))
            if isinstance(entry.get("updatedAt"), str):
                since[name] = datetime.fromisoformat(str(entry["updatedAt"]))
        return Contents(values, frozenset(values), since)

    def change(self, changes: Changes, now: datetime) -> None:  # noqa: ARG002 - Infisical dates them itself
        put = {name: value for name, value in changes.items() if value is not None}
        gone = [name for name, value in changes.items() if value is None]
        with closing(_Session(self.where, self.environ)) as session:
            try:
                own = {str(entry.get("secretKey")) for entry in _own(session.folder(self._slug))}
                if put:
                    session.put(self._slug, put, own)
                if present := [name for name in gone if name in own]:
                    session.delete(self._slug, present)
            except _Closed as closed:
                raise MissingCredential(str(closed), where=self.place) from closed

    @property
    def _slug(self) -> str:
        return self.where.slugs[self.environment]


class _Session:
    """A logged-in conversation. Close it."""

    def __init__(self, where: Infisical, environ: Mapping[str, str]) -> None:
        self._where = where
        self._environ = environ
        self._http = open_http()
        self._token: Secret | None = None
        self._v4 = True

    def close(self) -> None:
        self._http.close()

    def folder(self, slug: str) -> Json:
        query = {"secretPath": self._where.path, "viewSecretValue": "true", "includeImports": "true"}
        return self._secrets("GET", "", slug, query=query)

    def put(self, slug: str, values: Mapping[str, Secret], there: set[str]) -> None:
        """In one transaction on version 4; on version 3 new ones first, then changed ones."""
        body: dict[str, object] = {"secretPath": self._where.path}
        if self._v4:
            self._secrets("PATCH", "/batch", slug, body={**body, "mode": "upsert", "secrets": _written(values)})
            return
        new = {name: value for name, value in values.items() if name not in there}
        old = {name: value for name, value in values.items() if name in there}
        for method, some in (("POST", new), ("PATCH", old)):
            if some:
                self._secrets(method, "/batch", slug, body={**body, "secrets": _written(some)})

    def delete(self, slug: str, names: list[str]) -> None:
        body: dict[str, object] = {"secretPath": self._where.path, "secrets": [{"secretKey": name} for name in names]}
        self._secrets("DELETE", "/batch", slug, body=body)

    def _secrets(
        self, method: str, path: str, slug: str, *, query: Mapping[str, str] | None = None, body: Json | None = None
    ) -> Json:
        if self._v4:
            place = {"projectId": self._where.project, "environment": slug}
            answer = self._call(method, f"/api/v4/secrets{path}", query=query, body=body, place=place)
            if answer.status_code != 404 or not _no_such_route(answer):
                return self._read(answer)
            self._v4 = False
        old = "/api/v3/secrets/raw" if not path else f"/api/v3/secrets{path}/raw"
        place = {"workspaceId": self._where.project, "environment": slug}
        renamed = {
            "include_imports" if name == "includeImports" else name: value for name, value in (query or {}).items()
        }
        return self._read(self._call(method, old, query=renamed or None, body=body, place=place))

    def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None, body: Json | None, place: Mapping[str, str]
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self._logged_in().reveal()}"}
        params = {**(query or {}), **place} if body is None else None
        return self._send(method, path, headers=headers, params=params, json={**body, **place} if body else None)

    def _logged_in(self) -> Secret:
        if self._token is None:
            if not self._where.project:
                raise StoreError("secrets.infisical.project is not set", where="cattlegrid.toml")
            self._token = self._login()
        return self._token

    def _login(self) -> Secret:
        if token := self._environ.get(TOKEN):
            return Secret(token)
        client, secret = self._environ.get(CLIENT_ID), self._environ.get(CLIENT_SECRET)
        if not client or not secret:
            raise _Closed(f"neither {TOKEN} nor {CLIENT_ID} and {CLIENT_SECRET} are set")
        body = {"clientId": client, "clientSecret": Secret(secret).reveal()}
        answer = self._read(self._send("POST", "/api/v1/auth/universal-auth/login", json=body))
        return Secret(str(answer.get("accessToken", "")))

    def _send(self, method: str, path: str, **sent: object) -> httpx2.Response:
        """Every call may be repeated: setting the same value twice, or deleting what is gone, does no harm."""
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                answer = self._http.request(method, self._where.url + path, **sent)  # type: ignore[arg-type]
            except httpx2.TransportError as cut:
                if last:
                    what = f"Infisical does not answer at {self._where.url}: {type(cut).__name__}"
                    raise StoreError(what, next="repeat the command when it does") from None
            else:
                if last or (answer.status_code != 429 and answer.status_code < 500):
                    return answer
            time.sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable")

    def _read(self, answer: httpx2.Response) -> Json:
        try:
            body = answer.json()
        except ValueError:
            body = None
        said = str(body.get("message", "")) if isinstance(body, Mapping) else ""
        if answer.status_code in _REFUSED:
            raise _Closed(f"Infisical refuses this identity: {said or answer.status_code}")
        if answer.status_code >= 400 or not isinstance(body, Mapping):
            raise StoreError(
                f"Infisical answered {answer.status_code}: {said or 'without a reason'}", where=self._where.url
            )
        return cast("Json", body)


def _written(values: Mapping[str, Secret]) -> list[dict[str, object]]:
    return [
        {"secretKey": name, "secretValue": value.reveal(), "skipMultilineEncoding": True}
        for name, value in values.items()
    ]


def _entries(answer: Json) -> list[Json]:
    """The imported ones first, so that the folder's own win."""
    imports = answer.get("imports")
    folders = [one for one in imports if isinstance(one, Mapping)] if isinstance(imports, list) else []
    return [*(entry for folder in folders for entry in _own(folder)), *_own(answer)]


def _own(answer: Json) -> list[Json]:
    found = answer.get("secrets")
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def _names(answer: Json) -> frozenset[str]:
    return frozenset(str(entry.get("secretKey")) for entry in _entries(answer))


def _no_such_route(answer: httpx2.Response) -> bool:
    """A 404 for the address itself, not for a project, an environment or a folder."""
    try:
        said = str(answer.json().get("message", ""))
    except (ValueError, AttributeError):
        return True
    return said.startswith("Route ")
