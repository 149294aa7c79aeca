"""`fluxtune admin`: what keeps a studio in order. Each command lives in a module of its own, loaded when it is used."""

from typing import ClassVar

import typer

from fluxtune.cli.lazy import COMMANDS, LazyGroup

# name → module whose `app` it is, and the line that `fluxtune admin --help` shows for it.
ADMIN_COMMANDS: dict[str, tuple[str, str]] = {}


class AdminGroup(LazyGroup):
    """The commands of `fluxtune admin`."""

    known: ClassVar[dict[str, tuple[str, str]]] = ADMIN_COMMANDS


app = typer.Typer(cls=AdminGroup, add_completion=False, help=COMMANDS["admin"][1], no_args_is_help=True)


@app.callback()
def admin() -> None:
    """Admin: backups and what else keeps a studio in order."""
