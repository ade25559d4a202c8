"""The story. Each scene types real commands, shows what they really print, and stops when one ends unexpectedly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cattlegrid.cli.demo import herd
from cattlegrid.cli.demo.stage import SIGNING_KEY, Edit, ask_for_a_signature, link_packages, secret, write_secrets
from cattlegrid.cli.demo.teller import Teller
from cattlegrid.cloudflare import versions
from cattlegrid.cloudflare.client import Client
from cattlegrid.cloudflare.http import open_http
from cattlegrid.errors import Failed
from cattlegrid.model.environment import Environment
from cattlegrid.release import digests, live

_ONE_LINE: Final = Edit(
    "workers/watch/src/index.ts", "const PAGE = 50;", "const PAGE = 100;", "watch: a hundred events a page"
)
_NEXT_LINE: Final = Edit(
    "workers/watch/src/index.ts", "const PAGE = 100;", "const PAGE = 200;", "watch: two hundred events a page"
)
_SHARED_LINE: Final = Edit(
    "packages/shared/src/health.ts",
    "worker, environment, version: { id",
    "worker, environment, ready: true, version: { id",
    "health: say that it is ready",
)
_BROKEN_LINE: Final = Edit(
    "packages/shared/src/database.ts", "FROM _cattlegrid WHERE", "FROM _catlegrid WHERE", "probe: tidy the statement"
)
_RELEASE: Final = r"release ([0-9a-f]{12})"


@dataclass(frozen=True)
class Scene:
    title: str
    play: Callable[[Teller], None]


def _up(teller: Teller) -> None:
    stage = teller.stage
    teller.say("Cloudflare's API and the real Workers runtime, on this machine only. No account, no network.")
    teller.type("cattlegrid local status")
    link_packages(stage.folder)
    write_secrets(stage.folder)
    stage.git("init", "--quiet", "--initial-branch=main")
    stage.git("add", "--all")
    stage.git("commit", "--quiet", "--message", "Two Workers, two environments")
    teller.say("Keys that differ, in files that are encrypted for each environment's own readers, and kept in git.")
    teller.type("cattlegrid secrets list")
    teller.say("Databases, namespaces and queues of each environment; their ids are written into wrangler's files.")
    teller.type("cattlegrid provision")
    teller.type("cattlegrid provision --env production")
    stage.git("commit", "--quiet", "--all", "--message", "Ids of what was provisioned")


def _empty(teller: Teller) -> None:
    teller.say("Nothing is deployed anywhere.")
    teller.type("cattlegrid status")


def _deploy(teller: Teller) -> None:
    teller.say("Staging is the default. The real wrangler builds and deploys; the first time, watch waits for context,")
    teller.say("which it binds to.")
    teller.type("cattlegrid deploy")
    teller.say("A person promotes: the same bytes go to production, which has its own databases and keys.")
    _promote(teller)


def _change(teller: Teller) -> None:
    teller.say("One line of one Worker changes …")
    teller.stage.edit(_ONE_LINE)
    teller.type("cattlegrid changes")
    teller.type("cattlegrid why watch")
    teller.say("… and one line of the package that both import. Both are deployed, in parallel.")
    teller.stage.edit(_SHARED_LINE)
    teller.type("cattlegrid changes")
    teller.type("cattlegrid deploy")


def _break(teller: Teller) -> None:
    teller.say("A change that breaks the database probe: it builds, it deploys, and staging goes red.")
    teller.stage.edit(_BROKEN_LINE)
    teller.type("cattlegrid deploy", expect=1)
    teller.say("Production is asked for, and refused.")
    teller.type("cattlegrid promote --dry-run", expect=3)


def _mend(teller: Teller) -> None:
    teller.say("Mended, deployed to staging, promoted: uploaded at 0 % of traffic, smoked there, then switched.")
    teller.say("With it goes a new rule: from the next release on, production asks for your signature.")
    teller.stage.git("revert", "--no-edit", "HEAD")
    ask_for_a_signature(teller.stage)
    teller.type("cattlegrid deploy")
    _promote(teller)
    teller.say("Read back from Cloudflare, the bytes of what is live in each environment:")
    with open_http() as http:
        for script in ("context-staging", "context", "watch-staging", "watch"):
            teller.show.line(f"  {script:<16} sha256 {_live_bytes(Client(teller.stage.account, http=http), script)}")


def _live_bytes(client: Client, script: str) -> str:
    """The code digest of the modules that Cloudflare gives back for the version that is live."""
    modules, _ = versions.modules(client, script, live.read_one(client, script).version_id)
    return digests.code(modules)


def _sign(teller: Teller) -> None:
    teller.say("Another line, in staging. Before it can cross, somebody says stop. Anybody may, also an agent.")
    teller.stage.edit(_NEXT_LINE)
    teller.type("cattlegrid deploy")
    held = _named(teller.type('cattlegrid hold --reason "not before lunch"'), r"hold ([0-9a-f]{12})")
    release = _named(teller.type("cattlegrid promote --dry-run", expect=3), _RELEASE)
    teller.say("Two conditions fail: the hold, and the signature. Lifting the one and giving the other need a person.")
    if teller.person(f"cattlegrid unhold {held} --key {SIGNING_KEY}") and teller.person(
        f"cattlegrid approve --release {release} --key {SIGNING_KEY}"
    ):
        teller.say("It is signed over the release's whole digests, and one signature is enough for all its Workers.")
        teller.type(f"cattlegrid promote --release {release}")
    else:
        teller.say("An agent plays this story, and so production stays as it was. Play it from a terminal of your own,")
        teller.say("and here the hold is lifted, the release is signed, and it crosses.")


def _back(teller: Teller) -> None:
    teller.say("Production goes back to what was last verified there before, never to just the previous version,")
    teller.say("and stays there: promotions are refused until a person lifts that.")
    teller.type("cattlegrid rollback --yes")


def _mirror(teller: Teller) -> None:
    with Client(teller.stage.account) as client:
        herd.fill(client, "context-production")
        teller.say(
            f"Production has {herd.NOTES} notes now. Staging gets them, masked as [mirror] in cattlegrid.toml says,"
        )
        teller.say("and every value is read back. In place, so that the story's files stay as they are.")
        teller.type("cattlegrid mirror --in-place context")
        for database in ("context-production", "context-staging"):
            teller.show.line(f"  {database:<18}  {herd.one_note(client, database)}")


def _agent(teller: Teller) -> None:
    stage = teller.stage
    teller.say("An agent types `wrangler deploy`, as agents do. It reaches staging, and production stays as it was.")
    teller.type("wrangler deploy", cwd=stage.folder / "workers" / "watch")
    teller.say("It tries the key that it has, staging's, on both.")
    key = secret(stage.folder, Environment.STAGING, "CONTEXT_KEY").reveal()
    for script, expected in (("context-staging", 200), ("context", 401)):
        url = f"{stage.address(script)}/sessions"
        with open_http() as http:
            status = http.get(url, headers={"authorization": f"Bearer {key}"}).status_code
        teller.show.line(f"  GET {url} with staging's key → {status}")
        if status != expected:
            raise Failed(f"staging's key got {status} from {script}; the story needs {expected}")


def _end(teller: Teller) -> None:
    teller.say("Commits, digests, databases; and what the agent deployed by hand is called what it is, drift.")
    teller.type("cattlegrid status")


def _promote(teller: Teller) -> None:
    """As a script does: look first, then name the release that was looked at. (A person just types `promote`.)"""
    release = _named(teller.type("cattlegrid promote --dry-run"), _RELEASE)
    teller.type(f"cattlegrid promote --release {release}")


def _named(said: str, pattern: str) -> str:
    found = re.search(pattern, said)
    if found is None:
        raise Failed(f"the story needs a name here, and none was printed: {pattern}")
    return found[1]


SCENES: Final = (
    Scene("A Cloudflare on this machine", _up),
    Scene("An empty road", _empty),
    Scene("To staging, and over the grid for the first time", _deploy),
    Scene("What changed, and why", _change),
    Scene("A broken change does not cross", _break),
    Scene("Mended, and promoted byte for byte", _mend),
    Scene("A hold, and a person's signature", _sign),
    Scene("Back to what was good, and held there", _back),
    Scene("Production's data comes down, masked", _mirror),
    Scene("The agent stays on its side", _agent),
    Scene("Where everything is", _end),
)
