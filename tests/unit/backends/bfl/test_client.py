"""What the client makes of good and bad answers, against a real server and against made-up ones."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from fluxtune.backends.bfl import errors
from fluxtune.backends.bfl.answers import read_state
from fluxtune.backends.bfl.client import BflClient, LinkExpired
from fluxtune.backends.bfl.pace import Pace
from fluxtune.core.errors import FluxtuneError, JobFailed
from tests.bfl_server import KEY, BflServer, make_jpeg

PATH = "/v1/flux-2-klein-4b"
BODY = {"prompt": "a cat"}


@pytest.fixture
def server() -> Iterator[BflServer]:
    server = BflServer()
    yield server
    server.close()


@pytest.fixture
def client(server: BflServer) -> Iterator[BflClient]:
    with BflClient(KEY, server.url, timeout_s=5) as client:
        yield client


def patience(fault: Any) -> float:
    """Return a time that a busy computer keeps, unless waiting for its end is the test."""
    return 0.3 if fault == "slow" else 5


def answering(answer: Any, server: str = "https://api.bfl.ai") -> tuple[BflClient, list[httpx2.Request]]:
    """Return a client whose every request gets this answer, and the list of the requests."""
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(200, json=answer)

    return BflClient("secret", server, transport=httpx2.MockTransport(handle)), seen


def test_the_whole_way(client: BflClient, server: BflServer) -> None:
    accepted = client.submit(PATH, BODY)
    assert (accepted.task_id, accepted.cost, accepted.output_mp) == ("task-0", 1.4, 1.0)
    state = client.look(accepted.task_id, accepted.polling_url)
    assert (state.kind, state.seed, state.prompt, state.cost) == ("ready", 7, "more words", 1.4)
    assert state.sample
    assert client.fetch(state.sample) == make_jpeg(0)
    assert server.keys_at_delivery == [None]
    assert client.credits() == 1000.0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (400, errors.HostedRefused), (401, errors.KeyRefused), (402, errors.CreditsGone), (403, errors.KeyRefused),
        (404, errors.HostedRefused), (422, errors.HostedRefused), (429, errors.TooManyTasks),
        (408, errors.AcceptanceUnknown), (409, errors.AcceptanceUnknown), (500, errors.AcceptanceUnknown),
        (502, errors.AcceptanceUnknown), (503, errors.AcceptanceUnknown), (504, errors.AcceptanceUnknown),
        (301, errors.HostedRefused), (302, errors.AcceptanceUnknown), (307, errors.HostedRefused),
        ("cut-before", errors.AcceptanceUnknown), ("cut-after", errors.AcceptanceUnknown),
        ("html", errors.AcceptanceUnknown), ("slow", errors.AcceptanceUnknown),
        ((200, {"id": 5}), errors.AcceptanceUnknown), ((200, []), errors.AcceptanceUnknown),
        ((422, {"detail": [{"loc": ["body", "seed"], "msg": "Too big", "type": "x"}]}), errors.HostedRefused),
    ],
)  # fmt: skip
def test_every_code_of_a_request(server: BflServer, fault: Any, error: type[Exception]) -> None:
    server.faults["submit"].append(fault)
    with BflClient(KEY, server.url, timeout_s=patience(fault)) as client, pytest.raises(error) as caught:
        client.submit(PATH, BODY)
    problem = caught.value.problem()  # type: ignore[attr-defined]
    assert problem.detail
    assert problem.action
    assert KEY not in str(problem)


SURELY_NOT_ACCEPTED = (errors.HostedRefused, errors.KeyRefused, errors.CreditsGone, errors.TooManyTasks)


EVERY_CODE = sorted({int(code) for code in HTTPStatus if code >= 200} | {299, 399, 420, 498, 499, 509, 520, 529, 599})


@pytest.mark.parametrize("body", [b"", b"<html><title>Sorry</title></html>", b'{"detail": "Sorry"}', b"\xff\x00"])
def test_no_code_is_taken_for_anything_it_does_not_say(body: bytes) -> None:
    """Only 4xx that judge the request, and a move for good, say that nothing was charged; all else stays open."""
    codes = [code for code in EVERY_CODE for _ in range(2)]
    answers = iter(httpx2.Response(code, content=body) for code in codes)
    transport = httpx2.MockTransport(lambda _: next(answers))
    with BflClient("secret", "https://api.bfl.ai", transport=transport) as client:
        for code in EVERY_CODE:
            _check_code(client, code)


def _check_code(client: BflClient, code: int) -> None:
    with pytest.raises(FluxtuneError) as caught:
        client.submit(PATH, BODY)
    refused = code in (301, 307, 308) or (400 <= code < 500 and code not in (408, 409, 425))
    assert isinstance(caught.value, SURELY_NOT_ACCEPTED if refused else errors.AcceptanceUnknown), code
    problem = caught.value.problem()
    assert problem.title
    assert problem.detail
    assert problem.action
    assert "<html" not in problem.detail
    # The same answer to a question is never taken for the end of a task: its image may still come.
    with pytest.raises(FluxtuneError) as caught:
        client.look("1", None)
    assert not isinstance(caught.value, JobFailed), code
    assert caught.value.problem().action


@pytest.mark.parametrize("code", [204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 410, 429, 500, 503])
def test_an_image_is_followed_nowhere_and_no_code_is_an_image(code: int) -> None:
    asked: list[str] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(code, headers={"location": "https://evil.example/x"})

    client = BflClient("secret", "https://api.bfl.ai", transport=httpx2.MockTransport(handle))
    url = "https://delivery-eu1.bfl.ai/x.jpeg"
    if code == 204:  # an image without a byte is found out by whoever decodes it
        assert client.fetch(url) == b""
    else:
        with pytest.raises(errors.DeliveryFailed):
            client.fetch(url)
    assert asked == [url]


def test_a_finding_names_its_field(client: BflClient, server: BflServer) -> None:
    server.faults["submit"].append((422, {"detail": [{"loc": ["body", "seed"], "msg": "Too big", "type": "x"}]}))
    with pytest.raises(errors.HostedRefused, match="seed: Too big"):
        client.submit(PATH, BODY)


def test_accepted_even_with_a_bad_code(client: BflClient, server: BflServer) -> None:
    server.faults["submit"].append((503, {"id": "late", "polling_url": f"{server.url}/v1/get_result?id=late"}))
    assert client.submit(PATH, BODY).task_id == "late"


def test_a_webhook_answer_has_no_polling_url() -> None:
    client, _ = answering({"id": "t", "status": "Pending", "webhook_url": "https://x.example"})
    accepted = client.submit(PATH, BODY)
    assert (accepted.task_id, accepted.polling_url, accepted.cost) == ("t", None, None)


@pytest.mark.parametrize("error", [httpx2.ConnectError("Name or service not known"), httpx2.ConnectTimeout("slow")])
def test_nothing_was_sent_without_a_connection(error: Exception) -> None:
    client, _ = answering(error)
    with pytest.raises(errors.HostUnreachable):
        client.submit(PATH, BODY)
    with pytest.raises(errors.HostUnreachable):
        client.credits()


def test_nobody_listens() -> None:
    with BflClient(KEY, "http://127.0.0.1:9") as client, pytest.raises(errors.HostUnreachable):
        client.submit(PATH, BODY)


@pytest.mark.parametrize("error", [httpx2.ReadTimeout("x"), httpx2.WriteError("x"), httpx2.RemoteProtocolError("x")])
def test_a_broken_connection_leaves_it_open(error: Exception) -> None:
    client, _ = answering(error)
    with pytest.raises(errors.AcceptanceUnknown):
        client.submit(PATH, BODY)


@pytest.mark.parametrize(
    ("url", "server", "followed"),
    [
        ("https://api.us3.bfl.ai/v1/get_result?id=1&x=%2F", "https://api.bfl.ai", True),
        ("https://api.bfl.ai/v1/get_result?id=1", "https://api.eu.bfl.ai", True),
        ("https://api.bfl.ai.evil.example/v1/get_result?id=1", "https://api.bfl.ai", False),
        ("https://evil.example/?api.bfl.ai", "https://api.bfl.ai", False),
        ("https://api.bfl.ai@evil.example/", "https://api.bfl.ai", False),
        ("https://user:word@api.bfl.ai/v1/get_result?id=1", "https://api.bfl.ai", False),
        ("http://api.bfl.ai/v1/get_result?id=1", "https://api.bfl.ai", False),
        ("https://api.bfl.ai:8443/v1/get_result?id=1", "https://api.bfl.ai", False),
        ("https://delivery-eu1.bfl.ai/x", "https://api.bfl.ai", False),
        ("https://api.bfl.ai/v1/get_result?id=1", "https://gpu.example", False),
        ("https://gpu.example/v1/get_result?id=1&token=2", "https://gpu.example", True),
        ("https://gpu.example:444/v1/get_result?id=1", "https://gpu.example", False),
        ("http://[", "https://api.bfl.ai", False),
        ("file:///etc/passwd", "https://api.bfl.ai", False),
    ],
)
def test_the_key_goes_to_api_hosts_only(url: str, server: str, followed: bool) -> None:
    client, seen = answering({"id": "1", "status": "Pending"}, server)
    client.look("the task", url)
    assert str(seen[0].url) == (url if followed else f"{server}/v1/get_result?id=the%20task")
    assert seen[0].headers["x-key"] == "secret"


@pytest.mark.parametrize(
    "url",
    ["http://delivery.eu.bfl.ai/x", "https://127.0.0.1/x", "https://[::1]/x", "https://localhost/x", "file:///x", "x"],
)
def test_images_come_from_delivery_hosts_only(url: str) -> None:
    client, seen = answering({})
    with pytest.raises(errors.DeliveryFailed):
        client.fetch(url)
    assert seen == []


def test_the_delivery_host_never_sees_the_key() -> None:
    client, seen = answering({})
    client.fetch("https://delivery-eu1.bfl.ai/results/x.jpeg?se=1&sig=2%3D")
    assert "x-key" not in seen[0].headers
    assert str(seen[0].url).endswith("?se=1&sig=2%3D")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": "Pending"}, "working"),
        ({"status": "Reasoning"}, "working"),
        ({"status": "Generating", "progress": 50}, "working"),
        ({"status": "Something of tomorrow"}, "working"),
        ({"status": "Ready", "result": None}, "working"),
        ({"status": "Ready", "result": {"sample": "https://x"}}, "ready"),
        ({"status": "Request Moderated"}, "failed"),
        ({"status": "Content Moderated", "details": {"Moderation Reasons": ["A", "B"]}}, "failed"),
        ({"status": "Error", "result": "why"}, "failed"),
        ({"status": "Failed"}, "failed"),
        ({"status": "Task not found"}, "lost"),
    ],
)
@pytest.mark.parametrize("code", [200, 422, 503])
def test_every_status_whatever_the_code(
    client: BflClient, server: BflServer, answer: dict[str, Any], kind: str, code: int
) -> None:
    server.faults["poll"].append((code, {"id": "1", **answer}))
    state = client.look("1", None)
    assert state.kind == kind
    assert (state.error is not None) == (kind in ("failed", "lost"))


def test_moderation_reasons_are_told() -> None:
    state = read_state(b'{"status": "Request Moderated", "details": {"Moderation Reasons": ["Sexual Content"]}}')
    assert state is not None
    assert state.error is not None
    assert "Sexual Content" in state.error.detail


@pytest.mark.parametrize(("told", "progress"), [(0.25, 0.25), (25, 0.25), (900, 1.0), ("x", None), (None, None)])
def test_progress_in_both_notations(told: Any, progress: float | None) -> None:
    client, _ = answering({"id": "1", "status": "Pending", "progress": told})
    assert client.look("1", None).progress == progress


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (403, errors.KeyRefused), (429, errors.TooManyTasks), (500, errors.HostedDown), (404, errors.HostedDown),
        ("html", errors.HostedDown), ("cut-before", errors.HostedDown), ("slow", errors.HostedDown),
        ((200, {"status": 5}), errors.HostedDown), ((200, b"[" * 100_000), errors.HostedDown),
    ],
)  # fmt: skip
def test_questions_that_fail_can_be_asked_again(server: BflServer, fault: Any, error: type[Exception]) -> None:
    server.faults["poll"].append(fault)
    with BflClient(KEY, server.url, timeout_s=patience(fault)) as client:
        with pytest.raises(error):
            client.look("1", None)
        assert client.look("1", None).kind == "lost"


@pytest.mark.parametrize(
    ("fault", "error"),
    [(403, LinkExpired), (404, LinkExpired), (500, errors.DeliveryFailed), ("truncated", errors.DeliveryFailed)],
)
def test_images_that_do_not_come(client: BflClient, server: BflServer, fault: Any, error: type[Exception]) -> None:
    sample = client.look(client.submit(PATH, BODY).task_id, None).sample
    assert sample
    server.faults["image"].append(fault)
    with pytest.raises(error):
        client.fetch(sample)
    assert client.fetch(sample) == make_jpeg(0)


def test_endless_answers_end(monkeypatch: pytest.MonkeyPatch, client: BflClient, server: BflServer) -> None:
    monkeypatch.setattr("fluxtune.backends.bfl.client.MAX_JSON_BYTES", 1000)
    server.faults["poll"].append((200, b"x" * 5000))
    monkeypatch.setattr(BflClient._send, "__kwdefaults__", {"json": None, "with_key": True, "most": 1000})
    with pytest.raises(errors.HostedDown):
        client.look("1", None)


@pytest.mark.parametrize("answer", [{"credits": None}, {"credits": True}, [], {}])
def test_credits_that_are_no_number(answer: Any) -> None:
    client, _ = answering(answer)
    with pytest.raises(errors.HostedDown):
        client.credits()


def test_a_wrong_key(server: BflServer) -> None:
    with BflClient("wrong", server.url) as client, pytest.raises(errors.KeyRefused, match="Not authenticated"):
        client.credits()


def test_the_pace_follows_the_endpoint() -> None:
    pace = Pace()
    assert pace.first_wait("a", 10) == 7
    for _ in range(5):
        pace.took("a", 0.1, at_first_look=True)
    assert pace.first_wait("a", 10) == pytest.approx(0.0425)
    pace.took("a", 0.01, at_first_look=True)
    assert pace.first_wait("a", 10) == 0, "what is done at once is asked for at once"
    for _ in range(20):
        pace.took("a", 20, at_first_look=False)
    assert 16 < pace.first_wait("a", 10) < 20
    assert pace.next_wait(0) == 0.03
    assert pace.next_wait(40) == 1
    assert pace.next_wait(1000) == 5


def test_what_takes_as_long_each_time_is_asked_for_just_then() -> None:
    pace = Pace()
    for _ in range(4):
        pace.took("a", 5, at_first_look=False)
    assert pace.first_wait("a", 10) == pytest.approx(4.25), "not sure yet"
    assert pace.next_wait(5, "a") == pytest.approx(0.125)
    for _ in range(10):
        pace.took("a", 5, at_first_look=False)
    assert pace.first_wait("a", 10) == pytest.approx(4.9)
    assert pace.next_wait(4.9, "a") == pytest.approx(4.9 / 120)
    assert pace.next_wait(6, "a") == pytest.approx(0.15), "later than it should be"
    pace.took("a", 4.9, at_first_look=True)
    assert pace.first_wait("a", 10) == pytest.approx(0.98 * 0.97 * 4.9), "a little earlier next time"
    for _ in range(30):
        pace.took("a", 1, at_first_look=True)
    assert pace.first_wait("a", 10) < 0.5, "it has become quick"


def test_what_varies_is_asked_for_early() -> None:
    pace = Pace()
    for seconds in [6, 14] * 5:
        pace.took("a", seconds, at_first_look=False)
    assert 7 < pace.first_wait("a", 10) < 10
    assert pace.next_wait(10, "a") == 0.25
