"""Generated files, split: production unchanged, nothing shared, nothing lost, nothing left to do."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from generated import Written, contents, written
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cattlegrid.model.environment import Blocks, Environment
from cattlegrid.toolchain import Toolchain, locate
from cattlegrid.wrangler import config
from cattlegrid.wrangler.resources import resources
from cattlegrid.wrangler.split.content import Layout, parts
from cattlegrid.wrangler.split.plan import File, FilePlan, plan
from cattlegrid.wrangler.split.proof import accepted, prove
from cattlegrid.wrangler.split.twin import Wishes

PARTS = locate(os.environ)
SCHEMA = json.loads((PARTS.modules / "wrangler" / "config-schema.json").read_text())
FILES = contents(SCHEMA).flatmap(written)
LAYOUTS = st.sampled_from([Layout.STAGING_ON_TOP, Layout.PRODUCTION_ON_TOP])


def split_again(made: FilePlan, layout: Layout) -> FilePlan:
    return plan([File(made.file.worker, made.file.path, made.after)], layout, Wishes())[0]


def production(text: str, name: str) -> dict[str, Any]:
    return dict(parts(config.parse(text.encode(), name, shown=name), name, Blocks()).production)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(FILES, LAYOUTS)
def test_a_split_leaves_production_as_it_was_shares_nothing_and_is_done_once(file: Written, layout: Layout) -> None:
    made = plan([File("w", file.name, file.text)], layout, Wishes())[0]
    before, after = production(file.text, file.name), production(made.after, file.name)
    assert after == before
    staging = config.resolved(
        config.parse(made.after.encode(), file.name, shown=""), Environment.STAGING, shown=""
    ).config
    taken = {resource.key for resource in resources(before)}
    assert not [found for found in resources(staging, previews=True) if found.key in taken]
    # A binding that is left out takes the comments inside it along, unless production's copy can hold them.
    if made.was is Layout.SINGLE and "env = {" not in file.text:
        assert not [comment for comment in file.comments if comment not in made.after]
    assert not split_again(made, layout).changes
    assert ("\r\n" in made.after) == ("\r\n" in file.text)


@pytest.mark.slow
@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.lists(FILES, min_size=30, max_size=40), LAYOUTS)
def test_wrangler_reads_production_as_before_and_nothing_of_it_in_staging(
    node_parts: Toolchain, written_files: list[Written], layout: Layout
) -> None:
    files = [File(f"w{index}", f"{index}/{one.name}", one.text) for index, one in enumerate(written_files)]
    valid = accepted(node_parts, files, os.environ)
    assert len(valid) > len(files) // 3, "too few of the generated files are valid to wrangler"
    proof = prove(node_parts, plan(valid, layout, Wishes()), os.environ)
    assert proof.holds, "\n".join(difference.said for difference in proof.differences[:20])
