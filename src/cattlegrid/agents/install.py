"""What an agent's own files in the repository say when it is started without `cattlegrid run`. Data, by agent.

No credential and no `${…}` of one is in them: a gateway that is started like this reads the variables that its agent
hands on, and the files name those where an agent would keep them back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cattlegrid.agents import claude, gemini
from cattlegrid.agents.launch import SERVER

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Wish:
    """`token` is the name of the variable that holds staging's token."""

    venture: str
    token: str

    @property
    def arguments(self) -> list[str]:
        return ["mcp", "--env", "staging", *self._venture]

    def banner(self, form: str) -> str:
        return self._command("banner", form)

    def guard(self, form: str) -> str:
        """Whatever goes wrong, the tool is blocked (exit code 2)."""
        return f"{self._command('guard', form)} || exit 2"

    def _command(self, name: str, form: str) -> str:
        return " ".join(("cattlegrid", name, "--for", form, "--here", *self._venture))

    @property
    def _venture(self) -> list[str]:
        return ["--venture", self.venture] if self.venture else []


@dataclass(frozen=True)
class Installed:
    """`files`: what is added to each, by its path in the repository. `remains`: what a person has to do besides."""

    files: Callable[[Wish], Mapping[str, Content]]
    remains: str = ""


def _stdio(wish: Wish) -> dict[str, Any]:
    return {"type": "stdio", "command": "cattlegrid", "args": wish.arguments}


def _claude(wish: Wish) -> Mapping[str, Content]:
    hooks = claude.hooks(wish.banner("claude"), wish.guard("claude"))
    settings = {"hooks": hooks, "permissions": {"deny": list(claude.DENIED)}}
    return {**_plain(wish), ".claude/settings.json": settings}


def _codex(wish: Wish) -> Mapping[str, Content]:
    names = [wish.token, "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL", "SOPS_AGE_KEY_FILE"]
    server = {"command": "cattlegrid", "args": wish.arguments, "env_vars": names, "startup_timeout_sec": 30}
    return {".codex/config.toml": {"mcp_servers": {SERVER: server}}}


def _gemini(wish: Wish) -> Mapping[str, Content]:
    server = {"command": "cattlegrid", "args": wish.arguments, "timeout": 120000, "env": {wish.token: f"${wish.token}"}}
    hooks = gemini.hooks(wish.banner("gemini"), wish.guard("gemini"))
    return {".gemini/settings.json": {"mcpServers": {SERVER: server}, "hooks": hooks}}


def _opencode(wish: Wish) -> Mapping[str, Content]:
    server = {"type": "local", "command": ["cattlegrid", *wish.arguments], "enabled": True, "timeout": 30000}
    denied = {"*wrangler*production*": "deny", "cattlegrid promote*": "deny", "cattlegrid allow*": "deny"}
    return {"opencode.json": {"mcp": {SERVER: server}, "permission": {"bash": denied}}}


def _plain(wish: Wish) -> Mapping[str, Content]:
    return {".mcp.json": {"mcpServers": {SERVER: _stdio(wish)}}}


def _cursor(wish: Wish) -> Mapping[str, Content]:
    return {".cursor/mcp.json": {"mcpServers": {SERVER: _stdio(wish)}}}


def _vscode(wish: Wish) -> Mapping[str, Content]:
    return {".vscode/mcp.json": {"servers": {SERVER: _stdio(wish)}}}


INSTALLED: Final[Mapping[str, Installed]] = {
    "claude": Installed(_claude, "Claude Code asks once whether you trust the folder and its server"),
    "codex": Installed(_codex, "Codex reads .codex/config.toml in folders that you have trusted; it gets no guard"),
    "gemini": Installed(_gemini, "Gemini CLI starts no server in a folder that you have not trusted"),
    "opencode": Installed(_opencode, "opencode gets no banner and no guard besides its permissions"),
    "cursor": Installed(_cursor, "Cursor gets no banner and no guard"),
    "vscode": Installed(_vscode, "VS Code gets no banner and no guard"),
    "mcp": Installed(_plain, "a client of .mcp.json gets no banner and no guard"),
}


class Taken(ValueError):
    """The file says something else already, at the path that this names."""


def merged(now: Content, ours: Content, path: str = "") -> dict[str, Any]:
    """`now` with ours added: tables are merged, lists get what they lack. Raises Taken rather than replace a value."""
    found = dict(now)
    for key, value in ours.items():
        place = f"{path}.{key}" if path else key
        here = found.get(key)
        if here is None:
            found[key] = value
        elif isinstance(here, Mapping) and isinstance(value, Mapping):
            found[key] = merged(here, value, place)
        elif isinstance(here, list) and isinstance(value, list):
            found[key] = [*here, *(item for item in value if item not in here)]
        elif here != value:
            raise Taken(place)
    return found


def without(now: Content, ours: Content) -> dict[str, Any]:
    """`now` less what is ours; a table or list that becomes empty by it goes too."""
    found: dict[str, Any] = {}
    for key, here in now.items():
        value = ours.get(key)
        if key not in ours:
            found[key] = here
        elif here == value:
            continue
        elif isinstance(here, Mapping) and isinstance(value, Mapping):
            if rest := without(here, value):
                found[key] = rest
        elif isinstance(here, list) and isinstance(value, list):
            if kept := [item for item in here if item not in value]:
                found[key] = kept
        else:
            found[key] = here
    return found
