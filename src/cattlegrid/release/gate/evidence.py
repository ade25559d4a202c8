"""What was examined, as an in-toto statement of the test-result kind, over the digests of the release.

https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md. It is plain JSON; signing it is the
reader's own affair.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from cattlegrid.model.check import Check, Outcome
from cattlegrid.release.gate.manifest import Manifest


def statement(manifest: Manifest, checks: Iterable[Check]) -> str:
    """PASSED only when every check passed. What was not measured stands among the failed, and says so."""
    seen = list(checks)
    named: dict[Outcome, list[str]] = {outcome: [] for outcome in Outcome}
    for check in seen:
        named[check.outcome].append(f"{check.worker} {check.name}".strip())
    outcome = Outcome.of(check.outcome for check in seen)
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": worker, "digest": {"sha256": piece.code}} for worker, piece in sorted(manifest.workers.items())
        ],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {
            "result": "PASSED" if outcome is Outcome.PASS else "FAILED",
            "configuration": [
                {
                    "name": f"{manifest.fleet}/{worker}",
                    "digest": {"gitCommit": piece.commit, "sha256": piece.config},
                    "annotations": {"release": manifest.name, "schema": piece.schema, "for": manifest.environment},
                }
                for worker, piece in sorted(manifest.workers.items())
            ],
            "passedTests": named[Outcome.PASS],
            "warnedTests": [],
            "failedTests": named[Outcome.FAIL] + [f"{name} (not measured)" for name in named[Outcome.NOT_MEASURED]],
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
