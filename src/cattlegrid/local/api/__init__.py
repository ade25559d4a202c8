"""The routes, by what they are about. `load` hangs every one of them on the registry."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Imports every module of this package, so that its routes and tables are known."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
