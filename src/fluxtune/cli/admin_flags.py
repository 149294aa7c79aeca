"""`fluxtune admin flags`: features that can be switched off, or left to some."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, table
from fluxtune.cli.studio import open_studio
from fluxtune.core.actor import ROLES
from fluxtune.flags.schemas import FlagInfo, FlagState

app = typer.Typer(add_completion=False, help="Features: switch them off, or leave them to some.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The feature, as `list` calls it.")]


def for_whom(flag: FlagInfo) -> str:
    """Return in words for whom a feature is on."""
    who = ", ".join((*(f"{role}s" for role in flag.roles), *flag.people)) if flag.state == "some" else flag.state
    return who + (f" until {flag.until:%Y-%m-%d %H:%M} UTC" if flag.until else "")


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List the features: for whom each is on, and what is missing where it is off."""
    output = Output(json)
    with open_studio(data, output) as studio:
        flags = studio.client.flags()
    rows = [(each.name, for_whom(each), "" if each.is_changed else "default", each.what) for each in flags]
    output.result(flags, lambda out: out.print(table(["name", "on for", "", "what it is"], rows)))


@app.command("set")
def set_(
    name: NameArgument,
    state: Annotated[FlagState, typer.Argument(metavar="on|off|some", help="For all, for nobody, or for some.")],
    role: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE", help=f"With `some`: a role it is on for, one of {', '.join(ROLES)}; may be repeated."
        ),
    ] = None,
    person: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="With `some`: the id of a person it is on for; may be repeated."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(help="When it becomes as by default again, in UTC.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    ] = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Decide for whom a feature is on, at once and for the whole studio."""
    output = Output(json)
    moment = until.replace(tzinfo=UTC) if until else None
    with open_studio(data, output) as studio:
        flag = studio.client.set_flag(name, state, roles=role or (), people=person or (), until=moment)
    output.result(flag, lambda out: out.print(f"{flag.title}: {for_whom(flag)}.", markup=False))


@app.command()
def reset(name: NameArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Let a feature be as it is by default."""
    output = Output(json)
    with open_studio(data, output) as studio:
        flag = studio.client.reset_flag(name)
    output.result(flag, lambda out: out.print(f"{flag.title}: {for_whom(flag)}.", markup=False))
