"""One HTTP connection to a studio: brings the token, turns problems into errors and JSON into types."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
from pydantic import TypeAdapter, ValidationError

from fluxtune.client.errors import ApiProblem, NotAStudio, StudioLost, StudioNotRunning
from fluxtune.core.errors import Problem

# Reads wait for SQLite writers and thumbnails of big uploads; nothing the API does takes longer than this.
TIMEOUT = httpx2.Timeout(60, connect=5)
# The server sends a keep-alive at least every 15 s.
STREAM_TIMEOUT = httpx2.Timeout(45, connect=5)
# A piece of a ZIP of the largest images takes this long on a slow computer.
UPLOAD_TIMEOUT = httpx2.Timeout(300, connect=5)
# A stream that held for this long was a working one.
LASTING_S = 10.0
CHUNK = 1 << 20

T = TypeVar("T")


def request_body(schema: Any, request: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON body of a request given as a model or as keywords.

    Keywords are sent as they are, so that the studio's own words say what is wrong with them.
    """
    if request is None:
        unknown = values.keys() - schema.model_fields.keys()
        if unknown:
            raise TypeError(f"{schema.__name__} has no {', '.join(sorted(unknown))}")
        return values
    body: dict[str, Any] = request.model_dump(mode="json", exclude_unset=True)
    return body


class Connection:
    """A signed-in connection. Sync: the command line, scripts and tests are."""

    def __init__(self, url: str, token: str | None = None, *, transport: httpx2.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A studio on this computer is never behind a proxy.
        self._http = httpx2.Client(
            base_url=self.url, headers=headers, timeout=TIMEOUT, trust_env=False, transport=transport
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send one request; raise the studio's problem when it refuses."""
        try:
            response = self._http.request(method, path, **options)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise StudioNotRunning(f"Nothing answers at {self.url}.", technical=str(error)) from error
        except httpx2.TransportError as error:
            raise StudioLost(f"{self.url} broke off while answering.", technical=repr(error)) from error
        if response.is_error:
            raise _problem(response)
        return response

    def fetch(self, kind: type[T], method: str, path: str, **options: Any) -> T:
        """Send one request and read its JSON as this type."""
        response = self.send(method, path, **options)
        try:
            return TypeAdapter(kind).validate_json(response.content)
        except ValidationError as error:
            raise NotAStudio(f"The answer to {method} {path} is not understood.", technical=str(error)) from error

    def post_stream(self, path: str, **options: Any) -> Iterator[str]:
        """Send a request and yield the data of each event of its answer, as they come."""
        try:
            with self._http.stream("POST", path, timeout=UPLOAD_TIMEOUT, **options) as response:
                if response.is_error:
                    response.read()
                    raise _problem(response)
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        yield line[6:]
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise StudioNotRunning(f"Nothing answers at {self.url}.", technical=str(error)) from error
        except httpx2.TransportError as error:
            raise StudioLost(f"{self.url} broke off while answering.", technical=repr(error)) from error

    def download(self, path: str, target: Path) -> int:
        """Write a file of the studio to `target`, whole or not at all; return its size."""
        part = target.with_name(f".{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        try:
            with self._http.stream("GET", path) as response, part.open("wb") as out:
                if response.is_error:
                    response.read()
                    raise _problem(response)
                for chunk in response.iter_bytes(CHUNK):
                    size += out.write(chunk)
            part.replace(target)
        except httpx2.TransportError as error:
            raise StudioLost("The download broke off.", technical=repr(error)) from error
        finally:
            part.unlink(missing_ok=True)
        return size

    def events(self, path: str, *, patience_s: float = 60.0) -> Iterator[tuple[str, str]]:
        """Yield (id, data) of an event stream without end, over reconnections; each event once.

        Raises `StudioLost` when nothing answers for `patience_s`.
        """
        last_id, heard_at = "", time.monotonic()
        while True:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            technical = "The stream ended."
            opened_at = time.monotonic()
            try:
                with self._http.sse(path, headers=headers, timeout=STREAM_TIMEOUT) as stream:
                    if stream.response.is_error:
                        stream.response.read()
                        raise _problem(stream.response)
                    for event in stream:
                        last_id = event.id or last_id
                        if event.data:
                            heard_at = time.monotonic()
                            yield event.id, event.data
            except httpx2.TransportError as error:
                technical = repr(error)
            now = time.monotonic()
            if now - opened_at > LASTING_S:
                heard_at = now  # it was there, there was only nothing to say
            if now - heard_at > patience_s:
                raise StudioLost(f"Nothing was heard from {self.url} for {patience_s:.0f} s.", technical=technical)
            time.sleep(0.5)


def _problem(response: httpx2.Response) -> Exception:
    """Return the error that a response of 400 or more stands for."""
    try:
        return ApiProblem(Problem.model_validate(json.loads(response.content)))
    except (ValueError, ValidationError):
        return NotAStudio(
            f"{response.request.method} {response.request.url.path} was answered with {response.status_code}.",
            technical=response.text[:2_000],
        )
