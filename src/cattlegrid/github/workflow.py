"""The GitHub workflow, generated. It uses nobody's actions, so there is nothing to pin and nothing to be replaced.

What GitHub fills in reaches a script only through a variable, never through the script's own text.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from typing import Final

PATH: Final = ".github/workflows/cattlegrid.yml"
_HEAD: Final = "# Written by cattlegrid "


@dataclass(frozen=True)
class Workflow:
    """`ci` is the name of the workflow whose success starts this one; `folder` where the fleet lies, `.` for the root.

    `staging` and `production` are the names of the variables that hold the API tokens. `depth` is git's, 0 for the
    whole history: a shallow clone is deepened when it has to be, which needs a repository that may be read without a
    credential. `store` are the variables of an identity that opens the secrets' store: each environment has another one
    on GitHub, under another name, and only the production job knows production's.
    """

    version: str
    ci: str
    branch: str
    staging: str
    production: str
    folder: str = "."
    depth: int = 0
    store: tuple[str, ...] = ()

    def identity(self, prefix: str) -> dict[str, str]:
        """The variables of an environment's identity, each with the name of its secret on GitHub."""
        return {name: f"{prefix}_{name}" for name in self.store}


def text(workflow: Workflow) -> str:
    both = {name: name for name in (workflow.staging, workflow.production)}
    return _TEMPLATE.substitute(
        head=_HEAD,
        version=workflow.version,
        ci=_quoted(workflow.ci),
        branch=_quoted(workflow.branch),
        ref=_in_expression(f"refs/heads/{workflow.branch}"),
        branch_name=_in_expression(workflow.branch),
        folder=_quoted(workflow.folder),
        checkout_tested=_checkout(
            "Check out the commit that CI tested", "github.event.workflow_run.head_sha", workflow
        ),
        checkout_main=_checkout("Check out", "github.sha", workflow),
        staging_tokens=_variables({workflow.staging: workflow.staging}),
        staging_identity=_variables({workflow.staging: workflow.staging, **workflow.identity("STAGING")}),
        production_identity=_variables({**both, **workflow.identity("PRODUCTION")}),
        on_github=_ON_GITHUB,
        install=_INSTALL.replace("VERSION", workflow.version),
    )


def _checkout(name: str, commit: str, workflow: Workflow) -> str:
    depth = f" --depth={workflow.depth}" if workflow.depth else ""
    return _CHECKOUT.substitute(name=name, commit=commit, depth=depth, on_github=_ON_GITHUB)


def written_by(content: str) -> str:
    """The version of cattlegrid that wrote the file; empty when none did."""
    first = content.split("\n", 1)[0]
    return first.removeprefix(_HEAD).split(" ")[0].rstrip(".") if first.startswith(_HEAD) else ""


def _variables(secrets: dict[str, str]) -> str:
    """Lines of a step's `env`: each variable, and the secret of GitHub that it is filled from."""
    return "\n".join(f"          {name}: ${{{{ secrets.{secret} }}}}" for name, secret in secrets.items())


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _in_expression(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


# How git answers when the server asks who it is: set for single steps, so that no build script of the fleet has it.
_ON_GITHUB: Final = """\
          GIT_CONFIG_COUNT: 1
          GIT_CONFIG_KEY_0: credential.helper
          GIT_CONFIG_VALUE_0: "!f() { echo username=x-access-token; echo password=${{ github.token }}; }; f\""""
_CHECKOUT: Final = Template("""\
      - name: $name
        working-directory: .
        env:
          COMMIT: $${{ $commit }}
          REPOSITORY: $${{ github.server_url }}/$${{ github.repository }}
$on_github
        run: |
          git init --quiet .
          git remote add origin "$$REPOSITORY"
          git fetch --quiet$depth origin "$$COMMIT"
          git checkout --quiet --detach "$$COMMIT\"""")
_INSTALL: Final = """\
      - name: Install cattlegrid
        run: |
          command -v cattlegrid && exit
          python3 -m venv "$RUNNER_TEMP/cattlegrid"
          "$RUNNER_TEMP/cattlegrid/bin/pip" install --quiet "cattlegrid==VERSION"
          sudo ln -s "$RUNNER_TEMP/cattlegrid/bin/cattlegrid" /usr/local/bin/cattlegrid"""
_TEMPLATE: Final = Template("""\
$head$version. Change it with `cattlegrid workflow`, not by hand.
#
# What changed goes to staging when CI has passed on $branch. Nothing goes to production unless a person starts this
# workflow by hand, with the name of the release that they mean; the job then waits for whoever guards the GitHub
# environment `production`, the only one that holds production's credential.
name: cattlegrid
run-name: >-
  $${{ github.event_name == 'workflow_dispatch' && format('promote {0}', inputs.release)
  || format('staging {0}', github.event.workflow_run.head_sha) }}

on:
  # Safe with the guards below: only a push to $branch of this very repository gets past them, never a fork's code.
  workflow_run: # zizmor: ignore[dangerous-triggers]
    workflows: [$ci]
    types: [completed]
    branches: [$branch]
  workflow_dispatch:
    inputs:
      release:
        description: The release to promote, as the summary of the last staging run names it
        required: true
        type: string

permissions: {}

# One at a time in each environment. A run that the guards turn away gets a group of its own, so that it cannot push a
# waiting one out. A waiting run that is pushed out loses nothing: the next one compares with what is live.
concurrency:
  group: >-
    cattlegrid-$${{ github.event_name == 'workflow_dispatch' && 'production'
    || github.event.workflow_run.conclusion == 'success'
    && github.event.workflow_run.event == 'push'
    && github.event.workflow_run.head_repository.full_name == github.repository && 'staging'
    || github.run_id }}
  cancel-in-progress: false

defaults:
  run:
    shell: bash
    working-directory: $folder

jobs:
  changes:
    name: what changed
    if: >-
      github.event_name == 'workflow_run'
      && github.event.workflow_run.conclusion == 'success'
      && github.event.workflow_run.event == 'push'
      && github.event.workflow_run.head_branch == $branch_name
      && github.event.workflow_run.head_repository.full_name == github.repository
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    environment: staging
    permissions:
      contents: read
    outputs:
      any: $${{ steps.changes.outputs.any }}
      matrix: $${{ steps.changes.outputs.matrix }}
    steps:
$checkout_tested
$install
      - name: Compare with what is live in staging
        id: changes
        env:
          CLOUDFLARE_ACCOUNT_ID: $${{ vars.CLOUDFLARE_ACCOUNT_ID }}
$staging_tokens
$on_github
        run: cattlegrid changes --no-build --matrix "$$GITHUB_OUTPUT" --summary "$$GITHUB_STEP_SUMMARY"

  deploy:
    name: deploy $${{ matrix.workers }}
    needs: changes
    if: needs.changes.outputs.any == 'true'
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    environment: staging
    permissions:
      contents: read
    strategy:
      fail-fast: false
      max-parallel: 8
      matrix:
        workers: $${{ fromJSON(needs.changes.result == 'success' && needs.changes.outputs.matrix || '[]') }}
    steps:
$checkout_tested
$install
      - name: Install the fleet's packages, without any credential
        run: if [ -f package-lock.json ]; then npm ci --no-audit --no-fund; fi
      - name: Deploy to staging
        env:
          WORKERS: $${{ matrix.workers }}
          CLOUDFLARE_ACCOUNT_ID: $${{ vars.CLOUDFLARE_ACCOUNT_ID }}
$staging_identity
$on_github
        run: |
          read -ra names <<< "$$WORKERS"
          cattlegrid deploy "$${names[@]}" --summary "$$GITHUB_STEP_SUMMARY" || code=$$?
          if [ "$${code:-0}" -eq 4 ]; then echo "::warning::deployed; not everything could be measured"; exit 0; fi
          exit "$${code:-0}"

  smoke:
    name: smoke staging
    needs: [changes, deploy]
    if: $${{ !cancelled() && needs.changes.outputs.any == 'true' }}
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    environment: staging
    permissions:
      contents: read
    steps:
$checkout_tested
$install
      - name: Smoke staging
        env:
          CLOUDFLARE_ACCOUNT_ID: $${{ vars.CLOUDFLARE_ACCOUNT_ID }}
$staging_identity
$on_github
        run: |
          cattlegrid smoke --summary "$$GITHUB_STEP_SUMMARY" --junit smoke.xml || code=$$?
          if [ "$${code:-0}" -eq 4 ]; then echo "::warning::not everything could be measured"; code=0; fi
          if [ "$${code:-0}" -eq 0 ]; then cattlegrid approve --show --summary "$$GITHUB_STEP_SUMMARY"; fi
          exit "$${code:-0}"

  promote:
    name: promote to production
    if: github.event_name == 'workflow_dispatch' && github.ref == $ref
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    environment: production
    permissions:
      contents: read
    steps:
$checkout_main
$install
      - name: Promote the very bytes that staging runs
        env:
          RELEASE: $${{ inputs.release }}
          CLOUDFLARE_ACCOUNT_ID: $${{ vars.CLOUDFLARE_ACCOUNT_ID }}
$production_identity
$on_github
        run: cattlegrid promote --release "$$RELEASE" --summary "$$GITHUB_STEP_SUMMARY"
""")
