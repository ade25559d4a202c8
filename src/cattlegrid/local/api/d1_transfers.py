"""Files on their way into and out of databases: upload and download by signed URLs that are good for an hour."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakKeyDictionary

from starlette.responses import FileResponse, Response

from cattlegrid.local.api.d1_desk import Desk, desk
from cattlegrid.local.envelope import ApiError
from cattlegrid.local.routes import Call, route
from cattlegrid.local.runtime import Runtime

VALID_SECONDS = 3600.0
SIGNED = "/signed/d1/{ticket}/{filename}"
_DENIED = 10000


@dataclass(frozen=True)
class Ticket:
    """Leave to write or read one file until `expires`, in seconds since the epoch."""

    file: Path
    method: str
    expires: float


@dataclass
class Transfers:
    """The tickets of one desk. A restart forgets them, and clients start over."""

    folder: Path
    tickets: dict[str, Ticket] = field(default_factory=dict)

    def uploaded(self, uuid: str, etag: str) -> Path:
        return self.folder / uuid / f"{etag}.sql"

    def exported(self, uuid: str, bookmark: str) -> Path:
        return self.folder / uuid / f"{bookmark}.export.sql"

    def write(self, file: Path, sql: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(sql, encoding="utf-8", newline="")

    def url(self, base_url: str, method: str, file: Path) -> str:
        """A URL that `method` may be done to for an hour, without a token."""
        self.sweep()
        name = secrets.token_urlsafe(24)
        self.tickets[name] = Ticket(file, method, time.time() + VALID_SECONDS)
        return f"{base_url}/signed/d1/{name}/{file.name}"

    def sweep(self) -> None:
        """Forgets tickets and files that are past their hour."""
        now = time.time()
        self.tickets = {name: ticket for name, ticket in self.tickets.items() if ticket.expires > now}
        for file in self.folder.glob("*/*.sql"):
            if file.stat().st_mtime < now - VALID_SECONDS:
                file.unlink(missing_ok=True)


_TRANSFERS: WeakKeyDictionary[Runtime, Transfers] = WeakKeyDictionary()


def transfers(files: Desk) -> Transfers:
    """The one set of tickets of a desk."""
    return _TRANSFERS.setdefault(files.runtime, Transfers(files.state.folder / "d1-files"))


@route("PUT", SIGNED, "upload an import file to its signed URL", scope="d1:write", access="signed")
async def upload(call: Call) -> Response:
    files = desk(call)
    target = _ticket(files, call).file
    target.parent.mkdir(parents=True, exist_ok=True)
    arriving = target.with_suffix(f".{secrets.token_hex(4)}.part")
    digest, size = hashlib.md5(usedforsecurity=False), 0
    try:
        with arriving.open("wb") as file:
            async for piece in call.request.stream():
                size += len(piece)
                if size > files.limits.import_bytes:
                    raise ApiError(413, _DENIED, f"An import file may have {files.limits.import_bytes} bytes")
                digest.update(piece)
                file.write(piece)
        arriving.rename(target.with_name(f"{digest.hexdigest()}.sql"))
    finally:
        arriving.unlink(missing_ok=True)
    return Response(headers={"ETag": f'"{digest.hexdigest()}"'})


@route("GET", SIGNED, "download an export from its signed URL", scope="d1:read", access="signed")
async def download(call: Call) -> Response:
    return FileResponse(_ticket(desk(call), call).file, media_type="application/sql")


def _ticket(files: Desk, call: Call) -> Ticket:
    found = transfers(files).tickets.get(call.path["ticket"])
    if found is None or found.method != call.request.method or found.expires < time.time():
        raise ApiError(403, _DENIED, "This signed URL is not valid or has expired")
    return found
