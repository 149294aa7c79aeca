"""Who may sign in: the first administrator, invitations, roles, passwords."""

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy.orm import Session

from fluxtune.accounts import repository
from fluxtune.accounts.keys import hash_token, new_token
from fluxtune.accounts.passwords import check_password, hash_password, verify_password
from fluxtune.accounts.schemas import (
    FirstAdministrator,
    Invitation,
    InvitationFacts,
    Person,
    PersonCreate,
    PersonEntry,
    PersonState,
    PersonUpdate,
)
from fluxtune.accounts.tables import InvitationRow, PersonRow
from fluxtune.audit import service as audit
from fluxtune.core.actor import Actor, Role, acting, acting_as
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text


class PersonMissing(NotFound):
    """No such person."""

    title = "There is no such person"


class EmailTaken(Conflict):
    """Two people can't share an address: they sign in by it."""

    title = "This e-mail address is taken"
    action = "Change the person who has it, or use another address."


class LastAdministrator(Conflict):
    """Somebody must be able to look after the studio."""

    title = "This is the only administrator"
    action = "Make somebody else an administrator first."


class AdministratorThere(Conflict):
    """The first administrator is made once."""

    title = "This studio has an administrator already"
    action = "Sign in, or ask that administrator for an invitation."


class InvitationRefused(NotAllowed):
    """The link is unknown, too old, or was used before."""

    title = "This link can't be used"
    action = "Ask an administrator of this studio for a new one."


class PasswordWrong(InvalidInput):
    """Who changes a password has to know it."""

    title = "That is not your password"
    action = "Try again, or ask an administrator for a link that sets a new one."


class HasBeenHere(Conflict):
    """Only who never signed in can be forgotten: others have made things."""

    title = "This person has been here already"
    action = "Disable them instead: what they made stays, and they get in no more."


def as_actor(person: PersonRow) -> Actor:
    """Return a person as who is acting."""
    return Actor(person.name, person.id, cast(Role, person.role))


def list_(session: Session) -> list[Person]:
    """Return everybody by name."""
    invited = repository.invited_until(session, now())
    return [_to_schema(session, row, invited=invited) for row in repository.list_people(session)]


def list_names(session: Session) -> list[PersonEntry]:
    """Return the names of those who may sign in or are invited, for sharing things with them."""
    return [PersonEntry(id=row.id, name=row.name) for row in repository.list_people(session) if row.state != "disabled"]


def standing(session: Session) -> Hashable:
    """Return what tells whether anybody's role or state has changed since it was asked last."""
    return tuple(sorted((person.id, person.role, person.state) for person in repository.list_people(session)))


def find_email(session: Session, person_id: str) -> str:
    """Return a person's address; empty for the local owner."""
    person = repository.find_person(session, person_id)
    return person.email if person else ""


def create_first(session: Session, first: FirstAdministrator) -> PersonRow:
    """Make the administrator of a studio that has none; sign-in links and sessions of before end."""
    if repository.count_administrators(session):
        raise AdministratorThere("It was made before.")
    password = first.password.get_secret_value()
    check_password(password, first.name, first.email)
    person = _new_person(session, PersonCreate(email=first.email, name=first.name, role="administrator"))
    person.password_hash, person.state = hash_password(password), "active"
    repository.remove_sessions(session, None)
    repository.remove_links(session, None)
    with acting_as(as_actor(person)):
        audit.record(session, "person.created", "person", person.id, after={"role": person.role}, name=person.name)
    return person


def invite(session: Session, create: PersonCreate, life: timedelta) -> Invitation:
    """Add a person and return the link by which they set their password."""
    person = _new_person(session, create)
    invitation = _new_link(session, person, life)
    after = {"role": person.role, "email": person.email}
    audit.record(session, "person.invited", "person", person.id, after=after, name=person.name)
    return invitation


def renew_link(session: Session, person_id: str, life: timedelta) -> Invitation:
    """Return a new link for setting a password; earlier ones can't be used any more, the password still can."""
    person = _get(session, person_id)
    if person.state == "disabled":
        raise Conflict("This person is disabled.", action="Let them in again first, then make the link.")
    invitation = _new_link(session, person, life)
    audit.record(session, "person.link_made", "person", person.id, name=person.name)
    return invitation


def read_invitation(session: Session, token: str) -> InvitationFacts:
    """Return whom a link is for, if it can be used."""
    person, row = _find_invitation(session, token)
    return InvitationFacts(
        email=person.email,
        name=person.name,
        role=cast(Role, person.role),
        is_new=person.state == "invited",
        expires_at=row.expires_at,
    )


def accept_invitation(session: Session, token: str, password: str, name: str | None) -> PersonRow:
    """Set the password of the person a link is for; they are signed out wherever they were signed in before."""
    person, _ = _find_invitation(session, token)
    check_password(password, name or person.name, person.email)
    if not repository.take_invitation(session, hash_token(token), now()):
        raise InvitationRefused("It was used a moment ago.")
    person.password_hash = hash_password(password)
    person.name = _clean_name(name) if name is not None else person.name
    is_new, person.state = person.state == "invited", "active"
    repository.remove_invitations(session, person.id)
    repository.remove_sessions(session, person.id)
    with acting_as(as_actor(person)):
        what = "person.joined" if is_new else "person.password_reset"
        audit.record(session, what, "person", person.id, name=person.name)
    return person


def change_password(session: Session, current: str, password: str, session_token: str | None) -> None:
    """Give whoever acts a new password and sign all their other browsers out."""
    person = _get(session, acting().id)
    if not verify_password(current, person.password_hash):
        raise PasswordWrong("The current one is another.", field="current")
    check_password(password, person.name, person.email)
    person.password_hash = hash_password(password)
    repository.remove_sessions(session, person.id, hash_token(session_token) if session_token else None)
    repository.remove_links(session, person.id)
    audit.record(session, "person.password_changed", "person", person.id, name=person.name)


def update(session: Session, person_id: str, change: PersonUpdate) -> Person:
    """Change name, role or state; who is disabled is signed out at once."""
    administrators = repository.count_administrators(session)
    person = _get(session, person_id)
    before = {"name": person.name, "role": person.role, "state": person.state}
    wanted = change.model_dump(exclude_none=True)
    was_looking_after = person.role == "administrator" and person.state == "active"
    if was_looking_after and administrators == 1 and wanted.get("role", "administrator") != "administrator":
        raise LastAdministrator("Nobody else could invite people or change settings.")
    if was_looking_after and administrators == 1 and wanted.get("state") == "disabled":
        raise LastAdministrator("Nobody else could invite people or change settings.")
    if "name" in wanted:
        person.name = _clean_name(wanted["name"])
    person.role = wanted.get("role", person.role)
    if "state" in wanted:
        # Who never set a password is still only invited when let in again.
        person.state = "invited" if wanted["state"] == "active" and person.password_hash is None else wanted["state"]
    if person.state == "disabled":
        end_sessions(session, person.id)
        repository.remove_invitations(session, person.id)
    session.flush()
    after = {"name": person.name, "role": person.role, "state": person.state}
    if after != before:
        changed = [key for key in after if after[key] != before[key]]
        audit.record(
            session, "person.changed", "person", person.id, {key: before[key] for key in changed},
            {key: after[key] for key in changed}, name=person.name,
        )  # fmt: skip
    return _to_schema(session, person)


def end_sessions(session: Session, person_id: str) -> int:
    """Sign a person out everywhere, links that sign in included; return how many sessions they had."""
    _get(session, person_id)
    repository.remove_links(session, person_id)
    return repository.remove_sessions(session, person_id)


def sign_out_everywhere(session: Session, person_id: str) -> int:
    """Sign a person out everywhere, because an administrator wants it; return how many sessions they had."""
    count = end_sessions(session, person_id)
    audit.record(session, "person.signed_out", "person", person_id, name=_get(session, person_id).name)
    return count


def withdraw(session: Session, person_id: str) -> None:
    """Forget a person who never came."""
    person = _get(session, person_id)
    if person.password_hash is not None:
        raise HasBeenHere("What they made would belong to nobody.")
    name = person.name
    repository.remove_person(session, person)
    audit.record(session, "person.withdrawn", "person", person_id, name=name)


def _new_person(session: Session, create: PersonCreate) -> PersonRow:
    email = create.email.strip().casefold()
    if repository.find_person_by_email(session, email) is not None:
        raise EmailTaken(f"Somebody signs in as {email}.", field="email")
    person = PersonRow(
        id=new_id(), email=email, name=_clean_name(create.name), role=create.role, state="invited", created_at=now()
    )
    repository.add(session, person)
    return person


def _new_link(session: Session, person: PersonRow, life: timedelta) -> Invitation:
    at, token = now(), new_token()
    repository.remove_invitations(session, person.id)
    repository.add(
        session, InvitationRow(token_hash=hash_token(token), person_id=person.id, created_at=at, expires_at=at + life)
    )
    return Invitation(person=_to_schema(session, person), token=token, expires_at=at + life)


def _find_invitation(session: Session, token: str) -> tuple[PersonRow, InvitationRow]:
    row = repository.find_invitation(session, hash_token(token), now())
    person = repository.find_person(session, row.person_id) if row else None
    if row is None or person is None or person.state == "disabled":
        raise InvitationRefused("It was used before, was replaced by a newer one, or is too old.")
    return person, row


def _get(session: Session, person_id: str) -> PersonRow:
    person = repository.find_person(session, person_id)
    if person is None:
        raise PersonMissing(f"There is no person “{person_id[:64]}”.", action="`fluxtune admin person list` shows all.")
    return person


def _clean_name(name: str) -> str:
    name = clean_text(name)
    if not name:
        raise InvalidInput("It holds no words.", title="The name is empty", field="name")
    return name


def _to_schema(session: Session, row: PersonRow, invited: dict[str, datetime] | None = None) -> Person:
    known = repository.invited_until(session, now()) if invited is None else invited
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        role=cast(Role, row.role),
        state=cast(PersonState, row.state),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        invited_until=known.get(row.id),
    )
