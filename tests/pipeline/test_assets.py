"""Static assets on their way to production: Cloudflare does not give them back, so they must be found again."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from standing import Standing

pytestmark = pytest.mark.slow
PAGE = "public/page.txt"


@pytest.fixture
def fleet(new_fleet: Callable[..., Standing]) -> Standing:
    """Two Workers with assets: alpha's are written by a build and not in git, pages' are committed."""
    standing = new_fleet("alpha", "pages")
    for worker in ("alpha", "pages"):
        folder = standing.root / "workers" / worker
        (folder / PAGE).parent.mkdir()
        (folder / PAGE).write_text("first page")
        config = json.loads((folder / "wrangler.jsonc").read_text())
        (folder / "wrangler.jsonc").write_text(json.dumps(config | {"assets": {"directory": "public"}}, indent=2))
    (standing.root / "workers" / "alpha" / ".gitignore").write_text("public/\n")
    standing.clone.commit({}, "assets")
    return standing


def test_assets_reach_production_only_as_staging_was_tested_with_them(fleet: Standing) -> None:
    fleet.done("deploy")
    page = fleet.root / "workers" / "alpha" / PAGE
    page.write_text("another build")
    refused = fleet.run("promote", "--dry-run")
    assert refused.code == 3
    assert "alpha: the static assets in public are not the ones that staging was tested with" in refused.out
    page.write_text("first page")
    (fleet.root / "workers" / "pages" / PAGE).unlink()
    assert fleet.promote().code == 0
    for worker in ("alpha", "pages"):
        assert fleet.cloud.fetch(fleet.script(worker, "production"), "/page.txt").text == "first page"
    assert fleet.word("alpha", "production") == "first"
