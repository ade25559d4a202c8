"""The machine and the versions that the numbers belong to."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cattlegrid import __version__
from cattlegrid.toolchain import Toolchain

HERE = Path(__file__).parent


def describe(parts: Toolchain) -> Mapping[str, str]:
    memory = _field("/proc/meminfo", "MemTotal").removesuffix(" kB")
    one, five, fifteen = os.getloadavg()
    return {
        "processor": f"{_field('/proc/cpuinfo', 'model name') or platform.machine()}, {os.cpu_count()} cores",
        "memory": f"{int(memory) / 1024 / 1024:.1f} GiB" if memory.isdigit() else "not known",
        "kernel": f"{platform.system()} {platform.release()}",
        "load when it ended (1, 5, 15 minutes)": f"{one:.1f}, {five:.1f}, {fifteen:.1f}",
        "cattlegrid": f"{__version__}, commit {_words('git', '-C', str(HERE), 'rev-parse', '--short', 'HEAD')}",
        "Python": platform.python_version(),
        "git": _words("git", "--version").removeprefix("git version "),
        "Node": _words(str(parts.node), "--version").removeprefix("v"),
        "wrangler, workerd": f"{_version(parts.modules / 'wrangler')}, {_version(parts.modules / 'workerd')}",
        "turbo, nx": ", ".join(_version(HERE / "node_modules" / name) for name in ("turbo", "nx")),
    }


def _field(file: str, name: str) -> str:
    try:
        lines = Path(file).read_text().splitlines()
    except FileNotFoundError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def _words(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def _version(package: Path) -> str:
    try:
        return str(json.loads((package / "package.json").read_text())["version"])
    except FileNotFoundError:
        return "not installed"
