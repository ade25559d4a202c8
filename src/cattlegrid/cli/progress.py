"""Moving lines for a terminal: one for each worker that is being worked on."""

from __future__ import annotations

from collections.abc import Iterator
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
