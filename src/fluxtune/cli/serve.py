"""`fluxtune serve`: the studio."""

import gc
from typing import Annotated

import typer

from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption

app = typer.Typer(add_completion=False, help=COMMANDS["serve"][1])


@app.command()
def serve(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; only this computer's own are accepted.", show_default="127.0.0.1"),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = None,
    data: DataOption = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Start no worker beside it: `fluxtune worker` runs elsewhere.")
    ] = False,
) -> None:
    """Start the studio and open it in the browser.

    Prints the address to open; it signs in whoever opens it. Ctrl-C stops the studio.
    """
    gc.disable()  # until it is ready: a sixth of the start would go into looking for garbage among what stays
    from fluxtune.api.server import serve as run_server
    from fluxtune.config import load_settings

    settings = load_settings(data)
    run_server(
        settings,
        settings.server.host if host is None else host,
        settings.server.port if port is None else port,
        open_browser=not no_open,
        with_worker=not no_worker,
    )
