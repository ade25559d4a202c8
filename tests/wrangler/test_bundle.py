"""Bundles by the real wrangler. One build takes about a second."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cattlegrid.errors import ConfigError, ToolFailed
from cattlegrid.model.environment import Environment
from cattlegrid.release import digests, sources
from cattlegrid.release.target import deployables
from cattlegrid.settings import load
from cattlegrid.toolchain import Toolchain
from cattlegrid.wrangler.bundle import Bundle, bundle
from cattlegrid.wrangler.run import pinned
from repositories import FLEET, Clone, fleet

pytestmark = pytest.mark.slow

INDEX = """
import { shared } from "../../../lib/shared";
import sql from "../../../lib/query.sql";
import data from "../../../data.json";
export default { fetch: () => new Response(shared + sql + data.a + NAME) };
"""
FILES = {
    "workers/context/src/index.ts": INDEX,
    "lib/shared.ts": "export const shared: string = 'x';\n",
    "lib/query.sql": "select 1;\n",
    "data.json": '{ "a": 1 }\n',
}
WRANGLER = """
name = "context-staging"
main = "src/index.ts"
compatibility_date = "2026-01-01"
compatibility_flags = ["nodejs_compat"]
rules = [{ type = "Text", globs = ["**/*.sql"] }]
define = { NAME = "'same'" }
[env.production]
name = "context"
define = { NAME = "'same'" }
"""
DECLARED = FLEET + '[workers.context]\ninputs = ["../../lib/**", "../../data.json"]\n'


def built(clone: Clone, node_parts: Toolchain, into: Path, environment: Environment = Environment.STAGING) -> Bundle:
    deployable = deployables(load(clone.root), environment)["context"]
    return bundle(pinned(node_parts), deployable, into, os.environ)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return fleet(tmp_path / "fleet", {**FILES, "workers/context/wrangler.toml": WRANGLER}, DECLARED)


def test_a_bundle_holds_the_main_module_the_text_modules_and_no_readme(
    clone: Clone, node_parts: Toolchain, tmp_path: Path
) -> None:
    found = built(clone, node_parts, tmp_path / "out")
    assert found.main == "index.js"
    names = sorted(module.name for module in found.modules)
    assert [name for name in names if not name.endswith("-query.sql")] == ["index.js", "index.js.map"]
    assert len(names) == 3
    assert {Path(path).name for path in found.used_files} >= {"index.ts", "shared.ts", "data.json"}


def test_both_environments_and_two_checkouts_give_one_code_digest(
    clone: Clone, node_parts: Toolchain, tmp_path: Path
) -> None:
    staging = built(clone, node_parts, tmp_path / "a")
    other = fleet(tmp_path / "deeper" / "elsewhere", {**FILES, "workers/context/wrangler.toml": WRANGLER}, DECLARED)
    production = built(other, node_parts, tmp_path / "b", Environment.PRODUCTION)
    assert digests.code(staging.modules) == digests.code(production.modules)


def test_a_changed_text_module_changes_the_code_digest(clone: Clone, node_parts: Toolchain, tmp_path: Path) -> None:
    before = digests.code(built(clone, node_parts, tmp_path / "a").modules)
    clone.write({"lib/query.sql": "select 2;\n"})
    assert digests.code(built(clone, node_parts, tmp_path / "b").modules) != before


def test_files_inside_the_declared_inputs_pass(clone: Clone, node_parts: Toolchain, tmp_path: Path) -> None:
    found = built(clone, node_parts, tmp_path / "out")
    fleet_ = load(clone.root)
    examined = sources.check(fleet_, fleet_.workers[0], found, clone.inputs()["context"], clone.snapshot())
    assert (examined.files, examined.generated) == (4, ())


def test_files_outside_the_declared_inputs_are_refused_with_the_line_to_add(
    clone: Clone, node_parts: Toolchain, tmp_path: Path
) -> None:
    clone.commit({"cattlegrid.toml": FLEET})
    found = built(clone, node_parts, tmp_path / "out")
    fleet_ = load(clone.root)
    with pytest.raises(ConfigError) as caught:
        sources.check(fleet_, fleet_.workers[0], found, clone.inputs()["context"], clone.snapshot())
    assert [str(mistake).split(" is not")[0] for mistake in caught.value.mistakes] == [
        "cattlegrid.toml: workers.context.inputs: data.json goes into the worker but",
        "cattlegrid.toml: workers.context.inputs: lib/query.sql goes into the worker but",
        "cattlegrid.toml: workers.context.inputs: lib/shared.ts goes into the worker but",
    ]
    assert 'write under [workers.context]: inputs = ["../../data.json", "../../lib/**"]' in str(caught.value)


def test_row_23_a_file_that_is_not_in_git_is_told(clone: Clone, node_parts: Toolchain, tmp_path: Path) -> None:
    clone.commit({".gitignore": "shared.ts\n"})
    clone.git("rm", "--quiet", "--cached", "lib/shared.ts")
    clone.commit()
    found = built(clone, node_parts, tmp_path / "out")
    fleet_ = load(clone.root)
    examined = sources.check(fleet_, fleet_.workers[0], found, clone.inputs()["context"], clone.snapshot())
    assert examined.generated == ("lib/shared.ts",)


def test_a_worker_that_cannot_be_built_fails_with_wrangler_s_own_words(
    clone: Clone, node_parts: Toolchain, tmp_path: Path
) -> None:
    clone.write({"workers/context/src/index.ts": "export default {"})
    with pytest.raises(ToolFailed, match=r"(?s)wrangler could not build context.*index\.ts"):
        built(clone, node_parts, tmp_path / "out")


def test_a_worker_of_static_assets_alone_has_no_module_and_its_files_are_its_code(
    clone: Clone, node_parts: Toolchain, tmp_path: Path
) -> None:
    settings = 'name = "a-staging"\ncompatibility_date = "2026-01-01"\nassets = { directory = "public" }\n'
    clone.write(
        {
            "workers/context/wrangler.toml": settings + '[env.production]\nname = "a"\n',
            "workers/context/public/index.html": "one\n",
        }
    )
    before = built(clone, node_parts, tmp_path / "a")
    assert (before.modules, before.main, list(before.assets)) == ((), "", ["index.html"])
    clone.write({"workers/context/public/index.html": "two\n"})
    after = built(clone, node_parts, tmp_path / "b")
    assert digests.code(before.modules, before.assets) != digests.code(after.modules, after.assets)


def test_a_worker_that_is_not_bundled_has_its_files_as_modules(
    clone: Clone, node_parts: Toolchain, tmp_path: Path
) -> None:
    settings = 'name = "a-staging"\nmain = "src/index.js"\ncompatibility_date = "2026-01-01"\nno_bundle = true\n'
    clone.write(
        {
            "workers/context/wrangler.toml": settings + '[env.production]\nname = "a"\n',
            "workers/context/src/index.js": "export default { fetch: () => new Response() };\n",
        }
    )
    found = built(clone, node_parts, tmp_path / "out")
    assert (found.main, [module.name for module in found.modules]) == ("index.js", ["index.js"])
