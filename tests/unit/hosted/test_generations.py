"""Generations with a hosted model: every image once, every request paid once, whatever the server does."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from fluxtune.core.clock import now
from fluxtune.generations.tasks import GenerationTask
from fluxtune.hosted import ledger, repository, runner
from fluxtune.jobs import service as jobs
from fluxtune.jobs.tables import JobRow
from tests.bfl_server import make_jpeg
from tests.hosting import NoEngine, ask, hurry, lines, work
from tests.makers import run_job, state_of


def test_the_whole_way(hosted, server):
    generation = ask(hosted, count=3)
    assert generation["cost"] == {"estimate": pytest.approx(4.2), "cost": 0.0, "owed": []}
    shown = work(hosted, generation)
    assert shown["state"] == "succeeded", shown["error"]
    assert [slot["result"]["facts"]["seed"] for slot in shown["slots"]] == [5, 6, 7]
    assert sorted(task["body"]["seed"] for task in server.tasks.values()) == [5, 6, 7]
    assert shown["cost"]["cost"] == pytest.approx(4.2)
    for line in lines(hosted):
        assert (line["state"], line["cost"], line["is_settled"], line["model_id"]) == (
            "delivered", 1.4, True, "bfl:flux-2-klein-4b",
        )  # fmt: skip
    image = shown["slots"][0]["result"]["image"]
    assert image["format"] == "JPEG"
    assert hosted.get(image["url"]).content in [make_jpeg(number) for number in range(3)], "the untouched file"
    assert server.keys_at_delivery == [None] * 3
    assert len(hosted.get("/api/gallery/ids").json()) == 3
    assert hosted.get("/api/hosted/status").json()["spent_today"] == pytest.approx(4.2)


def test_only_what_was_asked_for_is_sent(hosted, server):
    body = {"width": 512, "height": 256, "parameters": {"safety_tolerance": 1}}
    generation = ask(hosted, **body)
    assert (generation["width"], generation["height"], generation["steps"]) == (512, 256, 0)
    work(hosted, generation)
    (task,) = server.tasks.values()
    assert task["path"] == "/v1/flux-2-klein-4b"
    assert task["body"] == {"prompt": "a cat", "seed": 5, "width": 512, "height": 256, "safety_tolerance": 1}
    # Asked for again as it is shown, it is the same request.
    again = {name: generation[name] for name in ("prompt", "model_id", "parameters")}
    work(hosted, ask(hosted, **again))
    first, second = server.tasks.values()
    assert first["body"] == second["body"]


def test_images_of_the_studio_are_sent_as_base64(hosted, server):
    first = work(hosted, ask(hosted))["slots"][0]["result"]["image"]
    generation = ask(hosted, model_id="bfl:flux-2-pro", parameters={"input_image": first["id"]})
    work(hosted, generation)
    sent = list(server.tasks.values())[1]["body"]["input_image"]
    assert sent.startswith("/9j/")
    assert lines(hosted)[1]["estimate"] == 4.5, "an image that is given costs too"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"model_id": "bfl:flux-9"}, "no model"),
        ({"model_id": "bfl:flux-pro-finetuned"}, "2025-10-31"),
        ({"model_id": "bfl:flux-3-image", "width": 512}, "aspect_ratio"),
        ({"model_id": "bfl:flux-2-pro", "parameters": {"negative_prompt": "x"}}, "negative_prompt"),
        ({"model_id": "bfl:flux-2-pro", "parameters": {"input_image": "/etc/passwd"}}, "id of an image"),
        ({"model_id": "bfl:flux-2-pro", "parameters": {"input_image": "0" * 32}}, "no image"),
        ({"model_id": "bfl:flux-2-pro", "finetune_strength": 0.5}, "no finetune"),
        ({"model_id": "bfl:flux-2-klein-9b-finetuned"}, "finetune_id"),
        ({"model_id": "bfl:flux-pro-1.0-fill"}, "image"),
        ({"model_id": "bfl:flux-2-pro", "key_name": "nobody"}, "no key"),
        ({"model_id": "bfl:flux-2-pro", "version_id": "1"}, "no versions"),
        ({"model_id": "bfl:flux-2-pro", "width": 2048, "height": 2064}, ""),
    ],
)
def test_what_can_be_told_before_costs_nothing(hosted, server, body, word):
    response = hosted.post("/api/generations", json={"prompt": "a cat", **body})
    assert response.status_code in (404, 422), response.text
    assert word in response.text
    assert server.tasks == {}
    assert lines(hosted) == []


def test_without_a_key(shared_client):
    response = shared_client.post("/api/generations", json={"model_id": "bfl:flux-2-pro", "prompt": "a cat"})
    assert response.status_code == 503
    assert "fluxtune hosted key add" in response.json()["action"]


NOT_CHARGED = [400, 401, 402, 403, 404, 405, 410, 413, 418, 422, 301, 307, 308]
OPEN = [302, 408, 409, 425, 500, 502, 503, 504, "cut-before", "cut-after", "html", "slow", (200, {"id": None})]


@pytest.mark.parametrize("fault", NOT_CHARGED)
def test_refused_requests_cost_nothing(hosted, server, fault):
    server.faults["submit"].append(fault)
    shown = work(hosted, ask(hosted))
    assert shown["state"] == "failed"
    assert shown["error"]["action"]
    (line,) = lines(hosted)
    assert (line["state"], line["cost"], line["is_settled"]) == ("failed", 0.0, True)
    assert hosted.get("/api/hosted/status").json()["spent_today"] == 0
    assert hosted.get("/api/hosted/not-delivered").json()["lines"] == []


@pytest.mark.parametrize("fault", OPEN, ids=str)
def test_what_may_have_been_accepted_is_never_sent_again_by_itself(hosted, server, fault, monkeypatch):
    if fault == "slow":
        hurry(hosted, monkeypatch, timeout=0.3)
    server.faults["submit"].append(fault)
    generation = ask(hosted)
    shown = work(hosted, generation)
    assert shown["error"]["type"] == "/errors/acceptance-unknown"
    assert shown["cost"]["owed"] == [0]
    accepted = len(server.tasks)
    assert accepted <= 1
    (line,) = hosted.get("/api/hosted/not-delivered").json()["lines"]
    assert line["state"] == "unknown"
    # The estimate stays set aside: it may have been spent.
    assert hosted.get("/api/hosted/status").json()["spent_today"] == pytest.approx(1.4)
    # Only the user may pay again, and that is another line.
    url = f"/api/generations/{generation['id']}/retry"
    assert hosted.post(url, json={}).status_code == 409
    again = hosted.post(url, json={"send_again": True})
    assert again.status_code == 200, again.text
    shown = work(hosted, again.json())
    assert shown["state"] == "succeeded"
    assert len(server.tasks) == accepted + 1
    assert [(each["attempt"], each["state"]) for each in lines(hosted)] == [(1, "failed"), (2, "delivered")]
    # What was given up is no longer listed, and still counts as spent.
    assert hosted.get("/api/hosted/not-delivered").json()["lines"] == []
    assert shown["cost"]["owed"] == []
    assert hosted.get("/api/hosted/status").json()["spent_today"] == pytest.approx(2.8)


@pytest.mark.parametrize("faults", [[429], [429, 429]])
def test_too_many_tasks_wait_and_are_sent_again(hosted, server, faults, monkeypatch):
    monkeypatch.setattr(runner, "FIRST_BACK_OFF_S", 0.01)
    server.faults["submit"].extend(faults)
    shown = work(hosted, ask(hosted))
    assert shown["state"] == "succeeded"
    assert len(server.tasks) == 1


def test_nobody_there_is_tried_again_and_costs_nothing(hosted, server):
    generation = ask(hosted)
    server.close()
    shown = work(hosted, generation)
    assert shown["error"]["type"] == "/errors/host-unreachable"
    assert "Nothing was charged" in shown["error"]["action"]
    assert lines(hosted)[0]["cost"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        400, 404, 408, 429, 500, 502, 503, 504, "html", "slow", "cut-before", (200, {"status": 7}), (200, b"\xff\xfe"),
        (200, {"id": "x", "status": "Ready", "result": None}), (503, {"id": "x", "status": "Pending"}),
        (422, {"id": "x", "status": "Generating"}),
    ],
    ids=str,
)  # fmt: skip
def test_questions_are_asked_again(hosted, server, fault, monkeypatch):
    if fault == "slow":
        hurry(hosted, monkeypatch, timeout=0.3)
    server.faults["poll"].append(fault)
    shown = work(hosted, ask(hosted))
    assert shown["state"] == "succeeded", shown["error"]
    assert len(server.tasks) == 1


@pytest.mark.parametrize("fault", [401, 403])
def test_a_key_that_is_refused_while_an_image_is_made_loses_nothing(hosted, server, fault):
    server.faults["poll"].append(fault)
    generation = ask(hosted)
    shown = work(hosted, generation)
    assert (shown["error"]["type"], shown["cost"]["owed"]) == ("/errors/key-refused", [0])
    shown = work(hosted, hosted.post(f"/api/generations/{generation['id']}/retry", json={}).json())
    assert shown["state"] == "succeeded"
    assert len(server.tasks) == 1


@pytest.mark.parametrize("hours", [-2, 2], ids=["set ahead", "set back"])
def test_a_clock_that_is_set_meanwhile_loses_nothing(hosted, server, hours):
    accepted = server.accept("/v1/x", {})
    generation = ask(hosted, count=2)
    with state_of(hosted).database.transaction() as session:
        row = repository.list_of_target(session, generation["id"])[0]
        row.state, row.task_id, row.sent_at = "submitted", accepted["id"], now() + timedelta(hours=hours)
    assert work(hosted, generation, attempt=2)["state"] == "succeeded"
    assert len(server.tasks) == 2


def test_statuses_nobody_knows_are_waited_out(hosted, server, monkeypatch):
    monkeypatch.setattr("fluxtune.hosted.runner._LOST_AFTER_S", 10)
    server.statuses.extend(["Pending", "Reasoning", "Generating", "Dreaming", "Task not found"])
    assert work(hosted, ask(hosted))["state"] == "succeeded"
    assert len(server.polls) == 6


@pytest.mark.parametrize(
    ("status", "slug"),
    [
        ("Request Moderated", "request-moderated"), ("Content Moderated", "content-moderated"),
        ("Error", "task-failed"), ("Failed", "task-failed"),
    ],
)  # fmt: skip
def test_a_task_that_ends_badly(hosted, server, status, slug):
    server.statuses.append(status)
    shown = work(hosted, ask(hosted))
    assert shown["error"]["type"] == f"/errors/{slug}"
    (line,) = lines(hosted)
    assert (line["state"], line["cost"]) == ("failed", 1.4)
    if "Moderated" in status:
        assert "Sexual Content" in shown["error"]["detail"]


def test_a_task_that_is_gone_is_listed(hosted, server):
    server.statuses.extend(["Task not found"] * 99)
    shown = work(hosted, ask(hosted))
    assert shown["error"]["type"] == "/errors/task-lost"
    assert hosted.get("/api/hosted/status").json()["not_delivered"] == 1


def test_late_images_are_fetched_later(hosted, server, monkeypatch):
    hurry(hosted, monkeypatch, deadline=0.2)
    server.statuses.extend(["Dreaming"] * 999)
    generation = ask(hosted)
    shown = work(hosted, generation)
    assert shown["error"]["type"] == "/errors/task-unfinished"
    assert "Dreaming" in shown["error"]["detail"]
    assert shown["cost"]["owed"] == [0]
    server.statuses.clear()
    shown = work(hosted, hosted.post(f"/api/generations/{generation['id']}/retry", json={}).json())
    assert shown["state"] == "succeeded"
    assert shown["cost"]["owed"] == []
    assert len(server.tasks) == 1


@pytest.mark.parametrize("fault", [500, 403, 410, "truncated", "half", "html", "slow", "cut-before"], ids=str)
def test_images_that_do_not_come_are_fetched_again(hosted, server, fault, monkeypatch):
    if fault == "slow":
        hurry(hosted, monkeypatch, timeout=0.3)
    server.faults["image"].append(fault)
    shown = work(hosted, ask(hosted))
    assert shown["state"] == "succeeded", shown["error"]
    assert len(server.tasks) == 1


def test_a_link_that_has_expired_is_asked_for_anew(hosted, server):
    link, asked = server.link, []

    def fresh_the_second_time(task):
        asked.append(task)
        return f"{link(task)}?expired" if len(asked) == 1 else link(task)

    server.link = fresh_the_second_time
    shown = work(hosted, ask(hosted))
    assert shown["state"] == "succeeded", shown["error"]
    assert (len(asked), len(server.tasks)) == (2, 1)


def test_a_link_that_expired_while_nobody_worked_is_asked_for_later(hosted, server):
    link = server.link
    server.link = lambda task: f"{link(task)}?expired"
    generation = ask(hosted)
    shown = work(hosted, generation)
    assert (shown["error"]["title"], shown["cost"]["owed"]) == ("The link to the image has expired", [0])
    server.link = link
    shown = work(hosted, hosted.post(f"/api/generations/{generation['id']}/retry", json={}).json())
    assert shown["state"] == "succeeded"
    assert len(server.tasks) == 1


@pytest.mark.parametrize("fault", [410, "half"])
def test_an_image_that_never_comes_stays_owed(hosted, server, fault):
    server.faults["image"].extend([fault] * 2)
    generation = ask(hosted)
    shown = work(hosted, generation)
    assert shown["error"]["type"].startswith("/errors/"), shown
    (line,) = hosted.get("/api/hosted/not-delivered").json()["lines"]
    assert (line["state"], line["is_settled"]) == ("ready", True)
    shown = work(hosted, hosted.post(f"/api/generations/{generation['id']}/retry", json={}).json())
    assert shown["state"] == "succeeded"
    assert len(server.tasks) == 1


def test_a_polling_url_that_leads_elsewhere_loses_nothing(hosted, server):
    server.polling_url = lambda task: f"https://evil.example/get_result?id={task}"
    assert work(hosted, ask(hosted))["state"] == "succeeded"


def test_the_cost_is_that_which_bfl_tells(hosted, server):
    server.cost = 2.25
    shown = work(hosted, ask(hosted))
    assert shown["cost"] == {"estimate": 1.4, "cost": 2.25, "owed": []}


def test_a_server_that_tells_no_cost(hosted, server):
    server.cost = None
    work(hosted, ask(hosted))
    (line,) = lines(hosted)
    assert (line["state"], line["cost"], line["is_settled"]) == ("delivered", None, False)
    assert hosted.get("/api/hosted/status").json()["spent_today"] == pytest.approx(1.4)


def test_one_bad_image_does_not_cost_the_others(hosted, server):
    server.faults["submit"].append("cut-after")
    shown = work(hosted, ask(hosted, count=4))
    assert shown["state"] == "failed"
    assert shown["error"]["detail"].startswith("1 of 4 images")
    assert sum(slot["result"] is not None for slot in shown["slots"]) == 3
    assert len(shown["cost"]["owed"]) == 1


def test_never_more_tasks_than_the_account_may_have(hosted, server):
    server.seconds = 0.05
    server.active_limit = 24
    assert work(hosted, ask(hosted, count=32))["state"] == "succeeded"
    assert server.most_active <= 24


def test_kontext_max_has_a_limit_of_its_own(hosted, server):
    server.seconds = 0.03
    generation = ask(hosted, model_id="bfl:flux-kontext-max", count=12)
    assert work(hosted, generation)["state"] == "succeeded"
    assert 1 < server.most_active <= 6


def test_tasks_of_other_processes_count(hosted):
    generation = ask(hosted, count=25)
    with state_of(hosted).database.transaction() as session:
        ids = [row.id for row in repository.list_of_target(session, generation["id"])]
        assert ledger.let_leave(session, ids, 20).granted == frozenset(ids[:20])
        leave = ledger.let_leave(session, ids, 20)
        assert leave == ledger.Leave(frozenset(ids[20:24]), frozenset(ids[24:]), frozenset(ids[:20]))
        assert ledger.let_leave(session, ["0" * 32], 1).gone == {"0" * 32}


def test_what_may_have_been_accepted_counts_for_a_minute(hosted):
    generation = ask(hosted, model_id="bfl:flux-kontext-max", count=8)
    with state_of(hosted).database.transaction() as session:
        rows = repository.list_of_target(session, generation["id"])
        ids = [row.id for row in rows]
        assert len(ledger.let_leave(session, ids, 9).granted) == 6
        for row in rows[:3]:
            row.state = "unknown"
        assert ledger.let_leave(session, ids[6:], 9).granted == frozenset()
        rows[0].sent_at = now() - timedelta(seconds=61)
        assert ledger.let_leave(session, ids[6:], 9).granted == {ids[6]}


def test_waiting_for_a_full_endpoint_holds_up_no_other(hosted, server, monkeypatch):
    monkeypatch.setattr(runner, "SAY_WAITING_AFTER_S", 0.0)
    server.seconds = 1.0  # long enough to be seen waiting, on a busy computer too
    state = state_of(hosted)
    task = GenerationTask(state.settings, state.blobs, NoEngine())
    full = ask(hosted, model_id="bfl:flux-kontext-max", count=20)
    other = ask(hosted, seed=1)
    kontext = threading.Thread(target=run_job, args=(hosted, task, full["job_id"]))
    kontext.start()
    while len(server.tasks) < 6:
        time.sleep(0.002)
    more = ask(hosted, model_id="bfl:flux-kontext-max")
    waiting = threading.Thread(target=run_job, args=(hosted, task, more["job_id"]))
    waiting.start()
    run_job(hosted, task, other["job_id"])
    while hosted.get(f"/api/generations/{more['id']}").json()["phase"] != runner.WAITING:
        time.sleep(0.002)
    assert hosted.get(f"/api/generations/{other['id']}").json()["state"] == "succeeded"
    assert len(server.tasks) < 20
    hosted.post(f"/api/generations/{full['id']}/cancellation")
    kontext.join()
    waiting.join()
    assert hosted.get(f"/api/generations/{more['id']}").json()["state"] == "succeeded"
    with state_of(hosted).database.reading() as session:
        told = [event.data.get("phase") for event in jobs.list_events(session, 0, job_id=more["job_id"])]
    assert [phase for phase in told if phase] == [runner.WAITING, runner.DRAWING]
    assert server.most_active <= 7


class TestCancel:
    def test_before_anything_was_sent(self, hosted, server):
        generation = ask(hosted, count=2)
        hosted.post(f"/api/generations/{generation['id']}/cancellation")
        assert [(line["state"], line["cost"]) for line in lines(hosted)] == [("failed", 0.0)] * 2
        assert server.tasks == {}

    def test_what_was_sent_is_paid_and_therefore_fetched(self, hosted, server, monkeypatch):
        monkeypatch.setattr("fluxtune.jobs.asked.LOOK_EVERY_S", 0.0)
        server.seconds = 0.2
        server.active_limit = 2
        generation = ask(hosted, count=6)
        worker = threading.Thread(target=work, args=(hosted, generation))
        worker.start()
        while len(server.tasks) < 2:
            pass
        hosted.post(f"/api/generations/{generation['id']}/cancellation")
        worker.join()
        shown = hosted.get(f"/api/generations/{generation['id']}").json()
        assert shown["state"] == "cancelled"
        states = [line["state"] for line in lines(hosted)]
        assert states.count("delivered") == len(server.tasks)
        assert states.count("failed") == 6 - len(server.tasks)
        assert len(server.tasks) < 6


class TestInterrupted:
    def set_lines(self, hosted: Any, generation: dict[str, Any], **values: Any) -> None:
        with state_of(hosted).database.transaction() as session:
            for row in repository.list_of_target(session, generation["id"]):
                for name, value in values.items():
                    setattr(row, name, value)

    def test_before_the_request_left(self, hosted, server):
        assert work(hosted, ask(hosted), attempt=2)["state"] == "succeeded"

    def test_after_it_left(self, hosted, server):
        generation = ask(hosted)
        self.set_lines(hosted, generation, sent_at=now())
        shown = work(hosted, generation, attempt=2)
        assert shown["error"]["type"] == "/errors/acceptance-unknown"
        assert server.tasks == {}

    def test_after_it_was_accepted(self, hosted, server):
        generation = ask(hosted)
        accepted = server.accept("/v1/x", {})
        self.set_lines(hosted, generation, sent_at=now(), state="submitted", task_id=accepted["id"])
        assert work(hosted, generation, attempt=2)["state"] == "succeeded"
        assert len(server.tasks) == 1

    def test_after_the_image_was_kept(self, hosted, server):
        generation = ask(hosted)
        work(hosted, generation)
        self.set_lines(hosted, generation, state="ready", image_id=None)
        with state_of(hosted).database.transaction() as session:
            session.get(JobRow, generation["job_id"]).state = "queued"
        shown = work(hosted, generation, attempt=2)
        assert shown["state"] == "succeeded"
        assert len(hosted.get("/api/gallery/ids").json()) == 1
        assert lines(hosted)[0]["state"] == "delivered"
