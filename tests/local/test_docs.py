from __future__ import annotations

from pathlib import Path

from cattlegrid.local.docs import page
from cattlegrid.local.routes import served

DOCS = Path(__file__).parents[2] / "docs" / "local.md"


def test_the_page_about_routes_is_the_one_that_the_registry_gives() -> None:
    assert DOCS.read_text() == page(), "repeat: python -m cattlegrid.local docs > docs/local.md"


def test_no_two_handlers_hang_on_one_route() -> None:
    page()
    seen = [(one.method, one.path) for one in served()]
    assert len(seen) == len(set(seen))
