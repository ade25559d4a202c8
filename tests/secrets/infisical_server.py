"""A stand-in for Infisical, a program of its own: login, list, get, create, update, delete, batches; versions 3 and 4.

python infisical_server.py [--only-v3]     prints its address, then serves until it is killed

Identities: client `person` with secret `all` sees everything, `machine` / `staging` only the environment `staging`,
`names` / `only` no values. Its form was taken from Infisical's public API pages; the official SDK is the judge of it.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PROJECT = "p-1"
IDENTITIES = {("person", "all"): "t-all", ("machine", "staging"): "t-staging", ("names", "only"): "t-names"}
ENVIRONMENTS = ("staging", "prod")
secrets: dict[tuple[str, str], dict[str, dict[str, object]]] = {}
lock = threading.Lock()
only_v3 = "--only-v3" in sys.argv


class Problem(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def entry(name: str, value: str, environment: str, version: int) -> dict[str, object]:
    at = "2026-11-25T12:00:00.000Z"
    known = {"id": f"id-{name}", "_id": f"id-{name}", "workspace": PROJECT, "environment": environment}
    more = {"version": version, "type": "shared", "secretComment": "", "createdAt": at, "updatedAt": at}
    return {**known, **more, "secretKey": name, "secretValue": value, "secretValueHidden": False, "tags": []}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        try:
            with lock:
                status, said = 200, self.route(body)
        except Problem as problem:
            status, said = problem.status, {"statusCode": problem.status, "message": str(problem), "error": "x"}
        raw = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def route(self, body: dict[str, object]) -> dict[str, object]:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/api/v1/auth/universal-auth/login":
            token = IDENTITIES.get((str(body.get("clientId")), str(body.get("clientSecret"))))
            if token is None:
                raise Problem(401, "Invalid credentials")
            return {"accessToken": token, "expiresIn": 7200, "accessTokenMaxTTL": 7200, "tokenType": "Bearer"}
        path = url.path
        if path.startswith("/api/v4/secrets") and not only_v3:
            return self.secrets(path.removeprefix("/api/v4/secrets"), {**query, **body}, "projectId")
        if path.startswith("/api/v3/secrets/batch/raw"):
            return self.secrets("/batch", {**query, **body}, "workspaceId")
        if path.startswith("/api/v3/secrets/raw"):
            return self.secrets(path.removeprefix("/api/v3/secrets/raw"), {**query, **body}, "workspaceId")
        raise Problem(404, f"Route {self.command}:{path} not found")

    def secrets(self, rest: str, said: dict[str, object], project: str) -> dict[str, object]:
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in IDENTITIES.values():
            raise Problem(401, "Token missing or not valid")
        environment = str(said.get("environment"))
        if said.get(project) != PROJECT or environment not in ENVIRONMENTS:
            raise Problem(404, f"Project {said.get(project)} or environment {environment} not found")
        if token == "t-staging" and environment != "staging":
            raise Problem(403, "You are not allowed to read on secrets")
        folder = secrets.setdefault((environment, str(said.get("secretPath", "/"))), {})
        name = rest.strip("/")
        if self.command == "GET":
            hidden = token == "t-names" or said.get("viewSecretValue") == "false"
            shown = [self.hide(one) if hidden else one for one in folder.values()]
            if name:
                if name not in folder:
                    raise Problem(404, f"Secret with name '{name}' not found")
                return {"secret": next(one for one in shown if one["secretKey"] == name)}
            return {"secrets": shown, "imports": []}
        if name == "batch":
            return self.batch(folder, said, environment)
        made = self.one(folder, name, said, environment)
        return {"secret": made}

    def batch(
        self, folder: dict[str, dict[str, object]], said: dict[str, object], environment: str
    ) -> dict[str, object]:
        listed = said["secrets"]
        assert isinstance(listed, list)
        names = [str(item["secretKey"]) for item in listed]
        missing = [name for name in names if name not in folder]
        if self.command == "POST" and len(missing) < len(names):
            raise Problem(400, f"Secret already exist: {', '.join(set(names) - set(missing))}")
        upsert = self.command == "PATCH" and said.get("mode") == "upsert" and not only_v3
        if self.command != "POST" and missing and not upsert:
            raise Problem(404, f"Secret not found: {', '.join(missing)}")
        return {"secrets": [self.one(folder, str(item["secretKey"]), item, environment, any_=True) for item in listed]}

    def one(
        self,
        folder: dict[str, dict[str, object]],
        name: str,
        said: dict[str, object],
        environment: str,
        *,
        any_: bool = False,
    ) -> dict[str, object]:
        if self.command == "DELETE":
            if name not in folder:
                raise Problem(404, f"Secret with name '{name}' not found")
            return folder.pop(name)
        if not any_ and (self.command == "POST") is (name in folder):
            raise Problem(400 if name in folder else 404, "Secret already exist" if name in folder else "not found")
        version = int(str(folder[name]["version"])) + 1 if name in folder else 1
        folder[name] = entry(name, str(said.get("secretValue", "")), environment, version)
        return folder[name]

    @staticmethod
    def hide(one: dict[str, object]) -> dict[str, object]:
        return {**one, "secretValue": "<hidden-by-infisical>", "secretValueHidden": True}

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
