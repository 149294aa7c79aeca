"""`fluxtune admin`: what keeps a studio in order. Each command lives in a module of its own, loaded when it is used."""

from typing import ClassVar

import typer

from fluxtune.cli.lazy import COMMANDS, LazyGroup

# name → module whose `app` it is, and the line that `fluxtune admin --help` shows for it.
ADMIN_COMMANDS: dict[str, tuple[str, str]] = {
    "person": ("fluxtune.cli.admin_person", "People: who may sign in, and as what."),
    "flags": ("fluxtune.cli.admin_flags", "Features: switch them off, or leave them to some."),
    "audit": ("fluxtune.cli.admin_audit", "The audit log: look, verify, export."),
    "quota": ("fluxtune.cli.admin_quota", "What people may use, and have used."),
    "bundle": ("fluxtune.cli.admin_bundle", "Write a support bundle: versions, settings, jobs, logs, no secrets."),
    "backup": ("fluxtune.cli.admin_backup", "Copy the database and all files to a folder, while the studio runs."),
    "backups": ("fluxtune.cli.admin_backups", "List the backups of a folder: what each holds."),
    "verify": ("fluxtune.cli.admin_verify", "Check a backup: read every file and compare it with its hash."),
    "restore": ("fluxtune.cli.admin_restore", "Make a studio from a backup, in a data folder that is empty."),
}


class AdminGroup(LazyGroup):
    """The commands of `fluxtune admin`."""

    known: ClassVar[dict[str, tuple[str, str]]] = ADMIN_COMMANDS


app = typer.Typer(cls=AdminGroup, add_completion=False, help=COMMANDS["admin"][1], no_args_is_help=True)


@app.callback()
def admin() -> None:
    """Admin: backups and what else keeps a studio in order."""
