"""A generation's task with a backend that plays what a generator would say."""

import pytest

from fluxtune.backends.base import RunEnd
from fluxtune.core.errors import OutOfMemory
from fluxtune.engine.events import GeneratorEvent
from fluxtune.generations import service
from fluxtune.generations.tasks import GenerationTask
from fluxtune.imaging import read_recipe
from fluxtune.jobs import service as jobs
from tests.makers import add_model, run_job, state_of
from tests.zoo import make_base, picture


class PlayedBackend:
    """Makes as many images as told, then ends as told."""

    def __init__(self, end="succeeded", make=99):
        self.end, self.make = end, make
        self.requests = []

    def generate(self, request, sink, steering):
        self.requests.append(request)
        say(sink, "generation.phase", id=request.id, phase="generating", note="A note.")
        for index, seed in enumerate(request.seeds[: self.make]):
            for step in range(1, request.steps + 1):
                say(sink, "generation.progressed", id=request.id, index=index, step=step, steps=request.steps)
            (request.out_dir / f"{index}.png").write_bytes(picture(seed))
            say(sink, "generation.image", id=request.id, index=index, file=f"{index}.png", seed=seed, seconds=1.0)
        if self.end == "failed":
            return RunEnd("failed", 0, {}, OutOfMemory("Needs more.").problem())
        return RunEnd(self.end)


def say(sink, kind, **data):
    sink.receive(GeneratorEvent(type=kind, data=data))


@pytest.fixture
def studio(shared_client, monkeypatch):
    """A signed-in browser on a studio with one base."""
    monkeypatch.setattr(service, "require_engine", lambda: None)
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


@pytest.fixture
def generation(studio):
    """Three images that wait."""
    body = {"model_id": "tiny", "prompt": "ein Bär", "count": 3, "seed": 40}
    return studio.post("/api/generations", json=body).json()


def run(studio, generation, backend, attempt=1):
    state = state_of(studio)
    run_job(studio, GenerationTask(state.settings, state.blobs, backend), generation["job_id"], attempt)
    return studio.get(f"/api/generations/{generation['id']}").json()


def events_of(studio, generation, kind):
    with state_of(studio).database.reading() as session:
        events = jobs.list_events(session, 0, job_id=generation["job_id"], limit=5000)
    return [event.data for event in events if event.type == kind]


def test_all_images_reach_their_slots_and_the_gallery(studio, generation):
    shown = run(studio, generation, PlayedBackend())
    assert shown["state"] == "succeeded"
    assert [slot["result"]["facts"]["seed"] for slot in shown["slots"]] == [40, 41, 42]
    assert all(slot["step"] == 8 for slot in shown["slots"])
    newest_first = [slot["result"]["image"]["id"] for slot in shown["slots"]][::-1]
    assert studio.get("/api/gallery/ids").json() == newest_first
    assert studio.get("/api/models/tiny").json()["image_count"] == 3


def test_the_request_spells_everything_out(studio, tmp_path):
    model = add_model(studio, tmp_path)
    body = {"model_id": model.id, "prompt": "a rexo", "count": 1, "seed": 1, "finetune_strength": 0.7, "width": 160}
    backend = PlayedBackend()
    run(studio, studio.post("/api/generations", json=body).json(), backend)
    (request,) = backend.requests
    assert request.adapter_path.read_bytes() == b"weights of an adapter"
    assert (request.finetune_strength, request.width, request.height) == (0.7, 160, 128)
    assert (request.base, request.base_path.name, request.seeds) == ("tiny", "tiny", [1])


def test_the_file_carries_its_recipe(studio, generation):
    shown = run(studio, generation, PlayedBackend())
    result = shown["slots"][1]["result"]
    recipe = read_recipe(studio.get(result["image"]["url"]).content)
    assert recipe == {"kind": "generation", **result["facts"]}
    assert recipe["prompt"] == "ein Bär"


def test_live_events(studio, generation):
    run(studio, generation, PlayedBackend())
    finished = events_of(studio, generation, "job.image_finished")
    assert [data["index"] for data in finished] == [0, 1, 2]
    assert finished[0]["result"]["image"]["url"].startswith("/api/images/")
    last = events_of(studio, generation, "job.progressed")[-1]
    assert (last["step"], last["steps"], last["index"]) == (24, 24, 2)
    assert events_of(studio, generation, "job.logged") == [{"level": "warning", "message": "A note."}]


@pytest.mark.parametrize(("end", "state"), [("cancelled", "cancelled"), ("failed", "failed")])
def test_what_was_finished_before_stays(studio, generation, end, state):
    shown = run(studio, generation, PlayedBackend(end=end, make=2))
    assert shown["state"] == state
    assert [slot["result"] is not None for slot in shown["slots"]] == [True, True, False]
    assert len(studio.get("/api/gallery/ids").json()) == 2
    if end == "failed":
        assert shown["error"]["title"] == "Out of memory"


def test_taken_up_again_makes_only_the_rest(studio, generation):
    run(studio, generation, PlayedBackend(end="handed_back", make=1))
    backend = PlayedBackend()
    shown = run(studio, generation, backend, attempt=2)
    assert backend.requests[0].seeds == [41, 42]
    assert [slot["result"]["facts"]["seed"] for slot in shown["slots"]] == [40, 41, 42]
    assert len(studio.get("/api/gallery/ids").json()) == 3


def test_an_image_told_twice_is_stored_once(studio, generation):
    class Stutter(PlayedBackend):
        def generate(self, request, sink, steering):
            super().generate(request, sink, steering)
            (request.out_dir / "0.png").write_bytes(picture(40))
            say(sink, "generation.image", id=request.id, index=0, file="0.png", seed=40, seconds=1.0)
            return RunEnd("succeeded")

    run(studio, generation, Stutter())
    assert len(studio.get("/api/gallery/ids").json()) == 3


def test_a_slot_whose_image_is_in_the_trash_is_left_out(studio, generation):
    shown = run(studio, generation, PlayedBackend())
    studio.delete(f"/api/gallery/{shown['slots'][1]['result']['image']['id']}")
    shown = studio.get(f"/api/generations/{generation['id']}").json()
    assert [slot["index"] for slot in shown["slots"]] == [0, 2]


def test_nothing_is_left_in_the_working_folder(studio, generation):
    run(studio, generation, PlayedBackend())
    assert not state_of(studio).settings.paths.generation(generation["id"]).exists()


def test_a_model_trashed_meanwhile_fails_the_job(studio, tmp_path):
    model = add_model(studio, tmp_path)
    generation = studio.post("/api/generations", json={"model_id": model.id, "prompt": "a rexo"}).json()
    studio.delete(f"/api/models/{model.id}")
    shown = run(studio, generation, PlayedBackend())
    assert (shown["state"], shown["error"]["type"]) == ("failed", "/errors/model-in-trash")
