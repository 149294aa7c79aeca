"""Every route × role: generated from the route table, so that no route is forgotten."""

import itertools

import pytest
from starlette.routing import Route

from fluxtune.api.app import create_app
from fluxtune.api.contract import create_contract_app
from fluxtune.api.permissions import GRANTS, RULES, Guard, check, permissions_of, rule_of
from fluxtune.config import load_settings
from fluxtune.core.actor import LOCAL_OWNER, NOBODY, ROLES, Actor
from fluxtune.core.errors import NotAllowed

# Pages and files of the user interface, and the API's own description: nothing of the studio's content is in them.
PUBLIC = {"/", "/api/openapi.json", "/openapi.json", "/api/{path:path}"}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return create_app(load_settings(tmp_path_factory.mktemp("permissions") / "data"))


def guarded(app):
    """Return (method, path template, route) of every route of both APIs."""
    parts = [("", app.router.routes), ("/v1", create_contract_app(app).router.routes)]
    return [
        (method, f"{prefix}{route.path}", route)
        for prefix, routes in parts
        for route in routes
        if isinstance(route, Route) and route.path not in PUBLIC
        for method in route.methods
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
