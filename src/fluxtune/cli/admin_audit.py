"""`fluxtune admin audit`: who changed what, and the proof that nobody changed that."""

from pathlib import Path
from typing import Annotated

import typer

from fluxtune.audit.service import Format, LogBroken
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, size, table
from fluxtune.cli.studio import open_studio

app = typer.Typer(add_completion=False, help="The audit log: look, verify, export.", no_args_is_help=True)


@app.command("list")
def list_(
    query: Annotated[str, typer.Option(metavar="WORDS", help="Words that all occur in action, name or id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many entries.")] = 30,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """List who changed what, newest first."""
    output = Output(json)
    with open_studio(data, output) as studio:
        entries = studio.client.audit_entries(query=query, limit=limit)
    rows = [(each.number, ago(each.at), each.actor, each.action, each.name or each.target_id) for each in entries]
    output.result(entries, lambda out: out.print(table(["", "when", "who", "what", "of"], rows)))


@app.command()
def verify(
    head: Annotated[
        str | None, typer.Option(metavar="HASH", help="The hash a verification gave earlier; it must still be there.")
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Go through the whole log; exit with an error if anything in it was changed, inserted or removed.

    Note the hash it prints somewhere else: given back with --head, it proves that nothing before it was written anew.
    """
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.verify_audit(head)
    if not found.is_whole:
        raise LogBroken(found.reason)
    text = f"{found.entries} entries, none changed, none missing. The last one's hash: {found.head or '(no entry yet)'}"
    output.result(found, lambda out: out.print(text, markup=False, soft_wrap=True))


@app.command()
def export(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.", dir_okay=False)],
    format_: Annotated[Format, typer.Option("--format", help="JSON lines, or a table for spreadsheets.")] = "jsonl",
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Write the whole log to a file, oldest entry first."""
    output = Output(json)
    with open_studio(data, output) as studio:
        written = studio.client.save_audit(target, format_)
    output.result(
        {"file": str(target), "bytes": written}, lambda out: out.print(f"{target}: {size(written)}", markup=False)
    )
