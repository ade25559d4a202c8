"""The story. Each scene types real commands, shows what they really print, and stops when one ends unexpectedly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.cli.demo.stage import Stage, link_packages, own_command, provision, write_secrets
from cattlegrid.cli.show import Show
from cattlegrid.cloudflare.http import open_http
from cattlegrid.errors import Failed
from cattlegrid.model.environment import Environment


@dataclass(frozen=True)
class Scene:
    title: str
    play: Callable[[Teller], None]


class Teller:
    """Types commands on the stage and shows them as a terminal would."""

    def __init__(self, stage: Stage, show: Show) -> None:
        self.stage = stage
        self.show = show

    def say(self, text: str) -> None:
        self.show.line(self.show.paint(text, "dim"))

    def type(self, command: str, *, expect: int = 0, cwd: Path | None = None) -> str:
        """Run `cattlegrid …` or `wrangler …`; `expect` is the exit code that the story needs."""
        self.show.line(self.show.paint(f"$ {command}", "bold"))
        words = command.split()
        programs = {"cattlegrid": [own_command()], "wrangler": list(self.stage.toolchain.wrangler)}
        code, said = self.stage.run(*programs.get(words[0], [words[0]]), *words[1:], cwd=cwd)
        for line in said.rstrip().splitlines():
            self.show.line(f"  {line}")
        if code != expect:
            raise Failed(
                f"the story needs exit code {expect} here, and `{command}` ended with {code}",
                where=str(self.stage.folder),
                next="repeat `cattlegrid demo`; if it happens again, it is a bug of ours",
            )
        return said


def _up(teller: Teller) -> None:
    stage = teller.stage
    teller.say("Cloudflare's API and the real Workers runtime, on this machine only. No account, no network.")
    teller.type("cattlegrid local status")
    link_packages(stage.folder)
    write_secrets(stage.folder)
    made = provision(stage.folder, stage.environ)
    stage.git("init", "--quiet", "--initial-branch=main")
    stage.git("add", "--all")
    stage.git("commit", "--quiet", "--message", "Two Workers, two environments")
    teller.say(f"Created for the two environments: {', '.join(made)}.")


def _empty(teller: Teller) -> None:
    teller.say("Nothing is deployed anywhere.")
    teller.type("cattlegrid status")


def _deploy(teller: Teller) -> None:
    teller.say("Staging is the default. Both Workers are built and deployed in parallel by the real wrangler.")
    teller.type("cattlegrid deploy")
    teller.type("cattlegrid promote --yes")


def _change(teller: Teller) -> None:
    teller.say("One line of one Worker changes …")
    teller.stage.edit(*_ONE_LINE)
    teller.type("cattlegrid changes")
    teller.type("cattlegrid why watch")
    teller.say("… and one line of the package that both import.")
    teller.stage.edit(*_SHARED_LINE)
    teller.type("cattlegrid changes")
    teller.type("cattlegrid deploy")


def _break(teller: Teller) -> None:
    teller.say("A change that breaks the database probe: it builds, it deploys, and staging goes red.")
    teller.stage.edit(*_BROKEN_LINE)
    teller.type("cattlegrid deploy", expect=1)
    teller.say("Production is asked for, and refused.")
    teller.type("cattlegrid promote --yes", expect=3)


def _mend(teller: Teller) -> None:
    teller.say("Mended, deployed to staging, promoted: the very bytes that staging ran, and production's own database.")
    teller.stage.git("revert", "--no-edit", "HEAD")
    teller.type("cattlegrid deploy")
    teller.type("cattlegrid promote --yes")


def _agent(teller: Teller) -> None:
    stage = teller.stage
    teller.say("An agent types `wrangler deploy`, as agents do. It reaches staging, and the next status says so.")
    said = teller.type("wrangler deploy", cwd=stage.folder / "workers" / "watch")
    if "watch-staging" not in said:
        raise Failed("wrangler did not deploy to watch-staging", where="workers/watch")
    teller.say("It tries its key on production.")
    key = _secret(stage, Environment.STAGING, "CONTEXT_KEY")
    for script, expected in (("context-staging", 200), ("context", 401)):
        url = f"{stage.environ['CATTLEGRID_DEMO_ROUTER'].replace('//', f'//{script}.local.')}/probe/database"
        with open_http() as http:
            status = http.get(url, headers={"authorization": f"Bearer {key}"}).status_code
        teller.show.line(f"  GET {url} with staging's key → {status}")
        if status != expected:
            raise Failed(f"staging's key got {status} from {script}; the story needs {expected}")


def _end(teller: Teller) -> None:
    teller.type("cattlegrid status")


def _secret(stage: Stage, environment: Environment, name: str) -> str:
    for line in (stage.folder / "secrets" / f"{environment}.env").read_text().splitlines():
        if line.startswith(f"{name}="):
            return line.partition("=")[2]
    raise Failed(f"{name} is not in secrets/{environment}.env")


_ONE_LINE = ("workers/watch/src/index.ts", "", "", "")
_SHARED_LINE = ("packages/shared/src/index.ts", "", "", "")
_BROKEN_LINE = ("packages/shared/src/index.ts", "", "", "")

SCENES = (
    Scene("A Cloudflare on this machine", _up),
    Scene("An empty road", _empty),
    Scene("To staging, and over the grid for the first time", _deploy),
    Scene("What changed, and why", _change),
    Scene("A broken change does not cross", _break),
    Scene("Mended, and promoted byte for byte", _mend),
    Scene("The agent stays on its side", _agent),
    Scene("Where everything is", _end),
)
