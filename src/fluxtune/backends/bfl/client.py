"""Talks HTTP to BFL, or to another server that speaks the same. Knows nothing of ledgers; may be used by many threads.

The key goes to API hosts only. An image's address is followed without it, and nothing follows redirects.
"""

import ipaddress
import re
import time
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import SplitResult, quote, urlsplit

import structlog

from fluxtune import __version__
from fluxtune.backends.bfl.answers import Accepted, TaskState, explain, read_accepted, read_json, read_state, refusal
from fluxtune.backends.bfl.errors import (
    AcceptanceUnknown,
    DeliveryFailed,
    HostedDown,
    HostedRefused,
    HostUnreachable,
    KeyRefused,
    TooManyTasks,
)

if TYPE_CHECKING:
    import httpx2

log = structlog.get_logger(__name__)

REGIONS: Mapping[str, str] = {
    "global": "https://api.bfl.ai",
    "eu": "https://api.eu.bfl.ai",
    "us": "https://api.us.bfl.ai",
}
MAX_JSON_BYTES = 8 * 1024**2
MAX_IMAGE_BYTES = 128 * 1024**2
_BFL_API = re.compile(r"api(\.[a-z0-9-]+)?\.bfl\.ai")
_MOVED = (301, 307, 308)


class LinkExpired(DeliveryFailed):
    """The delivery host no longer gives the image out."""

    title = "The link to the image has expired"


class BflClient:
    """One account at one server. Close it, or use it as a context manager."""

    def __init__(
        self,
        key: str,
        server: str = REGIONS["global"],
        *,
        timeout_s: float = 30.0,
        transport: "httpx2.BaseTransport | None" = None,
    ) -> None:
        import httpx2  # a twentieth of the time the studio needs to start, and it need not send anything then

        self._key = key
        self._server = urlsplit(server.rstrip("/"))
        self._timeout_s = timeout_s
        self._nothing_sent = (
            httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError,
            httpx2.UnsupportedProtocol,
        )  # fmt: skip
        self._broken = (httpx2.HTTPError, OSError, _NotUsable)
        self._malformed = httpx2.InvalidURL
        self._http = httpx2.Client(
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, 10.0)),
            follow_redirects=False,
            # A company's proxy is needed for the internet, and in the way for a server in the same room.
            trust_env=self._server.scheme == "https",
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=4.0),
            transport=transport,
            headers={"user-agent": f"fluxtune/{__version__}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def submit(self, path: str, body: Mapping[str, Any]) -> Accepted:
        """Ask for an image. This costs money: raises AcceptanceUnknown where nobody knows, else it was not accepted."""
        url = self._server.geturl() + path
        try:
            status, answer = self._send("POST", url, json=body)
        except self._nothing_sent as error:
            raise HostUnreachable(_not_reached(self._server, error), technical=repr(error)) from error
        except self._broken as error:
            raise AcceptanceUnknown(
                "The connection broke after the request had left.", technical=f"{type(error).__name__}: {error}"
            ) from error
        accepted = read_accepted(answer) if status < 300 or status >= 500 else None
        if accepted is not None:
            return accepted
        if status in _MOVED:
            raise HostedRefused(f"{self._server.hostname} is no API any more; it points elsewhere.")
        refused = refusal(status, answer)
        if refused is not None:
            raise refused
        raise AcceptanceUnknown(
            f"The server answered with {status} and without a task's number. {explain(answer)}".strip(),
            technical=f"HTTP {status}: {answer[:200]!r}",
        )

    def look(self, task_id: str, polling_url: str | None) -> TaskState:
        """Return how far a task is. May be repeated; raises KeyRefused, TooManyTasks, HostUnreachable, HostedDown."""
        try:
            status, answer = self._send("GET", self._polling_url(task_id, polling_url))
        except self._nothing_sent as error:
            raise HostUnreachable(_not_reached(self._server, error), technical=repr(error)) from error
        except self._broken as error:
            raise HostedDown("The connection broke.", technical=f"{type(error).__name__}: {error}") from error
        state = read_state(answer)  # a failed task may come as 422 or 503
        if state is not None:
            return state
        self._raise_unless_fine(status, answer)
        raise HostedDown("The answer is not understandable.", technical=f"HTTP {status}: {answer[:200]!r}")

    def credits(self) -> float:
        """Return how many credits are left. Free of charge, so this is also how a key is tested."""
        status, answer = self.read("/v1/credits")
        self._raise_unless_fine(status, answer)
        found = read_json(answer)
        value = found.get("credits") if isinstance(found, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise HostedDown(
                "The answer names no credits; is this the address of a BFL API?",
                technical=f"HTTP {status}: {answer[:200]!r}",
            )
        return float(value)

    def read(self, path: str) -> tuple[int, bytes]:
        """Return code and body of a free question. May be repeated; raises HostUnreachable and HostedDown."""
        try:
            return self._send("GET", self._server.geturl() + path)
        except self._nothing_sent as error:
            raise HostUnreachable(_not_reached(self._server, error), technical=repr(error)) from error
        except self._broken as error:
            raise HostedDown("The connection broke.", technical=f"{type(error).__name__}: {error}") from error

    def fetch(self, sample: str) -> bytes:
        """Return the bytes a finished task's link leads to. The key does not go there. Raises DeliveryFailed."""
        self._check_delivery(sample)
        try:
            status, content = self._send("GET", sample, with_key=False, most=MAX_IMAGE_BYTES)
        except self._broken as error:
            raise DeliveryFailed(f"The connection broke. {error}", technical=type(error).__name__) from error
        if status in (400, 401, 403, 404, 410):
            raise LinkExpired(f"The delivery host answered with {status}.")
        if not 200 <= status < 300:
            raise DeliveryFailed(f"The delivery host answered with {status}.")
        return content

    def _raise_unless_fine(self, status: int, answer: bytes) -> None:
        if 200 <= status < 300:
            return
        refused = refusal(status, answer)
        if isinstance(refused, KeyRefused | TooManyTasks):
            raise refused
        raise HostedDown(explain(answer) or f"It answered with {status}.", technical=f"HTTP {status}: {answer[:200]!r}")

    def _polling_url(self, task_id: str, polling_url: str | None) -> str:
        """Return the address BFL gave, unchanged, if the key may go there; else that of the own server."""
        if polling_url is not None:
            if self._may_have_key(polling_url):
                return polling_url
            log.warning("an address to ask for a task is none of the server's; asking the server itself", task=task_id)
        return f"{self._server.geturl()}/v1/get_result?id={quote(task_id, safe='')}"

    def _may_have_key(self, url: str) -> bool:
        parts = _split(url)
        if parts is None or parts.username is not None or parts.password is not None:
            return False
        own = self._server
        if (parts.scheme, parts.hostname, _port(parts)) == (own.scheme, own.hostname, _port(own)):
            return True
        # BFL names another of its clusters; a key of another server is none of BFL's business.
        return is_bfl(own) and is_bfl(parts)

    def _check_delivery(self, url: str) -> None:
        parts = _split(url)
        own = self._server
        if parts is not None and parts.hostname and (parts.scheme, parts.hostname) == (own.scheme, own.hostname):
            return
        if parts is None or parts.scheme != "https" or not parts.hostname or _is_address(parts.hostname):
            raise DeliveryFailed(
                "The address of the image is none that a delivery host can have; it was not followed.",
                technical=url[:200],
            )

    def _send(
        self,
        method: str,
        url: str,
        *,
        json: Mapping[str, Any] | None = None,
        with_key: bool = True,
        most: int = MAX_JSON_BYTES,
    ) -> tuple[int, bytes]:
        """Return status and body. Bounded in size and in time as a whole, so that no trickle holds a thread."""
        headers = {"x-key": self._key, "accept": "application/json"} if with_key else {}
        until = time.monotonic() + 4 * self._timeout_s
        chunks: list[bytes] = []
        size = 0
        try:
            request = self._http.build_request(method, url, json=json, headers=headers)
        except self._malformed as error:
            raise _NotUsable("the address is malformed") from error
        response = self._http.send(request, stream=True)
        with closing(response):
            for chunk in response.iter_bytes():
                size += len(chunk)
                if size > most:
                    raise _NotUsable(f"more than {most // 1024**2} MB")
                if time.monotonic() > until:
                    raise _NotUsable("slower than a minute or two")
                chunks.append(chunk)
            return int(response.status_code), b"".join(chunks)


class _NotUsable(Exception):
    """An answer is larger or slower than any honest one, or an address is none."""


def is_bfl(parts: SplitResult) -> bool:
    """Return whether an address is one of BFL's API hosts; its delivery hosts are none."""
    return parts.scheme == "https" and _port(parts) == 443 and bool(_BFL_API.fullmatch(parts.hostname or ""))


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    return True


def _not_reached(server: SplitResult, error: Exception) -> str:
    return f"No connection to {server.hostname} came about: {error or type(error).__name__}."
