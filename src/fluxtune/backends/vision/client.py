"""Asks an OpenAI-compatible server what an image shows: `POST {url}/chat/completions` with one image and one prompt.

The form is that of https://platform.openai.com/docs/guides/images-vision, which Ollama, LM Studio, vLLM, llama.cpp and
most hosted services speak as well.
"""

import base64
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

from pydantic import BaseModel, ValidationError

from fluxtune import __version__
from fluxtune.core.clock import now
from fluxtune.core.errors import JobFailed

MAX_ANSWER_BYTES = 1_000_000
MAX_WAIT_S = 60.0
"""A server may ask for more patience than this; it is asked again sooner."""
_BUSY = {408, 409, 425, 429, 500, 502, 503, 504, 529}
# What models say instead of a description when they don't want to give one.
_REFUSAL = re.compile(
    r"^\W*(i['’]?m sorry|i am sorry|sorry,|i apologi[sz]e"
    r"|i can(no|['’])t (help|assist|describe|identify|provide|comply|view|see)"
    r"|i['’]?m (unable|not able) to|i am (unable|not able) to|i won['’]t |as an ai\b)",
    re.IGNORECASE,
)


class VisionFailed(JobFailed):
    """The server can't do what is asked, and would not next time."""

    title = "The caption server can't be used"
    action = "Check its address, model and key."


class VisionBusy(Exception):
    """The server did not answer as it should this time; another time it may."""

    def __init__(self, why: str, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class VisionRefused(Exception):
    """The model would not describe this image."""


@dataclass(frozen=True, slots=True)
class VisionTarget:
    """Where to ask: the address that was checked stands beside the name, so that a second look-up can't lead away."""

    url: str
    connect_url: str
    host_header: str
    sni: str | None
    model: str
    key: str | None


class _Message(BaseModel):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Answer(BaseModel):
    choices: list[_Choice]


class VisionClient:
    """Use as a context manager."""

    def __init__(self, target: VisionTarget, *, timeout_s: float) -> None:
        import httpx2  # a twentieth of the studio's start, and not every studio sends anything

        self._target = target
        self._http = httpx2.Client(timeout=timeout_s, trust_env=False, follow_redirects=False)

    def __enter__(self) -> "VisionClient":
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections."""
        self._http.close()

    def describe(self, jpeg: bytes, prompt: str, max_tokens: int) -> str:
        """Return what the model says of an image, one line.

        Raises VisionBusy when it is worth asking again, VisionRefused when the model would not say anything of this
        image, VisionFailed when nothing will come from this server as it is set up.
        """
        picture = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
        body = {
            "model": self._target.model,
            "max_tokens": max_tokens,
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": prompt}, {"type": "image_url", "image_url": {"url": picture}}],
                }
            ],
        }
        status, retry_after_s, content = self._post(body)
        if status in _BUSY:
            raise VisionBusy(f"It answered with {status}.", retry_after_s)
        if not 200 <= status < 300:
            raise VisionFailed(f"{self._target.url} answered with {status}{_why(content)}.", action=_action(status))
        return _text_of(content)

    def _post(self, body: dict[str, Any]) -> tuple[int, float | None, bytes]:
        import httpx2

        headers = {"host": self._target.host_header, "user-agent": f"fluxtune/{__version__}"}
        if self._target.key:
            headers["authorization"] = f"Bearer {self._target.key}"
        options: dict[str, Any] = {"extensions": {"sni_hostname": self._target.sni}} if self._target.sni else {}
        try:
            with self._http.stream("POST", self._target.connect_url, json=body, headers=headers, **options) as response:
                content = b""
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > MAX_ANSWER_BYTES:
                        raise VisionFailed(
                            f"{self._target.url} sent more than {MAX_ANSWER_BYTES:,} bytes for one caption."
                        )
                return response.status_code, _retry_after(response.headers.get("retry-after")), content
        except httpx2.TimeoutException as error:
            raise VisionBusy("It did not answer in time.") from error
        except httpx2.TransportError as error:
            raise VisionBusy(f"It could not be reached: {error or type(error).__name__}.") from error


def _text_of(content: bytes) -> str:
    try:
        choices = _Answer.model_validate_json(content).choices
    except ValidationError as error:
        raise VisionBusy("Its answer is not what such servers answer.") from error
    if not choices:
        raise VisionRefused("It gave no answer for this image.")
    message = choices[0].message
    if message.refusal:
        raise VisionRefused(message.refusal[:300])
    if choices[0].finish_reason == "content_filter":
        raise VisionRefused("Its content filter stopped the answer.")
    text = message.content
    if isinstance(text, list):
        text = " ".join(str(part.get("text") or "") for part in text)
    # Models that think aloud put that into tags of their own.
    text = re.sub(r"<think>.*?</think>", " ", text or "", flags=re.DOTALL)
    text = " ".join(text.replace("\x00", "").split()).strip('"“” ')
    if not text:
        raise VisionRefused("It answered with nothing.")
    if _REFUSAL.match(text):
        raise VisionRefused(f"It answered: “{text[:200]}”")
    return text


def _retry_after(value: str | None) -> float | None:
    if not value:
        return None
    try:
        return max(0.0, min(float(value), MAX_WAIT_S))
    except ValueError:
        pass
    try:
        return max(0.0, min((parsedate_to_datetime(value) - now()).total_seconds(), MAX_WAIT_S))
    except (ValueError, TypeError):
        return None


def _why(content: bytes) -> str:
    """Return the server's own words, if it gave any."""
    found = re.search(rb'"message"\s*:\s*"([^"]{1,300})', content)
    return f": {found.group(1).decode(errors='replace')}" if found else ""


def _action(status: int) -> str:
    if status in (401, 403):
        return "Check the key of the caption server."
    if status == 404:
        return "Check the address (it mostly ends in /v1) and the name of the model."
    if 300 <= status < 400:
        return "Give the address it redirects to; redirects are not followed."
    return VisionFailed.action
