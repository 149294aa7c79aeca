"""Fixtures of the studio that many tests share."""

from tests.shared import shared_client, shared_studio, stranger

__all__ = ["shared_client", "shared_studio", "stranger"]
