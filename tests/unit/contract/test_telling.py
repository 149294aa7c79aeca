"""Programs are told once that their tasks ended, whoever ended them, in BFL's form and signed."""

import hashlib
import hmac
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from fluxtune.contract import repository
from fluxtune.contract.telling import EndTeller
from fluxtune.core.clock import now
from fluxtune.jobs import service as jobs
from fluxtune.webhooks.sender import WebhookSender
from tests.api.contract.conftest import program, request_body, shared_client, shared_studio, stranger, studio
from tests.api.contract.test_drawing import finish, generation_of, submit
from tests.makers import set_job, state_of

__all__ = ["program", "request_body", "shared_client", "shared_studio", "stranger", "studio"]

HOOK = {"webhook_url": "https://example.com/hook", "webhook_secret": "shh"}


class Post(WebhookSender):
    """A sender whose letters are kept instead of sent."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options, look_up=lambda _host, _port: ["93.184.216.34"])
        self.sent = []
        self.answers = []

    def _post(self, target, headers, body):
        self.sent.append((headers, body))
        return self.answers.pop(0) if self.answers else 200

    def messages(self):
        while self.send_next():
            pass
        return [json.loads(body) for _, body in self.sent]


@pytest.fixture
def desk(studio):
    """What the worker has: who notices ends, and who sends."""
    state = state_of(studio)
    teller = EndTeller(state.settings, state.database, state.blobs)
    clock = SimpleNamespace(ahead=timedelta())
    post = Post(state.settings, state.database, shapes=teller.shapes, clock=lambda: now() + clock.ahead)
    return SimpleNamespace(teller=teller, post=post, clock=clock)


def test_an_image(studio, program, desk):
    task = submit(program, **HOOK, seed=3, output_format="webp")
    assert desk.teller.tell_ended() == 0
    finish(studio, task)
    assert desk.teller.is_any_untold()
    assert desk.teller.tell_ended() == 1
    assert not desk.teller.is_any_untold()
    (message,) = desk.post.messages()
    assert set(message) == {"id", "status", "result", "timestamp"}
    assert (message["id"], message["status"]) == (task["id"], "Ready")
    assert (message["result"]["prompt"], message["result"]["seed"]) == ("a cat", 3)
    assert program.get(message["result"]["sample"]).headers["content-type"] == "image/webp"
    headers, body = desk.post.sent[0]
    assert headers["x-bfl-signature"] == "sha256=" + hmac.new(b"shh", body, hashlib.sha256).hexdigest()
    assert "x-fluxtune-signature" not in headers


def test_told_once_however_often_one_looks(studio, program, desk):
    finish(studio, submit(program, **HOOK))
    other = EndTeller(state_of(studio).settings, state_of(studio).database, state_of(studio).blobs)
    assert (desk.teller.tell_ended(), desk.teller.tell_ended(), other.tell_ended()) == (1, 0, 0)
    assert len(desk.post.messages()) == 1


def test_a_refused_message_comes_again_with_a_fresh_link(studio, program, desk):
    finish(studio, submit(program, **HOOK))
    desk.teller.tell_ended()
    desk.post.answers = [500]
    assert len(desk.post.messages()) == 1
    desk.clock.ahead = timedelta(hours=1)
    first, second = desk.post.messages()
    assert first["result"]["sample"] != second["result"]["sample"]
    assert first["id"] == second["id"]


def test_without_a_secret_nothing_is_signed(studio, program, desk):
    finish(studio, submit(program, webhook_url=HOOK["webhook_url"]))
    desk.teller.tell_ended()
    desk.post.messages()
    assert "x-bfl-signature" not in desk.post.sent[0][0]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_went_wrong(studio, program, desk, state):
    task = submit(program, **HOOK)
    set_job(studio, generation_of(studio, task)["job_id"], state=state)
    desk.teller.tell_ended()
    (message,) = desk.post.messages()
    assert set(message) == {"id", "status", "error", "message", "timestamp"}
    assert message["status"] == "Error"


def test_a_finetune_that_is_cancelled_before_it_starts(studio, program, desk, request_body):
    made = program.post("/v1/finetune", json=request_body | HOOK).json()
    studio.post(f"/api/finetunes/{made['id']}/cancellation")
    desk.teller.tell_ended()
    (message,) = desk.post.messages()
    assert (message["id"], message["status"]) == (made["id"], "Error")


def test_a_finetune_that_is_ready(studio, program, desk, request_body):
    made = program.post("/v1/finetune", json=request_body | HOOK).json()
    set_job(studio, studio.get(f"/api/finetunes/{made['id']}").json()["job_id"], state="succeeded")
    desk.teller.tell_ended()
    (message,) = desk.post.messages()
    assert (message["status"], message["result"]["finetune_id"]) == ("Ready", made["id"])


def test_a_removed_image_is_told_of(studio, program, desk):
    image_id = finish(studio, submit(program, **HOOK))
    studio.delete(f"/api/gallery/{image_id}")
    desk.teller.tell_ended()
    assert desk.post.messages()[0]["error"] == "removed"


def test_a_job_that_is_gone_stops_counting(studio, program, desk, monkeypatch):
    task = submit(program, **HOOK)
    monkeypatch.setattr(jobs, "get_many", lambda *_: {})
    assert desk.teller.tell_ended() == 1
    with state_of(studio).database.reading() as session:
        row = repository.find_task(session, task["id"])
        assert row is not None
        assert row.ended_at is not None
    assert desk.post.messages() == []
