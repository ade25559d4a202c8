"""Stored versions as the runtime wants them, and everything the runtime is told when the control plane starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cattlegrid.local import actors, hosts, scripts
from cattlegrid.local.api import d1_import, queue_state
from cattlegrid.local.control import Control
from cattlegrid.local.runtime import ActorClass, Assets, Module, QueueConsumer, WorkerVersion
from cattlegrid.local.scripts import Version
from cattlegrid.local.state import State


def worker_version(state: State, version: Version, spaces: Sequence[actors.Namespace]) -> WorkerVersion:
    content = version.content
    return WorkerVersion(
        script=version.script,
        version_id=version.id,
        number=version.number,
        main_module=content.main_module,
        modules=tuple(Module(one.name, one.content_type, state.blob(one.blob).absolute()) for one in content.modules),
        bindings=content.bindings,
        compatibility_date=content.compatibility_date,
        compatibility_flags=content.compatibility_flags,
        actors=tuple(ActorClass(one.class_name, one.id, one.sqlite) for one in spaces),
        assets=_assets(state.blobs.absolute(), content.assets, content.bindings),
        tag=content.annotations.get("workers/tag", ""),
        created_on=version.created,
    )


def _assets(blobs: Path, static: Mapping[str, Any] | None, bindings: Sequence[Mapping[str, Any]]) -> Assets | None:
    if static is None:
        return None
    binding = next((str(one["name"]) for one in bindings if one["type"] == "assets"), None)
    return Assets(
        manifest={path: one["blob"] for path, one in static["manifest"].items()},
        blobs=blobs,
        config=static["config"],
        binding=binding,
        content_types={path: one["type"] for path, one in static["manifest"].items() if one["type"]},
    )


def stored_version(state: State, version_id: str) -> WorkerVersion:
    """What a cold start needs. Raises KeyError for a version that is gone."""
    version = scripts.any_version(state.db, version_id)
    if version is None:
        raise KeyError(version_id)
    return worker_version(state, version, actors.of_script(state.db, version.script))


def previewed(state: State, script: str) -> list[str]:
    """The versions that answer at an address of their own: the newest hundred."""
    return [one.id for one in scripts.versions(state.db, script)[:100]]


async def restore(control: Control) -> None:
    """Tells a fresh runtime what was deployed, where it is reached, and who consumes which queue. Starts no Worker."""
    db = control.state.db
    await d1_import.return_unfinished(control.runtime, control.state)
    for script in scripts.all_scripts(db):
        deployment = scripts.current(db, script.name)
        if deployment is not None:
            control.runtime.resume(script.name, [(one.version_id, one.percentage) for one in deployment.traffic])
        await control.runtime.previews(script.name, previewed(control.state, script.name))
    await control.runtime.hosts(hosts.table(db))
    configure_queues(control)


def configure_queues(control: Control) -> None:
    """Tells the broker which Workers consume which queues now."""
    db = control.state.db
    names = {one.id: one.name for one in queue_state.all_queues(db)}
    control.runtime.consume({names[one.queue]: _consumer(one) for one in queue_state.consumers(db)})


def _consumer(one: queue_state.Consumer) -> QueueConsumer:
    settings = one.settings
    return QueueConsumer(
        script=one.script,
        max_batch_size=int(settings["batch_size"]),
        max_wait=settings["max_wait_time_ms"] / 1000,
        max_retries=int(settings["max_retries"]),
        retry_delay=float(settings["retry_delay"]),
        dead_letter_queue=one.dead_letter_queue,
    )
