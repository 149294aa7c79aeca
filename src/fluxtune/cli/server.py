"""`fluxtune server`: other computers that train and draw for this studio."""

import sys
from typing import Annotated

import typer

from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, table
from fluxtune.cli.studio import open_studio
from fluxtune.core.errors import InvalidInput
from fluxtune.servers.schemas import Server

app = typer.Typer(add_completion=False, help=COMMANDS["server"][1], no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What it is called here.")]


class NoTokenGiven(InvalidInput):
    """Nothing was typed or piped."""

    title = "No token was given"
    action = "Type it when asked, or pipe it in: it is never an argument, which others could see."


@app.command()
def add(
    name: NameArgument,
    url: Annotated[str, typer.Argument(metavar="URL", help="Its address, such as http://gpu.local:7860.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Add a server: its token is asked for or read from a pipe, tried, kept encrypted, and never shown again."""
    output = Output(json)
    token = typer.prompt("Token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not token.strip():
        raise NoTokenGiven()
    with open_studio(data, output) as studio:
        server = studio.client.add_server(name, url, token.strip())
    _tell(output, server)


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List servers as they were when they were asked last."""
    output = Output(json)
    with open_studio(data, output) as studio:
        servers = studio.client.servers()
    rows = [
        (
            each.name,
            each.url,
            f"fluxtune {each.version}" if each.kind == "fluxtune" else "BFL's API",
            each.problem.title if each.problem else "answers",
            ", ".join(base.name for base in each.bases),
            ago(each.checked_at),
        )
        for each in servers
    ]
    columns = ["name", "address", "is", "state", "bases", "asked"]
    output.result(servers, lambda out: out.print(table(columns, rows)))


@app.command("test")
def ask(name: NameArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Ask a server anew whether it answers, what it can do, and which models it has."""
    output = Output(json)
    with open_studio(data, output) as studio:
        server = studio.client.test_server(name)
    _tell(output, server)
    if server.problem is not None:
        raise typer.Exit(1)


@app.command()
def models(data: DataOption = None, json: JsonOption = False) -> None:
    """List what one can draw with at servers, for `fluxtune generate --model`."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = studio.client.server_models()
    rows = [(each.id, each.name, each.kind, each.trigger_word, each.missing or "ready") for each in found]
    output.result(found, lambda out: out.print(table(["id", "name", "kind", "trigger word", "state"], rows)))


@app.command()
def remove(name: NameArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Forget a server and its token; what came from it stays."""
    output = Output(json)
    with open_studio(data, output) as studio:
        studio.client.remove_server(name)
    output.result({"removed": name}, lambda out: out.print(f"{name} is forgotten."))


def _tell(output: Output, server: Server) -> None:
    for note in server.notes:
        output.warn(note)
    if server.problem is not None:
        output.warn(f"{server.problem.title}. {server.problem.detail} {server.problem.action}")
    what = f"fluxtune {server.version}" if server.kind == "fluxtune" else "a server of BFL's API"
    bases = ", ".join(base.title for base in server.bases) or "bases it does not name"
    state = "does not answer" if server.problem else "answers"
    text = f"{server.name} {state}: {what} with {bases}; {server.model_count} models to draw with."
    output.result(server, lambda out: out.print(text))
