"""Who asks: the user, its tokens, its one account."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from cattlegrid.local import tokens
from cattlegrid.local.envelope import ApiError, ok, paged
from cattlegrid.local.routes import Call, route

# The names of Cloudflare's permission groups that matter here, and what each opens.
GROUPS = {
    "Account Settings Read": ("account:read",),
    "Account Settings Write": ("account:write",),
    "Memberships Read": ("user:read",),
    "User Details Read": ("user:read",),
    "API Tokens Write": ("tokens:write",),
    "Workers Scripts Read": ("workers:read",),
    "Workers Scripts Write": ("workers:write",),
    "Workers Routes Read": ("zones:read",),
    "Workers Routes Write": ("zones:write",),
    "Workers KV Storage Read": ("kv:read",),
    "Workers KV Storage Write": ("kv:write",),
    "Workers R2 Storage Read": ("r2:read",),
    "Workers R2 Storage Write": ("r2:write",),
    "D1 Read": ("d1:read",),
    "D1 Write": ("d1:write",),
    "Queues Read": ("queues:read",),
    "Queues Write": ("queues:write",),
    "Zone Read": ("zones:read",),
}
_SCRIPT_RESOURCE = "com.cloudflare.edge.worker.script."


@route("GET", "/user/tokens/verify", "whether the token is valid", scope="self:read")
async def verify(call: Call) -> Response:
    return ok({"id": call.token.id, "status": "active"})


@route("GET", "/user", "the user of the token", scope="user:read")
async def user(call: Call) -> Response:
    email = tokens.account(call.state.db).email
    return ok({"id": tokens.account(call.state.db).id, "email": email, "first_name": None, "last_name": None})


@route("GET", "/accounts", "the accounts the token sees", scope="self:read")
async def accounts(call: Call) -> Response:
    return paged(call.query, [_account(call)])


@route("GET", "/accounts/{account}", "one account", scope="self:read")
async def account(call: Call) -> Response:
    return ok(_account(call))


@route("GET", "/memberships", "the user's memberships", scope="self:read")
async def memberships(call: Call) -> Response:
    one = {
        "id": call.token.id,
        "account": _account(call),
        "roles": ["Super Administrator - All Privileges"],
        "status": "accepted",
    }
    return paged(call.query, [one])


@route("GET", "/user/tokens/permission_groups", "the permission groups a token can be given", scope="tokens:read")
async def groups(_call: Call) -> Response:
    return ok([{"id": name, "name": name, "scopes": list(rights)} for name, rights in GROUPS.items()])


@route("GET", "/user/tokens", "the user's tokens, without their values", scope="tokens:read")
async def list_tokens(call: Call) -> Response:
    return paged(call.query, [_shown(one) for one in tokens.all_tokens(call.state.db)])


@route("POST", "/user/tokens", "create a token limited by permission groups and Workers", scope="tokens:write")
async def create_token(call: Call) -> Response:
    said = await call.object()
    name, policies = said.get("name"), said.get("policies")
    if not isinstance(name, str) or not name or not isinstance(policies, list) or not policies:
        raise ApiError(400, 10005, "name and policies: a name and at least one policy are needed")
    rights: set[str] = {"user:read"}
    scripts: set[str] = set()
    for policy in policies:
        rights |= _rights(policy)
        scripts |= _scripts(policy)
    token, value = tokens.issue(call.state.db, name, frozenset(rights), frozenset(scripts) if scripts else None)
    return ok({**_shown(token), "value": value})


@route("DELETE", "/user/tokens/{token}", "revoke a token", scope="tokens:write")
async def revoke_token(call: Call) -> Response:
    if not tokens.revoke(call.state.db, call.path["token"]):
        raise ApiError(404, 1003, "Invalid or missing token")
    return ok({"id": call.path["token"]})


def _rights(policy: Any) -> set[str]:
    rights: set[str] = set()
    for group in policy.get("permission_groups", ()):
        named = group.get("name") or group.get("id")
        if named not in GROUPS:
            raise ApiError(400, 10005, f"permission_groups: {named!r} is not one of {', '.join(GROUPS)}")
        rights.update(GROUPS[named])
    return rights


def _scripts(policy: Any) -> set[str]:
    resources = policy.get("resources", {})
    return {key.removeprefix(_SCRIPT_RESOURCE) for key in resources if key.startswith(_SCRIPT_RESOURCE)}


def _account(call: Call) -> dict[str, Any]:
    one = tokens.account(call.state.db)
    return {
        "id": one.id,
        "name": one.name,
        "type": "standard",
        "settings": {"enforce_twofactor": False},
        "created_on": one.created,
    }


def _shown(token: tokens.Token) -> dict[str, Any]:
    resources = {"*": "*"} if token.scripts is None else {_SCRIPT_RESOURCE + name: "*" for name in token.scripts}
    policy = {"effect": "allow", "permission_groups": sorted(token.rights), "resources": resources}
    return {"id": token.id, "name": token.name, "status": "active", "policies": [policy]}
