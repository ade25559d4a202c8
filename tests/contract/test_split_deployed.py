"""A Worker with one environment, live and with data, is split: production is touched by nothing but its own deploy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from clouds import Cloud, Project

from cattlegrid.toolchain import cache_folder

pytestmark = pytest.mark.slow

CODE = """
export default {
  async fetch(request, env) {
    const { results } = await env.DB.prepare("SELECT name FROM people").all();
    return Response.json({ environment: env.ENVIRONMENT, people: results.map((row) => row.name) });
  },
};
"""


def typed(cloud: Cloud, project: Project, *words: str, code: int = 0) -> str:
    argv = [sys.executable, "-m", "cattlegrid", *words]
    env = cloud.env(CATTLEGRID_CACHE=str(cache_folder(os.environ)))
    done = subprocess.run(argv, cwd=project.folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def live(cloud: Cloud, script: str) -> list[Any]:
    return list(cloud.result("GET", f"/workers/scripts/{script}/deployments")["deployments"])


def test_deploying_goes_to_staging_and_production_moves_only_when_it_is_named(cloud: Cloud, project: Project) -> None:
    name, staging = project.name, f"{project.name}-staging"
    for script in (name, staging):
        cloud.discard(lambda script=script: cloud.api("DELETE", f"/workers/services/{script}?force=true"))
    database = cloud.result("POST", "/d1/database", json={"name": name})["uuid"]
    cloud.discard(lambda: cloud.api("DELETE", f"/d1/database/{database}"))
    people = {"sql": "CREATE TABLE people (name TEXT); INSERT INTO people VALUES ('Ann')"}
    cloud.result("POST", f"/d1/database/{database}/query", json=people)
    project.write("index.js", CODE)
    bound = {"binding": "DB", "database_name": name, "database_id": database}
    project.config(vars={"ENVIRONMENT": "production"}, d1_databases=[bound])
    project.run("deploy")
    before = live(cloud, name)
    for words in (["init", "-q"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=project.folder, check=True)
    typed(cloud, project, "init", "--yes")
    assert "production as before" in typed(cloud, project, "split")
    made = cloud.result("POST", "/d1/database", json={"name": staging})["uuid"]
    cloud.discard(lambda: cloud.api("DELETE", f"/d1/database/{made}"))
    cloud.result("POST", f"/d1/database/{made}/query", json={"sql": "CREATE TABLE people (name TEXT)"})
    written = json.loads((project.folder / "wrangler.json").read_text())
    written["d1_databases"][0]["database_id"] = made
    project.write("wrangler.json", json.dumps(written))

    project.run("deploy")
    assert cloud.fetch(staging).json() == {"environment": "staging", "people": []}
    assert live(cloud, name) == before
    project.run("deploy", "--env", "production")
    assert len(live(cloud, name)) == len(before) + 1
    assert cloud.fetch(name).json() == {"environment": "production", "people": ["Ann"]}

    assert "live bindings: 0 errors" in typed(cloud, project, "check", "--live")
    wrong = {**written, "d1_databases": [bound]}
    wrong.pop("env")
    project.write("wrong.json", json.dumps(wrong))
    project.run("deploy", "--config", "wrong.json")
    said = typed(cloud, project, "check", "--live", code=1)
    assert f"runs in staging with DB bound to D1 database {database}, production's in wrangler.json" in said
