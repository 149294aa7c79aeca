"""People, over a studio's API."""

from typing import Any

from fluxtune.accounts.schemas import Ended, Invitation, Person, PersonCreate, PersonUpdate
from fluxtune.client.http import Connection
from fluxtune.core.actor import Role


class PeopleCalls(Connection):
    """What a studio's API does with people."""

    def people(self) -> list[Person]:
        """List everybody by name."""
        return self.fetch(list[Person], "GET", "/api/people")

    def invite_person(self, email: str, name: str, role: Role = "creator") -> Invitation:
        """Add a person; the answer has the token of the link that sets their password."""
        body = PersonCreate.model_construct(email=email, name=name, role=role).model_dump(mode="json")
        return self.fetch(Invitation, "POST", "/api/people", json=body)

    def update_person(self, person_id: str, **values: Any) -> Person:
        """Change name, role or state (`active`, `disabled`)."""
        body = PersonUpdate.model_construct(**values).model_dump(mode="json", exclude_unset=True)
        return self.fetch(Person, "PATCH", f"/api/people/{person_id}", json=body)

    def make_password_link(self, person_id: str) -> Invitation:
        """Make a new link that sets a person's password."""
        return self.fetch(Invitation, "POST", f"/api/people/{person_id}/links")

    def sign_person_out(self, person_id: str) -> int:
        """Sign a person out everywhere; return how many browsers that were."""
        return self.fetch(Ended, "DELETE", f"/api/people/{person_id}/sessions").count

    def withdraw_invitation(self, person_id: str) -> None:
        """Forget a person who never came."""
        self.send("DELETE", f"/api/people/{person_id}")
