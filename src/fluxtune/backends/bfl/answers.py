"""What BFL's answers mean. Lenient about shapes: real answers differ from the documents, and change."""

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

from fluxtune.backends.bfl.errors import (
    ContentModerated,
    CreditsGone,
    HostedRefused,
    KeyRefused,
    RequestModerated,
    TaskFailed,
    TaskLost,
    TooManyTasks,
)
from fluxtune.core.errors import FluxtuneError, JobFailed

Kind = Literal["working", "ready", "failed", "lost"]
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Accepted:
    """A task BFL has accepted. `cost` in credits, sizes in megapixels; each None when BFL does not say."""

    task_id: str
    polling_url: str | None
    cost: float | None = None
    input_mp: float | None = None
    output_mp: float | None = None


@dataclass(frozen=True, slots=True)
class TaskState:
    """How far a task is. `sample` is where its image lies; `cost` in credits where BFL tells what it settled."""

    kind: Kind
    status: str
    sample: str | None = None
    progress: float | None = None
    cost: float | None = None
    seed: int | None = None
    prompt: str | None = None
    error: JobFailed | None = None


def read_json(body: bytes) -> Any:
    """Return the JSON of a body, or None for anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def read_accepted(body: bytes) -> Accepted | None:
    """Return the task an answer to a request names, or None if it names none."""
    answer = read_json(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("id"), str) or not answer["id"]:
        return None
    url = answer.get("polling_url")
    return Accepted(
        answer["id"][:200],
        url if isinstance(url, str) and url else None,
        _number(answer.get("cost")),
        _number(answer.get("input_mp")),
        _number(answer.get("output_mp")),
    )


def read_state(body: bytes) -> TaskState | None:
    """Return how far a task is, or None if the body does not tell. The HTTP code says nothing about that."""
    answer = read_json(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("status"), str):
        return None
    status = answer["status"]
    word = status.casefold().replace("_", " ").strip()
    raw = answer.get("result")
    result: dict[str, Any] = raw if isinstance(raw, dict) else {}
    cost = _number(answer.get("cost"))
    if word == "ready":
        sample, seed, prompt = result.get("sample"), result.get("seed"), result.get("prompt")
        if not isinstance(sample, str) or not sample:
            return TaskState("working", f"{status[:40]}, but without an image", cost=cost)
        return TaskState(
            "ready", status[:40], sample, 1.0, cost,
            seed if isinstance(seed, int) else None, prompt if isinstance(prompt, str) else None,
        )  # fmt: skip
    why = _reason(answer)
    if word == "request moderated":
        return TaskState("failed", status, cost=cost, error=RequestModerated(why or "BFL gives no reason."))
    if word == "content moderated":
        return TaskState("failed", status, cost=cost, error=ContentModerated(why or "BFL gives no reason."))
    if word in ("error", "failed"):
        return TaskState("failed", status, cost=cost, error=TaskFailed(why or "BFL gives no reason."))
    if word == "task not found":
        return TaskState("lost", status, error=TaskLost("BFL says that there is no such task."))
    # Pending, Reasoning, Generating, and whatever BFL invents next.
    return TaskState("working", status[:40], progress=_fraction(answer.get("progress")), cost=cost)


def refusal(status: int, body: bytes) -> FluxtuneError | None:
    """Return what an HTTP code says about a request, or None where it does not say that it was not accepted."""
    why = explain(body) or f"BFL answered with {status}."
    if status in (401, 403):
        return KeyRefused(why)
    if status == 402:
        return CreditsGone(why)
    if status == 429:
        return TooManyTasks(why)
    if 400 <= status < 500 and status not in (408, 409, 425):
        return HostedRefused(why, technical=f"HTTP {status}")
    return None


def explain(body: bytes) -> str:
    """Return what an error body says in words: a text, a list of findings, or nothing understandable."""
    answer = read_json(body)
    if not isinstance(answer, dict):
        return ""
    for name in ("detail", "message", "error"):
        value = answer.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()[:_SHOWN]
        if isinstance(value, list):
            found = [_finding(item) for item in value[:5] if isinstance(item, dict)]
            if found:
                return " ".join(found)[:_SHOWN]
    return ""


def _finding(item: dict[str, Any]) -> str:
    place = item.get("loc")
    names = [str(part) for part in place if part != "body"] if isinstance(place, list) else []
    return f"{'.'.join(names)}: {item.get('msg', 'not acceptable')}." if names else f"{item.get('msg', '')}"


def _reason(answer: dict[str, Any]) -> str:
    """Return why a task failed: moderation reasons, else whatever text there is."""
    for holder in (answer.get("details"), answer.get("result")):
        if not isinstance(holder, dict):
            continue
        reasons = holder.get("Moderation Reasons") or holder.get("moderation_reasons")
        if isinstance(reasons, list) and reasons:
            return f"The reason: {', '.join(str(reason)[:80] for reason in reasons[:10])}."
        for name in ("error", "message", "detail", "reason"):
            if isinstance(holder.get(name), str) and holder[name]:
                return str(holder[name])[:_SHOWN]
    for name in ("error", "message", "detail", "result", "details"):
        if isinstance(answer.get(name), str) and answer[name]:
            return str(answer[name])[:_SHOWN]
    return ""


def _number(value: Any) -> float | None:
    """Return a number that can be a cost or a size; JSON as Python reads it also knows NaN and Infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < 1e9 else None


def _fraction(value: Any) -> float | None:
    """Return progress as 0 to 1; some answers count to 100."""
    number = _number(value)
    if number is None:
        return None
    return min(number / 100 if number > 1 else number, 1.0)
