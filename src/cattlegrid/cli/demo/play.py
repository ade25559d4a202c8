"""Playing the scenes: the stage is set, each scene is announced, and the fleet is left running or cleaned away."""

from __future__ import annotations

import os
import shlex
import shutil
import time
from pathlib import Path
from typing import Final

from cattlegrid import toolchain
from cattlegrid.cli import local
from cattlegrid.cli.demo.scenes import SCENES
from cattlegrid.cli.demo.stage import AGE_KEY, Stage, lay_out
from cattlegrid.cli.demo.teller import Teller
from cattlegrid.cli.show import Show
from cattlegrid.release.gate.people import VARIABLES

# What a person's shell would hand on; everything of Cloudflare's comes from the local one, whatever the person has set.
_CARRIED: Final = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TERM", "TMPDIR", "XDG_CACHE_HOME", "CATTLEGRID_CACHE")


def play(folder: Path, show: Show, *, pause: bool, clean: bool) -> int:
    """The whole story. Raises Failed as soon as a command does not end as the story needs."""
    began = time.monotonic()
    stage = _set(folder, show)
    teller = Teller(stage, show)
    for number, scene in enumerate(SCENES, 1):
        if pause:
            show.ask("\n[Enter] ")
        show.line(f"\n{show.paint(f'{number}. {scene.title}', 'bold', 'blue')}")
        scene.play(teller)
    seconds = time.monotonic() - began
    show.report({"scenes": [scene.title for scene in SCENES], "seconds": round(seconds, 1), "folder": folder})
    show.line(f"\nThat was {len(SCENES)} scenes in {seconds:.0f} s, each command real.")
    if clean:
        _clean(folder)
        show.line(f"{folder} is gone and nothing runs any more.")
        return 0
    show.line("The fleet is still running. Three things to try:")
    show.line(f'  cd {shlex.quote(os.path.relpath(folder))} && eval "$(cattlegrid local env)"')
    show.line(f"  export SOPS_AGE_KEY_FILE=$PWD/{AGE_KEY}   # opens the secrets of this folder")
    show.line("  cattlegrid history --env production")
    show.line("  cattlegrid local down              # when you have seen enough")
    return 0


def _set(folder: Path, show: Show) -> Stage:
    with local.daemon_errors():
        from cattlegrid.local import daemon  # noqa: PLC0415 - only here does the demo need what runs behind it

        state = local.default_state(folder)
        daemon.reset(state)
        lay_out(folder)
        running = local.start(local.default_state(folder), show)
        cloud = daemon.env(running.state)
        _lift_the_limit(running.base_url, cloud["CLOUDFLARE_API_TOKEN"])
        cloud = local.environment(cloud)
    # An agent that plays the story is to be refused in it what only a person may.
    carried = {name: os.environ[name] for name in (*_CARRIED, *VARIABLES) if name in os.environ}
    colour = {"FORCE_COLOR": "1"} if show.coloured else {"NO_COLOR": "1"}
    environ = {**carried, **cloud, **colour, "CI": "1", "SOPS_AGE_KEY_FILE": str(folder / AGE_KEY)}
    return Stage(folder, environ, toolchain.locate(os.environ), running.worker_address)


def _lift_the_limit(api: str, token: str) -> None:
    """The story puts a day's calls into two minutes; within Cloudflare's limit it would wait for the next window."""
    from cattlegrid.cloudflare.http import open_http  # noqa: PLC0415 - as above

    with open_http() as http:
        bearer = {"authorization": f"Bearer {token}"}
        http.put(f"{api}/local/rate-limit", json={"calls": 100_000}, headers=bearer).raise_for_status()


def _clean(folder: Path) -> None:
    from cattlegrid.local import daemon  # noqa: PLC0415 - as above

    with local.daemon_errors():
        daemon.reset(local.default_state(folder))
    shutil.rmtree(folder)
