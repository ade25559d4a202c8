"""Text in Cap'n Proto's notation for workerd's configuration: values in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

HEAD = 'using Workerd = import "/workerd/workerd.capnp";\n'


class Raw(str):
    """Text that is already in the notation."""

    __slots__ = ()


Value: TypeAlias = "str | bool | int | Raw | Mapping[str, Value] | Sequence[Value]"

VOID = Raw("void")


def text(value: str) -> str:
    """A quoted text; control characters become escapes, everything else stays UTF-8."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\x{ord(c):02x}" for c in escaped) + '"'


def embed(path: Path) -> Raw:
    """The content of a file, read by workerd itself (started with `--import-path=/`)."""
    return Raw(f"embed {text(str(path))}")


def data(content: bytes) -> Raw:
    return Raw(f'0x"{content.hex()}"')


def write(value: Value) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{name} = {write(item)}" for name, item in value.items()) + ")"
    return "[" + ", ".join(map(write, value)) + "]"


def config(services: Sequence[Value], sockets: Sequence[Value], extensions: Sequence[Value] = ()) -> str:
    """A whole configuration file."""
    body: dict[str, Value] = {"services": services, "sockets": sockets}
    if extensions:
        body["extensions"] = extensions
    return f"{HEAD}const config :Workerd.Config = {write(body)};\n"


def socket(name: str, path: Path, service: str, http: Mapping[str, Value] | None = None) -> Value:
    return {"name": name, "address": f"unix:{path}", "http": http or {}, "service": service}
