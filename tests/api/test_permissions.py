"""Every route × role: generated from the route table, so that no route is forgotten."""

import itertools
import re
from datetime import timedelta
from typing import get_args

import pytest
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from fluxtune.accounts import repository
from fluxtune.accounts.schemas import ApiTokenCreate, Scope
from fluxtune.accounts.service import NOWHERE, begin
from fluxtune.accounts.tables import PersonRow
from fluxtune.accounts.tokens import create_token
from fluxtune.api.app import create_app
from fluxtune.api.permissions import GRANTS, RULES, Guard, check, permissions_of, rule_of
from fluxtune.config import load_settings
from fluxtune.core.actor import LOCAL_OWNER, NOBODY, ROLES, Actor, acting_as
from fluxtune.core.clock import now
from fluxtune.core.errors import NotAllowed
from tests.conftest import BASE_URL

# Pages and files of the user interface, and the API's own description: nothing of the studio's content is in them.
PUBLIC = {"/", "/api/openapi.json", "/openapi.json", "/api/{path:path}"}


OPEN = {
    "GET /healthz", "GET /readyz", "POST /hooks/bfl/{line_id}/{token}", "GET /v1/samples/{image_id}.{form}",
    "HEAD /v1/samples/{image_id}.{form}",
    "POST /api/session", "POST /api/session/password", "GET /api/session/ways",
    "POST /api/invitations/reading", "POST /api/invitations/acceptance",
}  # fmt: skip
"""What needs nobody to be known: each more is a decision."""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return create_app(load_settings(tmp_path_factory.mktemp("permissions") / "data"), is_team=True)


@pytest.fixture(scope="module")
def tokens(app):
    """A token of a person of each role that may everything its owner may."""
    made = {}
    with app.state.database.transaction() as session:
        for role in ROLES:
            person = PersonRow(id=role, email=f"{role}@x.test", name=role, role=role, state="active", created_at=now())
            repository.add(session, person)
            with acting_as(Actor(role, role, role)):
                scopes = list(get_args(Scope))
                made[role] = create_token(session, ApiTokenCreate(name=role, scopes=scopes)).token
    return made


@pytest.fixture(scope="module")
def browsers(app):
    """A session of a person of each role."""
    made = {}
    with app.state.database.transaction() as session:
        for role in ROLES:
            person = PersonRow(
                id=f"{role}-2", email=f"{role}-2@x.test", name=role, role=role, state="active", created_at=now()
            )
            repository.add(session, person)
            made[role] = begin(session, person, timedelta(days=1), NOWHERE).token
    return made


@pytest.fixture
def hollow(app, monkeypatch):
    """The application with nothing behind its guards: what answers 204 was let in, and nothing is done."""

    for _, _, route in guarded(app):
        monkeypatch.setattr(route.app, "app", Response(status_code=204))
    return TestClient(app, base_url=BASE_URL)


def addresses(app):
    """Return (method, address, rule) of every route, with something in the place of its parameters."""
    return [(method, re.sub(r"\{(\w+)(:\w+)?\}", "1", path), rule_of(method, path)) for method, path, _ in guarded(app)]


def test_only_these_are_open(app):
    assert {f"{method} {path}" for method, path, _ in guarded(app) if rule_of(method, path) == "open"} == OPEN


def test_nobody_gets_in_unless_it_is_open(app, hollow):
    for method, path, rule in addresses(app):
        assert hollow.request(method, path).status_code == (204 if rule == "open" else 403), (method, path)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_in_where_it_may_by_its_browser(app, hollow, browsers, role):
    hollow.cookies.set("fluxtune_session_7860", browsers[role])
    for method, path, rule in addresses(app):
        if path.startswith("/v1/"):  # no cookie counts there
            continue
        is_allowed = rule == "open" or rule in GRANTS[role]
        assert hollow.request(method, path).status_code == (204 if is_allowed else 403), (method, path)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_in_where_it_may_by_its_token(app, hollow, tokens, role):
    headers = {"authorization": f"Bearer {tokens[role]}", "x-key": tokens[role]}
    for method, path, rule in addresses(app):
        is_allowed = rule == "open" or (rule in GRANTS[role] and rule != "self")
        response = hollow.request(method, path, headers=headers)
        assert response.status_code == (204 if is_allowed else 403), (method, path)


def guarded(app):
    """Return (method, path template, route) of every route of both APIs."""
    contract = next(route.app for route in app.router.routes if getattr(route, "path", "") == "/v1")
    parts = [("", app.router.routes), ("/v1", contract.build().router.routes)]
    return [
        (method, f"{prefix}{route.path}", route)
        for prefix, routes in parts
        for route in routes
        if isinstance(route, Route) and route.path not in PUBLIC
        for method in route.methods or ()
    ]


def test_every_route_has_a_rule_and_every_rule_a_route(app):
    routes = guarded(app)
    unruled = [f"{method} {path}" for method, path, _ in routes if rule_of(method, path) is None]
    assert not unruled, f"Give these a line in RULES of api/permissions.py: {unruled}"
    unguarded = [path for _, path, route in routes if not isinstance(route.app, Guard)]
    assert not unguarded, f"Add these with `guard`: {unguarded}"
    gone = set(RULES) - {f"{method} {path}" for method, path, _ in routes}
    assert not gone, f"Take these out of RULES: {gone}"


def test_roles_hold_what_those_before_them_hold():
    for lower, higher in itertools.pairwise(ROLES):
        assert set(GRANTS[lower]) < set(GRANTS[higher])


def allowed(actor, rule, **kwargs):
    try:
        check(actor, rule, **kwargs)
    except NotAllowed:
        return False
    return True


def test_what_nobody_thought_of_is_closed():
    assert not allowed(LOCAL_OWNER, None)


@pytest.mark.parametrize("rule", ["self", "read", "create", "train", "administer"])
def test_who_is_not_known_may_nothing(rule):
    assert not allowed(NOBODY, rule)


def test_a_token_may_what_role_and_scopes_both_allow():
    creator = Actor("c", "1", "creator", frozenset({"read", "train"}))
    assert permissions_of(creator) == ["read"]
    assert allowed(creator, "read")
    assert not allowed(creator, "create")  # not in its scopes
    assert not allowed(creator, "train")  # not in its owner's role
    assert not allowed(creator, "self")
    narrow = Actor("c", "1", "creator", frozenset({"v1"}))
    assert allowed(narrow, "create", is_contract=True)
    assert not allowed(narrow, "train", is_contract=True)
    assert not allowed(narrow, "read")
