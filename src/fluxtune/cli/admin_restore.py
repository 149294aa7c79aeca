"""`fluxtune admin restore`: a studio from a backup."""

from pathlib import Path
from typing import Annotated

import typer

from fluxtune.cli.backing_up import BackupArgument, Bar
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, size

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    backup: BackupArgument = None,
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="The folder of backups.", show_default="backups in the data folder"),
    ] = None,
    without_settings: Annotated[
        bool, typer.Option("--without-settings", help="Leave the settings file of the backup out.")
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make a studio from a backup, in a data folder that is empty.

    Nothing is ever overwritten. What was queued or running when the backup was made does not start by itself: finetunes
    are paused, everything else is cancelled.
    """
    from fluxtune.backups.restoring import restore as restore_backup
    from fluxtune.backups.restoring import restore_settings_file
    from fluxtune.backups.vault import Vault
    from fluxtune.config import load_settings

    output = Output(json)
    settings = load_settings(data)
    vault = Vault(folder or settings.backup_folder)
    manifest = vault.find(backup)
    if not without_settings and restore_settings_file(vault, manifest, settings.data):
        settings = load_settings(data)
    with Bar(output, "Restoring") as bar:
        done = restore_backup(vault, manifest, settings, bar.show)
    if done.lacks_key:
        output.warn(
            "The key that encrypts stored secrets (keys of BFL, of servers) is not in the backup: give the same "
            "FLUXTUNE_SECRET_KEY as before, or the secrets anew."
        )
    if done.paused_count or done.cancelled_count:
        output.note(
            f"Nothing starts by itself: {done.paused_count} finetunes are paused, {done.cancelled_count} other jobs "
            "were cancelled."
        )
    output.note(f"Start it: fluxtune --data {done.data} serve")
    text = f"{done.file_count:,} files and {done.row_count:,} rows, {size(done.byte_count)}, restored to {done.data}"
    output.result(done, lambda out: out.print(text, markup=False))
