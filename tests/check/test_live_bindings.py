"""What runs against what the files say. The API's words are looked up in wrangler's own source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planted import GOOD, SETTINGS, fleet

from cattlegrid.check.live import Running, live
from cattlegrid.check.look import look
from cattlegrid.model.environment import Environment
from cattlegrid.settings import load
from cattlegrid.toolchain import Toolchain
from cattlegrid.wrangler.deployed import SHAPES
from cattlegrid.wrangler.resources import KINDS

# Entries that no binding of a version comes from.
NO_BINDINGS = {
    "cloudchamber", "connect", "containers", "define", "exports", "queues.consumers", "secrets",
    "streaming_tail_consumers", "tail_consumers", "unsafe.bindings", "vars",
}  # fmt: skip
HELD = (
    {"type": "kv_namespace", "name": "KV", "namespace_id": "kv-staging"},
    {"type": "plain_text", "name": "API", "text": "https://staging.example.com"},
)
NEW = (
    '[[services]]\nbinding = "NEXT"\nservice = "next"\n'
    '[[durable_objects.bindings]]\nname = "ROOM"\nclass_name = "Room"\n'
)
ROOM = {"type": "durable_object_namespace", "name": "ROOM", "class_name": "Room", "namespace_id": "1"}


def test_every_kind_of_binding_is_known_and_called_as_wrangler_uploads_it(node_parts: Toolchain) -> None:
    assert {kind.key for kind in KINDS} - {shape.key for shape in SHAPES.values()} == NO_BINDINGS
    source = (node_parts.modules / "wrangler/wrangler-dist/cli.js").read_text()
    form = source.partition("function createWorkerUploadForm(")[2].partition("\nfunction ")[0]
    for type_, shape in SHAPES.items():
        assert f'type: "{type_}"' in form, type_
        assert any(field in form for field in shape.api or shape.file or ("type",)), type_


def said(root: Path, bindings: tuple[Any, ...], text: str = GOOD, settings: str = SETTINGS) -> list[str]:
    seen = look(load(fleet(root, text, settings).root))
    return [f"{one.rule.code} {one.what}" for one in live(seen, (Running("a", Environment.STAGING, bindings),))]


def test_what_runs_as_the_file_says_is_in_order_secrets_and_our_own_variable_aside(tmp_path: Path) -> None:
    ours = {"type": "plain_text", "name": "CATTLEGRID_SECRETS", "text": "…"}
    assert said(tmp_path, (*HELD, {"type": "secret_text", "name": "KEY"}, ours)) == []


PLANTED_LIVE = {
    "lacking": (HELD[:1], "C702 a runs in staging without the variable API, which the file has"),
    "more": ((*HELD, ROOM), "C702 a runs in staging with the binding ROOM (Durable Object class), which the file does"),
    "other": (
        ({**HELD[0], "namespace_id": "old"}, HELD[1]),
        "C702 a runs in staging with KV bound to KV namespace old; the file says kv-staging",
    ),
    "value": ((HELD[0], {**HELD[1], "text": "x"}), "C702 a runs in staging with another value of API than the file's"),
    "kind": ((HELD[0], {**ROOM, "name": "API"}), "C702 a runs in staging with API as Durable Object class; the file"),
    "shared": (({**HELD[0], "namespace_id": "kv-production"}, HELD[1]), "C701 a runs in staging with KV bound to KV"),
    "actor": (
        (*HELD, {**ROOM, "script_name": "a"}),
        "C701 a runs in staging with ROOM bound to Worker a, production's",
    ),
}


@pytest.mark.parametrize("fault", PLANTED_LIVE)
def test_a_difference_is_told_without_values(tmp_path: Path, fault: str) -> None:
    bindings, expected = PLANTED_LIVE[fault]
    found = said(tmp_path, bindings)
    assert any(line.startswith(expected) for line in found), found
    assert not any("staging.example.com" in line for line in found)


def test_what_is_bound_anew_in_the_file_is_told_at_its_line(tmp_path: Path) -> None:
    seen = look(load(fleet(tmp_path, GOOD.replace("[env.production]", f"{NEW}[env.production]", 1)).root))
    found = list(live(seen, (Running("a", Environment.STAGING, (*HELD, ROOM)),)))
    assert [(one.rule.code, one.line) for one in found] == [("C702", 8)]
    assert found[0].what == "a runs in staging without the binding NEXT (Worker), which the file has"


def test_variables_of_the_dashboard_may_stay_where_the_file_keeps_them(tmp_path: Path) -> None:
    more = (*HELD, {"type": "plain_text", "name": "MORE", "text": "1"})
    assert len(said(tmp_path / "one", more)) == 1
    assert said(tmp_path / "two", more, "keep_vars = true\n" + GOOD) == []


def test_in_two_accounts_equal_ids_are_no_sharing(tmp_path: Path) -> None:
    apart = SETTINGS + '[environments.production]\naccount_id = "p"\n[environments.staging]\naccount_id = "s"\n'
    shared = ({**HELD[0], "namespace_id": "kv-production"}, HELD[1])
    assert {line[:4] for line in said(tmp_path, shared, GOOD, apart)} == {"C702"}
