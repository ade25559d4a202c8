"""The real agent CLIs, started by `cattlegrid run` and driven by a scripted model on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from herd import COMMAND, Herd

HERE = Path(__file__).parent
AGENTS = ("claude", "codex", "gemini", "opencode")


def program(name: str) -> str | None:
    """Where the CLI is: CATTLEGRID_AGENTS, what `make agents` installs, else PATH."""
    ours = (str(HERE / "node_modules" / place) for place in (".bin", "opencode-linux-x64/bin"))
    folders = (os.environ.get("CATTLEGRID_AGENTS", ""), *ours, os.environ["PATH"])
    return shutil.which(name, path=os.pathsep.join(filter(None, folders)))


@dataclass(frozen=True)
class Told:
    """`requests` are what the model API got, in order; `said` is the terminal."""

    code: int
    said: str
    requests: tuple[dict[str, Any], ...]

    @property
    def results(self) -> list[str]:
        """What came back to the model for each tool call, in order."""
        return max((results(one["body"]) for one in self.requests), key=len, default=[])

    @property
    def prompts(self) -> str:
        return json.dumps([one["body"] for one in self.requests])


def results(body: Mapping[str, Any]) -> list[str]:
    found = []
    for message in body.get("messages", []):
        if message.get("role") == "tool":
            found.append(json.dumps(message["content"]))
        elif isinstance(message.get("content"), list):
            found += [json.dumps(part) for part in message["content"] if part.get("type") == "tool_result"]
    inputs = body.get("input", [])
    for item in inputs if isinstance(inputs, list) else []:
        if str(item.get("type", "")).endswith("_call_output"):
            found.append(json.dumps(item["output"]))
    for content in body.get("contents", []):
        found += [
            json.dumps(part["functionResponse"]) for part in content.get("parts", []) if "functionResponse" in part
        ]
    return found


@contextmanager
def model(folder: Path, script: list[list[Any]]) -> Iterator[tuple[int, Path]]:
    folder.mkdir(parents=True, exist_ok=True)
    port, plan, log = folder / "port", folder / "script.json", folder / "log.jsonl"
    plan.write_text(json.dumps(script))
    log.touch()
    process = subprocess.Popen([sys.executable, str(HERE / "model.py"), str(port), str(plan), str(log)])
    try:
        while not port.is_file() or not port.read_text():
            time.sleep(0.02)
        yield int(port.read_text()), log
    finally:
        process.terminate()
        process.wait()


def command(name: str, port: int, home: Path) -> tuple[list[str], dict[str, str]]:
    """The CLI's own words for one headless turn, and the variables and files that point it at the model."""
    base, path = f"http://127.0.0.1:{port}", program(name)
    assert path is not None
    home.mkdir(parents=True, exist_ok=True)
    if name == "claude":
        known = {"ANTHROPIC_BASE_URL": base, "ANTHROPIC_API_KEY": "dummy"}
        quiet = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "IS_SANDBOX": "1", "CLAUDE_CODE_BUBBLEWRAP": "1"}
        return [path, "-p", "go on", "--output-format", "json", "--dangerously-skip-permissions"], known | quiet
    if name == "codex":
        (home / ".codex").mkdir(exist_ok=True)
        (home / ".codex/config.toml").write_text(
            'model = "scripted"\nmodel_provider = "fake"\n[model_providers.fake]\nname = "fake"\n'
            f'base_url = "{base}/v1"\nwire_api = "responses"\nrequires_openai_auth = false\n'
        )
        words = ["exec", "--skip-git-repo-check", "--json", "--dangerously-bypass-approvals-and-sandbox", "go on"]
        return [path, *words], {"CODEX_API_KEY": "dummy"}
    if name == "gemini":
        (home / ".gemini").mkdir(exist_ok=True)
        (home / ".gemini/settings.json").write_text(
            json.dumps(
                {"security": {"auth": {"selectedType": "gemini-api-key"}}, "general": {"disableAutoUpdate": True}}
            )
        )
        words = ["-p", "go on", "--yolo", "--output-format", "json", "--skip-trust"]
        return [path, *words], {"GEMINI_API_KEY": "dummy", "GOOGLE_GEMINI_BASE_URL": base}
    off = ("AUTOUPDATE", "MODELS_FETCH", "DEFAULT_PLUGINS", "LSP_DOWNLOAD")
    return [path, "run", "--model", "fake/scripted", "go on"], {f"OPENCODE_DISABLE_{word}": "1" for word in off}


def opencode_provider(port: int) -> dict[str, Any]:
    models = {"scripted": {"name": "scripted", "tool_call": True, "limit": {"context": 100000, "output": 4000}}}
    options = {"baseURL": f"http://127.0.0.1:{port}/v1", "apiKey": "dummy"}
    return {
        "provider": {"fake": {"npm": "@ai-sdk/openai-compatible", "name": "fake", "options": options, "models": models}}
    }


def tell(
    herd: Herd,
    name: str,
    folder: Path,
    script: list[list[Any]],
    *,
    words: tuple[str, ...] = (),
    env: Mapping[str, str] | None = None,
) -> Told:
    """`cattlegrid run … -- <agent>`: the agent is told the script by its model, one tool call after the other."""
    home = folder / "home"
    with model(folder, script) as (port, log):
        argv, known = command(name, port, home)
        if name == "opencode":
            (home / ".config/opencode").mkdir(parents=True, exist_ok=True)
            (home / ".config/opencode/opencode.json").write_text(json.dumps(opencode_provider(port)))
        environ = {**herd.environ, "HOME": str(home), "TERM": "xterm", **known, **(env or {})}
        done = subprocess.run(
            [COMMAND, "run", *words, "--", *argv],
            cwd=herd.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=560,
            check=False,
        )
        requests = tuple(json.loads(line) for line in log.read_text().splitlines())
    return Told(done.returncode, done.stdout + done.stderr, requests)
