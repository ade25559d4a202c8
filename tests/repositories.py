"""Real git repositories for tests, small: files in, commits out."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cattlegrid.git import repository, tree
from cattlegrid.git.snapshot import Snapshot, with_dirty
from cattlegrid.release import source
from cattlegrid.release.inputs import Inputs, inputs
from cattlegrid.settings import load

WRANGLER = (
    'name = "{0}-staging"\nmain = "src/index.ts"\ncompatibility_date = "2026-01-01"\n[env.production]\nname = "{0}"\n'
)
FLEET = '[fleet]\nname = "crane"\nworkers = ["workers/*"]\n'
ENVIRON = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "protocol.file.allow",
    "GIT_CONFIG_VALUE_0": "always",
    "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com",
}  # fmt: skip


@dataclass(frozen=True)
class Clone:
    root: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=ENVIRON, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)

    def commit(self, files: Mapping[str, str] | None = None, message: str = "change") -> str:
        """Write the files, commit everything, and return the commit's id."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def repository(self) -> repository.Repository:
        return repository.find(self.root, ENVIRON)

    def snapshot(self, revision: str = "HEAD") -> Snapshot:
        found = self.repository()
        return Snapshot(found, tree.read(found, revision))

    def inputs(self, revision: str = "HEAD") -> dict[str, Inputs]:
        return inputs(load(self.root), self.snapshot(revision))

    def working_inputs(self) -> dict[str, Inputs]:
        """With the uncommitted files laid over HEAD."""
        found = self.repository()
        laid_over = with_dirty(found, tree.read(found, "HEAD"), repository.dirty_paths(found))
        return inputs(load(self.root), laid_over)

    def changed(self, base: str, revision: str = "HEAD") -> list[str]:
        """The workers whose inputs differ between two commits: by digests, and by the short way, which must agree."""
        before, after = self.inputs(base), self.inputs(revision)
        found = [name for name in after if before[name].digest != after[name].digest]
        short = source.before(source.committed(self.root, ENVIRON, revision), base)
        assert short is not None
        assert sorted(short.changed) == sorted(found)
        return found


def empty(root: Path) -> Clone:
    root.mkdir(parents=True, exist_ok=True)
    clone = Clone(root)
    clone.git("init", "--quiet", "--initial-branch", "main")
    return clone


def fleet(root: Path, files: Mapping[str, str] | None = None, settings: str = FLEET) -> Clone:
    """Two workers, `context` and `watch`, committed, with these files beside them."""
    clone = empty(root)
    both = {"cattlegrid.toml": settings}
    for name in ("context", "watch"):
        both[f"workers/{name}/wrangler.toml"] = WRANGLER.format(name)
        both[f"workers/{name}/src/index.ts"] = f"export default {{ fetch: () => new Response('{name}') }};\n"
    clone.commit(both | dict(files or {}), "first")
    return clone


def clone_of(origin: Clone, root: Path, *options: str) -> Clone:
    origin.git("clone", "--quiet", *options, f"file://{origin.root}", str(root))
    return Clone(root)
