"""Moving lines for a terminal: one for each worker that is being worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from cattlegrid.model.event import Event, Phase, Tell

if TYPE_CHECKING:
    from cattlegrid.cli.show import Show
    from cattlegrid.mirror.copying import Tally


@contextmanager
def moving_lines(show: Show) -> Iterator[Tell]:
    """Started steps spin; finished and failed ones become ordinary lines above them."""
    console = Console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        running: dict[tuple[str, str, str], TaskID] = {}

        def tell(event: Event) -> None:
            key = (event.environment, event.worker, event.step)
            if event.phase is Phase.STARTED:
                running[key] = progress.add_task(f"{event.environment.value} {event.worker} {event.step}", total=None)
                return
            if key in running:
                progress.remove_task(running.pop(key))
            console.out(show.event(event), highlight=False)

        yield tell


@contextmanager
def counted(show: Show, what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, one line elsewhere; nothing at all when nothing is ever counted."""
    if not show.live:
        said: list[bool] = []

        def once(_done: int, _total: int) -> None:
            if not said:
                said.append(True)
                show.line(f"  {what} …")

        yield once
        return
    with Progress(console=Console(), transient=True) as bar:
        task: list[TaskID] = []

        def count(done: int, total: int) -> None:
            if not task:
                task.append(bar.add_task(what, total=total))
            bar.update(task[0], completed=done, total=total)

        yield count


@contextmanager
def carried() -> Iterator[Callable[[str, Tally], None]]:
    """One bar a database: rows, bytes, rate and the time that remains."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]} rows"),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def listen(name: str, tally: Tally) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=tally.total_bytes, rows=0)
            bar.update(tasks[name], completed=tally.bytes, rows=f"{tally.rows}/{tally.total_rows}")

        yield listen
