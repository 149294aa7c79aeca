"""`fluxtune admin person`: who may sign in, and as what."""

from pathlib import Path
from typing import Annotated

import typer

from fluxtune.accounts.schemas import Invitation, Person
from fluxtune.cli.admin import ADMIN_COMMANDS
from fluxtune.cli.options import DataOption, JsonOption
from fluxtune.cli.output import Output, ago, table
from fluxtune.cli.studio import Studio, open_studio
from fluxtune.core.actor import Role
from fluxtune.core.errors import NotFound

app = typer.Typer(add_completion=False, help=ADMIN_COMMANDS["person"][1], no_args_is_help=True)

PersonArgument = Annotated[str, typer.Argument(metavar="E-MAIL|ID", help="Which person.")]
RoleArgument = Annotated[Role, typer.Argument(help="What they may; each role may what those before it may.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Address the person reaches the studio by, for the link.")]


@app.command("list")
def list_(data: DataOption = None, json: JsonOption = False) -> None:
    """List everybody: role, state, and when they were last seen."""
    output = Output(json)
    with open_studio(data, output) as studio:
        people = studio.client.people()
    rows = [
        (each.email, each.name, each.role, each.state, ago(each.last_seen_at) if each.last_seen_at else "never")
        for each in people
    ]
    output.result(people, lambda out: out.print(table(["e-mail", "name", "role", "state", "last seen"], rows)))


@app.command()
def invite(
    email: Annotated[str, typer.Argument(metavar="E-MAIL", help="What they sign in by.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="What others see.")],
    role: Annotated[Role, typer.Option(help="What they may; each role may what those before it may.")] = "creator",
    url: UrlOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Add a person and print the link that sets their password, once. The first administrator is made so, too."""
    output = Output(json)
    with open_studio(data, output) as studio:
        invitation = studio.client.invite_person(email, name, role)
        _show(output, studio, invitation, url)


@app.command()
def link(person: PersonArgument, url: UrlOption = None, data: DataOption = None, json: JsonOption = False) -> None:
    """Print a new link that sets a person's password: for who lost the first one, or forgot the password."""
    output = Output(json)
    with open_studio(data, output) as studio:
        invitation = studio.client.make_password_link(_find(studio, person).id)
        _show(output, studio, invitation, url)


@app.command()
def role(person: PersonArgument, role: RoleArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Change what a person may do, at once."""
    _update(person, data, json, role=role)


@app.command()
def disable(person: PersonArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Let a person in no more: signed out everywhere, tokens refused. What they made stays."""
    _update(person, data, json, state="disabled")


@app.command()
def enable(person: PersonArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Let a disabled person in again."""
    _update(person, data, json, state="active")


@app.command("sign-out")
def sign_out(person: PersonArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Sign a person out of every browser; tokens stay."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = _find(studio, person)
        count = studio.client.sign_person_out(found.id)
    output.result({"count": count}, lambda out: out.print(f"{found.name}: {count} signed out.", markup=False))


@app.command()
def withdraw(person: PersonArgument, data: DataOption = None, json: JsonOption = False) -> None:
    """Forget a person who was invited and never came."""
    output = Output(json)
    with open_studio(data, output) as studio:
        found = _find(studio, person)
        studio.client.withdraw_invitation(found.id)
    output.result(found, lambda out: out.print(f"The invitation of {found.email} is withdrawn.", markup=False))


def _find(studio: Studio, wanted: str) -> Person:
    for person in studio.client.people():
        if wanted == person.id or wanted.casefold() == person.email:
            return person
    raise NotFound(
        f"Nobody has the e-mail address or id “{wanted}”.",
        title="No such person",
        action="`fluxtune admin person list` shows everybody.",
    )


def _update(person: str, data: Path | None, json: bool, **values: str) -> None:
    output = Output(json)
    with open_studio(data, output) as studio:
        changed = studio.client.update_person(_find(studio, person).id, **values)
    output.result(
        changed,
        lambda out: out.print(f"{changed.name} <{changed.email}>: {changed.role}, {changed.state}", markup=False),
    )


def _show(output: Output, studio: Studio, invitation: Invitation, url: str | None) -> None:
    """Print the link; with --json it is a field of the answer."""
    address = f"{(url or studio.client.url).rstrip('/')}/invitation#{invitation.token}"
    person = invitation.person
    output.note(f"Send this to {person.name} ({person.role}). It sets the password of {person.email}, once:")
    shown = {**invitation.model_dump(mode="json"), "url": address}
    output.result(shown, lambda out: out.print(address, markup=False, soft_wrap=True))
