"""The generated workflow under a real runner (act, its jobs on this machine), against the local Cloudflare."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standing import KEYS, Standing

from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret
from cattlegrid.secrets import digest
from cattlegrid.secrets.sops import age
from cattlegrid.secrets.sops.age import Keyring
from cattlegrid.secrets.sops.store import Recipient, SopsStore
from ran import Ran

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
TOKENS = '[environments.staging]\ntoken = "STAGING_TOKEN"\n[environments.production]\ntoken = "PRODUCTION_TOKEN"\n'
STAGING, PRODUCTION = Environment.STAGING, Environment.PRODUCTION
TOKEN_NAMES = ("STAGING_TOKEN", "PRODUCTION_TOKEN")


# In front of the real one on PATH: says first which environments' secrets this step of the job can open.
LOOKS_FIRST = f"""\
#!/bin/sh
for environment in staging production; do
  {sys.executable} -m cattlegrid secrets exec --env $environment --with KEY -- true 2>/dev/null &&
    echo opens $environment
done
echo looked
exec {sys.executable} -m cattlegrid "$@"
"""


@dataclass(frozen=True)
class GitHub:
    """Runs the workflow for an event as GitHub would: the fleet's repository is what github.com has."""

    fleet: Standing
    home: Path
    identities: dict[str, str] = field(repr=False)

    def run(self, event: str, told: dict[str, object], *more: str) -> Ran:
        file = self.home / "event.json"
        file.write_text(json.dumps({**told, "repository": {"full_name": "acme/fleet"}}))
        environ = self.fleet.environ
        carried = {
            "PATH": f"{self.home}:{BIN}:{environ['PATH']}",
            "HOME": str(self.home),
            "CATTLEGRID_CACHE": environ["CATTLEGRID_CACHE"],
            "CLOUDFLARE_API_BASE_URL": environ["CLOUDFLARE_API_BASE_URL"],
            "GITHUB_REPOSITORY": "acme/fleet",
        }
        argv = [str(BIN / "act"), event, "-e", str(file), "-P", "ubuntu-24.04=-self-hosted", *more]
        argv += ["--var", f"CLOUDFLARE_ACCOUNT_ID={environ['CLOUDFLARE_ACCOUNT_ID']}"]
        secrets = self.home / "secrets"
        secrets.touch(0o600)
        secrets.write_text("".join(f"{name}={value}\n" for name, value in self.identities.items()))
        argv += ["--secret-file", str(secrets)]
        argv += [word for name, value in carried.items() for word in ("--env", f"{name}={value}")]
        nowhere = {"DOCKER_HOST": "unix:///nonexistent"}
        done = subprocess.run(
            argv,
            cwd=self.fleet.root,
            env={**carried, **nowhere},  # a job on this machine sees all of it: no token
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )
        self.fleet.said += [done.stdout, done.stderr]
        return Ran(done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout), done.stderr)

    def ci_ended(self, commit: str, **other: str) -> Ran:
        """CI has ended on a push to main of this repository, unless something else is said."""
        ended: dict[str, object] = {"conclusion": "success", "event": "push", "head_branch": "main", "head_sha": commit}
        repository = {"full_name": other.pop("repository", "acme/fleet")}
        return self.run("workflow_run", {"workflow_run": {**ended, **other, "head_repository": repository}})


@pytest.fixture
def github(new_fleet: Callable[..., Standing], tmp_path: Path) -> GitHub:
    """Two Workers, nowhere deployed; the workflow, which checks out one commit only, and the encrypted secrets are
    committed. The staging jobs' age key opens staging's file; that of the production job opens both.
    """
    fleet = new_fleet("alpha", "beta")
    shutil.rmtree(fleet.root / "secrets")
    settings = (fleet.root / "cattlegrid.toml").read_text().replace('store = "dotenv"\n', "") + TOKENS
    fleet.clone.write({"cattlegrid.toml": settings, ".gitignore": ".wrangler/\n.cattlegrid/\n"})
    identities = {**dict.fromkeys(TOKEN_NAMES, fleet.cloud.token), **encrypted(fleet)}
    fleet.done("workflow", "--depth", "1")
    fleet.clone.commit({}, "workflow")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "file://{fleet.root}"]\n\tinsteadOf = https://github.com/acme/fleet\n[safe]\n\tdirectory = *\n'
    )
    (home / "cattlegrid").write_text(LOOKS_FIRST)
    (home / "cattlegrid").chmod(0o755)
    fleet.clone.git("config", "uploadpack.allowAnySHA1InWant", "true")
    del fleet.environ["CLOUDFLARE_API_TOKEN"]
    fleet.environ.update(
        dict.fromkeys(TOKEN_NAMES, fleet.cloud.token), SOPS_AGE_KEY=identities["PRODUCTION_SOPS_AGE_KEY"]
    )
    return GitHub(fleet, home, identities)


def encrypted(fleet: Standing) -> dict[str, str]:
    """Write the two files; the age keys by the names of their secrets on GitHub."""
    (staging, for_staging), (production, for_production) = age.generate(), age.generate()
    audit = digest.new_keys(None)["AUDIT_KEY"]
    readers = {STAGING: (for_staging, for_production), PRODUCTION: (for_production,)}
    for environment, keys in readers.items():
        store = SopsStore(fleet.root, environment, Keyring({"SOPS_AGE_KEY": production.reveal()}))
        own, now = digest.new_keys(audit), datetime.now(UTC)
        store.create(tuple(Recipient(key, "CI") for key in keys), own, now)
        store.change({"KEY": Secret(KEYS[environment])}, now)
    return {"STAGING_SOPS_AGE_KEY": staging.reveal(), "PRODUCTION_SOPS_AGE_KEY": production.reveal()}


def opened(ran: Ran) -> dict[str, set[str]]:
    """By job the environments whose secrets it could open. A job that did not look is not in it."""
    found: dict[str, set[str]] = {}
    for job, word in re.findall(r"^\[cattlegrid/(.+?)(?:-\d+)? *\]   \| (looked|opens \w+)$", ran.out, re.MULTILINE):
        found.setdefault(job, set()).update(word.split()[1:])
    return found


@pytest.mark.timeout(600)
def test_a_green_ci_deploys_both_workers_and_a_person_promotes_what_was_tested(github: GitHub) -> None:
    fleet = github.fleet
    fleet.done("deploy")
    assert fleet.promote().code == 0
    fleet.change("alpha", "second")
    tested = fleet.change("beta", "second")
    later = fleet.change("alpha", "pushed during the first run")
    ran = github.ci_ended(tested)
    assert ran.code == 0, ran.said
    for job in ("deploy alpha", "deploy beta", "smoke staging"):
        assert re.search(rf"\[cattlegrid/{job}[-0-9]* *\] 🏁  Job succeeded", ran.out), ran.out
    ends = [ran.out.index(f"staging {worker}  deploy  version") for worker in ("alpha", "beta")]
    assert max(ran.out.index(f"staging {worker}  build") for worker in ("alpha", "beta")) < min(ends), "side by side"
    assert "the variable PRODUCTION_TOKEN is not set" in ran.out, "staging's jobs hold no token of production"
    staging_only = {"what changed": set(), "smoke staging": {"staging"}}
    assert opened(ran) == {**staging_only, "deploy alpha": {"staging"}, "deploy beta": {"staging"}}
    assert "promote to production" not in ran.out
    assert (fleet.word("alpha"), fleet.word("beta")) == ("second", "second"), "what CI tested, and not main's head"

    release = re.search(r"### Candidate `([0-9a-f]{12})`", ran.out)
    assert release is not None
    wrong = github.run("workflow_dispatch", {"inputs": {"release": "0123456789ab"}, "ref": "refs/heads/main"})
    assert wrong.code != 0
    assert "not 0123456789ab: staging has moved since you looked" in wrong.out
    promoted = github.run("workflow_dispatch", {"inputs": {"release": release[1]}, "ref": "refs/heads/main"})
    assert promoted.code == 0, promoted.said
    assert opened(promoted) == {"promote to production": {"staging", "production"}}
    assert (fleet.word("alpha", "production"), fleet.word("beta", "production")) == ("second", "second")

    assert github.ci_ended(later).code == 0
    assert fleet.word("alpha") == "pushed during the first run"
    late = github.ci_ended(tested)
    assert late.code != 0
    assert "CG-BACKWARDS" in late.out
    assert fleet.word("alpha") == "pushed during the first run"


def test_a_fork_s_main_a_failed_ci_and_a_pull_request_deploy_nothing(github: GitHub) -> None:
    commit = github.fleet.change("alpha", "not to be seen")
    for other in ({"repository": "mallory/fleet"}, {"conclusion": "failure"}, {"event": "pull_request"}):
        ran = github.ci_ended(commit, **other)
        assert ran.code == 0, ran.said
        assert "Job succeeded" not in ran.out
        assert "Run Main" not in ran.out
    assert github.fleet.live("alpha") == []
