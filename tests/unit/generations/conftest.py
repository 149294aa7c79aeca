"""Fixtures of the studio that many tests share."""

from tests.shared import shared_client, shared_studio

__all__ = ["shared_client", "shared_studio"]
