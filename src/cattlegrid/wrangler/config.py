"""Wrangler's configuration files: read them, and resolve what wrangler would use for an environment."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from cattlegrid.errors import ConfigError, Mistake
from cattlegrid.model.environment import Blocks, Environment
from cattlegrid.wrangler import jsonc
from cattlegrid.wrangler.inheritance import INHERITED, NOT_SETTINGS, TOP_LEVEL_ONLY

FILE_NAMES: Final = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")  # in wrangler's order of preference

_BLOCKS: Final = Blocks()

Config = Mapping[str, object]


@dataclass(frozen=True)
class Resolved:
    """What wrangler would use. `environment_flag` is the value for `--env`; None is the top level (`--env=""`).

    `config` holds only what the file says, inheritance applied: no defaults, paths relative to the file as written.
    """

    script: str
    environment_flag: str | None
    config: Config


def read(path: Path, *, shown: str | None = None) -> dict[str, object]:
    """The file's content. `shown` is how the file is named in a mistake. Raises ConfigError with line and column."""
    return parse(path.read_bytes(), path.name, shown=shown or str(path))


def parse(raw: bytes, file_name: str, *, shown: str) -> dict[str, object]:
    """As `read`, from bytes: of a git object, say. `file_name` decides between TOML and JSON."""
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
        value = _plain(tomllib.loads(text)) if file_name.endswith(".toml") else jsonc.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError((Mistake(shown, "", f"is not UTF-8 (byte {error.start})"),)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((Mistake(shown, "", f"is not valid TOML: {error}"),)) from error
    except json.JSONDecodeError as error:
        what = f"is not valid JSON: {error.msg} (at line {error.lineno}, column {error.colno})"
        raise ConfigError((Mistake(shown, "", what),)) from error
    if not isinstance(value, dict):
        raise ConfigError((Mistake(shown, "", f"holds {_kind(value)} where an object is needed"),))
    return cast("dict[str, object]", value)


def resolve(path: Path, environment: Environment, *, shown: str | None = None, blocks: Blocks = _BLOCKS) -> Resolved:
    """What wrangler would use for this environment of the file. Raises ConfigError."""
    return resolved(read(path, shown=shown), environment, shown=shown or str(path), blocks=blocks)


def resolved(raw: Config, environment: Environment, *, shown: str, blocks: Blocks = _BLOCKS) -> Resolved:
    """As `resolve`, from a file that has been read. `shown` is how the file is named in a mistake."""
    flag = environment_flag(raw, environment, shown=shown, blocks=blocks)
    config = dict(_top(raw)) if flag is None else inherited(raw, flag)
    script = config.get("name")
    if not isinstance(script, str) or not script:
        where = "name" if flag is None else f"env.{flag}.name"
        raise ConfigError((Mistake(shown, where, "the worker has no name"),))
    return Resolved(script, flag, config)


def environment_flag(raw: Config, environment: Environment, *, shown: str, blocks: Blocks = _BLOCKS) -> str | None:
    """Where the environment is written: the name of an `env` block, or None for the top level. `blocks`: their names.

    Two layouts are known: the top level is staging and `env.production` is production, or the top level is production
    and `env.staging` is staging. With both blocks, each is its own environment. With neither: ConfigError.
    """
    written = raw.get("env")
    if written is not None and not isinstance(written, Mapping):
        raise ConfigError((Mistake(shown, "env", f"is {_kind(written)}; a table of environments is needed"),))
    names = set(written or ())
    own = blocks.of(environment)
    if own in names:
        block = cast("Mapping[str, object]", written)[own]
        if not isinstance(block, Mapping):
            raise ConfigError((Mistake(shown, f"env.{own}", f"is {_kind(block)}; a table is needed"),))
        return own
    if names & {blocks.production, blocks.staging}:
        return None
    has = f"only {', '.join(sorted(names))}" if names else "none"
    needed = f"one of env.{blocks.production} and env.{blocks.staging} is needed"
    raise ConfigError(
        (Mistake(shown, "env", f"has no environments of ours ({has}): {needed}"),),
        next=f"cattlegrid split --dry-run shows what an env.{blocks.production} block of {shown} would say",
    )


def _top(raw: Config) -> Config:
    return {key: value for key, value in raw.items() if key not in NOT_SETTINGS and value is not None}


def inherited(raw: Config, flag: str) -> dict[str, object]:
    top = _top(raw)
    block = cast("Mapping[str, Mapping[str, object]]", raw["env"])[flag]
    kept = {key: value for key, value in top.items() if key in INHERITED or key in TOP_LEVEL_ONLY}
    if isinstance(top.get("name"), str):
        kept["name"] = f"{top['name']}-{flag}"
    own = {key: value for key, value in block.items() if value is not None and key not in TOP_LEVEL_ONLY}
    return {**kept, **own}


def _plain(value: object) -> object:
    """TOML's dates as the text they were written as: JSON has no dates, and wrangler wants text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return value


def _kind(value: object) -> str:
    names = {dict: "a table", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "nothing" if value is None else type(value).__name__)
