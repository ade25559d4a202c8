"""What the runtime is told about a Worker: plain values, bytes by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class ScriptError(Exception):
    """The script cannot start. `message` is what the JavaScript engine said."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SqlError(Exception):
    """What the database engine said about a statement."""


@dataclass(frozen=True)
class Module:
    """`content_type` as it was uploaded; `path` holds the bytes."""

    name: str
    content_type: str
    path: Path


@dataclass(frozen=True)
class Assets:
    """Static files: `manifest` maps `/index.html` to a file name in `blobs`; `config` is the upload's own."""

    manifest: Mapping[str, str]
    blobs: Path
    config: Mapping[str, object] = field(default_factory=dict)
    binding: str | None = None
    content_types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ActorClass:
    """A Durable Object class that the script owns. Its objects live under `namespace_id`."""

    class_name: str
    namespace_id: str
    sqlite: bool


@dataclass(frozen=True)
class WorkerVersion:
    """One version with its bindings resolved, in the API's form; a `secret_text` holds its text."""

    script: str
    version_id: str
    number: int
    main_module: str | None
    modules: tuple[Module, ...]
    bindings: tuple[Mapping[str, object], ...]
    compatibility_date: str
    compatibility_flags: tuple[str, ...]
    actors: tuple[ActorClass, ...] = ()
    assets: Assets | None = None
    tag: str = ""
    created_on: str = ""


@dataclass(frozen=True)
class Validated:
    """What starting a version showed."""

    startup_time_ms: int
    handlers: tuple[str, ...]


@dataclass(frozen=True)
class QueueConsumer:
    """Who takes a queue's messages, and how. Times in seconds."""

    script: str
    max_batch_size: int = 10
    max_wait: float = 5.0
    max_retries: int = 3
    retry_delay: float = 0.0
    dead_letter_queue: str | None = None
