"""The client of a server of one's own: BFL's client, in other words, and what goes beyond BFL's API.

The token goes to that server alone; links to samples are followed without it.
"""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError

from fluxtune.backends.bfl.answers import Accepted, TaskState, explain, read_json, refusal
from fluxtune.backends.bfl.client import BflClient
from fluxtune.backends.fluxtune.answers import Discovered, KnownFinetune, Progress
from fluxtune.backends.fluxtune.errors import (
    AdapterBroken,
    NoServer,
    RequestUncertain,
    ResultNotFetched,
    ServerDown,
    ServerUnreachable,
    in_own_words,
)
from fluxtune.core.errors import FluxtuneError, JobFailed

if TYPE_CHECKING:
    import httpx2

# Decoding a thousand images takes the server minutes before it can answer.
_SENDING_S = {"timeout": 60.0, "connect": 10.0, "read": 900.0}
_FETCHING_S = {"timeout": 60.0, "connect": 10.0}
MAX_ADAPTER_BYTES = 8 * 1024**3
MOST_FINETUNES = 100
_PIECE = 3 * 256 * 1024
"""Bytes that become base64 at once: a multiple of three, so that pieces can be joined."""

A = TypeVar("A", bound=BaseModel)


class ServerClient(BflClient):
    """One server and a token of it; `name` is what the user calls it. May be used by many threads."""

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        *,
        timeout_s: float = 30.0,
        transport: "httpx2.BaseTransport | None" = None,
    ) -> None:
        super().__init__(token, url, timeout_s=timeout_s, transport=transport)
        self._name = name

    def discover(self) -> Discovered:
        """Return what the server is. Raises TokenRefused, NoServer, ServerUnreachable or ServerDown."""
        status, body = self.read("/v1/fluxtune")
        answer = read_json(body) if status == 200 else None
        if isinstance(answer, dict) and answer.get("name") == "fluxtune":
            try:
                return Discovered.model_validate(answer)
            except ValidationError as error:
                raise ServerDown("What it says of itself is not understandable.", technical=str(error)) from error
        if status not in (401, 403) and status < 500:
            # BFL's API, or nothing of the kind: credits are asked for by every program, and cost nothing.
            status, body = self.read("/v1/credits")
            answer = read_json(body)
            if status == 200 and isinstance(answer, dict) and "credits" in answer:
                return Discovered(endpoints=self._described_endpoints())
        refused = refusal(status, body) if isinstance(read_json(body), dict) else None
        if refused is not None and status in (401, 403):
            raise in_own_words(refused, self._name)
        if status >= 500:
            raise ServerDown(explain(body) or f"It answered with {status}.", technical=f"HTTP {status}")
        raise NoServer(f"It answered with {status}, and not as BFL's API would.", technical=f"{body[:200]!r}")

    def _described_endpoints(self) -> list[str]:
        """Return the endpoints of the server's own description of its API, none where it has no description."""
        for path in ("/v1/openapi.json", "/openapi.json"):
            status, body = self.read(path)
            answer = read_json(body) if status == 200 else None
            paths = answer.get("paths") if isinstance(answer, dict) else None
            if isinstance(paths, dict):
                names = (str(each).strip("/").removeprefix("v1/") for each in paths)
                return [name for name in names if 0 < len(name) <= 64][:500]
        return []

    def start_finetune(self, fields: Mapping[str, Any], archive: Path) -> str:
        """Send a dataset and start a finetune; return its id.

        The body is made while it is sent, so that nothing of it is held in memory. Raises RequestUncertain where nobody
        knows whether the server has accepted it; with any other error it has not.
        """
        import httpx2

        head = json.dumps(dict(fields), ensure_ascii=True)[:-1] + (", " if fields else "") + '"file_data": "'
        length = len(head) + 4 * -(-archive.stat().st_size // 3) + 2
        request = self._http.build_request(
            "POST",
            self._server.geturl() + "/v1/finetune",
            content=_body(head, archive),
            headers={
                "x-key": self._key,
                "accept": "application/json",
                "content-type": "application/json",
                "content-length": str(length),
            },
            timeout=httpx2.Timeout(**_SENDING_S),
        )
        try:
            response = self._http.send(request)
            status, answer = int(response.status_code), response.content
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ServerUnreachable(f"No connection to {self._server.netloc}.", technical=repr(error)) from error
        except (httpx2.HTTPError, OSError) as error:
            raise RequestUncertain("The connection broke while the dataset was sent.", technical=repr(error)) from error
        told = read_json(answer)
        found = (told.get("finetune_id") or told.get("id")) if isinstance(told, dict) else None
        if status < 300 and isinstance(found, str) and found:
            return found[:200]
        refused = refusal(status, answer)
        if refused is not None:
            raise in_own_words(refused, self._name)
        if status >= 500:
            # It said itself that it went wrong; what it then made of it is found by its key.
            raise RequestUncertain(explain(answer) or f"It answered with {status}.", technical=f"HTTP {status}")
        raise RequestUncertain(f"It answered with {status} and named no finetune.", technical=f"{answer[:200]!r}")

    def finetunes(self) -> list[str]:
        """Return the ids of the server's finetunes, newest first."""
        answer = self._json("/v1/my_finetunes")
        found = answer.get("finetunes")
        if not isinstance(found, list):
            raise ServerDown("It does not list its finetunes.", technical=str(answer)[:200])
        ids = [each.get("finetune_id") if isinstance(each, dict) else each for each in found]
        return [each[:200] for each in ids if isinstance(each, str) and each][:MOST_FINETUNES]

    def describe_finetune(self, finetune_id: str) -> KnownFinetune | None:
        """Return what the server tells of a finetune, None if it knows none of this id."""
        status, body = self.read(f"/v1/finetune_details?{urlencode({'finetune_id': finetune_id})}")
        if status == 404:
            return None
        self._raise_unless_fine(status, body)
        answer = read_json(body)
        inner = answer.get("finetune_details", answer) if isinstance(answer, dict) else None
        if not isinstance(inner, dict):
            return None
        texts = {name: str(inner[name]) for name in ("finetune_comment", "trigger_word", "base") if inner.get(name)}
        own = inner.get("fluxtune")
        own = own if isinstance(own, dict) else {}
        return KnownFinetune(
            finetune_id=finetune_id,
            name=str(own.get("name") or "") or texts.get("finetune_comment", finetune_id),
            comment=texts.get("finetune_comment", ""),
            trigger_word=texts.get("trigger_word", "")[:60],
            base=texts.get("base", "")[:64],
            key=str(own.get("key") or ""),
        )

    def progress(self, finetune_id: str, after: int) -> Progress | None:
        """Return how far a finetune is, with what was measured after a step; None if the server knows none such."""
        status, body = self.read(f"/v1/fluxtune/progress?{urlencode({'id': finetune_id, 'after': after})}")
        if status == 404:
            return None
        self._raise_unless_fine(status, body)
        return self._read(Progress, read_json(body))

    def result(self, finetune_id: str) -> dict[str, Any]:
        """Return what `get_result` says of a finetune, unchanged."""
        return self._json(f"/v1/get_result?id={quote(finetune_id, safe='')}")

    def steer(self, finetune_id: str, what: str) -> bool:
        """Ask something of a finetune, such as `cancel`; return False if it is in no state for it, or not known."""
        import httpx2

        url = f"{self._server.geturl()}/v1/fluxtune/{what}"
        try:
            status, body = self._send("POST", url, json={"id": finetune_id})
        except (httpx2.HTTPError, OSError) as error:
            raise ServerUnreachable(f"No connection to {self._server.netloc}.", technical=repr(error)) from error
        if status in (404, 409):
            return False
        self._raise_unless_fine(status, body)
        return True

    def download_adapter(self, finetune_id: str, target: Path, sha256: str | None, tell: Callable[[int], None]) -> None:
        """Fetch the adapter of a finetune, whole or not at all; `tell` is told how many bytes are there."""
        import httpx2

        url = f"{self._server.geturl()}/v1/fluxtune/adapter?{urlencode({'finetune_id': finetune_id})}"
        draft = target.with_name(f"{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            digest = hashlib.sha256()
            with (
                self._http.stream(
                    "GET", url, headers={"x-key": self._key}, timeout=httpx2.Timeout(**_FETCHING_S)
                ) as response,
                draft.open("wb") as file,
            ):
                if response.status_code != 200:
                    response.read()
                    self._raise_unless_fine(int(response.status_code), response.content)
                size = 0
                for chunk in response.iter_bytes(1 << 20):
                    size += file.write(chunk)
                    digest.update(chunk)
                    if size > MAX_ADAPTER_BYTES:
                        raise AdapterBroken("It is larger than any adapter.")
                    tell(size)
            if sha256 is not None and digest.hexdigest() != sha256:
                raise AdapterBroken(f"{size:,} bytes came, and they are not those that the server has.")
            os.replace(draft, target)
        except httpx2.HTTPError as error:
            raise ResultNotFetched("The connection broke.", technical=repr(error)) from error
        finally:
            draft.unlink(missing_ok=True)

    # BFL's own questions, in other words.

    def submit(self, path: str, body: Mapping[str, Any]) -> Accepted:
        """Ask for an image."""
        with self._in_own_words():
            return super().submit(path, body)

    def look(self, task_id: str, polling_url: str | None) -> TaskState:
        """Return how far a task is."""
        with self._in_own_words():
            state = super().look(task_id, polling_url)
        if state.error is None:
            return state
        error = in_own_words(state.error, self._name)
        assert isinstance(error, JobFailed)  # noqa: S101 - each stands for one
        return TaskState(state.kind, state.status, cost=state.cost, error=error)

    def read(self, path: str) -> tuple[int, bytes]:
        """Return code and body of a question."""
        with self._in_own_words():
            return super().read(path)

    def fetch(self, sample: str) -> bytes:
        """Return the bytes a link leads to; the token does not go there."""
        with self._in_own_words():
            return super().fetch(sample)

    def _raise_unless_fine(self, status: int, answer: bytes) -> None:
        with self._in_own_words():
            super()._raise_unless_fine(status, answer)

    @contextmanager
    def _in_own_words(self) -> Iterator[None]:
        try:
            yield
        except FluxtuneError as error:
            raise in_own_words(error, self._name) from error

    def _json(self, path: str) -> dict[str, Any]:
        status, body = self.read(path)
        answer = read_json(body)
        if not isinstance(answer, dict) or (status >= 400 and "status" not in answer):
            self._raise_unless_fine(status, body)
            raise ServerDown("The answer is not understandable.", technical=f"HTTP {status}: {body[:200]!r}")
        return answer

    def _read(self, kind: type[A], answer: Any) -> A:
        try:
            return kind.model_validate(answer)
        except ValidationError as error:
            raise ServerDown("The answer is not understandable.", technical=str(error)[:500]) from error


def _body(head: str, archive: Path) -> Iterator[bytes]:
    """Yield a JSON body: its fields, then a file in base64, piece by piece."""
    yield head.encode()
    with archive.open("rb") as file:
        while piece := file.read(_PIECE):
            yield base64.b64encode(piece)
    yield b'"}'
