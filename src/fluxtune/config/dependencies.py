"""What endpoints get through `Depends`."""

from starlette.requests import HTTPConnection

from fluxtune.config.settings import Settings


def get_settings(connection: HTTPConnection) -> Settings:
    """Return the settings of the studio that serves this request."""
    settings: Settings = connection.app.state.settings
    return settings
