"""How results, progress and problems look. Results go to stdout; progress and notes to stderr."""

import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, TypeAdapter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fluxtune.core.errors import Problem

# A pipe has no width; rows must not be cut there.
PIPE_WIDTH = 240


def console(*, to_stderr: bool = False) -> Console:
    """Return a console that never breaks rows in a pipe."""
    stream = sys.stderr if to_stderr else sys.stdout
    return Console(stderr=to_stderr, width=None if stream.isatty() else PIPE_WIDTH, highlight=False)


class Output:
    """Where one command's result and notes go."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.notes = console(to_stderr=True)

    def result(self, value: Any, render: Callable[[Console], None]) -> None:
        """Print the command's result: one JSON document, or as `render` draws it."""
        if self.as_json:
            print_json(value)
        else:
            render(console())

    def note(self, text: str) -> None:
        """Say what is being done; silent with --json."""
        if not self.as_json:
            self.notes.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Say something the user should know, on stderr, with --json too."""
        self.notes.print(Text(f"! {text}", style="yellow"))


def print_json(value: Any) -> None:
    """Print a model, a list of models or plain values as one JSON document."""
    plain = (
        value.model_dump(mode="json")
        if isinstance(value, BaseModel)
        else TypeAdapter(Any).dump_python(value, mode="json")
    )
    print(json.dumps(plain, indent=2, ensure_ascii=False))


def print_problem(problem: Problem, as_json: bool) -> None:
    """Print an error: with --json its problem document on stdout, else three parts on stderr."""
    if as_json:
        print_json(problem)
        return
    out = console(to_stderr=True)
    out.print(Text(f"✗ {problem.title}", style="bold red"))
    if problem.detail:
        out.print(Text(f"  {problem.detail}"))
    for field in problem.errors:
        # Most details are made of the fields' own messages; nothing is said twice.
        if field.message not in problem.detail:
            out.print(Text(f"  {field.field}: {field.message}"))
    if problem.action:
        out.print(Text(f"→ {problem.action}", style="bold"))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Return a plain table."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, no_wrap=column == "id")
    for row in rows:
        drawn.add_row(*(Text("–" if value in (None, "") else str(value)) for value in row))
    return drawn


def facts(rows: Sequence[tuple[str, Any]]) -> Table:
    """Return a two-column list of names and values; empty values are left out."""
    drawn = Table(box=None, pad_edge=False, show_header=False)
    drawn.add_column(style="dim", no_wrap=True)
    drawn.add_column()
    for name, value in rows:
        if value not in (None, ""):
            drawn.add_row(name, Text(str(value)))
    return drawn


def size(byte_count: float) -> str:
    """Return bytes as people read them."""
    value = float(byte_count)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def duration(seconds: float | None) -> str:
    """Return a time span as people read it."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def ago(at: datetime) -> str:
    """Return how long ago something was."""
    return f"{duration((datetime.now(UTC) - at).total_seconds())} ago"
