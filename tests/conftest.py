from __future__ import annotations

import os

import pytest

from cattlegrid.toolchain import Toolchain, locate


@pytest.fixture(scope="session")
def node_parts() -> Toolchain:
    """The pinned node, wrangler and workerd, as a user's first command would install them."""
    return locate(os.environ)
