from __future__ import annotations

from cattlegrid.local.api.d1_jobs import (
    Export,
    Import,
    Totals,
    export_abandoned,
    export_answer,
    export_done,
    export_failed,
    export_polled,
    import_answer,
    import_done,
    import_failed,
    imported,
)

META: dict[str, object] = {
    "rows_read": 2,
    "rows_written": 3,
    "changes": 1,
    "last_row_id": 9,
    "duration": 5,
    "size_after": 4096,
}


def test_an_import_counts_every_statement_of_its_batches() -> None:
    totals = Totals().plus([META, META]).plus([META])
    assert totals == Totals(
        queries=3,
        rows_read=6,
        rows_written=9,
        changes=3,
        last_row_id=9,
        seconds=0.015,
        size_after=4096,
    )


def test_an_import_under_way_is_polled_by_the_bookmark_it_started_at() -> None:
    answer = import_answer(imported(Import("b0"), Totals(queries=7)), filename="f.sql")
    assert (answer["status"], answer["at_bookmark"]) == ("active", "b0")
    assert answer["messages"] == ["Processed 7 queries."]
    assert "result" not in answer


def test_a_finished_import_tells_wrangler_all_that_it_prints() -> None:
    answer = import_answer(import_done(imported(Import("b0"), Totals().plus([META])), "b1"), filename="f.sql")
    result = answer["result"]
    assert isinstance(result, dict)
    assert (answer["status"], result["num_queries"], result["final_bookmark"]) == ("complete", 1, "b1")
    assert {"duration", "rows_read", "rows_written", "size_after"} <= set(result["meta"])


def test_a_failed_import_is_at_the_bookmark_it_returned_to_and_says_why() -> None:
    answer = import_answer(import_failed(Import("b0"), "no such table: x: SQLITE_ERROR"), filename="f.sql")
    assert (answer["status"], answer["at_bookmark"]) == ("error", "b0")
    assert answer["errors"] == ["no such table: x: SQLITE_ERROR"]


def test_an_export_that_nobody_polls_is_abandoned_even_when_it_is_ready_and_a_polled_one_is_not() -> None:
    job = Export("b0", polled=100)
    assert not export_abandoned(job, 110)
    assert export_abandoned(job, 110.1)
    assert not export_abandoned(export_polled(job, 105), 110.1)
    assert export_abandoned(export_done(job, "f", "u"), 110.1)


def test_an_export_answers_where_to_download_only_when_it_is_complete() -> None:
    job = Export("b0", polled=100)
    assert "result" not in export_answer(job)
    assert export_answer(export_done(job, "f.sql", "http://x/f"))["result"] == {
        "filename": "f.sql",
        "signed_url": "http://x/f",
    }


def test_a_failed_export_gives_its_error_as_text() -> None:
    answer = export_answer(export_failed(Export("b0", polled=1), "D1 Export error: no"))
    assert (answer["status"], answer["error"]) == ("error", "D1 Export error: no")
