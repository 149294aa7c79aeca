"""A real server that speaks BFL's API and misbehaves on demand. Images are ready at once unless told otherwise."""

import io
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

KEY = "a-key-of-the-tests"


def make_jpeg(colour: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (colour * 37 % 256, colour * 91 % 256, 80)).save(buffer, "JPEG")
    return buffer.getvalue()


class BflServer:
    """Faults are taken one by one from `faults["submit"|"poll"|"image"]`; None among them means: behave this time.

    A fault is an HTTP code, a pair of code and body, or one of: cut-before (no answer, not accepted), cut-after (no
    answer, accepted), html, truncated, slow.
    """

    def __init__(self) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.polls: list[str] = []
        self.statuses: deque[str] = deque()
        self.faults: dict[str, deque[Any]] = {"submit": deque(), "poll": deque(), "image": deque()}
        self.keys_at_delivery: list[str | None] = []
        self.credits = 1000.0
        self.keys = {KEY}
        self.keys_at_submit: list[str] = []
        self.finetunes: dict[str, dict[str, Any]] | None = None
        """Those the account has, with their details; None: these addresses answer with 404."""
        self.cost: float | None = 1.4
        self.active_limit = 24
        self.most_active = 0
        self.polling_url: Callable[[str], str | None] = lambda task: f"{self.url}/v1/get_result?id={task}"
        self.link: Callable[[str], str] = lambda task: f"{self.url}/delivery/{task}.jpeg"
        """Where an image lies, asked anew at every question; one that ends with `?expired` is refused there."""
        self.seconds = 0.0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.bfl = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def next_fault(self, stage: str) -> Any:
        with self._lock:
            return self.faults[stage].popleft() if self.faults[stage] else None

    def accept(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Take a task, unless there are too many."""
        with self._lock:
            active = sum(not task["done"] for task in self.tasks.values())
            if active >= self.active_limit:
                return None
            number = len(self.tasks)
            task_id = f"task-{number}"
            self.tasks[task_id] = {"path": path, "body": body, "done": False, "at": time.monotonic(), "fetched": 0}
            self.most_active = max(self.most_active, active + 1)
        answer: dict[str, Any] = {"id": task_id, "polling_url": self.polling_url(task_id)}
        if self.cost is not None:
            answer |= {"cost": self.cost, "input_mp": 0.0, "output_mp": 1.0}
        return answer

    def state_of(self, task_id: str) -> dict[str, Any]:
        with self._lock:
            self.polls.append(task_id)
            task = self.tasks.get(task_id)
            if task is None:
                return {"id": task_id, "status": "Task not found", "result": None}
            status = self.statuses.popleft() if self.statuses else "Ready"
            if time.monotonic() - task["at"] < self.seconds:
                status = "Pending"
            if status in ("Pending", "Reasoning", "Generating", "Dreaming"):
                return {"id": task_id, "status": status, "result": None, "progress": 0.5}
            task["done"] = True
        details = {"Moderation Reasons": ["Sexual Content"]} if "Moderated" in status else None
        result = {"sample": self.link(task_id), "seed": 7, "prompt": "more words"} if status == "Ready" else None
        return {"id": task_id, "status": status, "result": result, "details": details, "cost": self.cost}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    bfl: BflServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        bfl = self.server.bfl
        fault = bfl.next_fault("submit")
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if fault == "cut-before":
            self._cut()
            return
        if self.headers.get("x-key") not in bfl.keys:
            self._json(403, {"detail": "Not authenticated"})
            return
        bfl.keys_at_submit.append(self.headers["x-key"])
        if fault is not None and fault not in ("cut-after", "html", "slow"):
            self._fault(fault)
            return
        answer = bfl.accept(self.path, body)
        if answer is None:
            self._json(429, {"detail": "Too many active tasks"})
        elif fault == "cut-after":
            self._cut()
        elif fault is not None:
            self._fault(fault)
        else:
            self._json(200, answer)

    def do_GET(self) -> None:
        bfl = self.server.bfl
        parts = urlsplit(self.path)
        if parts.path.startswith("/delivery/"):
            if parts.query == "expired":
                self._json(403, {"detail": "AuthenticationFailed"})
                return
            self._image(parts.path)
            return
        if self.headers.get("x-key") not in bfl.keys:
            self._json(403, {"detail": "Not authenticated"})
            return
        if parts.path == "/v1/credits":
            self._json(200, {"credits": bfl.credits})
            return
        if bfl.finetunes is not None and parts.path == "/v1/my_finetunes":
            self._json(200, {"finetunes": list(bfl.finetunes)})
            return
        if parts.path in ("/v1/my_finetunes", "/v1/finetune_details"):
            known = (bfl.finetunes or {}).get(parse_qs(parts.query).get("finetune_id", [""])[0])
            self._json(*((200, {"finetune_details": known}) if known else (404, {"detail": "Not Found"})))
            return
        fault = bfl.next_fault("poll")
        if fault is not None:
            self._fault(fault)
            return
        self._json(200, bfl.state_of(parse_qs(parts.query)["id"][0]))

    def _image(self, path: str) -> None:
        bfl = self.server.bfl
        bfl.keys_at_delivery.append(self.headers.get("x-key"))
        task_id = path.rsplit("/", 1)[1].removesuffix(".jpeg")
        content = make_jpeg(int(task_id.split("-")[1]))
        fault = bfl.next_fault("image")
        if fault == "truncated":
            self._answer(200, content[:-300], "image/jpeg", length=len(content))
            self.close_connection = True
        elif fault == "half":
            self._answer(200, content[: len(content) // 2], "image/jpeg")
        elif fault is not None:
            self._fault(fault)
        else:
            bfl.tasks[task_id]["fetched"] += 1
            self._answer(200, content, "image/jpeg")

    def _fault(self, fault: Any) -> None:
        if fault in ("cut-before", "cut-after"):
            self._cut()
        elif fault == "html":
            self._answer(200, b"<html>Welcome to the airport</html>", "text/html")
        elif fault == "slow":
            self.send_response(200)
            self.send_header("content-length", "100")
            self.end_headers()
            for _ in range(100):
                time.sleep(0.05)
                self.wfile.write(b" ")
                self.wfile.flush()
        elif isinstance(fault, tuple):
            self._answer(fault[0], fault[1] if isinstance(fault[1], bytes) else json.dumps(fault[1]).encode())
        else:
            self._json(fault, {"detail": f"This is {fault}."})

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(2)

    def _json(self, code: int, value: Any) -> None:
        self._answer(code, json.dumps(value).encode())

    def _answer(self, code: int, body: bytes, kind: str = "application/json", length: int | None = None) -> None:
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
