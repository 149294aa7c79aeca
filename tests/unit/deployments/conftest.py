"""Fixtures of a studio with a base, hosted models, and a server that makes them."""

import pytest

from fluxtune.deployments import parity
from fluxtune.generations import service
from fluxtune.models.schemas import Model
from tests.hosting import hosted, server
from tests.makers import add_model, state_of
from tests.shared import shared_client, shared_studio, stranger
from tests.zoo import make_base

__all__ = ["hosted", "server", "shared_client", "shared_studio", "stranger"]


@pytest.fixture
def studio(hosted, monkeypatch):
    """A signed-in browser on a studio with a key, and a base that plays klein's."""
    for module in (service, parity):
        monkeypatch.setattr(module, "require_engine", lambda: None)
    make_base(state_of(hosted).settings.paths.bases, "flux2-klein-base-4b")
    return hosted


@pytest.fixture
def model(studio, tmp_path) -> Model:
    """A finetuned model of it."""
    return add_model(studio, tmp_path, base="flux2-klein-base-4b", prompts=["a [trigger] in the rain", "a rexo"])
