"""Moving lines for a terminal: one for each worker that is being worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cattlegrid.model.event import Event, Phase, Tell

if TYPE_CHECKING:
    from cattlegrid.cli.show import Show


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
