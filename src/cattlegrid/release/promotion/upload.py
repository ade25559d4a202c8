"""A candidate's bytes on their way: fetched by version id, compared with the stamp, uploaded as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from cattlegrid.cloudflare import versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import Failed, Refused, ToolFailed
from cattlegrid.model.stamp import DIGITS
from cattlegrid.model.target import Deployable
from cattlegrid.model.version import Module
from cattlegrid.process import Finished
from cattlegrid.release import digests, live
from cattlegrid.release.deploy.upload import passing, verify
from cattlegrid.release.promotion import assets
from cattlegrid.release.promotion.plan import PromotionStep
from cattlegrid.secrets import digest
from cattlegrid.secrets.push import values
from cattlegrid.secrets.store import Stored
from cattlegrid.wrangler.bundle import assets_in
from cattlegrid.wrangler.run import Said, Wrangler, call, environment

_ATTEMPTS: Final = 3
_RULES: Final = {
    "application/javascript+module": "ESModule",
    "application/javascript": "CommonJS",
    "application/wasm": "CompiledWasm",
    "text/plain": "Text",
    "application/octet-stream": "Data",
}
# What builds, or names files of the repository: nothing of it is needed for bytes that are ready, and nothing may run.
_NOT_NEEDED: Final = frozenset({
    "$schema", "alias", "base_dir", "build", "define", "dev", "env", "find_additional_modules", "jsx_factory",
    "jsx_fragment", "keep_names", "main", "minify", "no_bundle", "rules", "tsconfig", "upload_source_maps",
    "account_id", "name", "previews",
})  # fmt: skip


@dataclass(frozen=True)
class Carrier:
    """What carries bytes to production: the pinned wrangler, in a folder of its own outside the repository.

    `gathered` holds the static assets that were found again for the gate.
    """

    wrangler: Wrangler
    environ: Mapping[str, str]
    staging: Client
    production: Client
    stored: Stored
    folder: Path
    gathered: Path

    def assets(self, worker: str) -> Mapping[str, str]:
        return assets_in(assets.folder(self.gathered, worker))


def ahead(carrier: Carrier, step: PromotionStep, deployable: Deployable) -> str:
    """Upload as a version that takes no traffic. Its id; a version that is there already is used again."""
    script = deployable.script
    version = step.uploaded
    for attempt in range(_ATTEMPTS):
        if version:
            break
        said = _wrangler(carrier, step, deployable, ["versions", "upload"])
        newest = versions.newest(carrier.production, script, at_most=1)
        if newest and newest[0].message == step.stamp.message and newest[0].id != step.before_version:
            version = newest[0].id
        else:
            _fail_or_wait(carrier, said.finished, f"uploading {step.worker}", attempt)
    verify(carrier.production, script, version, step.stamp, carrier.assets(step.worker))
    return version


def direct(carrier: Carrier, step: PromotionStep, deployable: Deployable) -> str:
    """Deploy at once, where 0 % is impossible. The id of the version that is live."""
    for attempt in range(_ATTEMPTS):
        said = _wrangler(carrier, step, deployable, ["deploy"])
        now = live.read_one(carrier.production, deployable.script)
        arrived = now.version is not None and now.version.message == step.stamp.message
        if said.finished.code == 0 and arrived:
            verify(carrier.production, deployable.script, now.version_id, step.stamp, carrier.assets(step.worker))
            return now.version_id
        _fail_or_wait(carrier, said.finished, f"deploying {step.worker}", attempt)
    raise AssertionError("unreachable")


def triggers(carrier: Carrier, step: PromotionStep, deployable: Deployable) -> None:
    """Routes, custom domains, crons and queue consumers, which belong to no version."""
    for attempt in range(_ATTEMPTS):
        said = _wrangler(carrier, step, deployable, ["triggers", "deploy"])
        if said.finished.code == 0:
            return
        _fail_or_wait(carrier, said.finished, f"setting the triggers of {step.worker}", attempt)


def _fail_or_wait(carrier: Carrier, finished: Finished, doing: str, attempt: int) -> None:
    if finished.code == 0:
        raise ToolFailed(f"{doing}: wrangler ended well, but Cloudflare does not have the version it was told to make")
    if attempt == _ATTEMPTS - 1 or not passing(finished):
        finished.expect_success(doing)
    carrier.production.clock.sleep(0.5 * 2**attempt)


def _wrangler(carrier: Carrier, step: PromotionStep, deployable: Deployable, words: list[str]) -> Said:
    folder = carrier.folder / step.worker
    if not (folder / "wrangler.json").is_file():
        _pack(carrier, step, deployable, folder)
    said = digest.as_variable(step.secrets.manifest)
    stamped = ["--tag", step.stamp.tag, "--message", step.stamp.message, *said]
    named = [] if words[0] == "triggers" else stamped
    secrets = {} if words[0] == "triggers" else values(step.secrets, carrier.stored)
    env = environment(carrier.wrangler, carrier.environ, carrier.production.account)
    argv = [*words, *named, "--config", str(folder / "wrangler.json"), "--env="]
    return call(carrier.wrangler, argv, cwd=folder, env=env, secrets=secrets)


def _pack(carrier: Carrier, step: PromotionStep, deployable: Deployable, folder: Path) -> None:
    modules, main = versions.modules(carrier.staging, step.part.script, step.part.version)
    found = digests.code(modules, carrier.assets(step.worker))[:DIGITS]
    if found != step.stamp.digests.code[:DIGITS]:
        raise Failed(
            f"the bytes of staging's version {step.part.version[:8]} are not the ones its stamp names:"
            f" {found}, not {step.stamp.digests.code[:DIGITS]}; nothing was uploaded",
            where=step.worker,
            next="cattlegrid deploy --again",
        )
    packed = config(deployable, modules, main)
    if isinstance(declared := packed.get("assets"), Mapping):
        packed["assets"] = {**declared, "directory": str(assets.folder(carrier.gathered, step.worker))}
    unpack(folder, modules, packed)


def unpack(folder: Path, modules: tuple[Module, ...], config: Mapping[str, object]) -> None:
    """The modules under `code`, and the wrangler config beside them."""
    for module in modules:
        path = folder / "code" / _inside(module)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(module.content)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "wrangler.json").write_text(json.dumps(config), "utf-8")


def config(deployable: Deployable, modules: tuple[Module, ...], main: str) -> dict[str, object]:
    """The wrangler config that uploads these modules as they are, with the environment's own bindings and settings."""
    kept = {key: value for key, value in deployable.config.items() if key not in _NOT_NEEDED}
    if not modules:  # a worker of static assets alone
        return {**kept, "name": deployable.script}
    others = [module for module in modules if module.name != main and not _is_map(module)]
    rules = [{"type": _rule(module), "globs": [_literal(module.name)], "fallthrough": True} for module in others]
    return {
        **kept,
        "name": deployable.script,
        "main": f"code/{main}",
        "base_dir": "code",
        "no_bundle": True,
        "find_additional_modules": bool(others),
        "rules": rules,
    }


def _is_map(module: Module) -> bool:
    return module.name.endswith(".map") or module.content_type == "application/source-map"


def _rule(module: Module) -> str:
    kind = module.content_type.split(";")[0].strip()
    if kind not in _RULES:
        raise Refused(f"module {module.name} is of a type that cannot be moved yet: {module.content_type}")
    return _RULES[kind]


def _literal(name: str) -> str:
    """The name as a glob that matches itself alone."""
    return "".join(f"[{sign}]" if sign in "*?[]{}()!+@" else sign for sign in name.removeprefix("./"))


def _inside(module: Module) -> PurePosixPath:
    path = PurePosixPath(module.name)
    if path.is_absolute() or ".." in path.parts:
        raise Refused(f"module {module.name!r} would be written outside its folder")
    return path
