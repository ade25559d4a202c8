"""`run --sandbox`: the whole agent in bubblewrap. What opens production is not there, and other processes are not seen.

A wall, not a pattern: the kernel keeps the paths away whatever the command looks like. The network stays open here;
Claude Code and Codex limit it with sandboxes of their own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cattlegrid.errors import ToolMissing

_HIDDEN_FOLDERS: Final = (
    ".config/.wrangler", ".wrangler", ".config/gh", ".config/sops", ".config/git", ".ssh", ".gnupg", ".aws", ".azure",
    ".docker", ".kube", ".config/gcloud", ".local/share/keyrings",
)  # fmt: skip
_HIDDEN_FILES: Final = (".npmrc", ".git-credentials", ".netrc", ".pypirc", ".config/sops/age/keys.txt")
_HIDDEN_OF_FLEET: Final = ("secrets/**/production.*", "**/.dev.vars.production", "**/.env.production")
_KEY_FILES: Final = ("SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE")
_KEPT_AS_THEY_ARE: Final = ("cattlegrid.toml", ".github/workflows", ".git/hooks", ".git/config")


def wrap(argv: tuple[str, ...], root: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The command inside the sandbox. Raises ToolMissing without bubblewrap: asked for, it is never left out."""
    program = shutil.which("bwrap", path=environ.get("PATH"))
    if program is None:
        raise ToolMissing(
            "bubblewrap (bwrap) is not installed, and --sandbox is made of it", next="apt install bubblewrap"
        )
    words = [program, "--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--die-with-parent"]
    return (*words, *_walls(root, environ), "--", *argv)


def _walls(root: Path, environ: Mapping[str, str]) -> Iterator[str]:
    home = Path(environ.get("HOME") or "~").expanduser()
    config = environ.get("XDG_CONFIG_HOME", "")
    folders = [home / name for name in _HIDDEN_FOLDERS] + ([Path(config) / ".wrangler"] if config else [])
    folders += [Path(environ.get("TMUX_TMPDIR") or "/tmp") / f"tmux-{os.getuid()}"]  # noqa: S108 - tmux's own place
    for folder in folders:
        if folder.is_dir():
            yield from ("--tmpfs", str(folder.resolve()))
    bus = Path(environ.get("XDG_RUNTIME_DIR") or "/nowhere") / "bus"
    named = [Path(environ[name]) for name in _KEY_FILES if environ.get(name)]
    files = [home / name for name in _HIDDEN_FILES] + [bus, *named]
    files += [path for pattern in _HIDDEN_OF_FLEET for path in sorted(root.glob(pattern))]
    for file in files:
        if file.is_file() or file.is_socket():
            yield from ("--ro-bind", "/dev/null", str(file.resolve()))
    for name in _KEPT_AS_THEY_ARE:
        if (root / name).exists():
            yield from ("--ro-bind", str((root / name).resolve()), str((root / name).resolve()))
