"""`fluxtune admin backups`: what backups there are."""

import typer

from fluxtune.cli.backing_up import FolderOption
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, size, table

app = typer.Typer(add_completion=False)


@app.command()
def backups(folder: FolderOption = None, data: DataOption = None, json: JsonOption = False) -> None:
    """List the backups of a folder: what each holds, what it takes up beyond the ones before it."""
    from fluxtune.backups.vault import Vault
    from fluxtune.config import load_settings

    found = Vault(folder or load_settings(data).backup_folder).list_()
    rows = [
        (
            each.id,
            ago(each.made_at),
            each.origin,
            f"{each.file_count:,}",
            f"{sum(table.row_count for table in each.tables):,}",
            size(each.byte_count),
            size(each.new_bytes),
            each.version,
        )
        for each in found
    ]
    columns = ["id", "made", "why", "files", "rows", "holds", "new", "version"]
    Output(json).result(found, lambda out: out.print(table(columns, rows)))
