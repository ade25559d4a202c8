from __future__ import annotations

from pathlib import Path

from cattlegrid.settings.reference import page


def test_the_reference_page_is_what_the_table_of_settings_says() -> None:
    assert (Path(__file__).parents[2] / "docs/settings.md").read_text() == page()
