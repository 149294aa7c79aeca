"""Settings and paths. Built once per process and passed down; importing this does no I/O."""

from fluxtune.config.dependencies import get_actor, get_settings
from fluxtune.config.paths import Paths
from fluxtune.config.settings import Settings, load_settings

__all__ = ["Paths", "Settings", "get_actor", "get_settings", "load_settings"]
