"""The set-up of `docs/guide/team-setup.md` on one computer, worked on by two people of different roles."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Watch
from tests.kill.studio import wait_for
from tests.kill.team import Team
from tests.places import ONE_THREAD

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide" / "team-setup.md"
PORTS = (7860, 7861)
PASSWORD = "four quiet geese walk"
TRAINED_MS = 180_000
RECIPE = {"steps": 3, "sample_every": 0, "resolution": 64, "batch_size": 1, "rank": 4}


class Documented(Team):
    """What the shell makes of the block of commands in the guide, with a folder and ports of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "data")
        self._folder = folder
        self._shell: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run the block line by line, as somebody types it, and wait until both servers answer."""
        (block,) = re.findall(r"^```sh\n(.*?\bfluxtune serve\b.*?)```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
        assert (block.count("fluxtune serve"), block.count("fluxtune worker")) == (2, 3)
        block = block.replace("/srv/fluxtune", str(self._folder))
        for port in PORTS:
            assert f"--port {port} " in block
            block = block.replace(f"--port {port} ", "--port 0 ")
        with (self._folder / "out").open("ab") as out:
            self._shell = subprocess.Popen(
                ["bash", "-e"], cwd=ROOT, env=self._programs_by_name(), stdin=subprocess.PIPE, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{block}\nwait\n".encode())
        self._shell.stdin.close()
        for number, name in enumerate(("studio.json", "studio-2.json")):
            record = wait_for(f"server {number + 1}", lambda name=name: self._read(name))  # type: ignore[misc]
            client = self._http if number == 0 else httpx2.Client(trust_env=False, timeout=60)
            client.base_url = httpx2.URL(record["url"])
            client.headers["authorization"] = f"Bearer {record['token']}"
            if number:
                self.others.append(client)
            else:
                self.url = record["url"]

    def stop(self) -> None:
        """End everything that was started, politely and then by force."""
        services = [each for each in psutil.process_iter() if self._is_services(each)]
        ours = self.processes()
        for process in ours:
            process.terminate()
        _, left = psutil.wait_procs(ours, timeout=30)
        for process in (*left, *self.processes()):
            process.kill()
        for process in services:
            process.terminate()
        psutil.wait_procs(services, timeout=20)
        if self._shell is not None:
            self._shell.kill()
            self._shell.wait()

    def _programs_by_name(self) -> dict[str, str]:
        """Put both names that the block uses where the shell finds them: the environment of a checkout has them."""
        programs = self._folder / "bin"
        programs.mkdir()
        for name, what in (("python", ""), ("fluxtune", "-m fluxtune ")):
            (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {what}"$@"\n')
            (programs / name).chmod(0o755)
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        quicker = {"FLUXTUNE_ENGINE__HEALTH_AFTER_RUNS": "false", **ONE_THREAD}
        return {**os.environ, "PATH": path, **quicker}

    def _is_ours(self, process: psutil.Process) -> bool:
        """Return whether a program was started by the block: it has the data folder from its surroundings."""
        try:
            is_one = "fluxtune" in process.cmdline() or super()._is_ours(process)
            return is_one and process.environ().get("FLUXTUNE_DATA") == str(self.data)
        except psutil.Error:
            return False

    def _is_services(self, process: psutil.Process) -> bool:
        try:
            return "--stay" in process.cmdline() and str(self._folder) in process.cmdline()
        except psutil.Error:
            return False

    def _read(self, name: str) -> dict[str, Any] | None:
        assert self._shell is not None
        assert self._shell.poll() is None, (self._folder / "out").read_text()
        return super()._read(name)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Documented]:
    """PostgreSQL, an S3 server, two servers and three workers."""
    team = Documented(tmp_path_factory.mktemp("team"))
    try:
        team.start()
        yield team
    finally:
        team.stop()


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
