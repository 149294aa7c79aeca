"""`fluxtune open`: a new sign-in link to the running studio."""

import webbrowser
from typing import Annotated

import typer

from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output
from fluxtune.client import connect

app = typer.Typer(add_completion=False, help=COMMANDS["open"][1])


@app.command("open")
def open_(
    no_open: Annotated[bool, typer.Option("--no-open", help="Only print the address.")] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Open the running studio in one more browser.

    The printed address signs in once; make a new one for every browser.
    """
    output = Output(json)
    with connect(data) as studio:
        address = studio.sign_in_link()
    output.result({"url": address}, lambda out: out.print(address, markup=False, soft_wrap=True))
    if not no_open:
        webbrowser.open(address)
