"""The whole agent in bubblewrap. What opens production is not there, and other processes are not seen.

A wall, not a pattern: the kernel keeps the paths away whatever the command looks like. The network stays open here;
with `--sandbox`, Claude Code and Codex limit it with sandboxes of their own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from cattlegrid.agents.session import Session
from cattlegrid.errors import ToolError
from cattlegrid.process import run

_HIDDEN_FOLDERS: Final = (
    ".config/.wrangler", ".wrangler", ".config/gh", ".config/sops", ".ssh", ".gnupg", ".aws", ".azure", ".docker",
    ".kube", ".config/gcloud", ".local/share/keyrings",
)  # fmt: skip
_HIDDEN_FILES: Final = (".npmrc", ".git-credentials", ".config/git/credentials", ".netrc", ".pypirc")
_KEY_FILES: Final = ("SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE")
_VARIABLES: Final = (".dev.vars.production", ".env.production")
"""Of the root and of each worker's folder. Nothing is hidden that git tracks: `git add` would fail on it."""
_KEPT_AS_THEY_ARE: Final = ("cattlegrid.toml", ".github/workflows", ".git/hooks", ".git/config")


class Walls(StrEnum):
    """How much of a sandbox a session gets. `NETWORK` is everything, and an error where it cannot be had."""

    NONE = "none"
    FILES = "files"
    NETWORK = "network"


def missing(environ: Mapping[str, str]) -> str:
    """Why bubblewrap cannot be had here, seen by trying it; empty when it works."""
    program = shutil.which("bwrap", path=environ.get("PATH"))
    if program is None:
        return "bubblewrap (bwrap) is not installed"
    words = [program, "--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--", program, "--version"]
    try:
        run(words, cwd=Path("/"), env={}, timeout=5).expect_success("bwrap")
    except ToolError as error:
        return f"bubblewrap does not work here: {str(error).splitlines()[-1].strip()}"
    return ""


def wrap(argv: tuple[str, ...], session: Session, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The command inside the sandbox."""
    words = [
        shutil.which("bwrap", path=environ.get("PATH")) or "bwrap",
        *("--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--die-with-parent"),
    ]
    return (*words, *_walls(session, environ), "--", *argv)


def _walls(session: Session, environ: Mapping[str, str]) -> Iterator[str]:
    root = Path(session.root)
    home = Path(environ.get("HOME") or "~").expanduser()
    config = environ.get("XDG_CONFIG_HOME", "")
    folders = [home / name for name in _HIDDEN_FOLDERS] + ([Path(config) / ".wrangler"] if config else [])
    folders += [Path(environ.get("TMUX_TMPDIR") or "/tmp") / f"tmux-{os.getuid()}"]  # noqa: S108 - tmux's own place
    for folder in folders:
        if folder.is_dir():
            yield from ("--tmpfs", str(folder.resolve()))
    bus = Path(environ.get("XDG_RUNTIME_DIR") or "/nowhere") / "bus"
    named = [Path(environ[name]) for name in _KEY_FILES if environ.get(name)]
    files = [home / name for name in _HIDDEN_FILES] + [bus, *named, *sorted((root / "secrets").rglob("production.env"))]
    files += [root / folder / name for folder in ("", *session.flags) for name in _VARIABLES]
    for file in files:
        if file.is_file() or file.is_socket():
            yield from ("--ro-bind", "/dev/null", str(file.resolve()))
    for name in _KEPT_AS_THEY_ARE:
        if (root / name).exists():
            yield from ("--ro-bind", str((root / name).resolve()), str((root / name).resolve()))
