"""Static assets: a session for a manifest, the upload of the files that are not known yet, the finished set."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
import time
import uuid
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import Response

from cattlegrid.local import jwt
from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.routes import Call, route
from cattlegrid.local.state import tables

tables("""
CREATE TABLE IF NOT EXISTS asset_sessions (id TEXT PRIMARY KEY, script TEXT NOT NULL, manifest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS asset_files (hash TEXT PRIMARY KEY, blob TEXT NOT NULL, type TEXT);
""")

_HOUR = 3600
_MAX_FILE = 25 * 1024 * 1024
_MAX_FILES = 20_000
_BUCKET = 100


@route(
    "POST",
    "/accounts/{account}/workers/scripts/{script}/assets-upload-session",
    "say which static assets a version will have; answers which are missing",
    scope="workers:write",
)
async def start(call: Call) -> Response:
    manifest = _checked((await call.object()).get("manifest"))
    session = uuid.uuid4().hex
    with call.state.db as db:
        db.execute("INSERT INTO asset_sessions VALUES (?, ?, ?)", (session, call.path["script"], json.dumps(manifest)))
    missing = _missing(call.state.db, manifest)
    buckets = [missing[at : at + _BUCKET] for at in range(0, len(missing), _BUCKET)]
    return ok({"jwt": _token(call, session, done=not missing), "buckets": buckets})


@route(
    "POST", "/accounts/{account}/workers/assets/upload", "upload missing assets", scope="workers:write", access="signed"
)
async def upload(call: Call) -> Response:
    session = _session(call, call.request.headers.get("authorization", "").partition(" ")[2])
    for name, part in (await call.form()).multi_items():
        content, kind = await _part(part)
        if call.query.get("base64") == "true":
            content = _decoded(name, content)
        blob = call.state.keep(content)
        served = None if kind in {None, "application/null"} else kind
        with call.state.db as db:
            db.execute("INSERT OR REPLACE INTO asset_files VALUES (?, ?, ?)", (name, blob, served))
    if _missing(call.state.db, _manifest(call.state.db, session)):
        return ok({}, status=202)
    return ok({"jwt": _token(call, session, done=True)}, status=201)


async def _part(part: UploadFile | str) -> tuple[bytes, str | None]:
    if isinstance(part, UploadFile):
        return await part.read(), part.content_type
    return part.encode(), None


def _decoded(name: str, content: bytes) -> bytes:
    try:
        return base64.b64decode(content, validate=False)
    except binascii.Error:
        raise ApiError(400, 10021, f"The asset {name} is not base64") from None


def of_upload(call: Call, said: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The set that an upload's `assets.jwt` stands for. Raises ApiError when files of it were never uploaded."""
    if not said or "jwt" not in said:
        return None
    session = _session(call, str(said["jwt"]))
    db, manifest = call.state.db, _manifest(call.state.db, session)
    if missing := _missing(db, manifest):
        raise ApiError(400, 10021, f"{len(missing)} of the static assets were never uploaded")
    files = {path: {**one, **_file(db, one["hash"])} for path, one in manifest.items()}
    return {"manifest": files, "config": said.get("config") or {}}


def _file(db: sqlite3.Connection, name: str) -> dict[str, Any]:
    blob, kind = db.execute("SELECT blob, type FROM asset_files WHERE hash = ?", (name,)).fetchone()
    return {"blob": blob, "type": kind}


def _checked(manifest: Any) -> dict[str, Any]:
    if not isinstance(manifest, dict):
        raise ApiError(400, 10021, "manifest: an object of paths is missing")
    if len(manifest) > _MAX_FILES:
        raise ApiError(400, 10021, f"manifest: {len(manifest)} files, and {_MAX_FILES} are allowed")
    for path, one in manifest.items():
        if not path.startswith("/") or not isinstance(one, dict) or "hash" not in one or "size" not in one:
            raise ApiError(400, 10021, f"manifest.{path}: a path begins with / and has a hash and a size")
        if one["size"] > _MAX_FILE:
            raise ApiError(400, 10021, f"manifest.{path}: {one['size']} bytes, and {_MAX_FILE} are allowed")
    return manifest


def _missing(db: sqlite3.Connection, manifest: Mapping[str, Any]) -> list[str]:
    known = {row[0] for row in db.execute("SELECT hash FROM asset_files")}
    return list(dict.fromkeys(one["hash"] for one in manifest.values() if one["hash"] not in known))


def _manifest(db: sqlite3.Connection, session: str) -> dict[str, Any]:
    (text,) = db.execute("SELECT manifest FROM asset_sessions WHERE id = ?", (session,)).fetchone()
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def _token(call: Call, session: str, *, done: bool) -> str:
    claims = {"session": session, "done": done, "exp": int(time.time()) + _HOUR}
    return jwt.sign(jwt.key(call.state.folder), claims)


def _session(call: Call, token: str) -> str:
    claims = jwt.read(jwt.key(call.state.folder), token, time.time())
    if claims is None:
        raise ApiError(401, 10000, "Authentication error: the static assets' token is not valid or has expired")
    return str(claims["session"])
