"""Servers as the API shows them: never their tokens."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from fluxtune.core.errors import Problem


class ServerCreate(BaseModel):
    """A server to add. Its token is tried at once, kept encrypted, and never shown again."""

    name: str = Field(min_length=1, max_length=60, description="What to call it.")
    url: str = Field(max_length=500, description="Its address, such as http://gpu.local:7860.")
    token: SecretStr = Field(
        min_length=1, max_length=500, description="What `fluxtune token create NAME` printed on it."
    )


class ServerBase(BaseModel):
    """A base a server has ready. `is_trainable`: one trains on it there."""

    name: str
    title: str
    description: str
    licence: str
    is_trainable: bool
    is_usual: bool


class Server(BaseModel):
    """A server, and what it said of itself when it was asked last.

    `kind`: a fluxtune, or another server that speaks BFL's API. `is_live`: finetunes there are followed as if they ran
    here, and their adapters come here. `notes`: what it can't do, and what else to know, in sentences.
    """

    id: str
    name: str
    url: str
    kind: Literal["fluxtune", "contract"]
    version: str
    extensions: list[str]
    bases: list[ServerBase]
    model_count: int
    is_live: bool
    notes: list[str]
    problem: Problem | None
    checked_at: datetime
    created_at: datetime
