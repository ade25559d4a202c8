"""From an upload to a stored, validated version, and from a deployment to what the runtime serves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cattlegrid.local import actors, compute, hosts, scripts
from cattlegrid.local.api import assets, bindings, upload
from cattlegrid.local.control import Control
from cattlegrid.local.envelope import ApiError
from cattlegrid.local.routes import Call
from cattlegrid.local.runtime import ScriptError
from cattlegrid.local.scripts import Content, Deployment, Script, Share, Version


def existing(call: Call, name: str) -> Script:
    """Raises ApiError 10007."""
    script = scripts.find(call.state.db, name)
    if script is None:
        raise missing_script()
    return script


def missing_script() -> ApiError:
    return ApiError(404, 10007, "This Worker does not exist on your account.")


async def from_upload(call: Call, name: str, sent: upload.Upload, *, strict: bool) -> Version:
    """The upload as a stored version of an old or new script; started once, so that what cannot run is refused.

    The caller holds the script's lock. Raises ApiError, and then nothing has changed.
    """
    db, metadata = call.state.db, sent.metadata
    known = scripts.find(db, name)
    before = scripts.latest(db, name) if known else None
    spaces, migration_tag = _migrated(call, name, known, metadata)
    where = bindings.Where(db, call.account, name, spaces)
    content = _content(call, where, sent, before.content if before else None, strict=strict)
    content = replace(content, migration_tag=migration_tag)
    version = scripts.new_version(db, name, "wrangler", content)
    version = await _validated(call, version, spaces)
    if known is None:
        scripts.create(db, name)
    if metadata.get("migrations"):
        actors.write(db, name, actors.of_script(db, name), spaces, migration_tag)
    scripts.add_version(db, version)
    await _previews(call, name)
    return version


async def changed(call: Call, before: Version, content: Content, *, source: str) -> Version:
    """A version that differs from `before` in bindings, secrets or settings; its code is the same."""
    spaces = actors.of_script(call.state.db, before.script)
    version = scripts.new_version(call.state.db, before.script, source, content)
    version = await _validated(call, version, spaces)
    scripts.add_version(call.state.db, version)
    await _previews(call, before.script)
    return version


async def _previews(call: Call, script: str) -> None:
    await call.runtime.previews(script, compute.previewed(call.state, script))


def deployed_latest(call: Call, name: str, *, code: int) -> Version:
    """The latest version, when all traffic goes to it; changing what is not live would deploy it by accident.

    Raises ApiError 10214 (settings) or 10215 (secrets) otherwise.
    """
    existing(call, name)
    version, deployment = scripts.latest(call.state.db, name), scripts.current(call.state.db, name)
    if version is None:
        raise missing_script()
    live = [share.version_id for share in deployment.traffic] if deployment else []
    if live != [version.id]:
        what = "Secret" if code == 10215 else "Settings"
        message = (
            f"{what} edit failed. You attempted to modify a {what.lower().rstrip('s')}, but the latest version of your "
            "Worker isn't currently deployed. Please ensure that the latest version of your Worker is fully deployed."
        )
        raise ApiError(400, code, message)
    return version


def with_settings(call: Call, before: Version, said: Mapping[str, Any]) -> Content:
    """The content of `before` with the bindings and runtime settings that `said` names."""
    content = before.content
    if "bindings" in said:
        where = bindings.Where(
            call.state.db, call.account, before.script, actors.of_script(call.state.db, before.script)
        )
        resolved = bindings.resolve(said["bindings"], content.bindings, ("secret_text", "secret_key"), strict=True)
        content = replace(content, bindings=bindings.complete(where, resolved))
    if "compatibility_date" in said:
        content = replace(content, compatibility_date=upload.compatibility_date(said))
    if "compatibility_flags" in said:
        content = replace(content, compatibility_flags=tuple(said["compatibility_flags"]))
    for name in ("placement", "limits", "usage_model"):
        if name in said:
            content = replace(content, **{name: said[name]})
    return replace(content, annotations={"workers/triggered_by": "upload"})


def _migrated(
    call: Call, name: str, known: Script | None, metadata: Mapping[str, Any]
) -> tuple[tuple[actors.Namespace, ...], str | None]:
    tag = known.migration_tag if known else None
    if not metadata.get("migrations"):
        return actors.of_script(call.state.db, name), tag
    return actors.migrated(call.state.db, name, tag, metadata["migrations"])


def _content(
    call: Call, where: bindings.Where, sent: upload.Upload, before: Content | None, *, strict: bool
) -> Content:
    metadata = sent.metadata
    resolved = bindings.resolve(
        metadata.get("bindings") or (),
        before.bindings if before else (),
        metadata.get("keep_bindings") or (),
        strict=strict,
    )
    completed = bindings.complete(where, resolved)
    date = upload.compatibility_date(metadata)
    modules = upload.stored(call.state, sent.modules)
    static = before.assets if before and metadata.get("keep_assets") else assets.of_upload(call, metadata.get("assets"))
    return Content(
        main_module=sent.main_module,
        modules=modules,
        bindings=completed,
        compatibility_date=date,
        compatibility_flags=tuple(metadata.get("compatibility_flags") or ()),
        etag=upload.etag(sent.main_module, modules),
        annotations={**upload.annotated(metadata), "workers/triggered_by": "upload"},
        assets=static,
        limits=metadata.get("limits") or {},
        placement=metadata.get("placement") or {},
        usage_model=metadata.get("usage_model") or "standard",
    )


async def _validated(call: Call, version: Version, spaces: Sequence[actors.Namespace]) -> Version:
    try:
        found = await call.runtime.validate(compute.worker_version(call.state, version, spaces))
    except ScriptError as thrown:
        raise _refused(thrown) from None
    if not found.handlers:
        raise ApiError(400, 10068, "The uploaded script has no registered event handlers.")
    content = replace(version.content, handlers=tuple(found.handlers), startup_time_ms=found.startup_time_ms)
    return replace(version, content=content)


def _refused(thrown: ScriptError) -> ApiError:
    message = str(thrown.message)
    if re.search(r"no registered event handlers|does not export a default", message, re.IGNORECASE):
        return ApiError(400, 10068, "The uploaded script has no registered event handlers.")
    return ApiError(400, 10021, message)


async def deploy(
    call: Call, script: str, traffic: Sequence[Share], *, annotations: Mapping[str, str], source: str = "wrangler"
) -> Deployment:
    """Switches the script's traffic and writes it down. With an edge-lag fault the switch comes later."""
    one = scripts.new_deployment(script, traffic, source=source, annotations=annotations)
    lag = max((fault.seconds for fault in call.faults if fault.kind == "edge-lag"), default=0.0)
    if lag and scripts.current(call.state.db, script) is not None:
        scripts.add_deployment(call.state.db, one)
        _switch_later(call.control, script, lag)
        return one
    try:
        await call.runtime.deploy(script, [(share.version_id, share.percentage) for share in traffic])
    except ScriptError as thrown:
        raise _refused(thrown) from None
    scripts.add_deployment(call.state.db, one)
    return one


async def refresh_hosts(call: Call) -> None:
    """Tells the router which addresses belong to which Worker now."""
    await call.runtime.hosts(hosts.table(call.state.db))


def version_url(call: Call, version: Version) -> str:
    return hosts.version_url(call.state.db, call.control.router_port, version)


def _switch_later(control: Control, script: str, seconds: float) -> None:
    async def switch() -> None:
        await asyncio.sleep(seconds)
        if found := scripts.current(control.state.db, script):
            await control.runtime.deploy(script, [(share.version_id, share.percentage) for share in found.traffic])

    task = asyncio.create_task(switch())
    control.later.add(task)
    task.add_done_callback(control.later.discard)
