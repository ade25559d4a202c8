from __future__ import annotations

from pathlib import Path

import pytest

from cattlegrid.errors import Failed, ToolFailed, UsageError
from cattlegrid.git import repository, tree
from repositories import ENVIRON, clone_of, empty


def test_outside_a_repository_the_error_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{tmp_path} is not in a git repository"):
        repository.find(tmp_path, ENVIRON)


def test_before_the_first_commit_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no commit yet") as caught:
        repository.head(empty(tmp_path).repository())
    assert caught.value.next == "git add --all && git commit"


def test_a_repository_is_found_from_a_folder_inside_and_from_a_linked_worktree(tmp_path: Path) -> None:
    clone = empty(tmp_path / "main")
    clone.commit({"a/b/c.txt": "1\n"})
    clone.git("worktree", "add", "--quiet", str(tmp_path / "other"))
    assert repository.find(tmp_path / "main/a/b", ENVIRON).root == tmp_path / "main"
    assert repository.head(repository.find(tmp_path / "other/a", ENVIRON)) == clone.git("rev-parse", "HEAD")


def test_git_variables_of_the_caller_do_not_lead_to_another_repository(tmp_path: Path) -> None:
    one, other = empty(tmp_path / "one"), empty(tmp_path / "other")
    wanted = one.commit({"a": "1\n"}, "one")
    other.commit({"a": "2\n"}, "other")
    environ = {**ENVIRON, "GIT_DIR": str(other.root / ".git"), "GIT_WORK_TREE": str(other.root)}
    assert repository.head(repository.find(one.root, environ)) == wanted


def test_credentials_do_not_reach_git_and_what_it_may_start(tmp_path: Path) -> None:
    environ = {**ENVIRON, "CLOUDFLARE_API_TOKEN": "secret"}
    assert "CLOUDFLARE_API_TOKEN" not in repository.find(empty(tmp_path).root, environ).environ


def test_an_ancestor_is_told_from_a_stranger(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    first = clone.commit({"a": "1\n"})
    second = clone.commit({"a": "2\n"})
    clone.git("switch", "--quiet", "--create", "side", first)
    side = clone.commit({"a": "3\n"})
    found = clone.repository()
    assert repository.is_ancestor(found, first[:16], second) is True
    assert repository.is_ancestor(found, side, second) is False


def test_a_shallow_clone_says_that_it_cannot_tell_an_ancestor_until_it_is_deepened(tmp_path: Path) -> None:
    origin = empty(tmp_path / "origin")
    first = origin.commit({"a": "1\n"})
    origin.commit({"a": "2\n"})
    clone = clone_of(origin, tmp_path / "clone", "--depth", "1")
    found = clone.repository()
    assert repository.is_ancestor(found, first, "HEAD") is None
    repository.deepen(found)
    assert repository.is_ancestor(found, first, "HEAD") is True


def test_a_shallow_clone_that_has_both_commits_but_not_the_way_between_cannot_tell(tmp_path: Path) -> None:
    origin = empty(tmp_path / "origin")
    first = origin.commit({"a": "1\n"})
    origin.git("branch", "released")
    origin.commit({"a": "2\n"})
    origin.commit({"a": "3\n"})
    found = clone_of(origin, tmp_path / "clone", "--depth", "1", "--no-single-branch").repository()
    assert repository.commit(found, first) == first
    assert repository.is_ancestor(found, first, "HEAD") is None


def test_deepening_without_a_remote_fails_with_the_command_to_type(tmp_path: Path) -> None:
    origin = empty(tmp_path / "origin")
    origin.commit({"a": "1\n"})
    origin.commit({"a": "2\n"})
    clone = clone_of(origin, tmp_path / "clone", "--depth", "1")
    clone.git("remote", "set-url", "origin", str(tmp_path / "gone"))
    with pytest.raises(Failed, match="could not be fetched") as caught:
        repository.deepen(clone.repository())
    assert "fetch-depth: 0" in caught.value.next


def test_a_revision_that_looks_like_an_option_is_no_commit(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    clone.commit({"a": "1\n"})
    assert repository.commit(clone.repository(), "--all") is None


def test_uncommitted_files_are_listed_with_their_exact_names(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    clone.commit({"changed": "1\n", "gone": "1\n", ".gitignore": "ignored\n"})
    clone.write({"changed": "2\n", "ünïcode name": "1\n", "deep/new": "1\n", "ignored": "1\n"})
    (tmp_path / "gone").unlink()
    assert sorted(repository.dirty_paths(clone.repository())) == ["changed", "deep/new", "gone", "ünïcode name"]


def test_files_that_differ_between_two_commits_are_told_with_letter_and_kind(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    clone.commit({"a": "1\n", "b": "1\n", "c": "1\n"})
    (tmp_path / "a").unlink()
    (tmp_path / "c").unlink()
    (tmp_path / "c").symlink_to("b")
    clone.commit({"b": "2\n", "d ä": "1\n"})
    found = repository.changed_paths(clone.repository(), "HEAD~1", "HEAD")
    assert [(one.path, one.letter, one.plain) for one in found] == [
        ("a", "D", True),
        ("b", "M", True),
        ("c", "T", False),
        ("d ä", "A", True),
    ]


def test_comparing_with_a_commit_that_is_not_here_fails(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    clone.commit({"a": "1\n"})
    with pytest.raises(ToolFailed, match="git diff-tree failed"):
        repository.changed_paths(clone.repository(), "0" * 40, "HEAD")


def test_objects_come_from_one_process_and_missing_ones_are_left_out(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    clone.commit({"a": "one\n", "b": "two\nlines\n", "empty": ""})
    ids = [clone.git("rev-parse", f"HEAD:{name}") for name in ("a", "b", "empty")]
    found = repository.objects(clone.repository(), [*ids, "0" * 40])
    assert list(found.values()) == [b"one\n", b"two\nlines\n", b""]


def test_every_path_of_a_tree_is_found_where_git_sorts_it(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    names = ["a", "a.b", "a-b/x", "ab/x", "z/package.json", "z.json", "ä/ö", "q/a/deep/file"]
    clone.commit({name: f"{name}\n" for name in names})
    listed = tree.read(clone.repository(), "HEAD")
    found = {name: listed.entry(name) for name in (*names, "q/a")}
    assert {name: entry.oid for name, entry in found.items() if entry is not None} == {
        name: clone.git("rev-parse", f"HEAD:{name}") for name in (*names, "q/a")
    }
    assert [listed.entry(name) for name in ("a/x", "b", "q/b", "zz")] == [None] * 4


def test_a_commit_that_is_not_here_cannot_be_listed(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    clone.commit({"a": "1\n"})
    with pytest.raises(Failed, match="git cannot list the files of nowhere"):
        tree.read(clone.repository(), "nowhere")
