"""What reaches a Worker: workers.dev, routes, custom domains, cron schedules, zones."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from cattlegrid.local import scripts, tokens, triggers
from cattlegrid.local.api import publish
from cattlegrid.local.envelope import ApiError, by_cursor, ok
from cattlegrid.local.routes import Call, route

SCRIPT = "/accounts/{account}/workers/scripts/{script}"
_SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CRON_PARTS = 5


@route("GET", "/accounts/{account}/workers/subdomain", "the account's workers.dev subdomain", scope="workers:read")
async def get_subdomain(call: Call) -> Response:
    subdomain = tokens.account(call.state.db).subdomain
    if subdomain is None:
        raise ApiError(404, 10007, "There is no workers.dev subdomain registered for this account.")
    return ok({"subdomain": subdomain})


@route(
    "PUT", "/accounts/{account}/workers/subdomain", "name the account's workers.dev subdomain", scope="workers:write"
)
async def put_subdomain(call: Call) -> Response:
    wanted = (await call.object()).get("subdomain")
    if not isinstance(wanted, str) or not _SUBDOMAIN.fullmatch(wanted):
        raise ApiError(400, 10030, f"{wanted!r} is not a valid subdomain")
    known = tokens.account(call.state.db).subdomain
    if known not in {None, wanted}:
        raise ApiError(409, 10036, f"This account has the subdomain {known!r} already")
    with call.state.db as db:
        db.execute("UPDATE accounts SET subdomain = ?", (wanted,))
    await publish.refresh_hosts(call)
    return ok({"subdomain": wanted})


@route("GET", SCRIPT + "/subdomain", "whether a Worker is on workers.dev", scope="workers:read")
async def get_enabled(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    return ok({"enabled": script.subdomain, "previews_enabled": script.previews})


@route("POST", SCRIPT + "/subdomain", "put a Worker on workers.dev or take it off", scope="workers:write")
async def set_enabled(call: Call) -> Response:
    script, said = publish.existing(call, call.path["script"]), await call.object()
    if not isinstance(said.get("enabled"), bool):
        raise ApiError(400, 10021, "enabled: must be true or false")
    previews = bool(said.get("previews_enabled", said["enabled"]))
    scripts.save(call.state.db, replace(script, subdomain=said["enabled"], previews=previews))
    await publish.refresh_hosts(call)
    return ok({"enabled": said["enabled"], "previews_enabled": previews})


@route("GET", SCRIPT + "/schedules", "a Worker's cron schedules", scope="workers:read")
async def get_schedules(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    return ok({"schedules": [_schedule(one) for one in triggers.schedules(call.state.db, script.name)]})


@route("PUT", SCRIPT + "/schedules", "set a Worker's cron schedules", scope="workers:write")
async def put_schedules(call: Call) -> Response:
    script, said = publish.existing(call, call.path["script"]), await call.json()
    listed = said.get("schedules", []) if isinstance(said, dict) else said
    crons = [str(one.get("cron", "")) for one in listed or []]
    for cron in crons:
        if len(cron.split()) != _CRON_PARTS:
            raise ApiError(400, 10100, f"invalid cron string: {cron}")
    found = triggers.set_schedules(call.state.db, script.name, crons)
    return ok({"schedules": [_schedule(one) for one in found]})


@route("POST", SCRIPT + "/schedules/fire", "run a cron now: {cron, at?}", scope="workers:write", local=True)
async def fire(call: Call) -> Response:
    script, said = publish.existing(call, call.path["script"]), await call.object()
    known = [one.cron for one in triggers.schedules(call.state.db, script.name)]
    cron = said.get("cron", known[0] if known else "")
    if cron not in known:
        raise ApiError(400, 10100, f"{script.name} has no schedule {cron!r}; it has {', '.join(known) or 'none'}")
    at = dt.datetime.fromtimestamp(float(said.get("at", time.time())), dt.UTC)
    return ok({"cron": cron, "outcome": await call.runtime.scheduled(script.name, cron, at)})


def _schedule(one: triggers.Schedule) -> dict[str, str]:
    return {"cron": one.cron, "created_on": one.created, "modified_on": one.modified}


@route("GET", SCRIPT + "/routes", "a Worker's routes", scope="workers:read")
async def get_routes(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    return ok([_route(one) for one in triggers.routes(call.state.db) if one.script == script.name])


@route("PUT", SCRIPT + "/routes", "set a Worker's routes", scope="workers:write")
async def put_routes(call: Call) -> Response:
    script, said = publish.existing(call, call.path["script"]), await call.json()
    wanted = [(str(one["pattern"]), str(one.get("zone_name") or triggers.zone_of(str(one["pattern"])))) for one in said]
    if taken := triggers.taken(call.state.db, [pattern for pattern, _ in wanted], script.name):
        one = taken[0]
        message = f"Can't deploy routes: {one.pattern} is already assigned to the Worker {one.script!r}"
        raise ApiError(409, 10020, message)
    found = triggers.set_routes(call.state.db, script.name, wanted)
    await publish.refresh_hosts(call)
    return ok([_route(one) for one in found])


@route("POST", SCRIPT + "/domains/changeset", "what setting these custom domains would change", scope="workers:write")
async def changeset(call: Call) -> Response:
    wanted = {str(one["hostname"]) for one in await call.json()}
    script = call.path["script"]
    known = {one.hostname: one for one in triggers.domains(call.state.db)}
    removed = [one for one in known.values() if one.script == script and one.hostname not in wanted]
    return ok(
        {
            "added": [{"hostname": name} for name in sorted(wanted - known.keys())],
            "removed": [_domain(one) for one in removed] if call.query.get("replace_state") == "true" else [],
            "updated": [
                {**_domain(known[n]), "modified": known[n].script != script} for n in sorted(wanted & known.keys())
            ],
            "conflicting": [],
        }
    )


@route("PUT", SCRIPT + "/domains/records", "set a Worker's custom domains", scope="workers:write")
async def put_domains(call: Call) -> Response:
    script, said = publish.existing(call, call.path["script"]), await call.object()
    wanted = [str(one["hostname"]) for one in said.get("origins") or []]
    known = {one.hostname: one.script for one in triggers.domains(call.state.db)}
    others = [name for name in wanted if known.get(name, script.name) != script.name]
    if others and not said.get("override_existing_origin"):
        message = f"Hostname {others[0]!r} already has a Worker ({known[others[0]]}). Set override_existing_origin"
        raise ApiError(409, 100116, message)
    found = triggers.set_domains(call.state.db, script.name, wanted, replace=True)
    await publish.refresh_hosts(call)
    return ok([_domain(one) for one in found])


@route("GET", "/accounts/{account}/workers/domains", "all custom domains", scope="workers:read")
@route("GET", "/accounts/{account}/workers/domains/records", "all custom domains", scope="workers:read")
async def list_domains(call: Call) -> Response:
    service = call.query.get("service")
    found = [_domain(one) for one in triggers.domains(call.state.db) if service in {None, one.script}]
    return by_cursor(call.query, found)


@route("GET", "/accounts/{account}/workers/domains/records/{domain}", "one custom domain", scope="workers:read")
async def get_domain(call: Call) -> Response:
    for one in triggers.domains(call.state.db):
        if one.id == call.path["domain"]:
            return ok(_domain(one))
    raise ApiError(404, 100114, f"There is no custom domain {call.path['domain']}")


@route("DELETE", "/accounts/{account}/workers/domains/{domain}", "remove a custom domain", scope="workers:write")
async def delete_domain(call: Call) -> Response:
    if not triggers.remove_domain(call.state.db, call.path["domain"]):
        raise ApiError(404, 100114, f"There is no custom domain {call.path['domain']}")
    await publish.refresh_hosts(call)
    return ok(None)


@route("GET", "/zones", "zones by name; every domain is taken to be the account's", scope="zones:read")
async def zones(call: Call) -> Response:
    name = call.query.get("name")
    found: Sequence[str] = [name] if name else triggers.zones(call.state.db)
    account = tokens.account(call.state.db)
    listed = [
        {
            "id": triggers.zone_id(zone),
            "name": zone,
            "status": "active",
            "account": {"id": account.id, "name": account.name},
        }
        for zone in found
    ]
    return by_cursor(call.query, listed)


@route("GET", "/zones/{zone}/workers/routes", "the routes of a zone", scope="zones:read")
async def zone_routes(call: Call) -> Response:
    found = [_route(one) for one in triggers.routes(call.state.db) if triggers.zone_id(one.zone) == call.path["zone"]]
    return by_cursor(call.query, found)


@route("POST", "/zones/{zone}/workers/routes", "add a route to a zone", scope="zones:write")
async def add_zone_route(call: Call) -> Response:
    said = await call.object()
    pattern, script = str(said.get("pattern", "")), said.get("script")
    zone = triggers.zone_of(pattern)
    if triggers.zone_id(zone) != call.path["zone"]:
        raise ApiError(400, 10022, f"The pattern {pattern!r} is not in this zone")
    if script is not None:
        publish.existing(call, str(script))
    try:
        one = triggers.add_route(call.state.db, zone, pattern, script)
    except sqlite3.IntegrityError:
        raise ApiError(409, 10020, "A route with the same pattern already exists.") from None
    await publish.refresh_hosts(call)
    return ok(_route(one))


@route("DELETE", "/zones/{zone}/workers/routes/{route}", "remove a route", scope="zones:write")
async def delete_zone_route(call: Call) -> Response:
    if not triggers.remove_route(call.state.db, call.path["route"]):
        raise ApiError(404, 10007, "This route does not exist.")
    await publish.refresh_hosts(call)
    return ok({"id": call.path["route"]})


def _route(one: triggers.Route) -> dict[str, Any]:
    return {"id": one.id, "pattern": one.pattern, "script": one.script, "zone_name": one.zone}


def _domain(one: triggers.Domain) -> dict[str, Any]:
    return {
        "id": one.id,
        "hostname": one.hostname,
        "service": one.script,
        "environment": "production",
        "zone_id": triggers.zone_id(one.zone),
        "zone_name": one.zone,
        "enabled": True,
        "previews_enabled": False,
    }
