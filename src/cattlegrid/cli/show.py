"""Everything that a person reads passes through here: colour, tables, progress, errors, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from cattlegrid.errors import CattlegridError
from cattlegrid.model.environment import Environment
from cattlegrid.model.secret import Secret, redact

if TYPE_CHECKING:
    from cattlegrid.mirror.copying import Tally
    from cattlegrid.model.check import Outcome
    from cattlegrid.model.event import Event, Tell

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "bold": "1", "dim": "2"}
_ENVIRONMENT_COLOUR = {Environment.STAGING: "cyan", Environment.PRODUCTION: "red"}
# By value: importing the nouns themselves costs a hook of an agent a third of its time.
_OUTCOME = {"pass": ("✓", "green"), "fail": ("✗", "red"), "not measured": ("?", "yellow")}
_PHASE = {"started": ("…", "dim"), "finished": ("✓", "green"), "failed": ("✗", "red"), "note": ("·", "dim")}


class Show:
    """`json` silences everything but the one document on standard output; errors go to standard error as JSON too."""

    def __init__(self, out: TextIO, err: TextIO, environ: Mapping[str, str], *, json: bool) -> None:
        self._out = out
        self._err = err
        self._json = json
        self.live = out.isatty() and not json and "CI" not in environ
        self.coloured = bool(environ.get("FORCE_COLOR")) or (out.isatty() and "NO_COLOR" not in environ)

    def paint(self, text: str, *styles: str) -> str:
        if not self.coloured or not styles:
            return text
        return f"\x1b[{';'.join(_COLOURS[style] for style in styles)}m{text}\x1b[0m"

    def environment(self, environment: Environment) -> str:
        return self.paint(environment.value, "bold", _ENVIRONMENT_COLOUR[environment])

    def outcome(self, outcome: Outcome) -> str:
        mark, colour = _OUTCOME[outcome]
        return self.paint(f"{mark} {outcome.value}", colour)

    def mark(self, outcome: Outcome) -> str:
        mark, colour = _OUTCOME[outcome]
        return self.paint(mark, colour)

    def line(self, text: str = "") -> None:
        if not self._json:
            self._write(text)

    def report(self, report: object) -> None:
        """The machine's form of what the other lines say; printed only with --json."""
        if self._json:
            from cattlegrid.cli.plain import document  # noqa: PLC0415 - json costs 5 ms; --help does not pay

            self._write(document(report, indent=2 if self._out.isatty() else None))

    def heading(self, environment: Environment, text: str) -> None:
        """The environment comes first, in its colour."""
        self.line(f"{self.environment(environment)}  {text}")

    def table(self, rows: Sequence[Sequence[str]], *, indent: int = 2) -> None:
        """Columns as wide as their widest cell. Cells may be painted: colour does not count as width."""
        if not rows or self._json:
            return
        widths = [max(_width(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
        for row in rows:
            cells = [cell + " " * (widths[i] - _width(cell)) for i, cell in enumerate(row)]
            self.line(" " * indent + "  ".join(cells).rstrip())

    def error(self, error: CattlegridError) -> None:
        """What is wrong, where, and the next command; then the cause, once."""
        if self._json:
            from cattlegrid.cli.plain import error_document  # noqa: PLC0415 - as above

            self._err.write(redact(error_document(error)) + "\n")
            return
        where = f"{error.where}: " if error.where else ""
        self._err.write(redact(f"{self.paint(f'error [{error.code}]', 'red', 'bold')} {where}{error.what}\n"))
        if error.__cause__ is not None and str(error.__cause__) not in error.what:
            self._err.write(redact(f"  because: {error.__cause__}\n"))
        if error.next:
            self._err.write(f"  next: {error.next}\n")

    def reveal(self, value: Secret) -> None:
        """The one way for a secret's text to reach the output: `secrets get`, after its questions."""
        self._out.write(value.reveal() + "\n")
        self._out.flush()

    def ask(self, question: str) -> str:
        """What a person types at the terminal; empty when they close it."""
        self._err.write(question)
        self._err.flush()
        try:
            return input().strip()
        except EOFError:
            return ""

    def page(self, head: str) -> None:
        """Begin anew: on a terminal at its top, elsewhere after a line that tells one page from the next."""
        self.line(("\x1b[H\x1b[2J" if self.live else "") + self.paint(head, "dim"))

    def interrupted(self) -> None:
        self._err.write("\nstopped. Nothing is half done that the same command cannot finish: run it again.\n")

    @contextmanager
    def telling(self) -> Iterator[Tell]:
        """A listener for a long verb: moving lines on a terminal, plain lines elsewhere, nothing with --json."""
        if self._json:
            yield lambda _event: None
        elif self.live:
            from cattlegrid.cli.progress import moving_lines  # noqa: PLC0415 - rich costs 60 ms; only a terminal pays

            with moving_lines(self) as tell:
                yield tell
        else:
            yield lambda event: self.line(self.event(event))

    @contextmanager
    def transfer(self) -> Iterator[Callable[[str, Tally], None]]:
        """A listener for rows on their way: a bar on a terminal, nothing elsewhere."""
        if not self.live:
            yield lambda _name, _tally: None
            return
        from cattlegrid.cli.progress import carried  # noqa: PLC0415 - as above

        with carried() as listen:
            yield listen

    def event(self, event: Event) -> str:
        mark, style = _PHASE[event.phase]
        took = self.paint(f"  {event.seconds:.1f} s", "dim") if event.seconds else ""
        worker = f" {event.worker}" if event.worker else ""
        detail = f"  {event.detail}" if event.detail else ""
        return f"  {self.paint(mark, style)} {self.environment(event.environment)}{worker}  {event.step}{detail}{took}"

    def _write(self, text: str) -> None:
        self._out.write(redact(text) + "\n")
        self._out.flush()


def _width(cell: str) -> int:
    visible, inside = 0, False
    for character in cell:
        if character == "\x1b":
            inside = True
        elif inside:
            inside = character != "m"
        else:
            visible += 1
    return visible
