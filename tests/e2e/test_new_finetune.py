"""What surrounds a run, with nothing trained: form and text, templates, webhook, notification, comparison."""

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fluxtune.config import load_settings
from fluxtune.db import Database
from fluxtune.finetunes.probe_task import ProbeTask
from fluxtune.finetunes.tasks import FinetuneTask
from fluxtune.jobs.runner import JobRunner
from fluxtune.jobs.tasks import Task
from fluxtune.models.service import ModelService, store_adapter
from fluxtune.storage import Blobs
from tests.e2e.checks import assert_accessible
from tests.unit.finetunes.test_going_on import Prober
from tests.unit.finetunes.test_tasks import PlayedBackend

pytestmark = pytest.mark.e2e

SECRET = "a secret of the tests"


@pytest.fixture(scope="module")
def studio_settings() -> dict[str, str]:
    # Its worker takes no job: what a run says is played here. It sends webhooks as always, also to this computer.
    return {"FLUXTUNE_WORKER__POLL_SECONDS": "3600", "FLUXTUNE_WEBHOOKS__ALLOW_PRIVATE": "true"}


@pytest.fixture(scope="module")
def dataset(server):
    return server.client.create_dataset(sample=server.client.samples()[0].name)


@dataclass
class Player:
    """Runs queued jobs in place of the worker, with backends that only play."""

    data: Path

    def __post_init__(self) -> None:
        self.settings = load_settings(self.data)
        self.database = Database.at(self.settings.paths.database, self.settings.database_url)
        self.blobs = Blobs.at(self.settings.paths.blobs, self.settings.storage_url)

    def train(self, job_id: str) -> None:
        self._play(FinetuneTask(self.settings, self.blobs, PlayedBackend()), job_id)

    def measure(self, job_id: str) -> None:
        self._play(ProbeTask(self.settings, self.blobs, Prober()), job_id)

    def _play(self, task: Task, job_id: str) -> None:
        runner = JobRunner(self.database, [task], lambda: False)
        end: dict[str, Any] = {}
        for name in runner.begin(job_id, 1):
            end = runner.run_step(job_id, name)
        runner.finish(job_id, 1, end)


@pytest.fixture
def player(server) -> Iterator[Player]:
    played = Player(server.data)
    yield played
    played.database.close()


@dataclass
class Receiver:
    """Another program that is told how runs end."""

    url: str = ""
    got: list[tuple[str, bytes]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.got.append((self.headers["x-fluxtune-signature"], body))
            self.send_response(204)
            self.end_headers()
            told.arrived.set()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/done"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


def open_form(page: Page, dataset) -> None:
    page.goto(f"/finetunes/new?dataset={dataset.id}")
    page.get_by_role("button", name="More settings").click()


def set_number(page: Page, name: str, value: float) -> None:
    page.get_by_role("textbox", name=name, exact=True).first.fill(str(value))


def test_what_does_not_fit_is_changed_with_one_click_and_measured(page: Page, server, dataset, player):
    open_form(page, dataset)
    summary = page.get_by_role("region", name="Summary")
    set_number(page, "Resolution", 2048)
    set_number(page, "Batch size", 64)
    changes = page.get_by_role("list", name="What would make it fit")
    expect(summary).to_contain_text("Does not fit")
    assert_accessible(page)
    changes.get_by_role("button").first.click()
    expect(summary).to_contain_text("Fits with")
    expect(changes).to_have_count(0)

    summary.get_by_role("button", name="Measure on this machine").click()
    expect(summary).to_contain_text("The measurement waits")
    (job,) = server.client.jobs(active=True)
    player.measure(job.id)
    expect(summary).to_contain_text("Measured here")
    expect(summary.get_by_role("button", name="Measure again")).to_be_enabled()


def test_form_and_text_are_two_views_of_one_recipe(page: Page, dataset, watch):
    watch.allowed.append("422")  # the browser itself logs the refused request
    open_form(page, dataset)
    set_number(page, "Steps", 77)
    page.get_by_text("YAML", exact=True).click()
    text = page.get_by_role("textbox", name="Recipe as YAML")
    expect(text).to_have_value(re.compile(r"^  steps: 77$", re.M))
    settings = page.get_by_role("region", name="Settings")
    text.fill("quality: draft\nrecipe:\n  stepz: 4\n  batch_size: many\n")
    expect(settings.get_by_role("button", name="Line 3: There is no such setting.")).to_be_visible()
    expect(settings.get_by_role("button", name=re.compile("^Line 4: Must be"))).to_be_visible()
    expect(page.get_by_role("button", name="Start finetune")).to_be_disabled()
    assert_accessible(page)
    text.fill("name: From text\nquality: draft\nrecipe:\n  steps: 33\n")
    expect(settings).to_contain_text("Everything is understood.")
    expect(page.get_by_role("region", name="Summary")).to_contain_text(re.compile(r"Steps\s*33"))
    page.get_by_text("Form", exact=True).click()
    expect(page.get_by_role("textbox", name="Steps", exact=True)).to_have_value("33 steps")
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("From text")
    expect(page.get_by_role("radio", name=re.compile("^Draft"))).to_be_checked()


def test_templates(page: Page, server, dataset, watch, tmp_path):
    watch.allowed.append("422")
    names = lambda: [template.name for template in server.client.templates()]  # noqa: E731
    menu = page.get_by_role("button", name="Templates")
    dialog = page.get_by_role("dialog")
    open_form(page, dataset)
    set_number(page, "Steps", 33)
    menu.click()
    page.get_by_role("menuitem", name="Save as template").click()
    dialog.get_by_role("textbox", name="Name of the template").fill("Mine")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)

    menu.click()
    page.get_by_role("menuitem", name="Manage templates").click()
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Export template Mine").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert "steps: 33" in file.read_text()
    assert_accessible(page)
    dialog.get_by_role("textbox", name="Name of template Mine").fill("Renamed")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("link", name="Export template Renamed")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        dialog.get_by_role("button", name="Import a file").click()
    chooser.value.set_files(file)
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    assert names() == ["Mine", "Renamed"]
    dialog.get_by_role("button", name="Paste a recipe").click()
    dialog.get_by_role("textbox", name="Recipe as YAML").fill("recipe: {steps: 0}")
    dialog.get_by_role("button", name="Add to the templates").click()
    expect(dialog.get_by_role("alert")).to_contain_text("recipe.steps: Line 1")
    dialog.get_by_role("button", name="Delete template Mine").click()
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("alert").filter(has_text="is gone")).to_have_count(0)

    set_number(page, "Steps", 44)
    menu.click()
    expect(page.get_by_role("menuitem", name="Mine")).to_be_visible()
    page.get_by_role("menuitem", name="Renamed").click()
    expect(page.get_by_role("textbox", name="Steps", exact=True)).to_have_value("33 steps")
    assert names() == ["Mine", "Renamed"]


def test_who_asked_is_told_of_the_end(new_page, server, dataset, player, receiver, watch):
    watch.allowed.append("422")
    page = new_page(permissions=["notifications"])
    page.add_init_script(
        "window.told = []; window.Notification = class { constructor(title) { window.told.push(title) }"
        " static permission = 'granted'; static requestPermission = async () => 'granted'; close() {} }"
    )
    page.goto(server.link())
    open_form(page, dataset)
    page.get_by_role("textbox", name="Name", exact=True).fill("Told")
    address, start = page.get_by_role("textbox", name="Webhook"), page.get_by_role("button", name="Start finetune")
    address.fill("nonsense")
    start.click()
    wrong = page.get_by_role("alert").filter(has_text="That address can't be used")
    expect(wrong).to_be_visible()
    expect(address).to_have_attribute("aria-invalid", "true")
    address.fill(receiver.url)
    expect(wrong).to_have_count(0)
    expect(address).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("textbox", name="Secret").fill(SECRET)
    start.click()
    page.wait_for_url(re.compile(r"/finetunes/[0-9a-f]{32}$"))
    expect(page.get_by_role("main")).to_contain_text(f"{receiver.url} is told at the end.")
    page.get_by_role("button", name="Notify me").click()
    expect(page.get_by_role("button", name="You will be told")).to_be_visible()

    run = next(each for each in server.client.finetunes() if each.name == "Told")
    player.train(run.job_id)
    expect(page.get_by_role("button", name="Create with it")).to_be_visible()
    page.wait_for_function("window.told.length === 1")
    assert page.evaluate("window.told") == ["“Told” has finished"]
    assert receiver.arrived.wait(60)
    ((signature, body),) = receiver.got
    assert signature == "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert json.loads(body)["finetune"]["id"] == run.id
    page.reload()
    expect(page.get_by_role("main")).to_contain_text(f"{receiver.url} was told.")


def test_two_runs_are_compared_and_a_version_is_used_by_default(page: Page, server, dataset, player, tmp_path):
    for name, rank in (("One", 4), ("Two", 8)):
        run = server.client.start_finetune(dataset_id=dataset.id, name=name, recipe={"steps": 20, "rank": rank})
        player.train(run.job_id)
    page.goto(f"/finetunes/{run.id}")
    page.get_by_role("button", name="More about this finetune").click()
    page.get_by_role("menuitem", name="Compare with another").click()
    expect(page.get_by_role("combobox", name="A", exact=True)).to_have_value("Two")
    page.get_by_role("combobox", name="B", exact=True).click()
    page.get_by_role("option", name="One").click()
    differences = page.get_by_role("table").filter(has_text="Rank")
    expect(differences.get_by_role("row").filter(has_text="Rank")).to_have_text(re.compile(r"Rank\s*8\s*4"))
    expect(page.get_by_role("main").get_by_role("img")).not_to_have_count(0)
    assert_accessible(page)

    model = server.client.get_model(server.client.get_finetune(run.id).model_id)
    adapter = tmp_path / "further.safetensors"
    adapter.write_bytes(b"weights trained further")
    stored = store_adapter(player.settings.paths, adapter, model.id)
    with player.database.transaction() as session:
        ModelService(session, player.blobs, player.settings).add_version(model.id, 40, stored)
    page.goto(f"/models/{model.id}")
    versions = page.get_by_role("region", name="Versions").get_by_role("listitem")
    expect(versions.first).to_contain_text("Used by default")
    # The page shows the choice at once; it counts when the server has answered.
    with page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.ok):
        versions.nth(1).get_by_role("button", name="Use version Step 20 by default").click()
    expect(versions.nth(1)).to_contain_text("Used by default")
    expect(versions.first.get_by_role("button", name="Use version Step 40 by default")).to_be_visible()
    assert server.client.get_model(model.id).default_version_id == model.versions[0].id
