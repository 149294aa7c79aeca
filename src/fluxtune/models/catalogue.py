"""The catalogue as a list of thousands: search, filters, order, and a window of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.models import repository
from fluxtune.models.repository import Brief
from fluxtune.models.schemas import ModelPage
from fluxtune.models.service import ModelService
from fluxtune.storage import Blobs

Order = Literal["newest", "oldest", "name"]
ORDERS: dict[Order, tuple[Callable[[Brief], Any], bool]] = {
    "newest": (lambda brief: brief.id, True),
    "oldest": (lambda brief: brief.id, False),
    "name": (lambda brief: brief.name.casefold(), False),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which models to show: every word of `query` must be in name, trigger word, tags, notes or description."""

    query: str = ""
    base: str | None = None
    mode: str | None = None
    tag: str | None = None

    def takes(self, brief: Brief) -> bool:
        """Is a model one of these?"""
        words = self.query.casefold().split()[:20]
        return (
            (self.base is None or brief.base == self.base)
            and (self.mode is None or brief.mode == self.mode)
            and (self.tag is None or self.tag in brief.tags)
            and (not words or all(word in brief.text for word in words))
        )


class Catalogue:
    """Finds models. Reads a few columns of all in one query, and everything of the window that is shown."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._models = ModelService(session, blobs, settings)

    def page(self, wanted: Filter, order: Order, offset: int, limit: int) -> ModelPage:
        """Return a window of the models a filter finds."""
        everything = repository.list_briefs(self._session)
        key, is_down = ORDERS[order]
        found = sorted((brief for brief in everything if wanted.takes(brief)), key=key, reverse=is_down)
        return ModelPage(
            items=self._models.get_models([brief.id for brief in found[offset : offset + limit]]),
            total=len(found),
            whole=len(everything),
            bases=_counted(brief.base for brief in everything),
            modes=_counted(brief.mode for brief in everything),
            tags=_counted(tag for brief in everything for tag in brief.tags),
        )


def _counted(values: Any) -> dict[str, int]:
    """Count, the commonest first."""
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))
