"""`fluxtune admin bundle`: what somebody who helps needs to know, in one file."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, size

app = typer.Typer(add_completion=False)


class Bundled(BaseModel):
    """Where a bundle is."""

    file: str
    byte_count: int


@app.command()
def bundle(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="The ZIP file to write; else one in this folder.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Write a support bundle: versions, settings, newest jobs, measures, alerts and logs, without secrets.

    Works while the studio runs and while it does not. Images, prompts, captions and models are not in it.
    """
    from fluxtune.api.bundle import file_name, write_bundle
    from fluxtune.config import load_settings
    from fluxtune.core.errors import NotFound
    from fluxtune.db import Database

    settings = load_settings(data)
    if not settings.data.is_dir():
        raise NotFound(f"There is no studio in {settings.data}.", title="There is nothing to tell of")
    database = Database.at(settings.paths.database, settings.database_url)
    try:
        content = write_bundle(settings, database)
    finally:
        database.close()
    file = (to or Path(file_name())).absolute()
    file.write_bytes(content)
    text = f"Wrote {file} ({size(len(content))}). Look through it before you give it away."
    Output(json).result(Bundled(file=str(file), byte_count=len(content)), lambda out: out.print(text, markup=False))
