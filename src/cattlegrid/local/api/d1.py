"""D1's databases over REST: create, list, look up by name or uuid, change, delete."""

from __future__ import annotations

import re
import sqlite3
import time
import uuid
from datetime import UTC, datetime

from starlette.responses import Response

from cattlegrid.local.api import d1_snapshots, d1_state
from cattlegrid.local.api.d1_desk import Desk, desk
from cattlegrid.local.api.d1_state import Database
from cattlegrid.local.envelope import ApiError, ok, page_number
from cattlegrid.local.routes import Call, route
from cattlegrid.local.sql.limits import Statement

DATABASES = "/accounts/{account}/d1/database"
ONE = DATABASES + "/{database}"
MALFORMED, NOT_FOUND, QUOTA, NAME_TAKEN = 7400, 7404, 7406, 7502
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_REGIONS = ("wnam", "enam", "weur", "eeur", "apac", "oc")
_OF_JURISDICTION = {"eu": "weur", "fedramp": "enam"}
_TABLES = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^'"
_TABLES += " AND name NOT LIKE '^_cf^_%' ESCAPE '^'"


@route("POST", DATABASES, "create a database", scope="d1:write")
async def create(call: Call) -> Response:
    database = _new(call.account, await call.object())
    files = desk(call)
    if len(d1_state.named(call.state.db, call.account, "")) >= files.limits.databases:
        raise ApiError(400, QUOTA, "You have reached the maximum number of databases for your account.", result=[])
    try:
        d1_state.add(call.state.db, database)
    except sqlite3.IntegrityError:
        raise ApiError(400, NAME_TAKEN, "A database with that name already exists", result=[]) from None
    await files.batch(database.uuid, [Statement("SELECT 1")], rows=True)
    await d1_snapshots.current(call.runtime, call.state, database.uuid)
    return ok(await _shown(files, database) | {"created_in_region": database.region})


@route("GET", DATABASES, "list databases, a page at a time", scope="d1:read")
async def list_databases(call: Call) -> Response:
    found = d1_state.named(call.state.db, call.account, call.query.get("name", ""))
    page, per_page = page_number(call.query, "page", 1), min(page_number(call.query, "per_page", 100), 10_000)
    shown = [await _shown(desk(call), one) for one in found[(page - 1) * per_page : page * per_page]]
    return ok(shown, info={"page": page, "per_page": per_page, "count": len(shown), "total_count": len(found)})


@route("GET", ONE, "one database, by uuid or name", scope="d1:read")
async def get_database(call: Call) -> Response:
    database = d1_state.find(call.state.db, call.account, call.path["database"])
    if database is None:
        raise not_found(call.path["database"])
    shown = await _shown(desk(call), database)
    wanted = [name for name in call.query.get("fields", "").split(",") if name]
    return ok({name: shown[name] for name in wanted if name in shown} if wanted else shown)


@route("PUT", ONE, "set read replication", scope="d1:write")
@route("PATCH", ONE, "set read replication", scope="d1:write")
async def change(call: Call) -> Response:
    database = the_database(call)
    replication = (await call.object()).get("read_replication") or {}
    if replication and replication.get("mode") not in ("auto", "disabled"):
        raise malformed("read_replication.mode must be auto or disabled")
    if replication:
        d1_state.replicate(call.state.db, database.uuid, replication["mode"])
    return ok(await _shown(desk(call), the_database(call)))


@route("DELETE", ONE, "delete a database with its history", scope="d1:write")
async def delete(call: Call) -> Response:
    database, files = the_database(call), desk(call)
    async with files.alone(database.uuid, "The database is being deleted."):
        await call.runtime.d1_delete(database.uuid)
        d1_snapshots.remove(call.state, database.uuid)
        d1_state.remove(call.state.db, database.uuid)
    return ok(None)


def the_database(call: Call) -> Database:
    """The database that the path names by uuid. Raises ApiError 7400 for what is no uuid, 7404 for an unknown one."""
    name = call.path["database"]
    try:
        uuid.UUID(name)
    except ValueError:
        raise malformed("failed to decode id") from None
    found = d1_state.find(call.state.db, call.account, name)
    if found is None:
        raise not_found(name)
    return found


def malformed(why: str) -> ApiError:
    return ApiError(400, MALFORMED, f"The request is malformed: {why}", result=[])


def not_found(name: str) -> ApiError:
    return ApiError(404, NOT_FOUND, f"The database {name} could not be found", result=[])


def _new(account: str, body: dict[str, object]) -> Database:
    name, jurisdiction = body.get("name"), body.get("jurisdiction")
    hint = body.get("primary_location_hint")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise malformed("name must be letters, digits, '-' and '_', at most 64")
    if hint is not None and hint not in _REGIONS:
        raise malformed(f"primary_location_hint must be one of {', '.join(_REGIONS)}")
    if jurisdiction is not None and jurisdiction not in _OF_JURISDICTION:
        raise malformed(f"jurisdiction must be one of {', '.join(_OF_JURISDICTION)}")
    region = _OF_JURISDICTION.get(str(jurisdiction)) or str(hint or "weur")
    return Database(
        uuid=str(uuid.uuid4()),
        account=account,
        name=name,
        created=time.time(),
        jurisdiction=str(jurisdiction) if jurisdiction else None,
        region=region.upper(),
        replication="disabled",
        states=0,
    )


async def _shown(files: Desk, database: Database) -> dict[str, object]:
    tables, size = await _extent(files, database.uuid)
    created = datetime.fromtimestamp(database.created, UTC).isoformat(timespec="milliseconds")
    return {
        "uuid": database.uuid,
        "name": database.name,
        "version": "production",
        "created_at": created.replace("+00:00", "Z"),
        "num_tables": tables,
        "file_size": size,
        "running_in_region": database.region,
        "jurisdiction": database.jurisdiction,
        "read_replication": {"mode": database.replication},
    }


async def _extent(files: Desk, uuid: str) -> tuple[int, int]:
    """How many tables and bytes a database has; the tables of a busy one are not counted."""
    if uuid in files.busy:
        return 0, await files.runtime.d1_size(uuid)
    (counted,) = await files.batch(uuid, [Statement(_TABLES)], rows=True)
    return int(counted["results"]["rows"][0][0]), int(counted["meta"]["size_after"])
