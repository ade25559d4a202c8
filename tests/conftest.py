from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain, locate
from herd import Herd, raise_herd


def pytest_configure() -> None:
    """In the background of a script Ctrl-C is ignored, also by the programs that tests stop by it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: begun last, one of them would keep one processor busy while the other has nothing."""
    items.sort(key=lambda item: item.path.parent.name != "pipeline")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not measured is said at the end of the run, and never only as a dot."""
    skipped = (str(one.longrepr[2]).removeprefix("Skipped: ") for one in terminalreporter.stats.get("skipped", []))
    reasons = Counter(reason for reason in skipped if reason.startswith("not measured: "))
    for reason, tests in sorted(reasons.items()):
        what = reason.removeprefix("not measured: ")
        terminalreporter.write_line(f"NOT MEASURED by {tests} tests: {what}", yellow=True, bold=True)


@pytest.fixture(scope="session")
def node_parts() -> Toolchain:
    """The pinned node, wrangler and workerd, as a user's first command would install them."""
    return locate(os.environ)


@pytest.fixture(scope="session")
def herd(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Herd]:
    """The example fleet, live in both environments of a local Cloudflare of its own."""
    folder = tmp_path_factory.mktemp("herd")
    try:
        yield raise_herd(node_parts, folder)
    finally:
        daemon.reset(folder / "state")
