"""Cloudflare's limit of 1,200 calls per five minutes and token: one too many blocks the token for five more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cattlegrid.local.envelope import ApiError


@dataclass(frozen=True)
class Quota:
    calls: int = 1200
    seconds: float = 300.0


@dataclass(frozen=True)
class Window:
    """Calls made since `opened`; `blocked` is the moment until which every call is refused."""

    opened: float
    made: int
    blocked: float = 0.0


@dataclass
class Limiter:
    """`quotas` holds exceptions by token id, for tests; every other token has `quota`."""

    quota: Quota = Quota()
    quotas: dict[str, Quota] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)

    def allow(self, token: str, now: float) -> Mapping[str, str]:
        """Counts a call and returns the answer's headers. Raises ApiError 429 with Retry-After."""
        quota = self.quotas.get(token, self.quota)
        window = self.windows.get(token)
        if window is None or now >= window.opened + quota.seconds:
            window = Window(now, 0, window.blocked if window else 0.0)
        if now < window.blocked:
            raise _throttled(quota, window.blocked - now)
        window = replace(window, made=window.made + 1)
        if window.made > quota.calls:
            window = replace(window, blocked=now + quota.seconds)
            self.windows[token] = window
            raise _throttled(quota, quota.seconds)
        self.windows[token] = window
        return _headers(quota, quota.calls - window.made, window.opened + quota.seconds - now)

    def adjust(self, quota: Quota, token: str | None) -> None:
        """For one token or, with None, for all; counting starts anew."""
        if token is None:
            self.quota = quota
            self.quotas.clear()
            self.windows.clear()
        else:
            self.quotas[token] = quota
            self.windows.pop(token, None)


def _headers(quota: Quota, left: int, seconds: float) -> dict[str, str]:
    return {
        "Ratelimit": f'"default";r={left};t={math.ceil(seconds)}',
        "Ratelimit-Policy": f'"default";q={quota.calls};w={math.ceil(quota.seconds)}',
    }


def _throttled(quota: Quota, seconds: float) -> ApiError:
    headers = {**_headers(quota, 0, seconds), "Retry-After": str(math.ceil(seconds))}
    return ApiError(429, 971, "Please wait and consider throttling your request speed", headers=headers)
