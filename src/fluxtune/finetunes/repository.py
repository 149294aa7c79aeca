"""Every query about finetunes and what their runs said."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from fluxtune.finetunes.tables import (
    CheckpointRow,
    FinetuneRow,
    FinetuneSampleRow,
    HealingRow,
    ImageLossRow,
    LogLineRow,
    LossPointRow,
    ProbeRow,
    ValidationRow,
)
from fluxtune.sharing import service as sharing

RunRow = LossPointRow | ValidationRow | ImageLossRow | HealingRow | FinetuneSampleRow | CheckpointRow | LogLineRow


def find_finetune(session: Session, finetune_id: str) -> FinetuneRow | None:
    """Return one finetune, also from the trash."""
    return session.get(FinetuneRow, finetune_id)


def list_finetunes(session: Session, deleted: bool) -> list[FinetuneRow]:
    """Return the finetunes in or outside the trash, newest first."""
    in_trash = FinetuneRow.deleted_at.is_not(None) if deleted else FinetuneRow.deleted_at.is_(None)
    query = select(FinetuneRow).where(in_trash).order_by(FinetuneRow.id.desc())
    return list(session.scalars(sharing.only_visible(query, "finetune", FinetuneRow.id)))


def list_by_dataset(session: Session, dataset_id: str) -> list[FinetuneRow]:
    """Return the finetunes of a dataset, those in the trash included, newest first."""
    query = select(FinetuneRow).where(FinetuneRow.dataset_id == dataset_id).order_by(FinetuneRow.id.desc())
    return list(session.scalars(sharing.only_visible(query, "finetune", FinetuneRow.id)))


def name_exists(session: Session, name: str) -> bool:
    """Return whether a finetune outside the trash has this name."""
    query = select(FinetuneRow.id).where(FinetuneRow.name == name, FinetuneRow.deleted_at.is_(None)).limit(1)
    return session.scalars(query).first() is not None


def list_measured(session: Session, base: str, limit: int) -> list[FinetuneRow]:
    """Return finished runs on a base that know how fast they were, newest first.

    One that changed its settings to go on says nothing of the recipe it began with.
    """
    healed = select(HealingRow.finetune_id)
    query = (
        select(FinetuneRow)
        .where(FinetuneRow.base == base, FinetuneRow.seconds.is_not(None), FinetuneRow.seconds_per_step.is_not(None))
        .where(FinetuneRow.id.not_in(healed))
        .order_by(FinetuneRow.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def list_loss(session: Session, finetune_id: str) -> list[LossPointRow]:
    """Return all measured steps, in order."""
    query = select(LossPointRow).where(LossPointRow.finetune_id == finetune_id).order_by(LossPointRow.step)
    return list(session.scalars(query))


def find_loss_point(session: Session, finetune_id: str, step: int) -> LossPointRow | None:
    """Return what was measured at a step."""
    return session.get(LossPointRow, (finetune_id, step))


def last_step(session: Session, finetune_id: str) -> int:
    """Return the last measured step, 0 before there is one."""
    return session.scalar(select(func.max(LossPointRow.step)).where(LossPointRow.finetune_id == finetune_id)) or 0


def loss_before(session: Session, finetune_id: str, step: int) -> tuple[int, float | None]:
    """Return how many points lie before a step, and the smoothed loss of the last of them."""
    before = (LossPointRow.finetune_id == finetune_id, LossPointRow.step < step)
    count = session.scalar(select(func.count()).select_from(LossPointRow).where(*before)) or 0
    query = select(LossPointRow.smoothed).where(*before).order_by(LossPointRow.step.desc()).limit(1)
    return count, session.scalars(query).first()


def list_samples(session: Session, finetune_id: str) -> list[FinetuneSampleRow]:
    """Return all samples, by step and row."""
    query = (
        select(FinetuneSampleRow)
        .where(FinetuneSampleRow.finetune_id == finetune_id)
        .order_by(FinetuneSampleRow.step, FinetuneSampleRow.row)
    )
    return list(session.scalars(query))


def list_checkpoints(session: Session, finetune_id: str) -> list[CheckpointRow]:
    """Return all checkpoints ever written, newest first."""
    query = select(CheckpointRow).where(CheckpointRow.finetune_id == finetune_id).order_by(CheckpointRow.step.desc())
    return list(session.scalars(query))


def find_checkpoint(session: Session, finetune_id: str, step: int) -> CheckpointRow | None:
    """Return the checkpoint of a step."""
    return session.get(CheckpointRow, (finetune_id, step))


def list_log(session: Session, finetune_id: str, limit: int) -> list[LogLineRow]:
    """Return the last lines of a run's log, oldest first."""
    query = select(LogLineRow).where(LogLineRow.finetune_id == finetune_id).order_by(LogLineRow.seq.desc()).limit(limit)
    return list(reversed(session.scalars(query).all()))


def has_log_line(session: Session, finetune_id: str, seq: int) -> bool:
    """Return whether a run event left a line in the log."""
    return session.get(LogLineRow, (finetune_id, seq)) is not None


def remove_steps_after(session: Session, finetune_id: str, step: int) -> None:
    """Forget what was measured after a step: a run resumed from its checkpoint measures it again."""
    for table in (LossPointRow, ValidationRow, ImageLossRow):
        session.execute(delete(table).where(table.finetune_id == finetune_id, table.step > step))


def list_validation(session: Session, finetune_id: str) -> list[ValidationRow]:
    """Return the validation losses, in order."""
    query = select(ValidationRow).where(ValidationRow.finetune_id == finetune_id).order_by(ValidationRow.step)
    return list(session.scalars(query))


def list_image_losses(session: Session, finetune_id: str) -> list[ImageLossRow]:
    """Return the reports on single images, in order."""
    query = (
        select(ImageLossRow)
        .where(ImageLossRow.finetune_id == finetune_id)
        .order_by(ImageLossRow.step, ImageLossRow.index)
    )
    return list(session.scalars(query))


def list_healings(session: Session, finetune_ids: Sequence[str]) -> dict[str, list[HealingRow]]:
    """Return what some runs overcame, in order, by run."""
    query = select(HealingRow).where(HealingRow.finetune_id.in_(finetune_ids)).order_by(HealingRow.seq)
    found: dict[str, list[HealingRow]] = {}
    for row in session.scalars(query):
        found.setdefault(row.finetune_id, []).append(row)
    return found


def find_probe(session: Session, probe_id: str) -> ProbeRow | None:
    """Return one probe."""
    return session.get(ProbeRow, probe_id)


def newest_probe(session: Session, base: str, load_key: str) -> ProbeRow | None:
    """Return the newest probe of a load on a base that measured something."""
    query = (
        select(ProbeRow)
        .where(ProbeRow.base == base, ProbeRow.load_key == load_key, ProbeRow.result.is_not(None))
        .order_by(ProbeRow.id.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def add(session: Session, row: FinetuneRow | ProbeRow) -> None:
    """Add a finetune or a probe."""
    session.add(row)
    session.flush()


def save_all(session: Session, rows: Sequence[RunRow]) -> None:
    """Add rows, in place of those with the same key."""
    for row in rows:
        session.merge(row)
    session.flush()


def list_expired(session: Session, before: datetime) -> Sequence[str]:
    """Return the finetunes that were deleted before then."""
    return session.scalars(select(FinetuneRow.id).where(FinetuneRow.deleted_at < before)).all()


def find_expired(session: Session, finetune_id: str, before: datetime) -> FinetuneRow | None:
    """Return a finetune unless it was restored meanwhile; nobody restores it before the transaction ends."""
    query = select(FinetuneRow).where(FinetuneRow.id == finetune_id, FinetuneRow.deleted_at < before).with_for_update()
    return session.scalars(query).first()


def remove(session: Session, row: FinetuneRow) -> None:
    """Remove a finetune and all its run said."""
    for table in (
        LossPointRow, ValidationRow, ImageLossRow, HealingRow, FinetuneSampleRow, CheckpointRow, LogLineRow,
    ):  # fmt: skip
        session.execute(delete(table).where(table.finetune_id == row.id))
    session.delete(row)
    session.flush()


def forget_model(session: Session, model_id: str) -> None:
    """Let finetunes not name a model any more."""
    session.execute(update(FinetuneRow).where(FinetuneRow.model_id == model_id).values(model_id=None))


def list_snapshots(session: Session, probe_jobs: Sequence[str]) -> list[dict[str, Any]]:
    """Return the manifests of all finetunes, and of the probes with these jobs."""
    probes = select(ProbeRow.snapshot).where(ProbeRow.job_id.in_(probe_jobs))
    return [*session.scalars(select(FinetuneRow.snapshot)), *session.scalars(probes)]


def list_all(session: Session) -> Sequence[FinetuneRow]:
    """Return all finetunes, those in the trash as well."""
    return session.scalars(select(FinetuneRow)).all()


def list_early_checkpoints(session: Session, finetune_ids: Sequence[str]) -> Sequence[CheckpointRow]:
    """Return the checkpoints of these finetunes, except the last of each."""
    table = CheckpointRow
    last = select(table.finetune_id, func.max(table.step).label("step")).group_by(table.finetune_id).subquery()
    query = select(table).join(last, last.c.finetune_id == table.finetune_id).where(table.step < last.c.step)
    return session.scalars(query.where(table.finetune_id.in_(finetune_ids))).all()


def list_early_samples(session: Session, finetune_ids: Sequence[str]) -> Sequence[FinetuneSampleRow]:
    """Return the samples of these finetunes, except those of the untouched base and the last ones."""
    table = FinetuneSampleRow
    last = select(table.finetune_id, func.max(table.step).label("step")).group_by(table.finetune_id).subquery()
    query = select(table).join(last, last.c.finetune_id == table.finetune_id).where(table.step < last.c.step)
    return session.scalars(query.where(table.step > 0, table.finetune_id.in_(finetune_ids))).all()


def list_old_probes(session: Session, before: datetime) -> Sequence[ProbeRow]:
    """Return the probes made before then."""
    return session.scalars(select(ProbeRow).where(ProbeRow.created_at < before)).all()


def remove_part(session: Session, row: CheckpointRow | FinetuneSampleRow | ProbeRow) -> None:
    """Remove one row of what a run or probe said."""
    session.delete(row)
    session.flush()
