"""The child's environment: an allow-list of names, never the parent's whole, and no credential of ours among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cattlegrid.agents.session import VARIABLE, Session
from cattlegrid.errors import UsageError
from cattlegrid.model.secret import Secret

_PLAIN: Final = frozenset({
    "COLORTERM", "DISPLAY", "EDITOR", "FORCE_COLOR", "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LOGNAME",
    "NODE_EXTRA_CA_CERTS", "NO_COLOR", "PAGER", "PATH", "PWD", "SHELL", "SSL_CERT_DIR", "SSL_CERT_FILE", "TERM",
    "TERMINFO", "TERM_PROGRAM", "TMPDIR", "TMUX", "TMUX_PANE", "TZ", "USER", "VIRTUAL_ENV", "VISUAL", "WAYLAND_DISPLAY",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
})  # fmt: skip
_AGENTS_OWN: Final = (
    "ANTHROPIC_", "CLAUDE_", "CODEX_", "GEMINI_", "GOOGLE_GEMINI_", "OPENAI_", "OPENCODE_", "OPENROUTER_",
    "npm_config_",
)  # fmt: skip
_NEVER: Final = ("CLOUDFLARE_", "CF_", "WRANGLER_", "CATTLEGRID_", "INFISICAL_", "SOPS_", "AWS_", "GITHUB_", "GH_")

NO_LOGIN: Final = "none-in-an-agent-session"
"""Wrangler's own login lies under the home; a token, even one that opens nothing, comes before it and every profile.

A child that takes the variable away finds the login again: `doctor` says so, and a sandbox hides the file.
"""


def environment(
    parent: Mapping[str, str],
    session: Session,
    folder: Path,
    more: Mapping[str, str],
    inject: tuple[str, ...],
    secrets: Mapping[str, Secret],
) -> dict[str, str]:
    """Names from the allow-list, the agents' own model keys, what this agent's format adds, `inject` and `secrets`.

    `secrets` are the venture's own, of the session's environment, that are declared as its agents'. `inject` are
    names that a person asked for. Raises UsageError when one is not set or is a credential of ours.
    """
    kept = {name: value for name, value in parent.items() if name in _PLAIN or name.startswith(_AGENTS_OWN)}
    for name in inject:
        if name.startswith(_NEVER):
            raise UsageError(f"--inject {name}: a deployment credential does not go into an agent's shell")
        if name not in parent:
            raise UsageError(f"--inject {name}: the variable is not set")
        kept[name] = parent[name]
    main = next((worker.url for worker in session.workers if worker.mcp and worker.url), "")
    ours = {
        VARIABLE: str(folder),
        "CATTLEGRID_ENVIRONMENT": session.environment.value,
        "CATTLEGRID_VENTURE": session.venture,
        "CATTLEGRID_API_URL": main,
        "CLOUDFLARE_API_TOKEN": NO_LOGIN,
    }
    kept |= {name: value.reveal() for name, value in secrets.items()}
    return {**kept, **{name: value for name, value in ours.items() if value}, **more}
