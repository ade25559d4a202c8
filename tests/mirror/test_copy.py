from __future__ import annotations

from pathlib import Path

import pytest
from exactly import content, structure
from mirror_files import made, mirrored
from nasty import Nasty

from cattlegrid.model.check import Outcome


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("size", [4_000_000, 900])
def test_a_nasty_database_arrives_bit_for_bit(tmp_path: Path, seed: int, size: int) -> None:
    source = made(tmp_path / "production.db", Nasty(seed, big=seed == 0 and size > 1000))
    copied = mirrored(source, tmp_path / "staging.db", size=size)
    assert copied.outcome is Outcome.PASS, copied.checks
    assert content(tmp_path / "staging.db") == content(source)
    assert structure(tmp_path / "staging.db") == structure(source)
