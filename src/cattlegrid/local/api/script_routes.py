"""Workers: upload, read, delete; their settings and their tags."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from cattlegrid.local import actors, compute, scripts, triggers
from cattlegrid.local.api import bindings, publish, queue_state, upload
from cattlegrid.local.envelope import ApiError, ok
from cattlegrid.local.routes import Call, route
from cattlegrid.local.scripts import Script, Share, Version

SCRIPTS = "/accounts/{account}/workers/scripts"
ONE = SCRIPTS + "/{script}"
SERVICE = "/accounts/{account}/workers/services/{script}"
_SETTINGS = ("logpush", "observability", "tags", "tail_consumers")


@route("GET", SCRIPTS, "list Workers", scope="workers:read")
async def list_scripts(call: Call) -> Response:
    seen = [one for one in scripts.all_scripts(call.state.db) if call.token.reaches(one.name)]
    return ok([_listed(call, one) for one in seen])


@route("PUT", ONE, "upload a Worker and deploy it", scope="workers:write")
async def put(call: Call) -> Response:
    name = call.path["script"]
    upload.check_name(name)
    sent = await upload.read_upload(await call.form())
    async with call.control.lock(name):
        new = scripts.find(call.state.db, name) is None
        strict = call.query.get("bindings_inherit") == "strict"
        version = await publish.from_upload(call, name, sent, strict=strict)
        _save_settings(call, publish.existing(call, name), sent.metadata)
        try:
            await publish.deploy(call, name, [Share(version.id, 100)], annotations=_told(version))
        except BaseException:
            if new:
                scripts.remove(call.state.db, name)
            raise
    return ok({**_uploaded(call, version), "deployment_id": uuid.UUID(version.id).hex})


def _told(version: Version) -> dict[str, str]:
    return {key: value for key, value in version.content.annotations.items() if key == "workers/message"}


@route("GET", ONE, "the source of a Worker's latest version", scope="workers:read")
@route("GET", ONE + "/content/v2", "the source of a Worker's latest version", scope="workers:read")
async def get_content(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    version = scripts.latest(call.state.db, script.name)
    if version is None:
        raise publish.missing_script()
    boundary = uuid.uuid4().hex
    body = b""
    for one in version.content.modules:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{one.name}"; filename="{one.name}"\r\n'
        body += (head + f"Content-Type: {one.content_type}\r\n\r\n").encode()
        body += call.state.blob(one.blob).read_bytes() + b"\r\n"
    headers = {"cf-entrypoint": version.content.main_module or "", "etag": version.content.etag}
    content_type = f"multipart/form-data; boundary={boundary}"
    return Response(body + f"--{boundary}--\r\n".encode(), media_type=content_type, headers=headers)


@route("DELETE", ONE, "delete a Worker", scope="workers:write")
async def delete_script(call: Call) -> Response:
    return await _delete(call)


@route("DELETE", SERVICE, "delete a Worker, with `force` also when others bind to it", scope="workers:write")
async def delete_service(call: Call) -> Response:
    return await _delete(call)


async def _delete(call: Call) -> Response:
    name = call.path["script"]
    async with call.control.lock(name):
        script = publish.existing(call, name)
        if call.query.get("force") != "true":
            _refuse_while_used(call, script)
        spaces = actors.of_script(call.state.db, name)
        await call.runtime.withdraw(name, [one.id for one in spaces])
        actors.write(call.state.db, name, spaces, (), None)
        scripts.remove(call.state.db, name)
        triggers.forget(call.state.db, name)
        queue_state.forget_script(call.state.db, name)
        compute.configure_queues(call.control)
        await publish.refresh_hosts(call)
    return ok(None)


def _refuse_while_used(call: Call, script: Script) -> None:
    users = [
        one.name
        for one in scripts.all_scripts(call.state.db)
        if one.name != script.name and (version := scripts.latest(call.state.db, one.name)) is not None
        for binding in version.content.bindings
        if binding.get("service") == script.name or binding.get("script_name") == script.name
    ]
    if users:
        message = (
            f"This Worker can't be deleted: {', '.join(sorted(set(users)))} bind to it. "
            "Delete the bindings first, or repeat with force=true"
        )
        raise ApiError(400, 10064, message)


@route("GET", SERVICE, "what wrangler asks before a deploy", scope="workers:read")
async def service(call: Call) -> Response:
    script = scripts.find(call.state.db, call.path["script"])
    if script is None:
        raise ApiError(404, 10090, "This service does not exist on your account.")
    version = scripts.latest(call.state.db, script.name)
    told: dict[str, Any] = {
        "id": script.name,
        "tag": script.tag,
        "tags": script.settings.get("tags", []),
        "created_on": script.created,
        "modified_on": script.modified,
        "last_deployed_from": version.source if version else "api",
        "etag": version.content.etag if version else "",
        "handlers": list(version.content.handlers) if version else [],
    }
    if script.migration_tag:
        told["migration_tag"] = script.migration_tag
    place = {"environment": "production", "script": told, "created_on": script.created, "modified_on": script.modified}
    return ok(
        {
            "id": script.name,
            "default_environment": place,
            "environments": [place],
            "created_on": script.created,
            "modified_on": script.modified,
        }
    )


@route("GET", ONE + "/settings", "bindings and settings of the latest version", scope="workers:read")
async def get_settings(call: Call) -> Response:
    script = publish.existing(call, call.path["script"])
    version = scripts.latest(call.state.db, script.name)
    if version is None:
        raise publish.missing_script()
    return ok(_settings(script, version))


@route(
    "PATCH",
    ONE + "/settings",
    "change bindings or runtime settings; makes and deploys a version",
    scope="workers:write",
)
async def patch_settings(call: Call) -> Response:
    name = call.path["script"]
    form = await call.form()
    said = upload.parsed(await upload.text_of(form.get("settings")), "settings")
    async with call.control.lock(name):
        script = publish.existing(call, name)
        before = publish.deployed_latest(call, name, code=10214)
        content = publish.with_settings(call, before, said)
        version = await publish.changed(call, before, content, source="api")
        await publish.deploy(call, name, [Share(version.id, 100)], annotations={})
        _save_settings(call, script, said)
    return ok(_settings(publish.existing(call, name), version))


@route("GET", ONE + "/script-settings", "tags and logging settings", scope="workers:read")
async def get_script_settings(call: Call) -> Response:
    return ok(_script_settings(publish.existing(call, call.path["script"])))


@route("PATCH", ONE + "/script-settings", "change tags and logging settings; no new version", scope="workers:write")
async def patch_script_settings(call: Call) -> Response:
    name = call.path["script"]
    _save_settings(call, publish.existing(call, name), await call.object())
    return ok(_script_settings(publish.existing(call, name)))


def _save_settings(call: Call, script: Script, said: dict[str, Any] | Any) -> None:
    upload.refuse_unserved(said)
    chosen = {key: said[key] for key in _SETTINGS if key in said}
    if chosen:
        scripts.save(call.state.db, replace(script, modified=scripts.now(), settings={**script.settings, **chosen}))


def _script_settings(script: Script) -> dict[str, Any]:
    return {"logpush": False, "tags": [], "tail_consumers": [], **script.settings}


def _settings(script: Script, version: Version) -> dict[str, Any]:
    content = version.content
    told: dict[str, Any] = {
        **_script_settings(script),
        "bindings": bindings.shown(content.bindings, script.name),
        "compatibility_date": content.compatibility_date,
        "compatibility_flags": list(content.compatibility_flags),
        "usage_model": content.usage_model,
        "placement": dict(content.placement),
        "limits": dict(content.limits),
    }
    if script.migration_tag:
        told["migration_tag"] = script.migration_tag
    return told


def _listed(call: Call, script: Script) -> dict[str, Any]:
    version = scripts.latest(call.state.db, script.name)
    told = {"id": script.name, "tag": script.tag, "created_on": script.created, "modified_on": script.modified}
    if version is None:
        return told
    return {
        **told,
        "etag": version.content.etag,
        "handlers": list(version.content.handlers),
        "compatibility_date": version.content.compatibility_date,
        "compatibility_flags": list(version.content.compatibility_flags),
        "last_deployed_from": version.source,
    }


def _uploaded(call: Call, version: Version) -> dict[str, Any]:
    script = publish.existing(call, version.script)
    return {
        **_listed(call, script),
        "etag": version.content.etag,
        "has_assets": version.content.assets is not None,
        "has_modules": version.content.main_module is not None,
        "startup_time_ms": version.content.startup_time_ms,
        "entry_point": version.content.main_module,
    }
