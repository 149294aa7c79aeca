"""What endpoints get through `Depends`."""

from starlette.requests import HTTPConnection

from fluxtune.config.settings import Settings
from fluxtune.core.actor import Actor


async def get_settings(connection: HTTPConnection) -> Settings:
    """Return the settings of the studio that serves this request."""
    settings: Settings = connection.app.state.settings
    return settings


async def get_actor(connection: HTTPConnection) -> Actor:
    """Return who is behind this request; the same as `acting()`, for endpoints that show or keep it."""
    actor: Actor = connection.state.actor
    return actor
