"""`fluxtune token`: keys of programs that use `/v1` and `/api`."""

from typing import Annotated, cast

import typer

from fluxtune.accounts.schemas import ApiToken, Scope
from fluxtune.cli.find import find
from fluxtune.cli.lazy import COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, table
from fluxtune.cli.studio import open_studio
from fluxtune.core.clock import now

app = typer.Typer(add_completion=False, help=COMMANDS["token"][1], no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it: the program that will use it.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCOPE",
            help="What it may do, as far as its owner may: v1, read, create, train, administer. For several, give it "
            "several times.",
            show_default="v1",
        ),
    ] = None,
    days: Annotated[int | None, typer.Option(help="Valid for so long.", min=1, show_default="until revoked")] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Make a token. It is printed this once, on the last line; the studio keeps only its hash."""
    output = Output(json)
    with open_studio(data, output) as studio:
        made = studio.client.create_token(name, cast(list[Scope], scope or ["v1"]), days)
    how = "the header x-key to /v1" if "v1" in made.scopes else "the header Authorization: Bearer … to /api"
    output.note(f"Send it as {how}. To take it back: fluxtune token revoke {made.id}")
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
            " ".join(each.scopes),
            _state(each),
        )
        for each in tokens
    ]
    columns = ["id", "name", "ends with", "made", "last used", "may", "state"]
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


def _state(token: ApiToken) -> str:
    if token.revoked_at:
        return f"revoked {ago(token.revoked_at)}"
    if token.expires_at is None:
        return "valid"
    day = f"{token.expires_at:%Y-%m-%d}"
    return f"valid until {day}" if token.expires_at > now() else f"ran out on {day}"
