"""`fluxtune admin verify`: is a backup whole."""

import typer

from fluxtune.cli import exits
from fluxtune.cli.backing_up import BackupArgument, Bar, FolderOption
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, size

app = typer.Typer(add_completion=False)


@app.command()
def verify(
    backup: BackupArgument = None, folder: FolderOption = None, data: DataOption = None, json: JsonOption = False
) -> None:
    """Check a backup: read every file and compare it with its hash.

    Exits with 1 and names what is wrong if anything is.
    """
    from fluxtune.backups.vault import Vault
    from fluxtune.backups.verifying import verify as check
    from fluxtune.config import load_settings

    output = Output(json)
    vault = Vault(folder or load_settings(data).backup_folder)
    manifest = vault.find(backup)
    with Bar(output, "Checking") as bar:
        damage = check(vault, manifest, bar.show)
    lines = damage.problems or [
        f"{manifest.id} is whole: {damage.checked_count:,} contents, {size(damage.checked_bytes)}."
    ]
    output.result(damage, lambda out: out.print("\n".join(lines), markup=False))
    if damage.problems:
        raise typer.Exit(exits.FAILED)
