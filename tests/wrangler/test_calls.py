"""Calls of wrangler found in shell text, with the environment that they name."""

from __future__ import annotations

import pytest

from cattlegrid.wrangler.calls import calls

TOP = ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("npx wrangler deploy", [("deploy", None)]),
        ("npx wrangler@4 deploy && echo done", [("deploy", None)]),
        ("./node_modules/.bin/wrangler  deploy", [("deploy", None)]),
        ("tsc && wrangler deploy --env production --minify", [("deploy", "production")]),
        ("wrangler deploy -e staging", [("deploy", "staging")]),
        ('wrangler deploy --env=""', [("deploy", TOP)]),
        ("wrangler deploy --env= --minify", [("deploy", TOP)]),
        ("wrangler deploy --env ${{ inputs.env }}", [("deploy", "${{ inputs.env }}")]),
        ('wrangler deploy --env "$ENV"', [("deploy", "$ENV")]),
        ("run `wrangler deploy` and look", [("deploy", None)]),
        ("wrangler deploy; wrangler tail --env production", [("deploy", None), ("tail", "production")]),
        ("wrangler secret put KEY < key.txt", [("secret", None)]),
        ("wrangler d1 migrations apply DB --remote", [("d1", None)]),
        ('wrangler d1 execute DB --command "select 1" --env production', [("d1", "production")]),
        ("wrangler kv key put --binding=KV a b", [("kv", None)]),
        ("wrangler d1 migrations apply DB --local", []),
        ("wrangler d1 create shop", []),
        ("wrangler deploy --dry-run", []),
        ("wrangler dev", []),
        ("wrangler pages deploy dist", []),
        ("npm install wrangler", []),
        ("see wrangler.toml deploy", []),
        ("uses: cloudflare/wrangler-action@v3", []),
    ],
)
def test_calls_that_reach_cloudflare_are_found(text: str, expected: list[tuple[str, str | None]]) -> None:
    assert [(call.words[0], call.environment) for call in calls(text)] == expected


def test_a_call_tells_where_it_stands() -> None:
    (call,) = calls('set -e\nwrangler deploy --env "$ENV" | tee log\n')
    assert (call.start, call.command) == (7, 'wrangler deploy --env "$ENV"')
