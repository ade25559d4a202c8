"""Routes, custom domains, crons, queues."""

from __future__ import annotations

import json

import pytest
from clouds import Cloud, Project, until

pytestmark = pytest.mark.slow


@pytest.mark.local_only
def test_routes_and_custom_domains_reach_the_worker_by_host_and_path(project: Project) -> None:
    domain = f"{project.name}.example.com"
    project.config(
        vars={"GREETING": "routed"},
        workers_dev=False,
        routes=[
            {"pattern": f"{domain}/api/*", "zone_name": "example.com"},
            {"pattern": f"custom-{domain}", "custom_domain": True},
        ],
    )
    project.run("deploy")
    until(lambda: project.get("/api/x", headers={"Host": domain}).text == "routed", what="the route")
    until(lambda: project.get("/any", headers={"Host": f"custom-{domain}"}).text == "routed", what="the domain")
    assert project.get("/other", headers={"Host": domain}).status_code >= 400
    assert project.get("/").status_code >= 400
    project.config(vars={"GREETING": "routed"}, workers_dev=True, routes=[])
    project.run("triggers", "deploy")
    until(lambda: project.get("/").text == "routed", what="workers.dev again")


@pytest.mark.local_only
def test_a_cron_is_scheduled_listed_and_fired(project: Project) -> None:
    project.write(
        "index.js",
        "let last = 'never';\n"
        "export default { fetch: () => new Response(last), async scheduled(event) { last = event.cron; } };\n",
    )
    project.config(triggers={"crons": ["*/5 * * * *", "0 3 * * *"]})
    project.run("deploy")
    path = f"/workers/scripts/{project.name}/schedules"
    assert [one["cron"] for one in project.cloud.result("GET", path)["schedules"]] == ["*/5 * * * *", "0 3 * * *"]
    assert project.cloud.result("POST", f"{path}/fire", json={"cron": "0 3 * * *"})["outcome"] == "ok"
    assert project.get().text == "0 3 * * *"
    assert project.cloud.refusal("POST", f"{path}/fire", json={"cron": "1 1 1 1 1"}) == (400, 10100)
    project.config(triggers={"crons": ["1 1 * * *"]})
    project.run("triggers", "deploy")
    assert [one["cron"] for one in project.cloud.result("GET", path)["schedules"]] == ["1 1 * * *"]


def test_a_queue_takes_messages_from_its_producer_to_its_consumer(cloud: Cloud, project: Project) -> None:
    queue = cloud.name("q")
    project.run("queues", "create", queue)
    cloud.discard(lambda: drop_queue(cloud, queue))
    assert queue in project.run("queues", "list")
    namespace = cloud.result("POST", "/storage/kv/namespaces", json={"title": cloud.name("kv")})["id"]
    cloud.discard(lambda: cloud.api("DELETE", f"/storage/kv/namespaces/{namespace}"))
    project.write(
        "index.js",
        "export default {\n"
        "  async fetch(r, env) {\n"
        "    if (r.method === 'POST') { await env.Q.send({ n: 1 }); return new Response('sent'); }\n"
        "    return new Response(await env.KV.get('got')); },\n"
        "  async queue(batch, env) { for (const m of batch.messages) {"
        " await env.KV.put('got', JSON.stringify(m.body)); m.ack(); } },\n"
        "};\n",
    )
    consumer = {"queue": queue, "max_batch_size": 5, "max_batch_timeout": 0}
    project.config(
        queues={"producers": [{"binding": "Q", "queue": queue}], "consumers": [consumer]},
        kv_namespaces=[{"binding": "KV", "id": namespace}],
    )
    project.run("deploy")
    until(lambda: project.get(method="POST").text == "sent", what="the message is taken")
    until(lambda: project.get().text == json.dumps({"n": 1}, separators=(",", ":")), what="the message arrives")
    project.run("deploy")
    found = cloud.result("GET", f"/queues?name={queue}&page=1")[0]
    assert found["consumers_total_count"] == 1
    assert [one["script"] for one in found["producers"]] == [project.name]
    project.run("delete", "--force")
    project.run("queues", "delete", queue)
    assert cloud.result("GET", f"/queues?name={queue}&page=1") == []


def drop_queue(cloud: Cloud, name: str) -> None:
    for one in cloud.result("GET", f"/queues?name={name}&page=1"):
        cloud.api("DELETE", f"/queues/{one['queue_id']}")
