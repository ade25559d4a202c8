from __future__ import annotations

from pathlib import Path

from cattlegrid.database.migrations import migrations_in


def folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"-- {name}\n")
    return root


def names(root: Path, pattern: str = "*.sql") -> list[str]:
    return [migration.name for migration in migrations_in(root, pattern)]


def test_migrations_are_ordered_by_number_then_by_name_and_unnumbered_files_come_last(tmp_path: Path) -> None:
    folder(tmp_path, "schema.sql", "10_ten.sql", "0003_three.sql", "0003_also.sql", "9_nine.sql")
    assert names(tmp_path) == ["0003_also.sql", "0003_three.sql", "9_nine.sql", "10_ten.sql", "schema.sql"]


def test_only_sql_files_at_the_top_count_unless_a_pattern_says_otherwise(tmp_path: Path) -> None:
    folder(tmp_path, "0001_a.sql", "0001_a.txt", ".0002_hidden.sql", "0003_drizzle/migration.sql")
    assert names(tmp_path) == ["0001_a.sql"]
    assert names(tmp_path, "*/migration.sql") == ["0003_drizzle/migration.sql"]


def test_an_edited_migration_has_another_digest(tmp_path: Path) -> None:
    before = migrations_in(folder(tmp_path, "0001_a.sql"))
    (tmp_path / "0001_a.sql").write_text("-- edited\n")
    assert migrations_in(tmp_path)[0].digest != before[0].digest
