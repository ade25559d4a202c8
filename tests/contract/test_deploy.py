"""wrangler deploy, from the first one to delete."""

from __future__ import annotations

import json
import re

import pytest
from clouds import Cloud, Project, make_project, until

pytestmark = pytest.mark.slow

VERSION = re.compile(r"Current Version ID: ([0-9a-f-]{36})")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_whoami_names_the_account(cloud: Cloud, tmp_path) -> None:
    said = cloud.done("whoami", cwd=tmp_path)
    assert cloud.account in said


def test_a_worker_is_deployed_redeployed_and_deleted(project: Project) -> None:
    first = VERSION.search(project.run("deploy"))
    assert first
    until(lambda: project.get().text == "hello", what="the first version answers")
    project.config(vars={"GREETING": "good morning"})
    second = VERSION.search(project.run("deploy", "--tag", "abc123", "--message", "the second one"))
    assert second
    until(lambda: project.get().text == "good morning", what="the second version answers")
    shown = project.cloud.result("GET", f"/workers/scripts/{project.name}/versions/{second[1]}")
    assert shown["annotations"]["workers/tag"] == "abc123"
    assert shown["annotations"]["workers/message"] == "the second one"
    assert shown["number"] == 2
    project.run("delete", "--force")
    assert project.cloud.refusal("GET", f"/workers/services/{project.name}") == (404, 10090)
    until(lambda: project.get().status_code >= 400, what="the deleted Worker is gone")


@pytest.mark.local_only
def test_a_dry_run_asks_nothing_and_writes_the_bundle(project: Project) -> None:
    counter = project.cloud.result("POST", "/local/faults", json={"kind": "delay", "count": 0, "route": "/[!l]*"})
    project.run("deploy", "--dry-run", "--outdir", "out")
    (counted,) = [one for one in project.cloud.result("GET", "/local/faults") if one["id"] == counter["id"]]
    project.cloud.result("DELETE", f"/local/faults/{counter['id']}")
    assert counted["seen"] == 0
    assert (project.folder / "out" / "index.js").is_file()


def test_vars_are_replaced_by_a_deploy_unless_kept(project: Project) -> None:
    project.write("index.js", "export default { fetch: (r, env) => Response.json({ ...env }) };\n")
    project.run("deploy", "--var", "EXTRA:1")
    until(lambda: project.get().json() == {"GREETING": "hello", "EXTRA": "1"}, what="the var of the command line")
    project.run("deploy", "--keep-vars")
    until(lambda: project.get().json() == {"GREETING": "hello", "EXTRA": "1"}, what="the var is kept")
    project.run("deploy")
    until(lambda: project.get().json() == {"GREETING": "hello"}, what="the var is gone")


def test_an_environment_is_a_worker_of_its_own(project: Project) -> None:
    project.config(vars={"GREETING": "top"}, env={"production": {"vars": {"GREETING": "production"}}})
    other = f"{project.name}-production"
    project.cloud.discard(lambda: project.cloud.api("DELETE", f"/workers/services/{other}?force=true"))
    project.run("deploy", "--env", "production")
    until(lambda: project.cloud.fetch(other).text == "production", what="the environment's Worker answers")
    assert project.cloud.refusal("GET", f"/workers/services/{project.name}") == (404, 10090)


def test_modules_go_up_unbundled_as_they_are_and_come_back_byte_for_byte(project: Project) -> None:
    project.write("lib/words.txt", "text module\n")
    project.write(
        "index.js", 'import words from "./lib/words.txt";\nexport default { fetch: () => new Response(words) };\n'
    )
    project.config(rules=[{"type": "Text", "globs": ["**/*.txt"]}], no_bundle=True, find_additional_modules=True)
    version = VERSION.search(project.run("deploy"))
    assert version
    until(lambda: project.get().text == "text module\n", what="the text module answers")
    path = f"/workers/workers/{project.name}/versions/{version[1]}?include=modules"
    shown = project.cloud.result("GET", path)
    assert shown["main_module"] == "index.js"
    assert {one["name"] for one in shown["modules"]} == {"index.js", "lib/words.txt"}
    assert shown["urls"]


def test_a_secrets_file_goes_up_with_the_deploy_and_is_never_shown(project: Project) -> None:
    project.write("index.js", "export default { fetch: (r, env) => new Response(env.API_KEY) };\n")
    project.write(".secrets.json", json.dumps({"API_KEY": "a-very-secret-value"}))
    said = project.run("deploy", "--secrets-file", ".secrets.json")
    assert "a-very-secret-value" not in said
    until(lambda: project.get().text == "a-very-secret-value", what="the secret is bound")
    settings = project.cloud.result("GET", f"/workers/scripts/{project.name}/settings")
    assert {"name": "API_KEY", "type": "secret_text"} in settings["bindings"]
    project.run("deploy")
    until(lambda: project.get().text == "a-very-secret-value", what="the secret survives a deploy without the file")


def test_static_assets_are_served_with_their_types_and_before_the_worker(project: Project) -> None:
    project.write("public/index.html", "<h1>home</h1>")
    project.write("public/style.css", "h1 { color: red }")
    project.write(
        "index.js",
        "export default { async fetch(r, env) { const found = await env.ASSETS.fetch(new URL('/style.css', r.url));\n"
        "  return new Response('worker: ' + await found.text()); } };\n",
    )
    project.config(assets={"directory": "public", "binding": "ASSETS"})
    project.run("deploy")
    until(lambda: project.get("/").text == "<h1>home</h1>", what="the page answers")
    assert project.get("/style.css").headers["content-type"].startswith("text/css")
    assert project.get("/api").text == "worker: h1 { color: red }"
    project.write("public/index.html", "<h1>new home</h1>")
    project.run("deploy")
    until(lambda: project.get("/").text == "<h1>new home</h1>", what="the changed page answers")


def test_a_folder_of_assets_alone_is_a_worker(project: Project) -> None:
    project.write("public/index.html", "only a page")
    project.config(main=None, assets={"directory": "public"})
    project.run("deploy")
    until(lambda: project.get("/").text == "only a page", what="the page answers")
    assert project.get("/missing").status_code == 404


def test_durable_objects_keep_their_state_over_deploys_and_migrations(project: Project) -> None:
    code = """
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  async hit() { const n = ((await this.ctx.storage.get("n")) ?? 0) + 1; await this.ctx.storage.put("n", n); return n; }
}
export default { async fetch(r, env) {
  const stub = env.COUNTER.get(env.COUNTER.idFromName("one")); return new Response(`GREETING ${await stub.hit()}`); } };
"""
    bindings = {"bindings": [{"name": "COUNTER", "class_name": "Counter"}]}
    migrations = [{"tag": "v1", "new_sqlite_classes": ["Counter"]}]
    project.write("index.js", code.replace("GREETING", "first"))
    project.config(durable_objects=bindings, migrations=migrations)
    project.run("deploy")
    until(lambda: project.get().text.startswith("first "), what="the object answers")
    before = int(project.get().text.split()[1])
    project.write("index.js", code.replace("GREETING", "second"))
    project.config(durable_objects=bindings, migrations=[*migrations, {"tag": "v2", "new_sqlite_classes": []}])
    project.run("deploy")
    until(lambda: project.get().text.startswith("second "), what="the new code answers")
    assert int(project.get().text.split()[1]) > before
    spaces = project.cloud.result("GET", "/workers/durable_objects/namespaces?per_page=1000&page=1")
    assert [one["class"] for one in spaces if one["script"] == project.name] == ["Counter"]


def test_a_service_binding_reaches_another_worker_by_fetch_and_rpc_and_follows_its_deploys(
    cloud: Cloud, tmp_path, project: Project
) -> None:
    code = """
import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  fetch() { return new Response("fetched from VERSION"); }
  async add(a, b) { return { sum: a + b, from: "VERSION" }; }
}
"""
    target = make_project(cloud, tmp_path, "target")
    target.write("index.js", code.replace("VERSION", "one"))
    target.config()
    target.run("deploy")
    project.write(
        "index.js",
        "export default { async fetch(r, env) { return Response.json({ text: await (await env.T.fetch(r)).text(),"
        " ...(await env.T.add(2, 3)) }); } };\n",
    )
    project.config(services=[{"binding": "T", "service": target.name}])
    project.run("deploy")
    wanted = {"text": "fetched from one", "sum": 5, "from": "one"}
    until(lambda: project.get().is_success and project.get().json() == wanted, what="the binding answers")
    target.write("index.js", code.replace("VERSION", "two"))
    target.run("deploy")
    until(lambda: project.get().is_success and project.get().json()["from"] == "two", what="the binding follows")
    assert cloud.refusal("DELETE", f"/workers/services/{target.name}")[0] == 400


def test_bindings_without_an_id_are_provisioned_once(project: Project) -> None:
    project.write(
        "index.js",
        "export default { async fetch(r, env) { await env.KV.put('k', 'v');\n"
        "  const { results } = await env.DB.prepare('select 1 as one').all();\n"
        "  await env.FILES.put('f', 'body'); await env.JOBS.send('x');\n"
        "  const file = await (await env.FILES.get('f')).text();\n"
        "  return Response.json([await env.KV.get('k'), results[0].one, file]); } };\n",
    )
    project.config(
        kv_namespaces=[{"binding": "KV"}],
        d1_databases=[{"binding": "DB"}],
        r2_buckets=[{"binding": "FILES"}],
        queues={"producers": [{"binding": "JOBS", "queue": f"{project.name}-jobs"}]},
    )
    project.run("deploy")
    until(lambda: project.get().is_success and project.get().json() == ["v", 1, "body"], what="the bindings work")
    before = project.cloud.result("GET", f"/workers/scripts/{project.name}/settings")["bindings"]
    for one in before:
        project.cloud.discard(lambda one=one: _drop(project.cloud, one))
    project.run("deploy")
    after = project.cloud.result("GET", f"/workers/scripts/{project.name}/settings")["bindings"]
    assert sorted(map(str, after)) == sorted(map(str, before))


def _drop(cloud: Cloud, binding: dict) -> None:
    if binding["type"] == "kv_namespace":
        cloud.api("DELETE", f"/storage/kv/namespaces/{binding['namespace_id']}")
    if binding["type"] == "d1":
        cloud.api("DELETE", f"/d1/database/{binding['id']}")
    if binding["type"] == "queue":
        for one in cloud.result("GET", f"/queues?name={binding['queue_name']}&page=1"):
            cloud.api("DELETE", f"/queues/{one['queue_id']}")
    if binding["type"] == "r2_bucket":
        cloud.api("DELETE", f"/r2/buckets/{binding['bucket_name']}/objects/f")
        cloud.api("DELETE", f"/r2/buckets/{binding['bucket_name']}")
