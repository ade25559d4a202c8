"""Where the demo plays: a copy of the example fleet with a git history of its own, on its own local Cloudflare."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.errors import Failed, UsageError
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.model.target import Account
from cattlegrid.secrets import store
from cattlegrid.settings import load
from cattlegrid.toolchain import Toolchain
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.secrets.keeping import identity, init
from cattlegrid.verbs.secrets.values import new_value

_MARK: Final = ".cattlegrid/demo"
AGE_KEY: Final = ".cattlegrid/age-key.txt"
SIGNING_KEY: Final = ".cattlegrid/your-key"
# The cattlegrid that is running now, whatever PATH says.
OWN_COMMAND: Final = (sys.executable, "-m", "cattlegrid")
_GIT: Final = ("git", "-c", "user.name=You", "-c", "user.email=you@example.invalid", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class Edit:
    """One place of one file, and the commit's message."""

    file: str
    old: str
    new: str
    why: str


@dataclass(frozen=True)
class Stage:
    """`folder` holds the fleet; `environ` is what a person's shell would hold after `cattlegrid local env`.

    `address` gives the URL of a deployed Worker.
    """

    folder: Path
    environ: Mapping[str, str]
    toolchain: Toolchain
    address: Callable[[str], str]

    @property
    def account(self) -> Account:
        given = self.environ
        return Account(
            given["CLOUDFLARE_API_BASE_URL"], given["CLOUDFLARE_ACCOUNT_ID"], Secret(given["CLOUDFLARE_API_TOKEN"])
        )

    def run(self, *argv: str, cwd: Path | None = None, line: Callable[[str], None] = lambda _: None) -> tuple[int, str]:
        """A command as a person would type it: its exit code, and what it printed on both streams together.

        `line` is called with each line as it comes.
        """
        said = []
        with subprocess.Popen(
            list(argv),
            cwd=cwd or self.folder,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as program:
            for raw in program.stdout or ():
                said.append(raw.decode("utf-8", "replace").rstrip("\n"))
                line(said[-1])
        return program.returncode, "\n".join(said)

    def git(self, *words: str) -> None:
        code, said = self.run(*_GIT, *words)
        if code != 0:
            raise Failed(f"git {words[0]} failed:\n{said}", where=str(self.folder))

    def edit(self, edit: Edit) -> None:
        """Change that place and commit it."""
        path = self.folder / edit.file
        text = path.read_text()
        if text.count(edit.old) != 1:
            raise Failed(f"the example fleet has changed: {edit.old!r} is not there exactly once", where=edit.file)
        path.write_text(text.replace(edit.old, edit.new))
        self.git("commit", "--quiet", "--all", "--message", edit.why)


def example_fleet() -> Path:
    """The fleet as it was shipped: beside the package when installed, in the repository when developed."""
    package = Path(__file__).parents[2]
    for folder in (package / "example_fleet", package.parents[1] / "examples" / "fleet"):
        if (folder / "cattlegrid.toml").is_file():
            return folder
    raise Failed("the example fleet is missing from this installation", next="pip install --force-reinstall cattlegrid")


def lay_out(folder: Path) -> None:
    """A fresh copy of the fleet with one commit, and secrets of its own. Replaces an earlier demo, nothing else."""
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise UsageError(
            f"{folder} is not empty and not an earlier demo", next="name another folder: cattlegrid demo --into DIR"
        )
    for entry in sorted(folder.iterdir()) if folder.exists() else ():
        if entry.name != ".cattlegrid":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    (folder / _MARK).parent.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()
    ignored = shutil.ignore_patterns("node_modules", ".wrangler", "*.env", "__pycache__")
    shutil.copytree(example_fleet(), folder, dirs_exist_ok=True, ignore=ignored)
    with (folder / ".gitignore").open("a") as ignore:
        ignore.write("\n.cattlegrid/\n")


def link_packages(folder: Path) -> None:
    """What `npm ci --omit=dev` makes of a workspace without dependencies: links to its own packages."""
    for package in sorted((folder / "packages").iterdir()):
        found = re.search(r'"name":\s*"([^"]+)"', (package / "package.json").read_text())
        if found is not None:
            link = folder / "node_modules" / found[1]
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(package, link.parent))


def ask_for_a_signature(stage: Stage) -> None:
    """A key for the person of the story, and a commit by which production asks for its signature."""
    key = stage.folder / SIGNING_KEY
    for path in (key, key.with_suffix(".pub")):
        path.unlink(missing_ok=True)
    code, said = stage.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "you", "-f", str(key))
    if code != 0:
        raise Failed(f"ssh-keygen made no key:\n{said}", next="install OpenSSH's client, then repeat the demo")
    public = key.with_suffix(".pub").read_text().strip()
    gate = 'gate = ["smoke", "isolation", "migrations"]'
    signed = 'gate = ["smoke", "isolation", "migrations", "approval"]\napproval = "signature"\n'
    signed += f'\n[approvers.you]\nkeys = ["{public}"]'
    stage.edit(Edit("cattlegrid.toml", gate, signed, "production asks for a signature"))


def write_secrets(folder: Path) -> None:
    """An age key of this folder's own, both environments' files encrypted for it, and a random value for every name:
    isolated ones differ between the environments, shared ones are equal.
    """
    key = folder / AGE_KEY
    key.unlink(missing_ok=True)
    edge = Edge(folder, {"SOPS_AGE_KEY_FILE": str(key)})
    init(edge, (), (identity(key),), "You")
    for fleet in load(folder).scopes:
        policy = fleet.secrets
        shared = {name: new_value(fleet, name) for name in policy.shared}
        for environment in policy.environments:
            values = {name: shared.get(name) or new_value(fleet, name) for name in policy.names(environment)}
            store.choose(fleet, environment, edge.environ).change(values, edge.clock.now())


def secret(folder: Path, environment: Environment, name: str) -> Secret:
    """The value that the folder's own key opens."""
    return store.read(load(folder), environment, {"SOPS_AGE_KEY_FILE": str(folder / AGE_KEY)}).values[name]
