"""`init` and `split` as a person types them, in real repositories, on good days and bad ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cattlegrid.errors import ConfigError, Failed, StalePlan
from cattlegrid.verbs.edge import Edge
from cattlegrid.verbs.split import Open, Options, open_questions, split
from cattlegrid.wrangler.edit.save import Write, create, save
from repositories import Clone, empty
from terminal import at_a_terminal

SHOP = """\
name = "shop"
# sessions
[[kv_namespaces]]
binding = "KV"
id = "1"
[[services]]
binding = "MAIL"
service = "mail"
"""
MAIL = '{\n  "name": "mail", // letters\n  "vars": { "ENVIRONMENT": "production" }\n}\n'
SETTINGS = '[fleet]\nname = "x"\nworkers = ["workers/*"]\n'


@pytest.fixture
def repository(tmp_path: Path) -> Clone:
    clone = empty(tmp_path / "shop")
    scripts = '{"scripts": {"deploy": "wrangler deploy"}}\n'
    clone.commit(
        {
            "workers/shop/wrangler.toml": SHOP,
            "workers/mail/wrangler.jsonc": MAIL,
            "workers/shop/package.json": scripts,
            "ship.sh": "npx wrangler deploy\n",
        }
    )
    return clone


def typed(clone: Clone, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "cattlegrid", *words],
        cwd=clone.root,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_at_a_terminal_it_asks_about_crons_and_routes_and_the_next_run_asks_and_changes_nothing(
    repository: Clone,
) -> None:
    timed = 'route = "shop.example.com/*"\n' + SHOP + '[triggers]\ncrons = ["0 6 * * *"]\n'
    repository.commit({"cattlegrid.toml": SETTINGS, "workers/shop/wrangler.toml": timed})
    answers = [("run then too? [y/N]", "y"), ("And staging?", "staging.{route}")]
    argv = [sys.executable, "-m", "cattlegrid", "split"]
    code, shown = at_a_terminal(argv, repository.root, dict(os.environ), answers)
    assert (code, "shop.example.com/* is production's; staging answers at staging.shop.example.com/*" in shown) == (
        0,
        True,
    )
    assert "ship.sh:1" in shown
    written = (repository.root / "workers/shop/wrangler.toml").read_text()
    assert written.startswith('route = "staging.shop.example.com/*"')
    assert 'service = "mail-staging"' in written
    assert "crons = []" not in written
    repository.commit()
    code, shown = at_a_terminal(argv, repository.root, dict(os.environ), [])
    assert (code, "[y/N]" in shown, repository.git("status", "--porcelain")) == (0, False, "")
    assert typed(repository, "split", "--check")[0] == 0


def test_without_an_answer_or_anybody_to_ask_staging_has_no_crons_and_no_routes(repository: Clone) -> None:
    timed = 'route = "shop.example.com/*"\n' + SHOP + '[triggers]\ncrons = ["0 6 * * *"]\n'
    repository.commit({"cattlegrid.toml": SETTINGS, "workers/shop/wrangler.toml": timed})
    code, shown = typed(repository, "split", "--check")
    assert (code, "dropped" in shown, "shop.example.com/* is production's" in shown) == (1, True, True)
    assert "0 6 * * *: production's alone" in shown
    assert open_questions(Edge(repository.root, os.environ)) == Open(("0 6 * * *",), ("shop.example.com/*",))


@pytest.mark.slow
def test_what_wrangler_refuses_to_read_is_not_written(repository: Clone) -> None:
    repository.write({"cattlegrid.toml": SETTINGS, "workers/shop/wrangler.toml": "node_compat = true\n" + SHOP})
    code, shown = typed(repository, "split")
    assert (code, "no longer supported" in shown, "nothing was written" in shown) == (3, True, True)
    assert repository.git("diff", "--name-only") == "workers/shop/wrangler.toml"


def test_init_asks_when_there_is_somebody_and_says_so_when_not(repository: Clone) -> None:
    repository.write({"tests/fixtures/x/wrangler.toml": 'name = "x"\n'})
    code, shown = typed(repository, "init")
    assert (code, "nobody to ask" in shown, (repository.root / "cattlegrid.toml").exists()) == (2, True, False)


def test_init_writes_the_shortest_file_and_never_overwrites_it(repository: Clone) -> None:
    typed(repository, "init", "--yes")
    written = (repository.root / "cattlegrid.toml").read_text()
    assert 'workers = ["workers/*"]  # mail, shop' in written
    repository.write({"tools/new/wrangler.toml": 'name = "new"\n'})
    code, shown = typed(repository, "init", "--yes")
    assert (code, 'add "tools/new" to fleet.workers' in shown) == (0, True)
    assert (repository.root / "cattlegrid.toml").read_text() == written


def test_init_maps_environments_of_other_names_and_renames_nothing(repository: Clone) -> None:
    repository.write({"workers/mail/wrangler.jsonc": '{"name": "mail", "env": {"prod": {}, "dev": {}}}'})
    typed(repository, "init", "--yes")
    written = (repository.root / "cattlegrid.toml").read_text()
    assert '[environments.staging]\nblock = "dev"' in written
    assert '[environments.production]\nblock = "prod"' in written


@pytest.mark.parametrize(
    "declared",
    [
        {"package.json": '{"name": "@acme/all", "workspaces": ["workers/*", "apps/*", "!apps/old"]}'},
        {"pnpm-workspace.yaml": "packages:\n  - 'workers/*'\n  - apps/*  # and the web\n  - '!apps/old'\nother: 1\n"},
    ],
)
def test_init_takes_the_repository_s_own_workspaces_for_its_folders(
    repository: Clone, declared: dict[str, str]
) -> None:
    """What is kept out of them is asked about; what they get later is found; a folder without a Worker is none."""
    others = {
        "apps/api/wrangler.toml": 'name = "api"\n',
        "apps/web/package.json": "{}",
        "lib/x/wrangler.toml": 'name="x"',
    }
    repository.write(declared | others)
    typed(repository, "init", "--yes")
    written = (repository.root / "cattlegrid.toml").read_text()
    assert 'workers = ["workers/*", "apps/*", "lib/x"]  # api, x, mail, shop' in written
    (repository.root / "cattlegrid.toml").unlink()
    repository.write({"apps/old/wrangler.toml": 'name = "old"\n'})
    code, shown = typed(repository, "init")
    kept = f"is apps/old a Worker of the fleet? {next(iter(declared))} keeps it out of the workspaces"
    assert (code, kept in shown) == (2, True)
    typed(repository, "init", "--yes")
    written = (repository.root / "cattlegrid.toml").read_text()
    assert 'workers = ["workers/*", "apps/api", "lib/x"]' in written


def test_init_asks_which_of_several_names_an_environment_has_and_guesses_none(repository: Clone) -> None:
    several = '{"name": "mail", "env": {"prod": {}, "live": {}, "dev": {}, "qa": {}}}'
    repository.write({"workers/mail/wrangler.jsonc": several})
    argv = [sys.executable, "-m", "cattlegrid", "init"]
    answers = [("Which of live, prod is production?", "live"), ("Which of dev, qa is staging?", "")]
    code, _ = at_a_terminal(argv, repository.root, dict(os.environ), answers)
    written = (repository.root / "cattlegrid.toml").read_text()
    assert code == 0
    assert '[environments.production]\nblock = "live"' in written
    assert "# Which of dev, qa is staging? None, unless you say so:" in written


def test_init_without_a_worker_passes_nothing(tmp_path: Path) -> None:
    clone = empty(tmp_path)
    clone.commit({"README.md": "x"})
    code, shown = typed(clone, "init")
    assert (code, "no Worker was found" in shown) == (4, True)


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        ("workers/shop/wrangler.toml", 'name = "a"\nmain = \n', "at line 2, column 8"),
        ("workers/mail/wrangler.jsonc", '{\n  "name": "a"\n  "main": 1\n}', "at line 3, column 3"),
        ("workers/shop/wrangler.toml", 'name = "a"\nname = "b"\n', "at line 2"),
        ("workers/plain/wrangler.json", '{\n  "name": "plain",\n  "main" "x"\n}', "at line 3, column 10"),
        ("workers/shop/package.json", '{\n  "scripts": {\n', "at line 3, column 1"),
        ("cattlegrid.toml", SETTINGS + "x =\n", "at line 4, column 4"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(repository: Clone, path: str, text: str, place: str) -> None:
    repository.write({"cattlegrid.toml": SETTINGS, path: text})
    with pytest.raises(ConfigError, match=place) as caught:
        split(Edge(repository.root, os.environ), options=Options(check=True))
    assert path in str(caught.value)


def test_a_file_that_changed_underneath_is_not_overwritten(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("old")
    two.write_text("somebody's work")
    with pytest.raises(StalePlan, match="two: was changed while the plan was made"):
        save([Write(one, "one", b"old", b"new"), Write(two, "two", b"old", b"new")], None)
    assert (one.read_text(), two.read_text()) == ("old", "somebody's work")


def test_a_read_only_file_is_not_written(tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.write_text("old")
    one.chmod(0o444)
    with pytest.raises(Failed, match="is read-only") as caught:
        save([Write(one, "one", b"old", b"new")], None)
    assert (one.read_text(), caught.value.next) == ("old", "chmod u+w one")


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    one, link = tmp_path / "one", tmp_path / "link"
    one.write_text("old")
    one.chmod(0o640)
    link.symlink_to(one)
    save([Write(link, "link", b"old", b"new")], None)
    assert (one.read_text(), one.stat().st_mode & 0o777, link.is_symlink()) == ("new", 0o640, True)


CREATING = """
import sys
from pathlib import Path
from cattlegrid.wrangler.edit.save import create
root = Path(sys.argv[1])
print("ready", flush=True)
for number in range(300):
    create(root / f"{number}.toml", "", b"new\\n" * 5000, root / ".git")
"""


@pytest.mark.parametrize("after", [0.005, 0.05])
def test_killed_while_creating_a_file_it_is_there_whole_or_not_at_all(tmp_path: Path, after: float) -> None:
    empty(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", CREATING, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    process.kill()
    process.wait()
    process.stdout.close()
    made = list(tmp_path.iterdir())
    assert {path.suffix for path in made} <= {".toml", ""}
    assert {path.read_text() for path in made if path.suffix} <= {"new\n" * 5000}


def test_a_file_that_somebody_wrote_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    theirs = tmp_path / "cattlegrid.toml"
    theirs.write_text("theirs")
    with pytest.raises(StalePlan, match="left as it is"):
        create(theirs, "cattlegrid.toml", b"ours", None)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("cattlegrid.toml", "theirs")]


KILLED = """
import sys
from pathlib import Path
from cattlegrid.wrangler.edit.save import Write, save
root = Path(sys.argv[1])
old, new = b"old\\n" * 5000, b"new\\n" * 5000
writes = [Write(path, path.name, old, new) for path in sorted(root.glob("*.toml"))]
print("ready", flush=True)
save(writes, root / ".git")
"""


@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.05, 0.1])
def test_killed_while_writing_every_file_is_whole_and_git_sees_nothing_else(tmp_path: Path, after: float) -> None:
    clone = empty(tmp_path)
    clone.commit({f"{number:03}.toml": "old\n" * 5000 for number in range(150)})
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    contents = {path.read_text() for path in tmp_path.glob("*.toml")}
    assert contents <= {"old\n" * 5000, "new\n" * 5000}
    listed = clone.git("status", "--porcelain").splitlines()
    assert {(line.split()[0], line[-5:]) for line in listed} <= {("M", ".toml")}
