"""What only a server can see: that jobs wait and no worker lives. It then tells of that itself."""

from fluxtune.alerts.telling import EVENT, AlertTeller, webhook_shape
from fluxtune.alerts.watching import WorkerWatch
from fluxtune.config import Settings
from fluxtune.contract.telling import EndTeller
from fluxtune.db import Database
from fluxtune.storage import Blobs
from fluxtune.webhooks.sender import WebhookSender


class ServerLookout:
    """Call `look_around` now and then."""

    def __init__(self, settings: Settings, database: Database, blobs: Blobs) -> None:
        self._watch = WorkerWatch(settings, database)
        self._teller = AlertTeller(settings, database)
        shapes = {**EndTeller(settings, database, blobs).shapes, EVENT: webhook_shape()}
        self._webhooks = WebhookSender(settings, database, shapes=shapes)

    def look_around(self) -> None:
        """Look for a worker; where one is missed, send what it would send."""
        if self._watch.look_around():
            self._teller.tell()
            while self._webhooks.send_next():
                pass
