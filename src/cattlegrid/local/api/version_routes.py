"""Versions of a Worker: uploaded without traffic, listed, read back with their modules, changed in their secrets."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from cattlegrid.local import scripts, tokens
from cattlegrid.local.api import bindings, publish, upload
from cattlegrid.local.envelope import ApiError, ok, page_number, paged
from cattlegrid.local.routes import Call, route
from cattlegrid.local.scripts import Script, Version

VERSIONS = "/accounts/{account}/workers/scripts/{script}/versions"
WORKER = "/accounts/{account}/workers/workers/{script}"
_MAX_DEPLOYABLE = 100


@route("POST", VERSIONS, "upload a version without giving it traffic", scope="workers:write")
async def upload_version(call: Call) -> Response:
    name = call.path["script"]
    sent = await upload.read_upload(await call.form())
    if sent.metadata.get("migrations"):
        raise ApiError(
            400, 10211, "Version upload failed. Migrations must be fully applied by running `wrangler deploy`"
        )
    async with call.control.lock(name):
        publish.existing(call, name)
        strict = call.query.get("bindings_inherit") == "strict"
        version = await publish.from_upload(call, name, sent, strict=strict)
    return ok({**_shown(call, version), "startup_time_ms": version.content.startup_time_ms})


@route("GET", VERSIONS, "list versions, newest first", scope="workers:read")
async def list_versions(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    found = scripts.versions(call.state.db, script.name)
    if call.query.get("deployable") == "true":
        found = found[:_MAX_DEPLOYABLE]
    page = page_number(call.query, "page", 1)
    per_page = page_number(call.query, "per_page", max(len(found), 1))
    items = [_listed(call, one) for one in found[(page - 1) * per_page : page * per_page]]
    info = {"page": page, "per_page": per_page, "count": len(items), "total_count": len(found)}
    return ok({"items": items}, info=info)


@route("GET", VERSIONS + "/{version}", "one version with its bindings", scope="workers:read")
async def get_version(call: Call) -> Response:
    return ok(_shown(call, _found(call)))


@route("GET", WORKER, "a Worker and its workers.dev settings", scope="workers:read")
async def get_worker(call: Call) -> Response:
    return ok(_worker(_named(call)))


@route("PATCH", WORKER, "change a Worker's workers.dev settings, tags or logging", scope="workers:write")
async def patch_worker(call: Call) -> Response:
    script, said = _named(call), await call.object()
    upload.refuse_unserved(said)
    subdomain = said.get("subdomain", {})
    settings: dict[str, Any] = {
        key: said[key] for key in ("logpush", "observability", "tags", "tail_consumers") if key in said
    }
    changed = replace(
        script,
        subdomain=bool(subdomain.get("enabled", script.subdomain)),
        previews=bool(subdomain.get("previews_enabled", script.previews)),
        settings={**script.settings, **settings},
    )
    scripts.save(call.state.db, changed)
    await publish.refresh_hosts(call)
    return ok(_worker(changed))


@route("GET", WORKER + "/versions", "list versions, newest first, a page at a time", scope="workers:read")
async def list_worker_versions(call: Call) -> Response:
    found = [_detailed(call, one, modules=False) for one in scripts.versions(call.state.db, _named(call).name)]
    return paged(call.query, found, default=10)


@route(
    "GET",
    WORKER + "/versions/{version}",
    "one version with its addresses, and with `include=modules` its code",
    scope="workers:read",
)
async def get_worker_version(call: Call) -> Response:
    script = _named(call)
    wanted = call.path["version"]
    version = (
        scripts.latest(call.state.db, script.name)
        if wanted == "latest"
        else scripts.version(call.state.db, script.name, wanted)
    )
    if version is None:
        raise _no_versions() if wanted == "latest" else _missing(wanted)
    return ok(_detailed(call, version, modules="modules" in call.query.get("include", "")))


@route(
    "PATCH", WORKER + "/versions/latest", "a new version that differs in secrets or variables", scope="workers:write"
)
async def patch_latest(call: Call) -> Response:
    said = await call.object()
    async with call.control.lock(call.path["script"]):
        script = _named(call)
        before = scripts.latest(call.state.db, script.name)
        if before is None:
            raise _no_versions()
        changed = _patched(before, said.get("env") or {})
        told = {**upload.annotated(said), "workers/triggered_by": "secret"}
        content = replace(before.content, bindings=changed, annotations=told)
        version = await publish.changed(call, before, content, source="wrangler")
    return ok(_detailed(call, version, modules=False))


def _patched(before: Version, env: dict[str, Any]) -> tuple[bindings.Binding, ...]:
    chosen = {binding["name"]: binding for binding in before.content.bindings}
    for name, said in env.items():
        if said is None:
            chosen.pop(name, None)
            continue
        if said.get("type") not in {"secret_text", "plain_text"}:
            raise ApiError(400, 10021, f"env.{name}.type: must be secret_text or plain_text")
        bindings.check_size(name, str(said.get("text", "")))
        chosen[name] = {"name": name, "type": said["type"], "text": str(said.get("text", ""))}
    return tuple(chosen.values())


def _named(call: Call) -> Script:
    """By name or, as `workers/workers` allows, by the Worker's unchanging id."""
    wanted = call.path["script"]
    script = scripts.find(call.state.db, wanted)
    if script is None:
        script = next((one for one in scripts.all_scripts(call.state.db) if one.tag == wanted), None)
    if script is None or not call.token.reaches(script.name):
        raise publish.missing_script()
    return script


def _found(call: Call) -> Version:
    publish.existing(call, call.path["script"])
    version = scripts.version(call.state.db, call.path["script"], call.path["version"])
    if version is None:
        raise _missing(call.path["version"])
    return version


def _missing(wanted: str) -> ApiError:
    return ApiError(404, 10007, f"Version {wanted} does not exist on this Worker.")


def _no_versions() -> ApiError:
    return ApiError(404, 10222, "This Worker has no versions.")


def _listed(call: Call, version: Version) -> dict[str, Any]:
    email = tokens.account(call.state.db).email
    return {
        "id": version.id,
        "number": version.number,
        "metadata": {
            "created_on": version.created,
            "modified_on": version.created,
            "source": version.source,
            "author_id": tokens.account(call.state.db).id,
            "author_email": email,
            "has_preview": True,
        },
        "annotations": dict(version.content.annotations),
    }


def _shown(call: Call, version: Version) -> dict[str, Any]:
    content = version.content
    return {
        **_listed(call, version),
        "resources": {
            "bindings": bindings.shown(content.bindings, version.script),
            "script": {
                "etag": content.etag,
                "handlers": list(content.handlers),
                "last_deployed_from": version.source,
            },
            "script_runtime": {
                "compatibility_date": content.compatibility_date,
                "compatibility_flags": list(content.compatibility_flags),
                "usage_model": content.usage_model,
                "limits": dict(content.limits),
            },
        },
    }


def _detailed(call: Call, version: Version, *, modules: bool) -> dict[str, Any]:
    content = version.content
    told = {
        "id": version.id,
        "number": version.number,
        "created_on": version.created,
        "source": version.source,
        "annotations": dict(content.annotations),
        "bindings": bindings.shown(content.bindings, version.script),
        "compatibility_date": content.compatibility_date,
        "compatibility_flags": list(content.compatibility_flags),
        "main_module": content.main_module,
        "startup_time_ms": content.startup_time_ms,
        "usage_model": content.usage_model,
        "limits": dict(content.limits),
        "placement": dict(content.placement),
        "migration_tag": content.migration_tag,
        "urls": [publish.version_url(call, version)],
    }
    if content.assets is not None:
        told["assets"] = {"config": content.assets["config"]}
    if modules:
        told["modules"] = [
            {
                "name": one.name,
                "content_type": one.content_type,
                "content_base64": base64.b64encode(call.state.blob(one.blob).read_bytes()).decode(),
            }
            for one in content.modules
        ]
    return told


def _worker(script: Script) -> dict[str, Any]:
    return {
        "id": script.tag,
        "name": script.name,
        "created_on": script.created,
        "updated_on": script.modified,
        "deployed_on": script.modified,
        "subdomain": {"enabled": script.subdomain, "previews_enabled": script.previews},
        "logpush": False,
        "observability": {"enabled": False},
        "tags": [],
        "tail_consumers": [],
        **script.settings,
    }
