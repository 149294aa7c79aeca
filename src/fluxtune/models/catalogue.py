"""The catalogue as a list of thousands: search, filters, order, and a window of it."""

from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.models import repository
from fluxtune.models.repository import Filter, Order
from fluxtune.models.schemas import ModelPage
from fluxtune.models.service import ModelService
from fluxtune.storage import Blobs

__all__ = ["Catalogue", "Filter", "Order"]


class Catalogue:
    """Finds models. The database searches, counts and orders; everything is read of the window that is shown."""

    def __init__(self, session: Session, blobs: Blobs, settings: Settings) -> None:
        self._session = session
        self._models = ModelService(session, blobs, settings)

    def page(self, wanted: Filter, order: Order, offset: int, limit: int) -> ModelPage:
        """Return a window of the models a filter finds."""
        ids, total = repository.find_window(self._session, wanted, order, offset, limit)
        facets = repository.count_facets(self._session)
        return ModelPage(
            items=self._models.get_models(ids),
            total=total,
            whole=facets.whole,
            bases=facets.bases,
            modes=facets.modes,
            tags=facets.tags,
        )
