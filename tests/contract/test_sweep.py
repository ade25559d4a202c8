from __future__ import annotations

import httpx2
import pytest
from clouds import Cloud
from sweep import OURS, left_behind, main
from test_refusals import CODE
from uploads import put

pytestmark = [pytest.mark.slow, pytest.mark.local_only]


def test_the_sweep_finds_what_the_suite_names_and_nothing_else(cloud: Cloud, api: httpx2.Client) -> None:
    script, mine = put(cloud, CODE), "cg-precious"
    api.post("/d1/database", json={"name": mine})
    found = [name for _, name, _ in left_behind(api)]
    assert script in found
    assert mine not in found
    assert all(OURS.fullmatch(name) for name in found)
    assert not any(OURS.fullmatch(name) for name in ("cg-staging", "context", "cg-12345678901", "my-cg-12345678"))


def test_the_sweep_only_lists_until_it_is_told_to_delete(
    cloud: Cloud, api: httpx2.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    script = put(cloud, CODE)
    assert main([], cloud.env()) == 0
    assert f"worker {script}\n" in capsys.readouterr().out
    assert api.get(f"/workers/scripts/{script}/settings").is_success
    main(["--delete"], cloud.env())
    assert f"worker {script}  deleted\n" in capsys.readouterr().out
    assert api.get(f"/workers/scripts/{script}/settings").status_code == 404
