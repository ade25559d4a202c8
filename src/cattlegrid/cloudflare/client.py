"""One account's API: envelope, credential, retries, paging.

A call that may be repeated is repeated after 429, 5xx and a cut connection. One that may not is repeated only when
Cloudflare surely did not act on it; otherwise it raises InDoubt, and `once` finds out by a read what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Final, Self, TypeVar

import httpx2
import orjson

from cattlegrid.clock import Clock
from cattlegrid.cloudflare.http import open_http
from cattlegrid.cloudflare.pace import Pace
from cattlegrid.errors import ApiError
from cattlegrid.model.target import Account

_ATTEMPTS: Final = 5
_LONGEST_WAIT: Final = 60.0
_NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_CREDENTIAL_NUMBERS: Final = frozenset({1000, 6003, 6111, 9106, 9109, 10000})

_REPLACED: Final = "\ufffd".encode()

T = TypeVar("T")


class InDoubt(ApiError):
    """The answer to a call that changes something was lost: the change may have happened or not."""


@dataclass(frozen=True)
class Body:
    """What a call sends: JSON, or raw content with its type."""

    json: object | None = None
    content: bytes | None = None
    content_type: str | None = None


@dataclass(frozen=True)
class Answer:
    """`result` of the envelope, and its `result_info`. `replaced` says that U+FFFD is somewhere in the answer: the only
    trace of text that is not UTF-8. `seconds` is how long this answer took, without waits and earlier attempts.
    """

    result: object
    info: Mapping[str, object]
    replaced: bool = False
    seconds: float = 0.0


class Client:
    """Calls `/accounts/<id>/…` of one account. Safe to share between threads; close it, or use it in a `with`.

    `pace` keeps all clients of one token below Cloudflare's limit.
    `behind` is how many seconds this machine's clock is behind Cloudflare's, by its newest answer.
    """

    def __init__(
        self,
        account: Account,
        *,
        clock: Clock | None = None,
        http: httpx2.Client | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.account = account
        self.clock = clock or Clock()
        self.pace = pace or Pace()
        self.behind = 0.0
        self.http = http or open_http()
        self._own_http = http is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._own_http:
            self.http.close()

    def get(self, path: str, **query: str | int) -> object:
        return self.call("GET", path, query=query).result

    def remove(self, path: str, **query: str | int) -> None:
        """Delete it; what is gone already is no error."""
        try:
            self.call("DELETE", path, query=query)
        except ApiError as error:
            if error.status != 404:
                raise

    def pages(self, path: str, *, key: str | None = None, per_page: int = 100) -> Iterator[Mapping[str, object]]:
        """Every item of a list that is paged by number. `key` names the list inside the result, where there is one."""
        page, seen = 1, 0
        while True:
            answer = self.call("GET", path, query={"page": page, "per_page": per_page})
            items = items_of(answer.result, key)
            yield from items
            seen += len(items)
            total = answer.info.get("total_count")
            if not items or (seen >= total if isinstance(total, int) else len(items) < per_page):
                return
            page += 1

    def once(
        self,
        method: str,
        path: str,
        body: Body,
        *,
        happened: Callable[[], T | None],
        read: Callable[[object], T],
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Do something that must not be done twice.

        After a lost answer `happened` reads whether the effect is there; only when it is not, the call is repeated.
        """
        for attempt in range(_ATTEMPTS):
            try:
                done = self.call(method, path, query=query, body=body, repeatable=False, headers=headers)
                return read(done.result)
            except InDoubt:
                self.clock.sleep(_backoff(attempt))
                found = happened()
                if found is not None:
                    return found
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Body | None = None,
        repeatable: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call, with its retries. Raises ApiError; InDoubt when it is not repeatable and its answer was lost."""
        where = f"{method} {path}"
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            self.pace.wait(self.clock)
            asked = self.clock.monotonic()
            try:
                response = self._send(method, path, query or {}, body or Body(), headers or {})
            except httpx2.TransportError as cut:
                sent = not isinstance(cut, _NOT_SENT)
                if last or (sent and not repeatable):
                    raise _unanswered(cut, where, in_doubt=sent and not repeatable, account=self.account) from cut
                self.clock.sleep(_backoff(attempt))
                continue
            told = response.headers
            self.behind = _behind(response, self.clock)
            self.pace.heard(told.get("ratelimit", ""), told.get("ratelimit-policy", ""), self.clock.monotonic())
            if response.status_code < 400:
                return replace(_answer(response, where), seconds=self.clock.monotonic() - asked)
            wait = _wait(response, attempt)
            if response.status_code == 429 and not last and wait <= _LONGEST_WAIT:
                self.clock.sleep(wait)
            elif response.status_code >= 500 and repeatable and not last:
                self.clock.sleep(min(wait, _LONGEST_WAIT))
            else:
                raise _refusal(response, where, in_doubt=response.status_code >= 500 and not repeatable)
        raise AssertionError("unreachable")

    def _send(
        self, method: str, path: str, query: Mapping[str, str | int], body: Body, more: Mapping[str, str]
    ) -> httpx2.Response:
        headers = {**more, "authorization": f"Bearer {self.account.token.reveal()}", "user-agent": "cattlegrid"}
        content = body.content if body.json is None else orjson.dumps(body.json)
        if body.content_type is not None or body.json is not None:
            headers["content-type"] = body.content_type or "application/json"
        return self.http.request(
            method,
            f"{self.account.api}/accounts/{self.account.account_id}{path}",
            params=dict(query),
            headers=headers,
            content=content,
        )


def items_of(result: object, key: str | None = None) -> list[Mapping[str, object]]:
    """The list in a result, which some endpoints wrap in an object."""
    found = result.get(key) if key is not None and isinstance(result, Mapping) else result
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _answer(response: httpx2.Response, where: str) -> Answer:
    if not response.content:
        return Answer(None, {})
    envelope = _envelope(response)
    if envelope is None:
        raise ApiError(
            f"Cloudflare answered {response.status_code} with something that is not JSON",
            status=response.status_code,
            where=where,
        )
    if envelope.get("success") is not True:
        raise _refusal(response, where, in_doubt=False)
    info = envelope.get("result_info")
    return Answer(envelope.get("result"), info if isinstance(info, Mapping) else {}, _replaced(response.content))


def _replaced(content: bytes) -> bool:
    """Whether U+FFFD is in it, as it is or escaped. Most answers are ASCII, which is seen at once."""
    escaped = b"\\u" in content and (b"\\ufffd" in content or b"\\uFFFD" in content)
    return escaped or (not content.isascii() and _REPLACED in content)


def _envelope(response: httpx2.Response) -> Mapping[str, object] | None:
    try:
        envelope = orjson.loads(response.content)
    except ValueError:
        return None
    return envelope if isinstance(envelope, Mapping) else None


def _refusal(response: httpx2.Response, where: str, *, in_doubt: bool) -> ApiError:
    errors = items_of((_envelope(response) or {}).get("errors"))
    words = "; ".join(f"{error.get('message')} [code: {error.get('code')}]" for error in errors)
    number = errors[0].get("code") if errors else 0
    number = number if isinstance(number, int) else 0
    kind = InDoubt if in_doubt else ApiError
    refusal = kind(
        words or f"Cloudflare answered {response.status_code} without a reason",
        status=response.status_code,
        number=number,
        where=where,
        next=_advice(response, number),
    )
    told = response.headers.get("retry-after", "")
    refusal.retry_after = float(told) if told.isdigit() else 0.0
    return refusal


def _advice(response: httpx2.Response, number: int) -> str:
    if response.status_code == 429:
        return f"wait {response.headers.get('retry-after', '300')} s, then repeat the command"
    if number in _CREDENTIAL_NUMBERS:
        return "check the API token and its permissions: wrangler whoami"
    return ""


def _unanswered(cut: httpx2.TransportError, where: str, *, in_doubt: bool, account: Account) -> ApiError:
    if in_doubt:
        return InDoubt("the connection broke before Cloudflare's answer came; it may have acted", where=where)
    return ApiError(f"Cloudflare could not be reached at {account.api}: {cut or type(cut).__name__}", where=where)


def _behind(response: httpx2.Response, clock: Clock) -> float:
    """Whole seconds, and nothing for less than two: the answer's date has no fractions and took its time."""
    try:
        told = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return 0.0
    if told.tzinfo is None:
        return 0.0
    seconds = float(round((told - clock.now()).total_seconds()))
    return seconds if abs(seconds) > 2 else 0.0


def _wait(response: httpx2.Response, attempt: int) -> float:
    told = response.headers.get("retry-after", "")
    return float(told) if told.isdigit() else _backoff(attempt)


def _backoff(attempt: int) -> float:
    return 0.25 * float(2**attempt)
