from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from mirror_files import made, mirrored
from nasty import Nasty

from cattlegrid.mirror.picture import page, rate, time_spent


def test_the_page_names_every_table_and_escapes_its_name(tmp_path: Path) -> None:
    copied = mirrored(made(tmp_path / "p.db", Nasty(1)), tmp_path / "s.db", size=900)
    shown = page("a <title>", [("p → s", copied)])
    assert "a &lt;title&gt;" in shown
    assert "select &quot;from&quot; &#x27;where&#x27;; --" in shown
    assert all(f"<td>{name}</td>" in shown for name in ("plain", "nocase", "free_search"))
    assert "http" not in shown


def height(line: ET.Element, at: int) -> float:
    return float(line.attrib["points"].split()[at].split(",")[1])


def test_the_line_rises_and_falls_with_the_rate() -> None:
    drawn = ET.fromstring(rate([(0.0, 0, 0), (1.0, 100, 10), (2.0, 150, 30), (4.0, 550, 31)]))  # noqa: S314
    by_size, by_rows = drawn.findall("polyline")
    assert [height(by_rows, at) for at in (0, 2, 4)] == [96.0, 138.0, 12.0]
    assert height(by_size, 2) == 12.0


def test_the_pieces_of_the_bar_are_as_wide_as_their_time() -> None:
    drawn = ET.fromstring(time_spent({"read": 1.0, "write": 3.0}))  # noqa: S314
    bars = [float(one.attrib["width"]) for one in drawn.findall("rect") if one.attrib["height"] == "28"]
    assert bars == [180.0, 540.0]
