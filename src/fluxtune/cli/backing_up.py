"""What the backup commands share: where backups are, and a line that says how far it is."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from fluxtune.cli.output import Output

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="DIR", help="The folder of backups; without it, the one the studio's settings name."
    ),
]
BackupArgument = Annotated[
    str | None, typer.Argument(metavar="[BACKUP]", help="Its id, or the beginning of it; the newest without.")
]


class Bar:
    """Shows progress on stderr where somebody looks; silent with --json and in pipes."""

    def __init__(self, output: Output, words: str) -> None:
        self._bar = Progress(
            TextColumn(words),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=output.notes,
            transient=True,
            disable=output.as_json or not output.notes.is_terminal,
        )
        self._task = self._bar.add_task(words, total=None)
        self._shown_at = 0.0

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """Show how many bytes of how many are done."""
        if time.monotonic() - self._shown_at > 0.1 or done == total:
            self._shown_at = time.monotonic()
            self._bar.update(self._task, completed=done, total=total)
