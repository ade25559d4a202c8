"""The programs that are measured, and the environment they are given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.toolchain import Toolchain, locate

HERE = Path(__file__).parent
_RIVALS = HERE / "node_modules"
_QUIET = {
    "CI": "1",
    "DO_NOT_TRACK": "1",
    "TURBO_TELEMETRY_DISABLED": "1",
    "TURBO_NO_UPDATE_NOTIFIER": "1",
    "NX_DAEMON": "false",
    "NX_NO_CLOUD": "true",
    "NX_SKIP_REMOTE_CACHE": "true",
    "WRANGLER_SEND_METRICS": "false",
    "WRANGLER_HIDE_BANNER": "true",
    "NO_COLOR": "1",
}


@dataclass(frozen=True)
class Programs:
    """`environ` has the pinned Node first on PATH, telemetry and daemons off, and no CLOUDFLARE_ variable."""

    cattlegrid: str
    parts: Toolchain
    environ: Mapping[str, str]

    def rival(self, name: str) -> str:
        """The executable of turbo or nx."""
        return str(_RIVALS / ".bin" / name)


def find(environ: Mapping[str, str]) -> Programs:
    parts = locate(environ)
    kept = {name: value for name, value in environ.items() if not name.startswith(("CLOUDFLARE_", "CATTLEGRID_W"))}
    path = os.pathsep.join((str(parts.node.parent), environ.get("PATH", os.defpath)))
    return Programs(str(Path(sys.executable).with_name("cattlegrid")), parts, {**kept, **_QUIET, "PATH": path})


def install_rivals() -> None:
    """turbo and nx by the lock file beside this module, once."""
    wanted = (HERE / "package-lock.json").read_text()
    mark = _RIVALS / ".installed-by"
    if mark.is_file() and mark.read_text() == wanted:
        return
    words = ["npm", "--prefix", str(HERE), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run([sys.executable, "-m", "cattlegrid.toolchain", *words], check=True)
    mark.write_text(wanted)


def modules() -> Path:
    """The node_modules folder in which turbo and nx live."""
    return _RIVALS
