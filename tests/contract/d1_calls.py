"""One D1 database, as the contract tests use it over plain HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass(frozen=True)
class Database:
    api: httpx2.Client
    uuid: str
    name: str

    @property
    def path(self) -> str:
        return f"/d1/database/{self.uuid}"

    def post(self, action: str, body: object) -> httpx2.Response:
        return self.api.post(f"{self.path}/{action}", json=body)

    def raw(self, sql: str, *params: object) -> list[list[Any]]:
        """The rows of the last statement."""
        answer = self.post("raw", {"sql": sql, "params": list(params)}).json()
        assert answer["success"], answer["errors"]
        return list(answer["result"][-1]["results"]["rows"])

    def refusal(self, body: object, action: str = "query") -> tuple[int, int, str]:
        """HTTP status, code and message of a call that must fail; `result` is checked to be []."""
        answer = self.post(action, body)
        said = answer.json()
        assert said["success"] is False, said
        assert said["result"] == []
        return answer.status_code, said["errors"][0]["code"], said["errors"][0]["message"]

    def bookmark(self, **query: str) -> str:
        return str(self.api.get(f"{self.path}/time_travel/bookmark", params=query).json()["result"]["bookmark"])


def create(api: httpx2.Client, name: str, **options: str) -> Database:
    answer = api.post("/d1/database", json={"name": name, **options}).json()
    assert answer["success"], answer["errors"]
    return Database(api, answer["result"]["uuid"], name)
