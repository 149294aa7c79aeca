"""A server that describes images as OpenAI's does, and misbehaves when told."""

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class VisionServer:
    """`answers` are given in turn, then "a cat on a mat" for ever: a text, a status, or a status with a body."""

    def __init__(self) -> None:
        self.answers: deque[Any] = deque()
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.hold = threading.Event()
        self.hold.set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.requests.append(body | {"path": self.path})
                server.keys.append(self.headers.get("authorization"))
                server.hold.wait(10)
                answer = server.answers.popleft() if server.answers else "a cat on a mat"
                status, headers, content = _made(answer)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self.hold.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _made(answer: Any) -> tuple[int, dict[str, str], bytes]:
    if isinstance(answer, bytes):
        return 200, {}, answer
    if isinstance(answer, int):
        return answer, {"retry-after": "0"}, b'{"error": {"message": "told to"}}'
    message = answer if isinstance(answer, dict) else {"content": answer}
    return 200, {}, json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
