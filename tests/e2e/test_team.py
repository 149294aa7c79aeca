"""The set-up of `docs/guide/team-setup.md` on one computer, worked on by two people of different roles."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Watch
from tests.kill.studio import wait_for
from tests.kill.team import Team
from tests.places import ONE_THREAD, PostgreSql
from tools.services import environment, start_store

PASSWORD = "four quiet geese walk"
TRAINED_MS = 180_000
RECIPE = {"steps": 3, "sample_every": 0, "resolution": 64, "batch_size": 1, "rank": 4}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """PostgreSQL, an S3 server, two servers and three workers."""
    folder: Path = tmp_path_factory.mktemp("team")
    postgresql = PostgreSql()
    values = environment(postgresql.create(), start_store())
    settings = {"FLUXTUNE_ACCOUNTS__REQUIRED": "true", "FLUXTUNE_ENGINE__HEALTH_AFTER_RUNS": "false"}
    team = Team(folder / "data", environment=values | settings | ONE_THREAD)
    team.data.mkdir()
    try:
        team.start()
        yield team
    finally:
        team.stop()
        postgresql.stop()


def person(team: Team, admin: httpx2.Client, name: str, role: str) -> str:
    """Invite somebody and set their password by their link, at the other server; return their id."""
    body = {"email": f"{name}@team.test", "name": name, "role": role}
    invited = admin.post("/api/people", json=body)
    assert invited.status_code == 201, invited.text
    with httpx2.Client(base_url=team.others[0].base_url, trust_env=False) as http:
        link = {"token": invited.json()["token"], "password": PASSWORD}
        assert http.post("/api/invitations/acceptance", json=link).status_code == 200
    found: str = invited.json()["person"]["id"]
    return found


def signed_in(browser: Browser, watch: Watch, url: str, name: str) -> Page:
    """Open a browser of somebody and sign in with their password."""
    context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    watch.listen(context)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("textbox", name="E-mail address").fill(f"{name}@team.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_response("**/api/session/password") as answer:
        page.get_by_role("button", name="Sign in").click()
    assert answer.value.ok
    return page


def test_two_people_of_different_roles_at_two_servers(team: Team, browser: Browser, watch: Watch) -> None:
    # Before anybody has signed in, the page asks who is there; that is no fault.
    watch.allowed += ["403 (Forbidden)", "401 (Unauthorized)"]
    wait_for("three workers", lambda: len(team.workers()) == 3)
    with httpx2.Client(base_url=team.url, trust_env=False) as admin:
        link = team.post("/api/session/links")["token"]
        assert admin.get("/", params={"token": link}).status_code == 303
        body = {"email": "ada@team.test", "name": "Ada", "password": PASSWORD}
        assert admin.post("/api/people/first", json=body).status_code == 201
        person(team, admin, "tess", "trainer")
        person(team, admin, "vic", "viewer")

    # Tess, at the first server, starts a run; one of the workers trains it, and her page sees it end.
    tess = signed_in(browser, watch, team.url, "tess")
    dataset = tess.request.post("/api/datasets", data={"sample": team.get("/api/samples")[0]["name"]}).json()
    started = tess.request.post(
        "/api/finetunes", data={"dataset_id": dataset["id"], "quality": "draft", "recipe": RECIPE}
    )
    assert started.ok, started.text()
    tess.goto(f"/finetunes/{started.json()['id']}")

    # Vic, at the second one, sees nothing of it, and may not do it either.
    vic = signed_in(browser, watch, str(team.others[0].base_url), "vic")
    vic.goto("/datasets")
    expect(vic.get_by_role("heading", name="Datasets").first).to_be_visible()
    expect(vic.get_by_role("link", name=re.compile(dataset["name"]))).to_have_count(0)
    assert vic.request.get(f"/api/datasets/{dataset['id']}").status == 404
    assert vic.request.post("/api/datasets", data={"name": "mine"}).status == 403

    expect(tess.get_by_role("button", name="Create with it")).to_be_visible(timeout=TRAINED_MS)

    # What Tess shares with everybody is there for Vic, at once and at the other server.
    shared = tess.request.put(f"/api/sharing/dataset/{dataset['id']}", data={"everyone": "see", "people": {}})
    assert shared.ok, shared.text()
    vic.reload()
    expect(vic.get_by_role("link", name=re.compile(dataset["name"])).first).to_be_visible()
    assert vic.request.delete(f"/api/datasets/{dataset['id']}").status in (403, 404)
