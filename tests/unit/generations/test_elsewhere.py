"""Images drawn at another studio: sent once, fetched, in the gallery like any other, and free."""

import threading

import httpx2
import pytest

from fluxtune.backends.bfl.pace import Pace
from fluxtune.generations.tasks import GenerationTask
from tests.elsewhere import add_server, far, far_app, token, wire
from tests.hosting import NoEngine
from tests.makers import add_model, run_job, state_of
from tests.unit.generations.test_tasks import PlayedBackend

__all__ = ["far", "far_app", "token", "wire"]


@pytest.fixture
def near(shared_client, far, wire, token, tmp_path, monkeypatch):
    """A signed-in browser on the laptop's studio; the other one has a base, a finetune and a worker."""
    monkeypatch.setattr(Pace, "first_wait", lambda *_: 0.0)
    monkeypatch.setattr(state_of(shared_client).settings.hosted, "patience_seconds", 0.2)
    add_model(far, tmp_path, finetune_id=None)
    add_server(shared_client, token)
    backend = PlayedBackend()
    worker_there = threading.Lock()  # several images are asked about at once, and there is one worker

    def draw_there(request):
        if request.url.path == "/v1/get_result":
            state = state_of(far)
            with worker_there:
                for job in far.get("/api/jobs", params={"active": True}).json():
                    if job["state"] == "queued":
                        run_job(far, GenerationTask(state.settings, state.blobs, backend), job["id"])

    wire.before = draw_there
    shared_client.backend = backend
    return shared_client


def model_at(near, name):
    return next(each["id"] for each in near.get("/api/servers/models").json() if each["name"] == f"{name} · gpu")


def ask(near, name, **values):
    body = {"model_id": model_at(near, name), "prompt": "[trigger] on a beach", "count": 1, "seed": 5} | values
    return near.post("/api/generations", json=body)


def work(near, generation, attempt=1):
    state = state_of(near)
    task = GenerationTask(state.settings, state.blobs, NoEngine())
    run_job(near, task, generation["job_id"], attempt)
    return near.get(f"/api/generations/{generation['id']}").json()


def test_a_finetune_there(near, far):
    asked = ask(near, "Rex", count=2, finetune_strength=0.7, steps=3)
    assert asked.status_code == 201, asked.text
    made = work(near, asked.json())
    assert made["state"] == "succeeded", made["error"]
    assert (made["cost"], made["model_name"], made["base"]) == (None, "Rex · gpu", "tiny")
    assert [slot["result"]["facts"]["seed"] for slot in made["slots"]] == [5, 6]
    # What was drawn there is what was asked for here.
    requests = {request.seeds[0]: request for request in near.backend.requests}
    assert set(requests) == {5, 6}
    assert (requests[5].prompt, requests[5].steps, requests[5].finetune_strength) == ("rexo on a beach", 3, 0.7)
    # In the gallery like any other image.
    assert len(near.get("/api/gallery/ids", params={"model_id": made["model_id"]}).json()) == 2


def test_a_base_there(near):
    models = near.get("/api/servers/models").json()
    (base,) = [each for each in models if (each["base"], each["kind"]) == ("tiny", "base")]
    asked = near.post("/api/generations", json={"model_id": base["id"], "prompt": "a cat", "count": 1})
    assert work(near, asked.json())["state"] == "succeeded"
    assert near.backend.requests[0].adapter_path is None
    assert near.backend.requests[0].base == "tiny"


def test_nothing_of_it_is_money(near):
    near.put("/api/hosted/budget", json={"per_request": 0, "per_day": 0, "per_month": 0})
    made = work(near, ask(near, "Rex").json())
    assert made["state"] == "succeeded"
    assert near.get("/api/hosted/ledger").json()["lines"] == []
    assert near.get("/api/hosted/status").json()["not_delivered"] == 0
    assert near.get("/api/hosted/ledger.csv").text.count("\n") == 1


def test_it_waits_for_no_device(near):
    from fluxtune.jobs.tables import JobRow

    ask(near, "Rex")
    with state_of(near).database.reading() as session:
        assert [row.lane for row in session.query(JobRow)] == ["network"]


def test_a_server_away_is_said_in_its_own_words(near, wire):
    def away(request):
        raise httpx2.ConnectError("no route to host")

    asked = ask(near, "Rex").json()
    wire.before = away
    made = work(near, asked)
    assert (made["state"], made["error"]["title"]) == ("failed", "The server can't be reached")
    assert "BFL" not in str(made["error"])


def test_a_server_that_failed(near, wire):
    near.backend.end, near.backend.make = "failed", 0
    made = work(near, ask(near, "Rex").json())
    assert (made["state"], made["error"]["title"]) == ("failed", "The server could not do it")
    assert "BFL" not in str(made["error"])


def test_a_server_that_was_removed(near):
    asked = ask(near, "Rex").json()
    near.delete("/api/servers/gpu")
    assert work(near, asked)["error"]["title"] == "No such server"
    assert near.post("/api/generations", json={"model_id": asked["model_id"], "prompt": "x"}).status_code == 404


@pytest.mark.parametrize("wrong", [{"version_id": "x"}, {"parameters": {"a": 1}}, {"key_name": "x"}, {"prompt": " "}])
def test_what_it_can_not_take(near, wrong):
    assert ask(near, "Rex", **wrong).status_code == 422


def test_a_server_without_extensions_draws_through_its_finetuned_endpoint(near, far, wire, token, tmp_path):
    draw_there = wire.before

    def hide(request):
        if request.url.path.startswith("/v1/fluxtune"):
            return httpx2.Response(404, json={"detail": "Not found"})
        return draw_there(request)

    wire.before = hide
    near.post("/api/servers/gpu/test")
    made = work(near, ask(near, "Rex", steps=3, guidance=2, width=256, height=256).json())
    assert made["state"] == "succeeded", made["error"]
    assert "/v1/flux-pro-finetuned" in wire.paths()
    assert near.backend.requests[0].steps == 3
