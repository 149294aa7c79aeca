"""Is the local engine installed? Looks without importing, so that a process without torch can ask."""

from importlib.util import find_spec

from pydantic import BaseModel

PARTS = ("torch", "diffusers", "transformers", "peft", "safetensors", "numpy")
INSTALL_COMMAND = "pip install 'fluxtune[local]'"


class EngineCheck(BaseModel):
    """What the local engine lacks; `command` adds it."""

    is_ready: bool
    missing: list[str]
    command: str


def check_engine() -> EngineCheck:
    """Say which Python packages of the local engine can be imported."""
    missing = [part for part in PARTS if find_spec(part) is None]
    return EngineCheck(is_ready=not missing, missing=missing, command=INSTALL_COMMAND)
