"""Import and export as state machines: frozen states, the steps between them, and what a poll is answered. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

POLL_PATIENCE_SECONDS = 10.0
BUSY_EXPORT = "Currently processing a long-running export."
BUSY_IMPORT = "Currently processing a long-running import."
NO_IMPORT = "Not currently importing anything."
NO_EXPORT = "Not currently exporting anything."
Status = Literal["active", "complete", "error"]


@dataclass(frozen=True)
class Totals:
    """What the statements so far did; seconds of SQL, and bytes of the database after them."""

    queries: int = 0
    rows_read: int = 0
    rows_written: int = 0
    changes: int = 0
    last_row_id: int = 0
    seconds: float = 0.0
    size_after: int = 0

    def plus(self, metas: list[dict[str, object]]) -> Totals:
        """The totals after one more batch with these per-statement metas."""
        last = metas[-1]
        return Totals(
            queries=self.queries + len(metas),
            rows_read=self.rows_read + sum(_whole(meta["rows_read"]) for meta in metas),
            rows_written=self.rows_written + sum(_whole(meta["rows_written"]) for meta in metas),
            changes=self.changes + sum(_whole(meta["changes"]) for meta in metas),
            last_row_id=_whole(last["last_row_id"]),
            seconds=self.seconds + sum(_number(meta["duration"]) for meta in metas) / 1000,
            size_after=_whole(last["size_after"]),
        )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _whole(value: object) -> int:
    return int(_number(value))


@dataclass(frozen=True)
class Import:
    """One file going into one database. `bookmark` is where it stood before, and where a failure leaves it."""

    bookmark: str
    status: Status = "active"
    totals: Totals = Totals()
    final_bookmark: str = ""
    error: str = ""


def imported(job: Import, totals: Totals) -> Import:
    return replace(job, totals=totals)


def import_done(job: Import, final_bookmark: str) -> Import:
    return replace(job, status="complete", final_bookmark=final_bookmark)


def import_failed(job: Import, error: str) -> Import:
    return replace(job, status="error", error=error)


def import_answer(job: Import, *, filename: str) -> dict[str, object]:
    """The `result` of an ingest or poll."""
    answer: dict[str, object] = {
        "success": True,
        "type": "import",
        "filename": filename,
        "status": job.status,
        "at_bookmark": job.final_bookmark or job.bookmark,
        "messages": [f"Processed {job.totals.queries} queries."],
        "errors": [],
    }
    if job.status == "error":
        answer |= {"errors": [job.error], "error": job.error}
    if job.status == "complete":
        answer["result"] = {
            "num_queries": job.totals.queries,
            "final_bookmark": job.final_bookmark,
            "meta": {
                "served_by": "v3-prod",
                "served_by_primary": True,
                "duration": job.totals.seconds * 1000,
                "changes": job.totals.changes,
                "last_row_id": job.totals.last_row_id,
                "changed_db": job.totals.rows_written > 0,
                "size_after": job.totals.size_after,
                "rows_read": job.totals.rows_read,
                "rows_written": job.totals.rows_written,
            },
        }
    return answer


@dataclass(frozen=True)
class Export:
    """One dump of one database, which goes on only for as long as somebody polls it. Times in seconds."""

    bookmark: str
    polled: float
    status: Status = "active"
    filename: str = ""
    signed_url: str = ""
    error: str = ""


def export_polled(job: Export, now: float) -> Export:
    return replace(job, polled=now)


def export_abandoned(job: Export, now: float) -> bool:
    return now - job.polled > POLL_PATIENCE_SECONDS


def export_done(job: Export, filename: str, signed_url: str) -> Export:
    return replace(job, status="complete", filename=filename, signed_url=signed_url)


def export_failed(job: Export, error: str) -> Export:
    return replace(job, status="error", error=error)


def export_answer(job: Export) -> dict[str, object]:
    """The `result` of a poll."""
    answer: dict[str, object] = {
        "success": True,
        "type": "export",
        "status": job.status,
        "at_bookmark": job.bookmark,
        "messages": [],
        "errors": [],
    }
    if job.status == "active":
        answer["messages"] = ["Generating SQL dump"]
    elif job.status == "error":
        answer |= {"errors": [job.error], "error": job.error}
    else:
        answer["messages"] = ["Uploaded part 1"]
        answer["result"] = {"filename": job.filename, "signed_url": job.signed_url}
    return answer
