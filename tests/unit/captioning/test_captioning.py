"""Automatic captions: the job, its captioners, and whose captions they leave alone."""

from contextlib import contextmanager
from typing import Any

import pytest

from fluxtune.backends.local.captioner import Interrupted
from fluxtune.backends.vision.client import VisionClient
from fluxtune.captioning.tasks import CaptionTask
from fluxtune.jobs.runner import JobRunner
from tests.makers import add_dataset, run_job, set_job, state_of
from tests.vision_server import VisionServer


@pytest.fixture
def client(shared_client, monkeypatch):
    """A signed-in browser on a studio that is impatient with caption servers."""
    settings = state_of(shared_client).settings.captions
    monkeypatch.setattr(settings, "retry_seconds", 0.0)
    monkeypatch.setattr(settings, "tries", 2)
    monkeypatch.setattr(settings, "timeout_seconds", 0.5)
    return shared_client


@pytest.fixture
def server(client, monkeypatch):
    """A caption server of this computer, named by an administrator."""
    server = VisionServer()
    monkeypatch.setattr(state_of(client).settings.captions, "local_endpoints", [server.url])
    yield server
    server.close()


@pytest.fixture
def endpoint(client, server):
    """That server, added under its own name, with a key."""
    name = server.url.rpartition(":")[2].replace("/", " ")
    body = {"name": name, "url": server.url, "model": "tiny-vl", "key": "sk-secret"}
    response = client.post("/api/captioners/endpoints", json=body)
    assert response.status_code == 201, response.text
    return response.json()


@pytest.fixture
def dataset(client):
    """Four images without captions."""
    dataset = add_dataset(client, count=4, name="Bare")
    step = {"edit": {"kind": "replace", "find": ".*", "replace": "", "is_regex": True}}
    client.post(f"/api/datasets/{dataset['id']}/captions/steps", json=step)
    return dataset


class Parrot:
    """A captioner of this computer that says what it is told."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.setup: Any = None

    @contextmanager
    def captioner(self, setup, steering):
        self.setup = setup
        yield self

    def caption(self, image_id, file):
        assert file.read_bytes().startswith(b"\xff\xd8")
        self.asked.append(image_id)
        answer = self.answers.pop(0) if self.answers else "a cat"
        if isinstance(answer, BaseException):
            raise answer
        return (answer, "") if answer else (None, "can't tell")


def task_of(client, backend=None):
    state = state_of(client)
    return CaptionTask(state.settings, state.blobs, backend or Parrot())


def start(client, dataset, status=202, **body):
    response = client.post(f"/api/datasets/{dataset['id']}/captions/jobs", json={"captioner": "pocket"} | body)
    assert response.status_code == status, response.text
    return response.json()


def images_of(client, dataset):
    return client.get(f"/api/datasets/{dataset['id']}/images").json()


def captions_of(client, dataset):
    return [image["caption"] for image in images_of(client, dataset)]


def type_into(client, dataset, number, caption):
    image = images_of(client, dataset)[number]
    client.patch(f"/api/datasets/{dataset['id']}/images/{image['id']}", json={"caption": caption})


def job_of(client, run):
    return client.get(f"/api/jobs/{run['job']['id']}").json()


class TestWriting:
    def test_every_image_gets_one_with_its_author(self, client, dataset):
        run = start(client, dataset)
        run_job(client, task_of(client, Parrot("a cat", "a rexo dog", None, "a fish")), run["job"]["id"])
        assert captions_of(client, dataset) == ["rexo, a cat", "a rexo dog", "", "rexo, a fish"]
        image = images_of(client, dataset)[0]
        assert (image["caption_by"], image["caption_source"]) == ("auto", "pocket")
        job = job_of(client, run)
        assert (job["state"], job["step"], job["steps"]) == ("succeeded", 4, 4)
        [shown] = client.get(f"/api/datasets/{dataset['id']}/captions/jobs").json()
        assert (shown["step"]["state"], shown["step"]["changed_count"]) == ("done", 3)
        assert [note["reason"] for note in shown["step"]["notes"]] == ["can't tell"]

    def test_it_is_one_step_to_undo(self, client, dataset):
        run = start(client, dataset)
        run_job(client, task_of(client), run["job"]["id"])
        undone = client.post(f"/api/datasets/{dataset['id']}/captions/undo", json={"step_id": run["step"]["id"]})
        assert undone.json()["changed_count"] == 4
        assert captions_of(client, dataset) == [""] * 4

    def test_typed_captions_stay_unless_asked(self, client, dataset):
        type_into(client, dataset, 0, "mine")
        counts = client.post(f"/api/datasets/{dataset['id']}/captions/counts", json={}).json()
        assert (counts["empty_count"], counts["typed_count"], counts["auto_count"]) == (3, 1, 0)
        run_job(client, task_of(client), start(client, dataset)["job"]["id"])
        assert captions_of(client, dataset)[0] == "mine"
        run_job(client, task_of(client, Parrot(*["a dog"] * 9)), start(client, dataset, scope="auto")["job"]["id"])
        assert captions_of(client, dataset) == ["mine", *["rexo, a dog"] * 3]
        run_job(client, task_of(client, Parrot(*["a cow"] * 9)), start(client, dataset, scope="all")["job"]["id"])
        assert captions_of(client, dataset) == ["rexo, a cow"] * 4

    @pytest.mark.parametrize("scope", ["empty", "auto", "all"])
    def test_what_is_typed_meanwhile_stays(self, client, dataset, scope):
        run = start(client, dataset, scope=scope)

        class Slow(Parrot):
            def caption(self, image_id, file):
                if len(self.asked) == 1:
                    type_into(client, dataset, 1, "typed meanwhile")
                    type_into(client, dataset, 3, "typed meanwhile")
                return super().caption(image_id, file)

        run_job(client, task_of(client, Slow()), run["job"]["id"])
        assert captions_of(client, dataset) == ["rexo, a cat", "typed meanwhile", "rexo, a cat", "typed meanwhile"]

    def test_after_a_crash_it_goes_on(self, client, dataset):
        run = start(client, dataset)
        broken = Parrot("a cat", "a dog", KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run_job(client, task_of(client, broken), run["job"]["id"])
        assert captions_of(client, dataset)[:3] == ["rexo, a cat", "rexo, a dog", ""]
        again = Parrot("a fish", "a cow")
        run_job(client, task_of(client, again), run["job"]["id"])
        assert again.asked == [image["id"] for image in images_of(client, dataset)][2:]
        assert captions_of(client, dataset)[2:] == ["rexo, a fish", "rexo, a cow"]
        assert job_of(client, run)["state"] == "succeeded"

    def test_cancelled_in_the_middle_it_keeps_what_it_has(self, client, dataset):
        run = start(client, dataset)

        class Cancelled(Parrot):
            def caption(self, image_id, file):
                if self.asked:
                    set_job(client, run["job"]["id"], request="cancel")
                    raise Interrupted
                return super().caption(image_id, file)

        run_job(client, task_of(client, Cancelled()), run["job"]["id"])
        assert captions_of(client, dataset) == ["rexo, a cat", "", "", ""]

    def test_cancelled_while_it_waits(self, client, dataset):
        run = start(client, dataset)
        cancelled = client.post(f"/api/datasets/{dataset['id']}/captions/jobs/cancellation").json()
        assert cancelled["state"] == "cancelled"
        [shown] = client.get(f"/api/datasets/{dataset['id']}/captions/jobs").json()
        assert shown["step"]["state"] == "empty"
        assert client.post(f"/api/datasets/{dataset['id']}/captions/jobs/cancellation").status_code == 409
        assert run["job"]["state"] == "queued"

    def test_a_leaving_worker_hands_it_back(self, client, dataset):
        run = start(client, dataset)
        runner = JobRunner(state_of(client).database, [task_of(client)], lambda: True)
        runner.begin(run["job"]["id"], 1)
        end = runner.run_step(run["job"]["id"], "write")
        runner.finish(run["job"]["id"], 1, end)
        assert end["state"] == "handed_back"
        assert job_of(client, run)["state"] == "queued"
        run_job(client, task_of(client), run["job"]["id"], attempt=2)
        assert captions_of(client, dataset) == ["rexo, a cat"] * 4

    def test_only_chosen_images_and_no_trigger_word(self, client, dataset):
        ids = [image["id"] for image in images_of(client, dataset)][:1]
        run = start(client, dataset, dataset_image_ids=ids, insert_trigger=False)
        run_job(client, task_of(client), run["job"]["id"])
        assert captions_of(client, dataset) == ["a cat", "", "", ""]

    def test_one_at_a_time(self, client, dataset):
        start(client, dataset)
        assert start(client, dataset, status=409)["title"] == "Captions are being written already"

    def test_nothing_to_write(self, client, dataset):
        full = add_dataset(client, count=2)
        assert start(client, full, status=422)["title"] == "There is nothing to write"
        assert start(client, full, status=404, captioner="nobody")["title"] == "No such captioner"
        assert start(client, dataset, status=422, captioner="model")["errors"][0]["field"] == "model"

    def test_the_prompt_of_the_mode_names_the_trigger_word(self, client, dataset):
        parrot = Parrot()
        run = start(client, dataset, captioner="model", model="some/folder")
        run_job(client, task_of(client, parrot), run["job"]["id"])
        assert "Call the main figure “rexo”" in parrot.setup.prompt
        assert images_of(client, dataset)[0]["caption_source"] == "folder"


class TestServer:
    def test_it_is_asked_with_image_prompt_and_key(self, client, server, endpoint, dataset):
        server.answers.extend(["“A cat\n on a mat.”", {"content": [{"type": "text", "text": "a dog"}]},
                               "<think>hm</think> a rexo fish"])  # fmt: skip
        run = start(client, dataset, captioner=f"endpoint:{endpoint['id']}", prompt="What is [trigger] doing?")
        run_job(client, task_of(client), run["job"]["id"])
        assert captions_of(client, dataset) == [
            "rexo, A cat on a mat.", "rexo, a dog", "a rexo fish", "rexo, a cat on a mat",
        ]  # fmt: skip
        asked = server.requests[0]
        assert (asked["path"], asked["model"]) == ("/v1/chat/completions", "tiny-vl")
        text, image = asked["messages"][0]["content"]
        assert text["text"] == "What is rexo doing?"
        assert image["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
        assert set(server.keys) == {"Bearer sk-secret"}
        assert images_of(client, dataset)[0]["caption_source"] == "tiny-vl"

    @pytest.mark.parametrize("fault", [429, 500, 503, b"not json", b'{"choices": 3}'])
    def test_a_passing_fault_is_asked_again(self, client, server, endpoint, dataset, fault):
        server.answers.append(fault)
        run = start(client, dataset, captioner=endpoint["name"])
        run_job(client, task_of(client), run["job"]["id"])
        assert captions_of(client, dataset) == ["rexo, a cat on a mat"] * 4
        assert len(server.requests) == 5

    @pytest.mark.parametrize(
        "refusal",
        ["I'm sorry, but I can't help with that.", {"content": None, "refusal": "no"}, "", "I cannot identify people."],
    )
    def test_a_refusal_is_no_caption(self, client, server, endpoint, dataset, refusal):
        server.answers.append(refusal)
        run = start(client, dataset, captioner=endpoint["name"])
        run_job(client, task_of(client), run["job"]["id"])
        assert captions_of(client, dataset)[0] == ""
        [shown] = client.get(f"/api/datasets/{dataset['id']}/captions/jobs").json()
        assert shown["step"]["notes"][0]["reason"].startswith("The model would not describe it.")

    def test_one_image_without_an_answer_does_not_stop_the_rest(self, client, server, endpoint, dataset):
        server.answers.extend([500, 500])
        run = start(client, dataset, captioner=endpoint["name"])
        run_job(client, task_of(client), run["job"]["id"])
        assert captions_of(client, dataset) == ["", *["rexo, a cat on a mat"] * 3]

    def test_a_server_out_of_order_ends_it(self, client, server, endpoint, dataset):
        server.answers.extend(["a cat", *[500] * 20])
        run = start(client, dataset, captioner=endpoint["name"])
        run_job(client, task_of(client), run["job"]["id"])
        job = job_of(client, run)
        assert job["state"] == "failed"
        assert "in a row" in job["error"]["detail"]
        assert captions_of(client, dataset)[0] == "rexo, a cat"
        assert len(server.requests) == 1 + 3 * 2

    @pytest.mark.parametrize(("status", "word"), [(401, "key"), (404, "address"), (302, "redirect")])
    def test_what_won_t_get_better_ends_it_at_once(self, client, server, endpoint, dataset, status, word):
        server.answers.append(status)
        run = start(client, dataset, captioner=endpoint["name"])
        run_job(client, task_of(client), run["job"]["id"])
        error = job_of(client, run)["error"]
        assert word in error["action"]
        assert "sk-secret" not in str(error)
        assert len(server.requests) == 1

    def test_a_slow_server_is_asked_again(self, client, server, endpoint, dataset, monkeypatch):
        monkeypatch.setattr(state_of(client).settings.captions, "timeout_seconds", 0.1)
        server.hold.clear()
        describe = VisionClient.describe

        def patient(self, *arguments):
            try:
                return describe(self, *arguments)
            finally:
                server.hold.set()

        monkeypatch.setattr(VisionClient, "describe", patient)
        run = start(client, dataset, captioner=endpoint["name"])
        run_job(client, task_of(client), run["job"]["id"])
        assert captions_of(client, dataset) == ["rexo, a cat on a mat"] * 4

    def test_it_does_not_wait_for_the_device(self, client, endpoint, dataset):
        from fluxtune.jobs.tables import JobRow

        run = start(client, dataset, captioner=endpoint["name"])
        with state_of(client).database.reading() as session:
            assert session.get(JobRow, run["job"]["id"]).lane == "network"


class TestEndpoints:
    def test_the_key_is_kept_encrypted_and_never_shown(self, client, endpoint):
        from fluxtune.captioning.tables import CaptionEndpointRow

        assert endpoint["has_key"]
        assert "secret" not in str(client.get("/api/captioners/endpoints").json())
        with state_of(client).database.reading() as session:
            row = session.get(CaptionEndpointRow, endpoint["id"])
            assert "sk-secret" not in row.secret

    @pytest.mark.parametrize(
        "url",
        ["http://127.0.0.1:9/v1", "http://localhost:1/v1", "http://10.0.0.5/v1", "http://169.254.169.254/latest",
         "http://[::1]:8000/v1", "ftp://example.org/v1", "http://user:pass@example.org/v1", "no address"],
    )  # fmt: skip
    def test_addresses_nobody_named_are_refused(self, client, url):
        response = client.post("/api/captioners/endpoints", json={"name": "x", "url": url, "model": "m"})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "url"

    @pytest.mark.parametrize("url", ["http://localhost:11434/v1", "http://127.0.0.1:1234/v1/chat/completions/"])
    def test_ollama_and_lm_studio_work_as_they_are(self, client, url):
        body = {"name": url[-20:].replace("/", " "), "url": url, "model": "m"}
        added = client.post("/api/captioners/endpoints", json=body).json()
        assert added["url"].endswith("/v1")
        assert client.delete(f"/api/captioners/endpoints/{added['id']}").status_code == 204
        assert client.delete(f"/api/captioners/endpoints/{added['id']}").status_code == 404

    def test_a_name_that_points_home_is_refused_when_asked(self, client, dataset, monkeypatch):
        monkeypatch.setattr("fluxtune.captioning.servers.resolve", lambda *_: ["10.1.2.3"])
        body = {"name": "rebound", "url": "https://vision.example.org/v1", "model": "m"}
        assert client.post("/api/captioners/endpoints", json=body).status_code == 201
        run = start(client, dataset, captioner="rebound")
        run_job(client, task_of(client), run["job"]["id"])
        error = job_of(client, run)["error"]
        assert error["title"] == "That caption server can't be used"
        assert "10.1.2.3" in error["detail"]

    def test_two_of_one_name(self, client, server, endpoint):
        body = {"name": endpoint["name"], "url": server.url, "model": "m"}
        assert client.post("/api/captioners/endpoints", json=body).status_code == 409


class TestPrompts:
    def test_edited_and_brought_back(self, client):
        usual = {each["mode"]: each for each in client.get("/api/captioners/prompts").json()}
        assert set(usual) == {"character", "product", "style", "general"}
        edited = client.put("/api/captioners/prompts/style", json={"text": " Say it short. "}).json()
        assert edited["text"] == "Say it short."
        assert client.put("/api/captioners/prompts/style", json={"text": ""}).json() == usual["style"]

    def test_captioners_are_listed(self, client, endpoint):
        shown = {each["id"]: each for each in client.get("/api/captioners").json()}
        assert next(iter(shown)) == "pocket"
        assert shown[f"endpoint:{endpoint['id']}"]["sends_images"]
        assert not shown["model"]["sends_images"]
