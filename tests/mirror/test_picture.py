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


def test_the_line_rises_and_falls_with_the_rate() -> None:
    line = ET.fromstring(rate([(0.0, 0, 0), (1.0, 100, 0), (2.0, 150, 0), (4.0, 550, 0)])).find("polyline")  # noqa: S314
    assert line is not None
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert heights[1] > heights[0] > heights[2]


def test_the_pieces_of_the_bar_are_as_wide_as_their_time() -> None:
    drawn = ET.fromstring(time_spent({"read": 1.0, "write": 3.0}))  # noqa: S314
    bars = [float(one.attrib["width"]) for one in drawn.findall("rect") if one.attrib["height"] == "28"]
    assert bars == [180.0, 540.0]
