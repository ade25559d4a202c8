"""Finds, and with --delete deletes, what a contract run on a real account left behind when it was killed.

    python tests/contract/sweep.py [--delete]        with wrangler's three variables set

Only names that the suite gives are touched: `cg-`, perhaps a word and a dash, and 8 or 12 hexadecimal digits, with what
wrangler appends to a Worker's name for environments and provisioned resources.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping

import httpx2

OURS = re.compile(r"cg-([a-z0-9]+-)?([0-9a-f]{8}|[0-9a-f]{12})(-[a-z]+)?")
# What is listed where, which field holds the name, and which path deletes it. Workers first: they bind the others.
KINDS = (
    ("worker", "/workers/scripts", "id", "/workers/scripts/{id}?force=true"),
    ("queue", "/queues?per_page=100", "queue_name", "/queues/{queue_id}"),
    ("database", "/d1/database?per_page=1000", "name", "/d1/database/{uuid}"),
    ("namespace", "/storage/kv/namespaces?per_page=1000", "title", "/storage/kv/namespaces/{id}"),
    ("bucket", "/r2/buckets", "name", "/r2/buckets/{name}"),
)


def left_behind(client: httpx2.Client) -> Iterator[tuple[str, str, str]]:
    """Kind, name, and the path to delete it."""
    for kind, path, field, delete in KINDS:
        found = client.get(path).raise_for_status().json()["result"]
        listed = found["buckets"] if isinstance(found, dict) else found
        yield from ((kind, one[field], delete.format(**one)) for one in listed if OURS.fullmatch(one[field]))


def sweep(client: httpx2.Client, *, delete: bool) -> list[str]:
    """What was found, in words; with `delete` it is gone afterwards, or the line says why not."""
    said = []
    for kind, name, path in list(left_behind(client)):
        line = f"{kind} {name}"
        if delete:
            answer = client.delete(path)
            line += "  deleted" if answer.is_success else f"  not deleted: {answer.text}"
        said.append(line)
    return said


def main(words: list[str], environ: Mapping[str, str]) -> int:
    base = f"{environ['CLOUDFLARE_API_BASE_URL']}/accounts/{environ['CLOUDFLARE_ACCOUNT_ID']}"
    headers = {"Authorization": f"Bearer {environ['CLOUDFLARE_API_TOKEN']}"}
    with httpx2.Client(base_url=base, headers=headers, timeout=60) as client:
        said = sweep(client, delete=words == ["--delete"])
    sys.stdout.write("".join(f"{line}\n" for line in said) or "nothing was left behind\n")
    return 1 if any("not deleted" in line for line in said) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
