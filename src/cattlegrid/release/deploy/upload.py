"""One worker's upload by wrangler, and the proof that Cloudflare then holds the bytes that were digested."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.cloudflare import versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.errors import Failed, StalePlan, ToolFailed
from cattlegrid.model.secret import Secret
from cattlegrid.model.stamp import DIGITS, Stamp
from cattlegrid.model.target import Deployable
from cattlegrid.process import Finished
from cattlegrid.release import digests, live
from cattlegrid.release.live import Live
from cattlegrid.secrets import digest
from cattlegrid.wrangler.run import Wrangler, call, environment

_ATTEMPTS: Final = 3
# What passes: throttling, Cloudflare's own trouble, a broken connection. wrangler repeats few of its calls itself.
_PASSING: Final = re.compile(
    r"fetch failed|socket hang up|ECONNRESET|ECONNREFUSED|ETIMEDOUT|EPIPE|other side closed|terminated"
    r"|malformed response|\b(?:429|50[0234])\b|\[code: (?:971|10013|7009|10035|7500)\]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Upload:
    """One run of wrangler for one worker: `words` are its arguments after `--config` and `--env`."""

    wrangler: Wrangler
    deployable: Deployable
    environ: Mapping[str, str]
    client: Client


def deploy(
    upload: Upload,
    stamp: Stamp,
    secrets: Mapping[str, Secret],
    assets: Mapping[str, str],
    *,
    before: str,
    manifest: str = "",
) -> str:
    """`wrangler deploy`; the id of the version that is live after it, whose code was read back and compared.

    `before` is the id of the version that is live now, empty for none; `manifest` is what it says of its secrets.
    Raises ToolFailed with wrangler's words, Failed when Cloudflare holds other bytes than those that were digested,
    StalePlan when it replaced something else than `before`.
    """
    words = ["deploy", "--tag", stamp.tag, "--message", stamp.message, *digest.as_variable(manifest)]
    doing = f"wrangler deploy of {upload.deployable.worker.name}"
    for attempt in range(_ATTEMPTS):
        finished = _wrangler(upload, words, secrets)
        now = live.read_one(upload.client, upload.deployable.script)
        arrived = now.version is not None and now.version.message == stamp.message and now.version.id != before
        if finished.code != 0 and arrived:
            # The code is there; what failed came after it. Routes, crons and consumers can be set again by themselves.
            finished = _wrangler(upload, ["triggers", "deploy"], {})
        if finished.code == 0 and now.version is not None and arrived:
            verify(upload.client, upload.deployable.script, now.version.id, stamp, assets)
            _refuse_overtaken(now, stamp, before)
            return now.version.id
        if attempt == _ATTEMPTS - 1 or not passing(finished):
            finished.expect_success(doing)
            break
        upload.client.clock.sleep(0.5 * 2**attempt)
    raise ToolFailed(f"{doing} ended well, but the version that is live is not the one it was told to make")


def _refuse_overtaken(now: Live, stamp: Stamp, before: str) -> None:
    """Two clones share no lock, and Cloudflare has no conditional deployment: who came second can only be told."""
    other = now.replaced
    if other is None or other.message == stamp.message or before in {version for version, _ in other.traffic}:
        return
    what = other.message or ", ".join(f"version {version[:8]}" for version, _ in other.traffic)
    raise StalePlan(
        f"somebody else deployed at {other.created_on:%H:%M:%S} UTC, after this plan was made ({what}): this deploy is"
        " live, and replaced theirs",
        where=now.script,
        next="agree on one of the two, then cattlegrid deploy",
    )


def passing(finished: Finished) -> bool:
    """Whether wrangler failed by something that may be over at the next try."""
    return finished.code != 0 and _PASSING.search(finished.err + finished.out) is not None


def verify(client: Client, script: str, version_id: str, stamp: Stamp, assets: Mapping[str, str]) -> None:
    """Raises Failed unless the version's code, fetched from Cloudflare, has the stamp's digest."""
    modules, _ = versions.modules(client, script, version_id)
    found = digests.code(modules, assets)[:DIGITS]
    if found != stamp.digests.code[:DIGITS]:
        raise Failed(
            f"version {version_id[:8]} does not hold the code that was digested:"
            f" {found}, not {stamp.digests.code[:DIGITS]}",
            where=script,
            next="cattlegrid deploy --again",
        )


def _wrangler(upload: Upload, words: list[str], secrets: Mapping[str, Secret]) -> Finished:
    deployable = upload.deployable
    where = ["--config", str(deployable.folder / Path(deployable.worker.config).name)]
    where.append(f"--env={deployable.environment_flag or ''}")
    env = environment(upload.wrangler, upload.environ, upload.client.account)
    return call(upload.wrangler, [*words, *where], cwd=deployable.folder, env=env, secrets=secrets).finished
