"""The pre-tool hook: refuses what touches production, with one line that says what to do instead.

It is a speed bump and not a wall. It reads commands as text, follows scripts that they name, and knows this fleet's
production by its names; a program that composes a command at run time passes it. The wall is that the agent's shell
holds no credential that opens production.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from cattlegrid.agents import scripts
from cattlegrid.agents.session import Session
from cattlegrid.model.environment import Environment

_DEEP: Final = 3
_WRITERS: Final = (
    "Write",
    "Edit",
    "MultiEdit",
    "NotebookEdit",
    "write",
    "edit",
    "write_file",
    "replace",
    "apply_patch",
)
_GUARDED_FILES: Final = re.compile(r"(^|/)(cattlegrid\.toml|\.github/workflows/[^/]+|secrets/production\.[^/]+)$")
_WRANGLER: Final = re.compile(r"\bwrangler(?:\.js)?(?:@[\w.^~-]+)?[\"']?(?=[\s,\"'\])]|$)(?P<rest>[^;&|\n]*)")
_ACTS: Final = re.compile(
    r"\b(deploy|publish|delete|rollback|triggers|versions|deployments|secret|d1|kv|r2|queues|vectorize|hyperdrive|"
    r"workflows|pages|dispatch-namespace|tail|containers)\b"
)
_FLAG: Final = re.compile(r"(?:--env|-e)[\s=,\"']+(?P<name>[^\s,\"'\])]*)")
_CHOSEN: Final = re.compile(r"\bCLOUDFLARE_ENV[\"']?\s*(?:=|:|,)\s*[\"']?(?P<name>[\w-]+)")
_OWN: Final = re.compile(r"\bcattlegrid\b[^;&|\n]*?\b(?P<verb>promote|rollback|approve|allow|mirror|run)\b")
_OWN_PRODUCTION: Final = re.compile(r"\bcattlegrid\b[^;&|\n]*--env[\s=]+[\"']?production\b")
_API: Final = re.compile(r"api\.cloudflare\.com|/client/v4/(?!user/tokens/verify)")
_LOGIN: Final = re.compile(r"\.config/\.wrangler|\.wrangler/config|secrets/production\.|/proc/[^\s/]+/environ")
_UNSET: Final = re.compile(
    r"\b(?:unset\s+(?:-v\s+)?|env\s+(?:-\S+\s+)*-u\s*|export\s+-n\s+)CLOUDFLARE_API_TOKEN|\benv\s+-i\b"
)
_GIT_PUSH: Final = re.compile(r"\bgit\b[^;&|\n]*\bpush\b")
_DEVICES: Final = re.compile(
    r"\btmux\s+(?:send|new|split|respawn)|\bscreen\s+-[SX]|\bgh\s+(?:workflow\s+run|api|secret)\b"
)


class Verdict(NamedTuple):
    """`reason` is one line for the model: what was refused, and what to do instead. Empty: let it run."""

    reason: str = ""

    @property
    def allowed(self) -> bool:
        return not self.reason


def judge(session: Session, tool: str, given: Mapping[str, Any], cwd: Path) -> Verdict:
    """Whether an agent's tool may run. `given` is the tool's input as the agent sends it."""
    for command in _commands(given):
        if found := _command(session, command, cwd, 0):
            return Verdict(found)
    path = next((str(given[key]) for key in ("file_path", "filePath", "absolute_path", "path") if given.get(key)), "")
    if path and tool in _WRITERS and _GUARDED_FILES.search(_real(path, cwd)):
        return Verdict(
            _say(f"{Path(path).name} decides what reaches production", "a person edits it; say what you need")
        )
    if path and _LOGIN.search(_real(path, cwd)):
        return Verdict(_say("this file holds a credential that opens production", "the tools need no credential"))
    if tool == "apply_patch" and (found := _patch(str(given))):
        return Verdict(found)
    if tool.startswith(("mcp__", "mcp_")) and not re.match(r"mcp_{1,2}cattlegrid_", tool):
        return _foreign(session, tool, given)
    return Verdict()


def _commands(given: Mapping[str, Any]) -> Iterator[str]:
    for key in ("command", "cmd", "script", "code", "url"):
        value = given.get(key)
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield " ".join(map(str, value))


def _foreign(session: Session, tool: str, given: Mapping[str, Any]) -> Verdict:
    text = str(dict(given))
    if _named(session, text) or re.search(r"\bproduction\b", text):
        return Verdict(_say(f"{tool} is not this session's server and names production", "use cattlegrid's tools"))
    if "cloudflare" in tool.lower():
        return Verdict(_say(f"{tool} reaches the whole account", "use cattlegrid's tools, which reach staging"))
    return Verdict()


def _command(session: Session, text: str, cwd: Path, depth: int) -> str:
    """Why this command is refused; empty when nothing in it, or in the scripts it names, touches production."""
    plain = _plain(text)
    for rule in (_wrangler, _ours, _credentials, _places):
        if found := rule(session, plain, cwd):
            return found
    if depth >= _DEEP:
        return ""
    for name, content in scripts.named(plain, cwd):
        if found := _command(session, content, cwd, depth + 1):
            return found.replace("cattlegrid: ", f"cattlegrid: in {name}: ", 1) if depth == 0 else found
    return ""


def _plain(text: str) -> str:
    """Without what a shell would take away: backslashes in words, joined quotes, line breaks, `$IFS`."""
    text = text.replace("\\\n", " ").replace("${IFS}", " ").replace("$IFS", " ")
    text = re.sub(r"\\(?=[\w./-])", "", text)
    text = re.sub(r"(?<=\w)(?:''|\"\")(?=\w)", "", text)
    text = re.sub(r"(?<=[\w])[\"'](\w+)[\"'](?=\w|\s|$)", r"\1", text)
    for name, value in re.findall(r"\b([A-Za-z_]\w*)=[\"']?([\w./@:-]+)[\"']?", text):
        text = re.sub(rf"\$\{{{name}\}}|\${name}\b", value, text)
    return text


def _wrangler(session: Session, text: str, cwd: Path) -> str:
    for found in _WRANGLER.finditer(text):
        rest = found["rest"]
        if not _ACTS.search(rest):
            continue
        chosen = _FLAG.search(rest) or _CHOSEN.search(text)
        name = chosen["name"] if chosen is not None else ""
        if session.environment is Environment.PRODUCTION:
            return _say("this session is production", "writes go through cattlegrid's tools, which ask a person")
        if "dry-run" in rest:
            continue
        if name.startswith("prod") or "$" in name or "`" in name or name in _flags(session, text, cwd):
            what = "its top level, which is production here" if not name else f"--env {name}"
            return _say(f"wrangler with {what} touches production", "call the tool `deploy`, which goes to staging")
        if re.search(
            r"(?:--name[\s=]+|\bdelete\s+)[\"']?(?:" + "|".join(map(re.escape, session.scripts)) + r")\b(?!-)", rest
        ):
            return _say("that Worker is production's", "name staging's, or call the tool `deploy`")
        if "dispatch" in rest and "versions" in rest:
            return _say("versions are promoted by a person", "call the tool `request_promotion`")
    return ""


def _flags(session: Session, text: str, cwd: Path) -> set[str]:
    """What `--env` values mean production where this command runs; all of them when that cannot be told."""
    place = _real(str(cwd), cwd)
    moved = re.findall(r"\bcd\s+[\"']?([^\s;&|\"']+)|(?:--cwd|--config|-c)[\s=]+[\"']?([^\s;&|\"']+)", text)
    places = {place, *(_real(str(cwd / (one or other)), cwd) for one, other in moved)}
    here = {
        flag
        for folder, flag in session.flags.items()
        if any(at.startswith(_real(str(Path(session.root) / folder), cwd)) for at in places)
    }
    known = here or set(session.flags.values())
    return {flag for flag in known if flag} | ({""} if "" in known else set())


def _ours(session: Session, text: str, cwd: Path) -> str:
    found = _OWN.search(text)
    if found is not None and not re.search(r"promote[^;&|\n]*--dry-run", text):
        verb = found["verb"]
        return _say(f"`cattlegrid {verb}` is a person's", "call the tool `request_promotion`, or ask the person")
    if _OWN_PRODUCTION.search(text) and session.environment is Environment.STAGING:
        return _say("this session is staging", "leave --env production out")
    if _GIT_PUSH.search(text) and (changed := scripts.pushed(cwd, _GUARDED_FILES)):
        return _say(f"this push changes {changed}, which decides what reaches production", "a person pushes it")
    if _GIT_PUSH.search(text) and "--no-verify" in text:
        return _say("--no-verify skips the repository's own checks", "push without it")
    return ""


def _credentials(_session: Session, text: str, _cwd: Path) -> str:
    if _LOGIN.search(text):
        return _say("that is where a credential that opens production lies", "the tools need no credential")
    if _UNSET.search(text):
        return _say("that would bring the person's own login back", "leave CLOUDFLARE_API_TOKEN as it is")
    if re.search(r"\bwrangler\b[^;&|\n]*\b(?:login|logout|auth|profiles?)\b", text):
        return _say("wrangler's login is the person's", "the tools need no login")
    if _DEVICES.search(text):
        return _say("that acts with the person's own terminal or token", "ask the person")
    return ""


def _places(session: Session, text: str, _cwd: Path) -> str:
    if _API.search(text) and re.search(r"\b(?:curl|wget|fetch|requests|urllib|httpx|axios|xh)\b", text):
        return _say("a direct call of Cloudflare's API passes every check", "call the tools of the cattlegrid server")
    if found := _named(session, text):
        return _say(f"{found} is production's", "name staging's; the tool `status` shows what is where")
    return ""


def _named(session: Session, text: str) -> str:
    if session.environment is Environment.PRODUCTION:
        return ""
    for word in session.production:
        if word in text and re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text):
            return word
    for script in (name for name in session.scripts if name in text):
        if re.search(rf"(?://|@|\s)(?:[0-9a-f]{{8}}-)?{re.escape(script)}\.[\w-]+\.[\w.:-]+", text):
            return f"the address of {script}"
        if re.search(rf"/(?:scripts|workers|services)/{re.escape(script)}(?![\w-])", text):
            return f"Worker {script}"
    return ""


def _patch(text: str) -> str:
    for path in re.findall(r"\*\*\* (?:Update|Add|Delete) File: ([^\\\n]+)", text):
        if _GUARDED_FILES.search(path.strip()):
            return _say(f"{path.strip()} decides what reaches production", "a person edits it; say what you need")
    return ""


def _real(path: str, cwd: Path) -> str:
    """With dots and symbolic links resolved: another name of a guarded file is that file."""
    return str((cwd / Path(path).expanduser()).resolve())


def _say(what: str, instead: str) -> str:
    return f"cattlegrid: {what}. Instead: {instead}."
