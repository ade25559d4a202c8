"""The data plane of the local Cloudflare: Workers on workerd, databases in one storage process, a router in front."""

from cattlegrid.local.runtime.process import StartFailed
from cattlegrid.local.runtime.router import PortTaken
from cattlegrid.local.runtime.runtime import Runtime
from cattlegrid.local.runtime.version import (
    ActorClass,
    Assets,
    Module,
    QueueConsumer,
    ScriptError,
    SqlError,
    Validated,
    WorkerVersion,
)

__all__ = [
    "ActorClass",
    "Assets",
    "Module",
    "PortTaken",
    "QueueConsumer",
    "Runtime",
    "ScriptError",
    "SqlError",
    "StartFailed",
    "Validated",
    "WorkerVersion",
]
