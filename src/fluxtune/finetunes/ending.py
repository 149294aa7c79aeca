"""Telling other programs that a run has ended."""

from datetime import timedelta
from typing import Any, Literal

from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.core.errors import Problem
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.webhooks import service as webhooks

End = Literal["succeeded", "failed", "cancelled", "paused"]


def tell_end(session: Session, settings: Settings, row: FinetuneRow, end: End, error: Problem | None) -> None:
    """Write down the message that tells how a run ended, if somebody wants to know, in the transaction that ends it."""
    if row.webhook_url is None:
        return
    data: dict[str, Any] = {
        "id": row.id,
        "name": row.name,
        "state": end,
        "base": row.base,
        "mode": row.mode,
        "quality": row.quality,
        "trigger_word": row.trigger_word,
        "dataset_id": row.dataset_id,
        "steps": row.recipe["steps"],
        "steps_done": row.steps_done,
        "seconds": row.seconds,
        "loss": row.loss,
        "model_id": row.model_id,
        "error": error.model_dump(mode="json") if error is not None else None,
    }
    patience = timedelta(hours=settings.webhooks.give_up_hours)
    webhooks.enqueue(session, row.id, f"finetune.{end}", row.webhook_url, row.webhook_secret, data, patience)
