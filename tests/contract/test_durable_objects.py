"""Durable Object classes come, get another name and go by migrations, each of them once."""

from __future__ import annotations

from typing import Any

import pytest
from clouds import Cloud, until
from uploads import put, send

pytestmark = pytest.mark.slow
CODE = """
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  async hit() { const n = ((await this.ctx.storage.get("n")) ?? 0) + 1; await this.ctx.storage.put("n", n); return n; }
}
export default { async fetch(r, env) {
  return new Response("Counter " + await env.OBJECT.get(env.OBJECT.idFromName("one")).hit()); } };
"""
FIRST = {"new_tag": "v1", "steps": [{"new_sqlite_classes": ["Counter"]}]}


def bound(name: str) -> list[dict[str, str]]:
    return [{"name": "OBJECT", "type": "durable_object_namespace", "class_name": name}]


def refused(cloud: Cloud, script: str, code: str, **metadata: Any) -> int:
    answer = send(cloud, script, code, **metadata)
    assert not answer.is_success
    number: int = answer.json()["errors"][0]["code"]
    return number


def test_a_renamed_class_keeps_its_objects_and_a_deleted_one_cannot_be_bound(cloud: Cloud) -> None:
    script = put(cloud, CODE, bindings=bound("Counter"), migrations=FIRST)
    until(lambda: cloud.fetch(script).text == "Counter 1", what="the object answers")
    tally = CODE.replace("Counter", "Tally")
    rename = {"old_tag": "v1", "new_tag": "v2", "steps": [{"renamed_classes": [{"from": "Counter", "to": "Tally"}]}]}
    put(cloud, tally, name=script, bindings=bound("Tally"), migrations=rename)
    until(lambda: cloud.fetch(script).text.startswith("Tally "), what="the renamed class answers")
    assert int(cloud.fetch(script).text.split()[1]) > 2
    delete = {"old_tag": "v2", "new_tag": "v3", "steps": [{"deleted_classes": ["Tally"]}]}
    without = "export default { fetch: () => new Response('no objects') };"
    put(cloud, without, name=script, migrations=delete)
    assert refused(cloud, script, tally, bindings=bound("Tally")) == 10061
    until(lambda: cloud.fetch(script).text == "no objects", what="the Worker without objects")


def test_a_migration_that_does_not_follow_the_last_one_changes_nothing(cloud: Cloud) -> None:
    script = put(cloud, CODE, bindings=bound("Counter"), migrations=FIRST)
    again = {"old_tag": "v0", "new_tag": "v2", "steps": []}
    assert refused(cloud, script, CODE, bindings=bound("Counter"), migrations=again) == 10079
    twice = {"old_tag": "v1", "new_tag": "v2", "steps": [{"new_sqlite_classes": ["Counter"]}]}
    assert refused(cloud, script, CODE, bindings=bound("Counter"), migrations=twice) == 10074
    missing = {"old_tag": "v1", "new_tag": "v2", "steps": [{"deleted_classes": ["Nobody"]}]}
    assert refused(cloud, script, CODE, bindings=bound("Counter"), migrations=missing) == 10063
    told = cloud.result("GET", f"/workers/services/{script}")["default_environment"]["script"]
    assert told["migration_tag"] == "v1"
    until(lambda: cloud.fetch(script).is_success, what="the Worker still answers")
