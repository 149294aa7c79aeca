"""A program with a token on the studio that many tests share, and things it sends."""

import base64

import pytest
from starlette.testclient import TestClient

from fluxtune.backends.local import readiness
from fluxtune.generations import service as generations
from tests.conftest import BASE_URL
from tests.makers import state_of
from tests.shared import shared_client, shared_studio, stranger
from tests.zoo import make_base, picture, zip_of

__all__ = ["shared_client", "shared_studio", "stranger"]


def packed(*entries):
    """Return a ZIP as a program sends it."""
    return base64.b64encode(zip_of(entries)).decode()


def pictures(count=6):
    """Return a ZIP of captioned pictures as a program sends it."""
    entries = [(f"{number}.png", picture(number)) for number in range(count)]
    return packed(*entries, *((f"{number}.txt", f"a TOK number {number}".encode()) for number in range(count)))


@pytest.fixture
def studio(shared_client, monkeypatch):
    """A signed-in browser on a studio with one base and an engine."""
    monkeypatch.setattr(readiness, "require_engine", lambda: None)
    monkeypatch.setattr(generations, "require_engine", lambda: None)
    state = state_of(shared_client)
    make_base(state.settings.paths.bases)
    monkeypatch.setattr(state.settings.contract, "base", "tiny")
    return shared_client


@pytest.fixture
def program(studio):
    """A program that shows a valid token, and has no cookie."""
    token = studio.post("/api/tokens", json={"name": "old script"}).json()["token"]
    return TestClient(studio.app, base_url=BASE_URL, headers={"X-Key": token})


@pytest.fixture
def request_body():
    """What the old guide sends."""
    return {
        "finetune_comment": "my dog", "trigger_word": "TOK", "file_data": pictures(), "iterations": 100,
        "mode": "character", "learning_rate": 0.00001, "captioning": True, "priority": "quality",
        "lora_rank": 32, "finetune_type": "full",
    }  # fmt: skip
