"""What the check wants to know of a base, found by its name."""

from fluxtune.config import Settings
from fluxtune.core.errors import NotFound
from fluxtune.datasets.check_rules import BaseFacts
from fluxtune.engine.bases import find_bases, shipped_bases


class BaseUnknownHere(NotFound):
    """No base of this studio has the name a check was asked for."""

    title = "No such base"
    action = "Choose one of the bases of the Models page, or check without one."


def find_base_facts(settings: Settings, name: str | None) -> BaseFacts | None:
    """Return the facts of a base, None where none is asked for."""
    if not name:
        return None
    folders = [shipped_bases(), settings.paths.bases, *settings.engine.bases.values()]
    own = settings.engine.bases.get(name)
    for base in find_bases(folders):
        if base.name == name or (own is not None and base.path == own):
            return BaseFacts(base.title, base.max_prompt_tokens, base.train_resolution, base.folder)
    raise BaseUnknownHere(f"There is no base “{name[:60]}” here.")
