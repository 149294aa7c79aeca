"""`fluxtune admin backup`: copy the whole studio, while it runs or not."""

from pathlib import Path
from typing import Annotated

import typer

from fluxtune.cli.backing_up import Bar
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, size

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="The folder of backups; else the one of the settings.")
    ] = None,
    with_bases: Annotated[
        bool, typer.Option("--with-bases", help="Copy the bases, too: large, and they can be downloaded again.")
    ] = False,
    without_key: Annotated[
        bool,
        typer.Option(
            "--without-key", help="Leave out the key that encrypts stored secrets: give them anew after a restore."
        ),
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Copy the database and all files to a folder, while the studio runs.

    What a backup before it holds already is not copied again. Backups beyond `backups.keep` are removed.
    """
    from fluxtune.adjustments.live import LiveSettings
    from fluxtune.backups import service
    from fluxtune.config import load_settings
    from fluxtune.core.errors import NotFound
    from fluxtune.core.ids import new_id
    from fluxtune.db import Database, migrate
    from fluxtune.storage import Blobs

    output = Output(json)
    settings = load_settings(data)
    if settings.database_url is None and not settings.paths.database.is_file():
        raise NotFound(f"There is no studio in {settings.data}.", title="There is nothing to copy")
    database = Database.at(settings.paths.database, settings.database_url)
    try:
        migrate(database, settings.paths.migration_lock)
        live = LiveSettings(settings, database)
        live.load()
        live.stop()
        if to is not None:
            settings.backups.folder = to.absolute()
        if without_key:
            settings.backups.with_key = False
        blobs = Blobs.at(settings.paths.blobs, settings.storage_url)
        with Bar(output, "Copying") as bar:
            made = service.run(settings, database, blobs, new_id(), "command", with_bases=with_bases, progress=bar.show)
    finally:
        database.close()
    output.note(f"Check it: fluxtune admin verify {made.id} --from {settings.backup_folder}")
    rows = sum(table.row_count for table in made.tables)
    text = (
        f"{made.id}: {made.file_count:,} files and {rows:,} rows, {size(made.byte_count)}, {size(made.new_bytes)} new"
    )
    output.result(made, lambda out: out.print(text, markup=False))
