from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from cattlegrid.local import daemon
from cattlegrid.toolchain import Toolchain, locate
from herd import Herd, raise_herd


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: begun last, one of them would keep one processor busy while the other has nothing."""
    items.sort(key=lambda item: item.path.parent.name != "pipeline")


@pytest.fixture(scope="session")
def node_parts() -> Toolchain:
    """The pinned node, wrangler and workerd, as a user's first command would install them."""
    return locate(os.environ)


@pytest.fixture(scope="session")
def herd(node_parts: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Herd]:
    """The example fleet, live in both environments of a local Cloudflare of its own."""
    folder = tmp_path_factory.mktemp("herd")
    yield raise_herd(node_parts, folder)
    daemon.reset(folder / "state")
