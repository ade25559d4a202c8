"""Whether what is otherwise tried at some moments is to be tried at all of them."""

from __future__ import annotations

import os

EXHAUSTIVE = "CATTLEGRID_EXHAUSTIVE" in os.environ
