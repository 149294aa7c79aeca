"""People: the first administrator, invitations, passwords, roles, sessions; and what attackers try."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from fluxtune.accounts import limits as limits_module
from fluxtune.accounts import passwords
from fluxtune.accounts.tables import InvitationRow, PersonRow, SessionRow
from fluxtune.api.app import create_app
from fluxtune.core.clock import now
from tests.conftest import BASE_URL, STUDIO_TOKEN
from tests.makers import state_of

PASSWORD = "four quiet geese walk"
OTHER = "seven loud ducks swim"
COOKIE = "fluxtune_session_7860"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch):
    """Hash with the weakest parameters argon2 has: how strong the real ones are has a test of its own."""
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@pytest.fixture
def app(settings):
    settings.accounts.sign_in_tries = 3
    return create_app(settings, studio_token=STUDIO_TOKEN, is_team=True)


@pytest.fixture
def owner(new_client: Callable[[], TestClient]) -> TestClient:
    """Who opened the printed address."""
    client = new_client()
    link = client.post("/api/session/links", headers={"authorization": f"Bearer {STUDIO_TOKEN}"}).json()["token"]
    assert client.get("/", params={"token": link}, follow_redirects=False).status_code == 303
    return client


@pytest.fixture
def admin(owner: TestClient) -> TestClient:
    """The first administrator's browser."""
    response = owner.post("/api/people/first", json={"email": "Ada@x.test", "name": "Ada", "password": PASSWORD})
    assert response.status_code == 201, response.text
    return owner


def invite(admin: TestClient, role: str = "creator", name: str = "Ben") -> dict:
    response = admin.post("/api/people", json={"email": f"{name}@x.test", "name": name, "role": role})
    assert response.status_code == 201, response.text
    return response.json()


def accept(client: TestClient, invitation: dict, password: str = PASSWORD):
    return client.post("/api/invitations/acceptance", json={"token": invitation["token"], "password": password})


def sign_in(client: TestClient, email: str, password: str, **headers: str):
    return client.post("/api/session/password", json={"email": email, "password": password}, headers=headers)


@pytest.fixture
def ben(admin: TestClient, new_client) -> TestClient:
    """A creator's browser."""
    client = new_client()
    assert accept(client, invite(admin)).status_code == 200
    return client


class TestFirstAdministrator:
    def test_it_is_made_by_who_opened_the_printed_address(self, owner):
        assert owner.get("/api/session").json()["needs_administrator"]
        made = owner.post("/api/people/first", json={"email": "Ada@x.test", "name": "Ada", "password": PASSWORD})
        facts = made.json()
        assert (facts["actor"], facts["email"], facts["role"]) == ("Ada", "ada@x.test", "administrator")
        assert not facts["needs_administrator"]
        assert owner.get("/api/session").json() == facts

    def test_a_stranger_makes_none(self, anonymous):
        body = {"email": "a@x.test", "name": "A", "password": PASSWORD}
        assert anonymous.post("/api/people/first", json=body).status_code == 403
        assert anonymous.get("/api/session/ways").json() == {"is_team": True, "needs_administrator": True}

    def test_there_is_one_first(self, admin):
        body = {"email": "b@x.test", "name": "B", "password": PASSWORD}
        assert admin.post("/api/people/first", json=body).status_code == 409

    def test_what_was_printed_before_lets_nobody_in_any_more(self, owner, new_client):
        late = new_client()
        bearer = {"authorization": f"Bearer {STUDIO_TOKEN}"}
        link = late.post("/api/session/links", headers=bearer).json()["token"]
        assert late.post("/api/session", json={"token": STUDIO_TOKEN}).status_code == 200
        owner.post("/api/people/first", json={"email": "a@x.test", "name": "A", "password": PASSWORD})
        assert late.get("/api/session").status_code == 403
        assert late.get("/", params={"token": link}, follow_redirects=False).status_code == 403
        assert late.post("/api/session", json={"token": STUDIO_TOKEN}).status_code == 403
        assert late.post("/api/session/links", headers=bearer).status_code == 404
        # Commands on the server's own computer go on: who reads its files is its owner.
        assert late.get("/api/session", headers=bearer).json()["role"] == "administrator"

    def test_there_is_none_where_nobody_signs_in(self, settings):
        lonely = create_app(settings, studio_token=STUDIO_TOKEN)
        with TestClient(lonely, base_url=BASE_URL) as client:
            client.post("/api/session", json={"token": STUDIO_TOKEN})
            body = {"email": "a@x.test", "name": "A", "password": PASSWORD}
            assert client.post("/api/people/first", json=body).status_code == 409
            assert client.get("/api/session/ways").json() == {"is_team": False, "needs_administrator": False}


class TestInvitations:
    def test_the_link_sets_the_password_once(self, admin, new_client):
        invitation = invite(admin, "trainer")
        client, second = new_client(), new_client()
        facts = client.post("/api/invitations/reading", json={"token": invitation["token"]}).json()
        assert (facts["email"], facts["role"], facts["is_new"]) == ("ben@x.test", "trainer", True)
        joined = accept(client, invitation).json()
        assert (joined["actor"], joined["permissions"]) == ("Ben", ["self", "read", "create", "train"])
        assert accept(second, invitation).status_code == 403
        assert sign_in(second, " BEN@x.test ", PASSWORD).status_code == 200

    @pytest.mark.parametrize(
        "password", ["short", "aaaaaaaaaaaaaaaa", "ben@x.testben", "BenBenBenBenBen", "password123ben", "x" * 257]
    )
    def test_weak_passwords_leave_the_link_as_it_was(self, admin, anonymous, password):
        invitation = invite(admin)
        refused = accept(anonymous, invitation, password)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "password")
        assert password not in refused.text
        assert accept(anonymous, invitation).status_code == 200

    def test_it_ends(self, admin, anonymous):
        invitation = invite(admin)
        with state_of(admin).database.transaction() as session:
            session.query(InvitationRow).one().expires_at = now() - timedelta(seconds=1)
        assert accept(anonymous, invitation).status_code == 403

    def test_a_newer_one_replaces_it(self, admin, anonymous):
        old = invite(admin)
        new = admin.post(f"/api/people/{old['person']['id']}/links").json()
        assert accept(anonymous, old).status_code == 403
        assert accept(anonymous, new).status_code == 200

    def test_it_can_be_withdrawn_until_it_was_used(self, admin, anonymous):
        invitation = invite(admin)
        address = f"/api/people/{invitation['person']['id']}"
        assert admin.delete(address).status_code == 204
        assert accept(anonymous, invitation).status_code == 403
        again = invite(admin)
        accept(anonymous, again)
        assert admin.delete(f"/api/people/{again['person']['id']}").status_code == 409

    def test_two_people_do_not_share_an_address(self, admin):
        body = {"email": "ADA@x.test", "name": "Other", "role": "viewer"}
        assert admin.post("/api/people", json=body).status_code == 409

    @pytest.mark.parametrize("email", ["", "x", "@", "a b@x.test", "a@b@c", '"><script>@x.test'])
    def test_addresses_look_like_some(self, admin, email):
        assert admin.post("/api/people", json={"email": email, "name": "X"}).status_code == 422

    def test_a_new_link_resets_a_password_and_signs_out(self, admin, ben, anonymous):
        person = next(each for each in admin.get("/api/people").json() if each["name"] == "Ben")
        link = admin.post(f"/api/people/{person['id']}/links").json()
        facts = anonymous.post("/api/invitations/reading", json={"token": link["token"]}).json()
        assert not facts["is_new"]
        assert ben.get("/api/session").status_code == 200  # nothing is lost until it is used
        assert accept(anonymous, link, OTHER).status_code == 200
        assert ben.get("/api/session").status_code in (200, 403)
        with state_of(admin).database.reading() as session:
            assert session.query(SessionRow).filter_by(person_id=person["id"]).count() == 1
        assert sign_in(anonymous, "ben@x.test", PASSWORD).status_code == 403
        assert sign_in(anonymous, "ben@x.test", OTHER).status_code == 200


class TestRoles:
    def test_a_creator_invites_nobody(self, ben):
        refused = ben.post("/api/people", json={"email": "c@x.test", "name": "C"})
        assert refused.status_code == 403
        assert "administrator" in refused.json()["detail"]
        assert [each["name"] for each in ben.get("/api/people/names").json()] == ["Ada", "Ben"]

    def test_a_change_counts_at_once(self, admin, ben):
        person = ben.get("/api/session").json()["person_id"]
        assert ben.post("/api/datasets", json={"name": "a"}).status_code == 201
        admin.patch(f"/api/people/{person}", json={"role": "viewer"})
        assert ben.post("/api/datasets", json={"name": "b"}).status_code == 403
        assert ben.get("/api/session").json()["role"] == "viewer"

    def test_who_is_disabled_is_out_at_once(self, admin, ben, anonymous):
        token = ben.post("/api/tokens", json={"name": "t", "scopes": ["read"]}).json()["token"]
        bearer = {"authorization": f"Bearer {token}"}
        assert anonymous.get("/api/datasets", headers=bearer).status_code == 200
        person = ben.get("/api/session").json()["person_id"]
        admin.patch(f"/api/people/{person}", json={"state": "disabled"})
        assert ben.get("/api/session").status_code == 403
        assert anonymous.get("/api/datasets", headers=bearer).status_code == 403
        assert sign_in(anonymous, "ben@x.test", PASSWORD).status_code == 403
        assert admin.post(f"/api/people/{person}/links").status_code == 409
        admin.patch(f"/api/people/{person}", json={"state": "active"})
        assert sign_in(anonymous, "ben@x.test", PASSWORD).status_code == 200

    @pytest.mark.parametrize("change", [{"role": "trainer"}, {"state": "disabled"}])
    def test_somebody_can_always_look_after_the_studio(self, admin, change):
        person = admin.get("/api/session").json()["person_id"]
        assert admin.patch(f"/api/people/{person}", json=change).status_code == 409
        assert admin.get("/api/session").json()["role"] == "administrator"

    def test_what_was_done_is_in_the_audit_log(self, admin, ben):
        person = ben.get("/api/session").json()["person_id"]
        admin.patch(f"/api/people/{person}", json={"role": "trainer"})
        from fluxtune.audit.tables import AuditRow

        with state_of(admin).database.reading() as session:
            rows = [(row.action, row.actor, row.before, row.after) for row in session.query(AuditRow)]
        assert rows[-1] == ("person.changed", "Ada", {"role": "creator"}, {"role": "trainer"})
        assert [row[0] for row in rows[-4:]] == ["person.created", "person.invited", "person.joined", "person.changed"]
        assert PASSWORD not in str(rows)


class TestSessions:
    def test_they_are_listed_and_ended(self, ben, new_client):
        phone = new_client()
        assert sign_in(phone, "ben@x.test", PASSWORD, **{"user-agent": "Phone"}).status_code == 200
        listed = ben.get("/api/sessions").json()
        assert {(each["device"], each["is_this"]) for each in listed} == {("Phone", False), ("testclient", True)}
        theirs = next(each["id"] for each in listed if not each["is_this"])
        assert ben.delete(f"/api/sessions/{theirs}").status_code == 204
        assert phone.get("/api/session").status_code == 403
        assert ben.delete(f"/api/sessions/{theirs}").status_code == 404

    def test_nobody_ends_those_of_others(self, admin, ben):
        theirs = admin.get("/api/sessions").json()[0]["id"]
        assert ben.delete(f"/api/sessions/{theirs}").status_code == 404
        assert admin.get("/api/session").status_code == 200

    def test_signing_out_everywhere_else(self, ben, new_client):
        other = new_client()
        sign_in(other, "ben@x.test", PASSWORD)
        assert ben.delete("/api/sessions").json() == {"count": 1}
        assert other.get("/api/session").status_code == 403
        assert ben.get("/api/session").status_code == 200

    def test_an_administrator_signs_somebody_out(self, admin, ben):
        person = ben.get("/api/session").json()["person_id"]
        assert admin.delete(f"/api/people/{person}/sessions").json() == {"count": 1}
        assert ben.get("/api/session").status_code == 403

    def test_a_link_signs_in_one_more_browser_of_the_same_person(self, ben, new_client):
        link = ben.post("/api/session/links").json()["token"]
        phone = new_client()
        assert phone.post("/api/session", json={"token": link}).json()["actor"] == "Ben"

    def test_a_new_password_ends_the_others(self, ben, new_client):
        other = new_client()
        sign_in(other, "ben@x.test", PASSWORD)
        wrong = ben.put("/api/session/password", json={"current": OTHER, "password": OTHER})
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "current")
        changed = ben.put("/api/session/password", json={"current": PASSWORD, "password": OTHER})
        assert changed.status_code == 204
        assert other.get("/api/session").status_code == 403
        assert ben.get("/api/session").status_code == 200
        assert sign_in(other, "ben@x.test", OTHER).status_code == 200

    def test_who_was_seen_is_noted(self, admin, ben):
        with state_of(admin).database.transaction() as session:
            session.query(SessionRow).update({"last_seen_at": now() - timedelta(hours=1)})
            session.query(PersonRow).update({"last_seen_at": None})
        other = TestClient(admin.app, base_url=BASE_URL)
        other.cookies.update(dict(ben.cookies))
        admin.delete("/api/sessions")  # nobody is remembered any more
        assert other.get("/api/session").status_code == 200
        person = next(each for each in admin.get("/api/people").json() if each["name"] == "Ben")
        assert person["last_seen_at"]


class TestAttacks:
    def test_a_session_given_to_a_browser_is_not_the_one_it_gets(self, admin, ben, new_client):
        """Fixation: whoever plants a cookie must not be signed in as who uses it later."""
        attacker = new_client()
        attacker.cookies.set(COOKIE, ben.cookies[COOKIE], domain="127.0.0.1")
        victim = new_client()
        victim.cookies.set(COOKIE, "planted", domain="127.0.0.1")
        assert sign_in(victim, "ada@x.test", PASSWORD).status_code == 200
        assert victim.cookies[COOKIE] != "planted"
        assert attacker.get("/api/session").json()["actor"] == "Ben"
        # Signing in where somebody else's valid session lies ends that one.
        victim = new_client()
        victim.cookies.set(COOKIE, ben.cookies[COOKIE], domain="127.0.0.1")
        assert sign_in(victim, "ada@x.test", PASSWORD).json()["actor"] == "Ada"
        with state_of(admin).database.reading() as session:
            assert session.query(SessionRow).filter_by(actor="Ben").count() == 0

    def test_guessing_ends_soon_even_with_the_right_password(self, ben, anonymous):
        answers = [sign_in(anonymous, "ben@x.test", f"wrong number {n}").status_code for n in range(4)]
        assert answers == [403, 403, 403, 429]
        refused = sign_in(anonymous, "ben@x.test", PASSWORD)
        assert refused.status_code == 429
        assert "min" in refused.json()["detail"]
        # Others at the same address still get in.
        assert sign_in(anonymous, "ada@x.test", PASSWORD).status_code == 200

    def test_a_success_forgets_the_failures(self, ben, anonymous):
        for _ in range(3):
            sign_in(anonymous, "ben@x.test", "a wrong number")
            assert sign_in(anonymous, "ben@x.test", PASSWORD).status_code == 200

    def test_guessing_one_password_for_many_people_ends_too(self, admin, anonymous):
        answers = [sign_in(anonymous, f"{n}@x.test", PASSWORD).status_code for n in range(3 * limits_module.CROWD + 1)]
        assert answers == [403] * (3 * limits_module.CROWD) + [429]

    def test_nothing_tells_whether_somebody_exists(self, ben, anonymous):
        known, unknown = sign_in(anonymous, "ben@x.test", "wrong"), sign_in(anonymous, "nobody@x.test", "wrong")
        assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())

    def test_an_unknown_person_costs_a_hash_as_well(self, ben, anonymous, monkeypatch):
        verified = []

        class Watched:
            def verify(self, password: str, stored: str) -> bool:
                verified.append(stored)
                return True

        nobodys = passwords._nobodys()
        monkeypatch.setattr(passwords, "_hasher", Watched)
        assert sign_in(anonymous, "nobody@x.test", "wrong").status_code == 403
        assert verified == [nobodys]

    def test_passwords_and_tokens_are_kept_as_hashes(self, ben):
        with state_of(ben).database.reading() as session:
            rows = str([vars(row) for kind in (PersonRow, SessionRow, InvitationRow) for row in session.query(kind)])
        assert "$argon2id$" in rows
        assert PASSWORD not in rows
        assert ben.cookies[COOKIE] not in rows

    def test_passwords_are_in_no_answer(self, anonymous):
        answer = anonymous.post("/api/session/password", json={"email": 1, "password": [PASSWORD]})
        assert answer.status_code == 422
        assert PASSWORD not in answer.text

    def test_the_cookie_is_for_https_alone_where_it_is_spoken(self, app, admin):
        with TestClient(app, base_url="https://127.0.0.1:7860") as client:
            cookie = sign_in(client, "ada@x.test", PASSWORD).headers["set-cookie"].lower()
        assert "secure" in cookie
        assert "httponly" in cookie
        assert "samesite=strict" in cookie

    def test_other_sites_sign_nobody_in(self, admin, anonymous):
        refused = sign_in(anonymous, "ada@x.test", PASSWORD, origin="https://evil.example")
        assert refused.status_code == 403
        assert refused.json()["type"] == "/errors/wrong-origin"

    def test_names_that_others_point_here_are_refused(self, admin):
        assert admin.get("/api/session/ways", headers={"host": "evil.example"}).status_code == 403


def test_the_address_by_which_the_computer_was_reached_is_fine(settings):
    app = create_app(settings, is_team=True)
    client = TestClient(app, base_url="http://192.0.2.7:7860")  # the test client says that it was reached so
    assert client.get("/api/session/ways").status_code == 200
    assert client.get("/api/session/ways", headers={"host": "192.0.2.8:7860"}).status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
def test_where_others_reach_it_people_sign_in(settings, host):
    settings.server.host = host
    assert create_app(settings).state.is_team


def test_the_real_parameters_are_those_of_rfc_9106(monkeypatch):
    monkeypatch.undo()
    stored = passwords.hash_password(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.verify_password(PASSWORD, stored)
    assert not passwords.verify_password(OTHER, stored)
