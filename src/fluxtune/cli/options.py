"""Options that several commands share, and options made from the fields of a schema."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="FLUXTUNE_DATA",
        metavar="DIR",
        help="The folder where everything of a studio lives.",
        file_okay=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document; an error too, as its problem.")]


def option(schema: type[BaseModel], field: str, *names: str) -> Any:
    """Return a Typer option with the help and limits that the schema's field declares."""
    info = schema.model_fields[field]
    limits = {
        typer_name: getattr(limit, own_name)
        for limit in info.metadata
        for own_name, typer_name in (("ge", "min"), ("le", "max"))
        if hasattr(limit, own_name)
    }
    text = f"{info.title}: {info.description}" if info.title else str(info.description)
    return typer.Option(*(names or (f"--{field.replace('_', '-')}",)), help=text, **limits)
