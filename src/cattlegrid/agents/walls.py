"""The walls between an agent's shell and production, each looked at: what such a shell could really reach."""

from __future__ import annotations

import base64
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cattlegrid.agents.sandbox import missing
from cattlegrid.model.check import Outcome
from cattlegrid.model.environment import Environment
from cattlegrid.model.fleet import Fleet

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_MEASURED


@dataclass(frozen=True)
class Wall:
    """`fix` is what a person does about it; empty when it stands."""

    name: str
    outcome: Outcome
    detail: str = ""
    fix: str = ""


@dataclass(frozen=True)
class Ground:
    """What is looked at: the fleet, the person's variables and home, and the kernel's view of processes."""

    fleet: Fleet
    environ: Mapping[str, str]
    home: Path
    proc: Path = Path("/proc")
    user: int = 0


Look = Callable[[Ground], Wall]


def separate_user(ground: Ground) -> Wall:
    name = "the agent is not root"
    if ground.user == 0:
        return Wall(name, FAIL, "root reads every file and every process", "run agents as a user of their own")
    return Wall(name, PASS, f"user {ground.user}")


def own_token(ground: Ground) -> Wall:
    """The gateway holds staging's token; a build that it starts could read it."""
    name = "staging has an API token of its own"
    staging, production = (ground.fleet.environments[one].token for one in Environment)
    if staging == production:
        return Wall(
            name,
            FAIL,
            f"{staging} opens both environments",
            "make a token with Editor on staging's Workers only; name it in environments.staging.token",
        )
    here = [ground.environ.get(one, "") for one in (staging, production)]
    if not all(here):
        return Wall(name, UNKNOWN, f"{staging} and {production} are not both set here", "set both and repeat")
    if here[0] == here[1]:
        return Wall(name, FAIL, f"{staging} and {production} hold the same value", "make a token for staging only")
    return Wall(name, PASS, f"{staging} and {production} differ")


def wrangler_login(ground: Ground) -> Wall:
    name = "no `wrangler login` of the person's lies where the agent reads"
    config = Path(ground.environ.get("XDG_CONFIG_HOME") or ground.home / ".config")
    found = [
        path
        for folder in (config / ".wrangler" / "config", ground.home / ".wrangler" / "config")
        for path in sorted(folder.glob("*.toml"))
        if "token" in _text(path)
    ]
    return _no(name, found, "wrangler logout, and keep tokens in variables; or cattlegrid run --sandbox")


def readable_secrets(ground: Ground) -> Wall:
    name = "no file with production's secrets is readable"
    files = [path for path in (ground.fleet.root / "secrets").rglob("production.*") if path.suffix == ".env"]
    keys = [ground.environ.get("SOPS_AGE_KEY_FILE", ""), str(ground.home / ".config" / "sops" / "age" / "keys.txt")]
    files += [Path(one) for one in keys if one and Path(one).is_file()]
    return _no(name, files, "encrypt production's secrets for people's keys only ([secrets] store), away from agents")


def dev_vars(ground: Ground) -> Wall:
    name = "no .dev.vars or .env holds a secret of production"
    wanted = {*ground.fleet.secrets.production_only, ground.fleet.environments[Environment.PRODUCTION].token}
    wanted -= {ground.fleet.environments[Environment.STAGING].token}
    found = []
    for worker in ground.fleet.workers:
        for path in sorted((ground.fleet.root / worker.folder).glob(".dev.vars*")):
            names = set(re.findall(r"^\s*(?:export\s+)?(\w+)\s*=", _text(path), re.MULTILINE))
            found += [path] if names & wanted or "production" in path.name else []
    return _no(name, found, "remove the names of production from these files")


def package_registry(ground: Ground) -> Wall:
    name = "no npm token is readable"
    files = [path for path in (ground.home / ".npmrc", ground.fleet.root / ".npmrc") if "_authToken" in _text(path)]
    return _no(name, files, "publish from CI; npm logout here")


def git_credentials(ground: Ground) -> Wall:
    name = "no stored git password is readable"
    config = Path(ground.environ.get("XDG_CONFIG_HOME") or ground.home / ".config")
    files = [path for path in (ground.home / ".git-credentials", config / "git" / "credentials") if path.is_file()]
    return _no(name, files, "git config --global --unset credential.helper; push with a key that wants a touch")


def gh_token(ground: Ground) -> Wall:
    name = "no gh token is readable"
    config = Path(ground.environ.get("GH_CONFIG_DIR") or ground.home / ".config" / "gh")
    hosts = config / "hosts.yml"
    if "oauth_token" in _text(hosts):
        return Wall(
            name,
            FAIL,
            f"{hosts}: its scopes are not known without the network",
            "gh auth logout, or keep `workflow` out",
        )
    if hosts.is_file():
        return Wall(name, UNKNOWN, "gh keeps it in a keychain", "gh auth status shows its scopes")
    return Wall(name, PASS, "none")


def keychain(ground: Ground) -> Wall:
    name = "no unlocked keychain answers"
    bus = Path(ground.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{ground.user}") / "bus"
    if not bus.exists():
        return Wall(name, PASS, "there is no session bus")
    return Wall(name, UNKNOWN, f"{bus} is there: what it would tell was not asked", "lock it, or use --sandbox")


def ssh_keys(ground: Ground) -> Wall:
    name = "no approver's SSH key signs without a touch or a passphrase"
    found = [path for path in sorted((ground.home / ".ssh").glob("id_*")) if path.suffix == "" and _bare_key(path)]
    return _no(name, found, "ssh-keygen -t ed25519-sk, or ssh-keygen -p to set a passphrase")


def processes(ground: Ground) -> Wall:
    """A process of the same user shows the environment that it was started with."""
    name = "no process shows a token of production"
    wanted = ground.fleet.environments[Environment.PRODUCTION].token.encode() + b"="
    value = ground.environ.get(ground.fleet.environments[Environment.PRODUCTION].token, "").encode()
    found, looked = [], 0
    for place in sorted(ground.proc.glob("[0-9]*")):
        try:
            text = (place / "environ").read_bytes()
        except OSError:
            continue
        looked += 1
        held = next((part for part in text.split(b"\0") if part.startswith(wanted)), b"")
        if held and (not value or held.endswith(value)) and place.name != str(os.getpid()):
            found.append(f"{_text(place / 'comm').strip()} ({place.name})")
    if found:
        return Wall(
            name, FAIL, ", ".join(found[:5]), "start the agent from a shell that never had it, or use --sandbox"
        )
    return Wall(name, PASS, f"{looked} processes") if looked else Wall(name, UNKNOWN, "no process can be seen")


def sandbox(ground: Ground) -> Wall:
    name = "a sandbox for the whole agent is there"
    if why := missing(ground.environ):
        return Wall(name, FAIL, why, "apt install bubblewrap")
    lacks = "" if shutil.which("socat", path=ground.environ.get("PATH")) else "; Claude Code's own wants socat too"
    return Wall(name, PASS, f"bubblewrap{lacks}")


def other_servers(ground: Ground) -> Wall:
    """A server of Cloudflare's own reaches the whole account. Claude Code is started with ours alone."""
    name = "no other MCP server reaches the account"
    files = (".codex/config.toml", ".gemini/settings.json", ".config/opencode/opencode.json", ".cursor/mcp.json")
    found = [ground.home / one for one in files if "mcp.cloudflare.com" in _text(ground.home / one)]
    return _no(name, found, "take the server out of these files")


LOOKS: Final[tuple[Look, ...]] = (
    separate_user, own_token, wrangler_login, readable_secrets, dev_vars, package_registry, git_credentials, gh_token,
    keychain, ssh_keys, processes, sandbox, other_servers,
)  # fmt: skip


def look(ground: Ground) -> Iterator[Wall]:
    for one in LOOKS:
        yield one(ground)


def _no(name: str, found: list[Path], fix: str) -> Wall:
    if found:
        return Wall(name, FAIL, ", ".join(map(str, found[:5])), fix)
    return Wall(name, PASS, "none")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _bare_key(path: Path) -> bool:
    """A private key in OpenSSH's form names its cipher: `none` is a key that anybody who reads it can use."""
    text = _text(path)
    if "OPENSSH PRIVATE KEY" not in text:
        return "PRIVATE KEY" in text and "ENCRYPTED" not in text
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    try:
        raw = base64.b64decode(body)
    except ValueError:
        return False
    return raw[15:].startswith(b"\0\0\0\x04none") and b"sk-ssh-" not in raw and b"sk-ecdsa" not in raw
