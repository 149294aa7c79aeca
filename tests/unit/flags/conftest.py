"""Fixtures of a studio with hosted models."""

from tests.hosting import hosted, server
from tests.shared import shared_client, shared_studio, stranger

__all__ = ["hosted", "server", "shared_client", "shared_studio", "stranger"]
