"""Identifiers that sort by the time they were made."""

import uuid_utils


def new_id() -> str:
    """Return a new UUIDv7 as 32 lowercase hex digits; later ids sort after earlier ones."""
    return uuid_utils.uuid7().hex
