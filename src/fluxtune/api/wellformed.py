"""Refuses requests that hold what is no text: halves of characters, zero bytes in addresses.

Python reads JSON more generously than anything that text is later given to: the half of a pair of surrogates becomes a
string that can be neither stored, hashed nor sent back. It is refused here, once, before any route has seen it.
"""

import json
import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fluxtune.api.errors import problem_response
from fluxtune.core.errors import InvalidInput

# One escape after the other, so that the `u` after an escaped backslash is not taken for one. Group 1: a half alone.
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
_CHECKED = ("/api/", "/v1/")


class AddressNotText(InvalidInput):
    """An address holds a zero byte, which nothing can be called."""

    title = "That is no address"
    action = "Take the zero byte out of it."


class WellFormed:
    """Looks at the address of each request, and at its JSON while it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer why it is refused."""
        if scope["type"] != "http" or not scope["path"].startswith(_CHECKED):
            await self._app(scope, receive, send)
            return
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            await problem_response(AddressNotText("It holds a zero byte.").problem())(scope, receive, send)
            return
        is_json = "json" in Headers(scope=scope).get("content-type", "")
        await self._app(scope, _checked(receive) if is_json else receive, send)


def _checked(receive: Receive) -> Receive:
    """Return a `receive` that raises `JSONDecodeError`, which routes know how to answer, at the end of a bad body."""
    chunks: list[bytes] = []

    async def receive_checked() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                require_text(b"".join(chunks))
                chunks.clear()
        return message

    return receive_checked


def require_text(body: bytes) -> None:
    """Raise `JSONDecodeError` for JSON whose strings are not all text; what else is wrong with it is found later."""
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise json.JSONDecodeError("This is not UTF-8", "", error.start) from error
    if b"\x00" in body:  # of UTF-16, too, which Python would guess
        raise json.JSONDecodeError("There is a zero byte", "", body.index(b"\x00"))
    if b"\\" not in body:
        return
    for escape in _ESCAPES.finditer(body):
        if escape[1]:
            raise json.JSONDecodeError("This is half a character", "", escape.start())
