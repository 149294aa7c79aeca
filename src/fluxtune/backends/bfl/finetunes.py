"""Asks BFL about finetunes: which there are, and what is known of one. Free of charge.

The two addresses are in BFL's API description of September 2026; nobody outside has said since whether they answer for
LoRAs that were dropped in the Dashboard. So an answer that tells nothing is an answer here, not an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from fluxtune.backends.bfl.answers import explain, read_json, refusal
from fluxtune.backends.bfl.client import BflClient
from fluxtune.backends.bfl.errors import KeyRefused, TooManyTasks

Answer = Literal["found", "missing", "unknown"]
_NAMES = ("finetune_id", "id", "name")
_MOST_DETAILS = 30
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Known:
    """What BFL says of a finetune. `told`: in a sentence, for people; `details`: what it says of it, as text."""

    answer: Answer
    told: str
    details: Mapping[str, str] = field(default_factory=dict)


def list_finetunes(client: BflClient) -> list[str] | None:
    """Return the names of an account's finetunes, None where BFL does not tell. Raises KeyRefused, HostedDown."""
    status, body = client.read("/v1/my_finetunes")
    _raise_if_unwelcome(status, body)
    answer = read_json(body) if status < 300 else None
    found = answer.get("finetunes") if isinstance(answer, dict) else None
    if not isinstance(found, list):
        return None
    names = (_name_of(item) for item in found)
    return [name for name in names if name]


def look_up(client: BflClient, finetune_id: str) -> Known:
    """Return what BFL knows of a finetune. Raises KeyRefused, HostUnreachable and HostedDown."""
    names = list_finetunes(client)
    status, body = client.read(f"/v1/finetune_details?finetune_id={quote(finetune_id, safe='')}")
    _raise_if_unwelcome(status, body)
    answer = read_json(body) if status < 300 else None
    details = _details(answer)
    if names is not None and finetune_id in names:
        return Known("found", "BFL lists it among the account's finetunes.", details)
    if details:
        return Known("found", "BFL tells its details.", details)
    # One that somebody shared is none of the account's own.
    if names is not None and "/" not in finetune_id:
        listed = ", ".join(names[:10]) or "none"
        return Known("missing", f"BFL does not list it among the account's finetunes; it lists {listed}.")
    said = explain(body)
    if status == 404 and said and said.casefold() != "not found":
        return Known("missing", f"BFL says: {said}")
    return Known("unknown", "BFL does not tell which finetunes there are. Drawing one image with it does.")


def _raise_if_unwelcome(status: int, body: bytes) -> None:
    refused = refusal(status, body)
    if isinstance(refused, KeyRefused | TooManyTasks):
        raise refused


def _name_of(item: Any) -> str:
    if isinstance(item, dict):
        item = next((item[name] for name in _NAMES if isinstance(item.get(name), str)), "")
    return item[:_SHOWN] if isinstance(item, str) else ""


def _details(answer: Any) -> dict[str, str]:
    """Return details as texts; wrapped or not, as servers differ."""
    if not isinstance(answer, dict):
        return {}
    inner = answer.get("finetune_details", answer)
    if not isinstance(inner, dict):
        return {}
    plain = {name: value for name, value in inner.items() if isinstance(value, str | int | float | bool)}
    return {str(name)[:60]: str(value)[:_SHOWN] for name, value in list(plain.items())[:_MOST_DETAILS] if value != ""}
