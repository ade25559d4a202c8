"""What wrangler would upload for a worker: the real `wrangler deploy --dry-run`, read back from the folder it fills."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from cattlegrid.errors import ToolFailed
from cattlegrid.model.target import Deployable
from cattlegrid.model.version import Module
from cattlegrid.wrangler.run import Wrangler, call, environment

_NOT_UPLOADED: Final = frozenset({"README.md"})
_CONTENT_TYPES: Final = {
    ".js": "application/javascript+module",
    ".mjs": "application/javascript+module",
    ".cjs": "application/javascript",
    ".wasm": "application/wasm",
    ".py": "text/x-python",
    ".map": "application/source-map",
    ".txt": "text/plain",
    ".html": "text/plain",
    ".sql": "text/plain",
}
_ANY_BYTES: Final = "application/octet-stream"
_NOT_ASSETS: Final = frozenset({".DS_Store", ".git", "node_modules"})


@dataclass(frozen=True)
class Bundle:
    """`main` is the name of the main module, empty for a worker of static assets alone.

    `used_files` are the source files that esbuild read, absolute; text, SQL and WASM modules are not among them, but
    among `modules`. `assets` are the static files, path to SHA-256.
    """

    worker: str
    modules: tuple[Module, ...]
    main: str
    used_files: tuple[str, ...]
    assets: Mapping[str, str] = field(default_factory=dict)


def bundle(wrangler: Wrangler, deployable: Deployable, into: Path, environ: Mapping[str, str]) -> Bundle:
    """Build the worker for its environment into the folder `into`. Nothing is uploaded, no credential is handed over.

    Raises ToolFailed with wrangler's own words when the worker cannot be built.
    """
    into.mkdir(parents=True, exist_ok=True)
    doing = f"wrangler could not build {deployable.worker.name}: wrangler deploy --dry-run"
    with tempfile.TemporaryDirectory(prefix="cattlegrid-") as folder:
        metafile = Path(folder) / "metafile.json"
        words = ["deploy", "--dry-run", "--outdir", str(into), f"--metafile={metafile}"]
        words += ["--config", str(deployable.folder / Path(deployable.worker.config).name)]
        words += [f"--env={deployable.environment_flag or ''}"]
        said = call(wrangler, words, cwd=deployable.folder, env=environment(wrangler, environ, None))
        said.finished.expect_success(doing)
        meta = _metafile(metafile)
    # For a worker of static assets alone wrangler writes a stub that it does not upload.
    modules = tuple(_modules(into)) if deployable.config.get("main") else ()
    main = _main(meta, modules) if modules else ""
    directory = assets_directory(deployable)
    if not modules and not directory:
        raise ToolFailed(f"{doing} ended well but wrote no module", where=str(into))
    return Bundle(
        worker=deployable.worker.name,
        modules=modules,
        main=main,
        used_files=tuple(sorted(_used(meta, deployable.folder))) if modules else (),
        assets=assets_in(deployable.folder / directory) if directory else {},
    )


def _modules(folder: Path) -> Iterator[Module]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in _NOT_UPLOADED:
            yield Module(name, _CONTENT_TYPES.get(path.suffix, _ANY_BYTES), path.read_bytes())


def _metafile(path: Path) -> Mapping[str, Mapping[str, Mapping[str, object]]]:
    """esbuild's account of the build; empty when wrangler did not bundle (`no_bundle`, Python, assets alone)."""
    if not path.is_file():
        return {}
    return cast("Mapping[str, Mapping[str, Mapping[str, object]]]", json.loads(path.read_bytes()))


def _main(meta: Mapping[str, Mapping[str, Mapping[str, object]]], modules: tuple[Module, ...]) -> str:
    for output, facts in meta.get("outputs", {}).items():
        if "entryPoint" in facts:
            return posixpath.basename(output)
    scripts = [module.name for module in modules if module.content_type.startswith("application/javascript")]
    return scripts[0] if len(scripts) == 1 else ""


def _used(meta: Mapping[str, Mapping[str, Mapping[str, object]]], folder: Path) -> set[str]:
    """The files that really contributed; a virtual one of wrangler's has no file and is left out."""
    found = (os.path.realpath(folder / name) for name in meta.get("inputs", {}))
    return {path for path in found if Path(path).is_file()}


def assets_directory(deployable: Deployable) -> str | None:
    """The folder of the worker's static assets as its wrangler file names it; None when it has none."""
    assets = deployable.config.get("assets")
    directory = assets.get("directory") if isinstance(assets, Mapping) else None
    return directory if isinstance(directory, str) else None


def assets_in(folder: Path) -> dict[str, str]:
    """The static files below the folder, path to SHA-256, with those that tell wrangler what to make of the others."""
    found = {}
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _NOT_ASSETS]
        for name in files:
            if name not in _NOT_ASSETS:
                path = Path(here) / name
                found[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
