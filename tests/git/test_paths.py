from __future__ import annotations

import pytest

from cattlegrid.git.paths import glob_pattern, inside, join, parents


@pytest.mark.parametrize(
    ("glob", "path", "chosen"),
    [
        ("workers/*", "workers/a", True),
        ("workers/*", "workers/a/b", False),
        ("lib/**", "lib/a/b.ts", True),
        ("lib/**/x.ts", "lib/x.ts", True),
        ("lib/**/x.ts", "lib/a/b/x.ts", True),
        ("*.{yml,yaml}", "a.yaml", True),
        ("*.{yml,yaml}", "a.yxml", False),
        ("[ab].ts", "a.ts", True),
        ("[!ab].ts", "a.ts", False),
        ("a+b(c).ts", "a+b(c).ts", True),
        ("?.ts", "ab.ts", False),
    ],
)
def test_a_glob_chooses_as_people_expect(glob: str, path: str, *, chosen: bool) -> None:
    assert (glob_pattern(glob).fullmatch(path) is not None) is chosen


def test_a_path_that_leads_out_of_the_repository_is_none() -> None:
    assert join("workers/a", "../../lib/x") == "lib/x"
    assert join("workers/a", "../..") == ""
    assert join("workers/a", "../../../lib") is None
    assert join("workers/a", "/etc/passwd") is None


def test_a_folder_whose_name_only_begins_alike_does_not_hold_the_path() -> None:
    assert inside("workers/a/x.ts", "workers/a")
    assert not inside("workers/ab/x.ts", "workers/a")
    assert parents("a/b/c") == ("a/b", "a", "")
