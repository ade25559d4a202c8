"""Unmistakable values for every kind of secret, the whole command surface, and nothing of them anywhere."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fleet import COMMAND, SecretFleet

_ELSEWHERE = {
    "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID": "canary-client-id-5a1c",
    "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET": "canary-client-secret-91e7",
    "INFISICAL_TOKEN": "canary-infisical-token-40bd",
}
# Success and failure of every command that there is, in both of its forms.
_COMMANDS = (
    "changes", "why api", "deploy --dry-run", "deploy watch --again", "smoke", "smoke --env production", "status",
    "history", "promote --dry-run", "promote", "promote --release nothing", "secrets list", "secrets push",
    "secrets push --dry-run", "secrets push --env nowhere", "secrets check", "secrets audit", "secrets diff",
    "secrets scan", "secrets recipients list", "secrets recipients add nonsense", "secrets recipients remove nobody",
    "secrets generate", "secrets generate API_KEY", "secrets get API_KEY", "secrets init", "secrets merge",
    "secrets import --from dotenv", "secrets rotate HOOK_SECRET", "secrets rotate WATCH_KEY",
    "secrets rotate API_KEY --finish", "secrets exec --with NOTHING -- true", "secrets exec --with API_KEY -- /none",
)  # fmt: skip


class Watch:
    """What the processes of our commands show in /proc while they run: arguments, and environment of other programs.

    The local Cloudflare, which was there before, is left out: it has the Workers' secrets, as Cloudflare has.
    """

    def __init__(self) -> None:
        self.arguments = b""
        self.environments = b""
        self.others = {os.getpid(), *_below(os.getpid())}

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._look, args=(stop,))
        thread.start()
        yield
        stop.set()
        thread.join()

    def _look(self, stop: threading.Event) -> None:
        seen: set[tuple[int, bytes]] = set()
        while not stop.is_set():
            for pid in _below(os.getpid(), self.others - {os.getpid()}):
                try:
                    arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
                    environment = Path(f"/proc/{pid}/environ").read_bytes()
                    became_another = Path(f"/proc/{pid}/cmdline").read_bytes() != arguments
                    if became_another or (pid, arguments) in seen:
                        continue
                    seen.add((pid, arguments))
                    self.arguments += arguments
                    if b"-m\0cattlegrid\0" not in arguments:
                        self.environments += environment
                except (FileNotFoundError, ProcessLookupError, PermissionError):
                    continue
            time.sleep(0.002)


def _below(top: int, but: Collection[int] = ()) -> list[int]:
    """The processes that descend from `top`, without `but` and what descends from those."""
    found, todo = [], [top]
    while todo:
        try:
            tasks = list(Path(f"/proc/{todo.pop()}/task").glob("*/children"))
            below = " ".join(task.read_text() for task in tasks)
        except (FileNotFoundError, ProcessLookupError):  # it has ended while we looked
            continue
        children = [int(word) for word in below.split() if int(word) not in but]
        found += children
        todo += children
    return found


def forms(values: dict[str, str]) -> dict[str, bytes]:
    plain = {name: value.encode() for name, value in values.items()}
    return plain | {f"{name} in base64": base64.b64encode(value)[:-2] for name, value in plain.items()}


def canaries(fleet: SecretFleet) -> dict[str, str]:
    both = {
        f"{name} of {environment}": fleet.value(name, environment)
        for environment in ("staging", "production")
        for name in ("API_KEY", "WATCH_KEY", "HOOK_SECRET", "CATTLEGRID_AUDIT_KEY", "CATTLEGRID_OWN_KEY")
    }
    machine = {"the age key": fleet.ann.secret, "the API token": fleet.environ["CLOUDFLARE_API_TOKEN"]}
    return {**both, **machine, **_ELSEWHERE}


def files_with(value: bytes, *folders: Path) -> list[str]:
    return [
        str(file)
        for folder in folders
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink() and value in file.read_bytes()
    ]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_no_command_leaves_a_value_anywhere(fleet: SecretFleet, tmp_path: Path) -> None:
    values, watch = forms(canaries(fleet)), Watch()
    environ = {**_ELSEWHERE, "TMPDIR": str(tmp_path)}
    with watch.running():
        for number, words in enumerate(_COMMANDS):
            options = ["--json"] if number % 2 and "--" not in words.split() else []
            fleet.run(*words.split(), *options, **environ)
    said = "".join(fleet.said).encode()
    logs = [fleet.root.parent / "state" / "logs"]
    for name, value in values.items():
        assert value not in said, f"{name} was printed"
        assert value not in watch.arguments, f"{name} was an argument of a program"
        found = files_with(value, fleet.root, fleet.root.parent / "home", tmp_path, *logs)
        assert found == [], f"{name} is in a file"
        if name.startswith("the API token"):
            continue  # wrangler needs it
        assert value not in watch.environments, f"{name} was in the environment of another program"
    assert b"wrangler" in watch.arguments
    assert b"WRANGLER_SEND_METRICS=" in watch.environments


@pytest.mark.slow
def test_a_command_that_is_interrupted_prints_no_value(fleet: SecretFleet) -> None:
    values = forms(canaries(fleet))
    fleet.api("POST", "/local/faults", json={"kind": "delay", "route": "*/accounts/*", "seconds": 2.0})
    env = {**fleet.environ, **fleet.ann.environ}
    with subprocess.Popen(
        [*COMMAND, "secrets", "push"], cwd=fleet.root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as program:
        time.sleep(1.0)
        program.send_signal(signal.SIGINT)
        said = program.communicate()[0]
    assert not [name for name, value in values.items() if value in said]


def test_a_crash_prints_its_traceback_without_the_value() -> None:
    program = (
        "from cattlegrid.cli import keep_secrets; from cattlegrid.model.secret import Secret; keep_secrets();"
        "secret = Secret('canary-' + 'of-a-crash'); raise RuntimeError(f'no such key: {secret.reveal()}')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "RuntimeError: no such key: [redacted]" in done.stderr
    assert "canary-of-a-crash" not in done.stderr


def test_a_process_that_holds_values_leaves_no_core_dump() -> None:
    program = "from cattlegrid.cli import keep_secrets; import resource; keep_secrets(); print(resource.getrlimit(4))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(0, 0)"
