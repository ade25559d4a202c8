"""Staging reaches nothing of production: no resource, no script, no address, across all Workers of the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cattlegrid.check import rules
from cattlegrid.check.look import STAGING, Layout, Look, Worker
from cattlegrid.model.finding import Finding, Rule
from cattlegrid.wrangler.resources import KINDS, WORKER, Resource, resources

_PREVIEWS = frozenset(name for kind in KINDS for name in kind.previews)


def isolation(look: Look) -> Iterator[Finding]:
    domains = {
        identity: owner.file
        for (word, identity), owner in look.production.items()
        if word == "route" and "/" not in identity
    }
    for worker in look.workers:
        if worker.parts.layout is Layout.SINGLE:
            yield worker.finding(rules.NOT_SPLIT, (), f"{worker.name} has one environment", "cattlegrid split")
        elif worker.parts.staging is not None and look.fleet.one_account:
            yield from _shared(look, worker)
            yield from _hosts(look, worker, domains)


def _shared(look: Look, worker: Worker) -> Iterator[Finding]:
    for resource in resources(worker.parts.staging or {}, previews=True):
        owner = look.production.get(resource.key)
        if owner is None:
            continue
        rule, fix = _rule(resource)
        whose = f"production's in {owner.file}" if owner.file != worker.file else "production's"
        what = f"{resource.word} {resource.identity} is {whose}"
        yield worker.finding(rule, worker.at(STAGING, resource.path), what, fix)


def _rule(resource: Resource) -> tuple[Rule, str]:
    last = resource.path[-1]
    if resource.word == "route":
        return rules.SHARED_ROUTE, "cattlegrid split, or give staging a pattern of its own"
    if resource.path == ("name",):
        return rules.SHARED_SCRIPT, "give staging a name of its own"
    if last in _PREVIEWS:
        return rules.REMOTE_PREVIEW, f"take {last} out, or name a resource that is not production's"
    if resource.word == WORKER:
        return rules.SHARED_RESOURCE, "bind the staging script of that Worker"
    return rules.SHARED_RESOURCE, "cattlegrid split, then cattlegrid provision"


def _hosts(look: Look, worker: Worker, domains: Mapping[str, str]) -> Iterator[Finding]:
    """A host that production has whole (a custom domain) must not have a route of staging below it."""
    if not domains:
        return
    for resource in resources(worker.parts.staging or {}):
        host = resource.identity.partition("/")[0]
        if resource.word == "route" and host in domains and resource.key not in look.production:
            what = f"{resource.identity} lies on {host}, production's domain in {domains[host]}"
            path = worker.at(STAGING, resource.path)
            yield worker.finding(rules.SHARED_ROUTE, path, what, "give staging a host of its own")
