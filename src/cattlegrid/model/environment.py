"""The two environments. An unknown name is an error, never a default."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from cattlegrid.errors import UnknownEnvironment


class Environment(StrEnum):
    STAGING = "staging"
    PRODUCTION = "production"

    @classmethod
    def named(cls, name: str) -> Environment:
        """The environment of exactly this name. No trimming, no folding of case, no abbreviations."""
        if name in cls._value2member_map_:
            return cls(name)
        import difflib  # noqa: PLC0415 - 8 ms that only a misspelt name should pay

        close = difflib.get_close_matches(name.strip().lower(), [known.value for known in cls], n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        known = ", ".join(cls)
        raise UnknownEnvironment(
            f"there is no environment {name!r}; the environments are {known}.{hint}",
            next="repeat the command with --env staging",
        )


class Blocks(NamedTuple):
    """What the environments' blocks are called in the fleet's wrangler files: a repository may say `prod` or `dev`."""

    production: str = Environment.PRODUCTION.value
    staging: str = Environment.STAGING.value

    def of(self, environment: Environment) -> str:
        return self.production if environment is Environment.PRODUCTION else self.staging
