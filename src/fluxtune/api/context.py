"""Around every request: a number, a log line, safe headers, and a polite end when something breaks."""

import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fluxtune.api.errors import breakdown_response
from fluxtune.core.ids import new_id
from fluxtune.metrics import service as metrics

log = structlog.get_logger(__name__)

# Mantine sets inline style attributes; nothing else needs an exception.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class RequestContext:
    """Outermost of our layers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within its context."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_id()[-12:]
        started_at = time.monotonic()
        status, answered_at = 0, 0.0

        async def send_safely(message: Message) -> None:
            nonlocal status, answered_at
            if message["type"] == "http.response.start":
                status, answered_at = message["status"], time.monotonic()
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(("/api/", "/v1/")):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_safely)
            except Exception as error:
                if status:
                    log.exception("an answer broke off", method=scope["method"], path=scope["path"])
                    raise
                await breakdown_response(error, scope["path"])(scope, receive, send_safely)
            finally:
                _measure(scope, status, (answered_at or time.monotonic()) - started_at)
                took_ms = round((time.monotonic() - started_at) * 1000)
                log.debug("request", method=scope["method"], path=scope["path"], status=status, took_ms=took_ms)


def _measure(scope: Scope, status: int, seconds: float) -> None:
    """Take in how long an answer of the API took to begin: a stream of events lasts as long as somebody listens."""
    path: str = scope["path"]
    if path.startswith("/v1/"):
        part = "v1"
    elif path.startswith("/api/"):
        part = "read" if scope["method"] in ("GET", "HEAD", "OPTIONS") else "change"
    else:
        return
    metrics.observe("request_seconds", seconds, part)
    if status >= 400:
        metrics.count("request_errors", label=str(status))
