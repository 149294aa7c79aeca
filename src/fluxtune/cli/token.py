"""`fluxtune token`: keys of programs that use `/v1`."""

from typing import Annotated

import typer

from fluxtune.cli.find import find
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, table
from fluxtune.cli.studio import open_studio

app = typer.Typer(add_completion=False, help=COMMANDS["token"][1], no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it: the program that will use it.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make a token. It is printed this once, on the last line; the studio keeps only its hash."""
    output = Output(json)
    with open_studio(data, output) as studio:
        made = studio.client.create_token(name)
    output.note(f"Send it as the header x-key to /v1. To take it back: fluxtune token revoke {made.id}")
    output.result(made, lambda out: print(made.token))


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List the tokens: when each was made and last used, and the characters it ends with."""
    output = Output(json)
    with open_studio(data, output) as studio:
        tokens = studio.client.tokens()
    rows = [
        (
            each.id,
            each.name,
            f"…{each.ending}",
            ago(each.created_at),
            ago(each.last_used_at) if each.last_used_at else "never",
            f"revoked {ago(each.revoked_at)}" if each.revoked_at else "valid",
        )
        for each in tokens
    ]
    columns = ["id", "name", "ends with", "made", "last used", "state"]
    output.result(tokens, lambda out: out.print(table(columns, rows)))


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="NAME|ID", help="Which token.")],
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Let nobody in with a token any more, at once."""
    output = Output(json)
    with open_studio(data, output) as studio:
        known = studio.client.tokens()
        # A name may have been used again since its first token was revoked.
        valid = [each for each in known if each.revoked_at is None]
        candidates = valid if any(token in (each.id, each.name) for each in valid) else known
        found = find(candidates, token, "token", name=lambda each: each.name, id_=lambda each: each.id)
        revoked = studio.client.revoke_token(found.id)
    output.result(revoked, lambda out: out.print(f"“{revoked.name}” is revoked.", markup=False))
