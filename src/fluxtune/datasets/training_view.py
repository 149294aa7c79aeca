"""What the trainer will make of a dataset: its buckets, cuts, repeats and steps, by the trainer's own arithmetic."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from fluxtune.datasets import repository
from fluxtune.datasets.schemas import Bucket, KeptPart, LeftOut, SeenAt, Sides, SizeSeen, TrainingSettings, TrainingView
from fluxtune.datasets.service import DatasetService
from fluxtune.engine.buckets import kept_box, resolutions_for
from fluxtune.storage import Blobs

Measure = tuple[int, int, int, int]
"""Width, height, the number of images of that size, and the sum of their repeats."""


class TrainingViewService:
    """Shows datasets as the trainer sees them."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._datasets = DatasetService(session, blobs)

    def get_view(self, dataset_id: str, settings: TrainingSettings) -> TrainingView:
        """Return what becomes of the images at these settings."""
        row = self._datasets.find_row(dataset_id)
        return view_of(repository.list_measures(self._session, row.id), settings)


def view_of(measures: Sequence[Measure], settings: TrainingSettings) -> TrainingView:
    """Return what the trainer makes of images of these sizes."""
    images: Counter[tuple[int, int, int]] = Counter()
    seen: Counter[tuple[int, int, int]] = Counter()
    too_small: Counter[int] = Counter()
    enlarged = 0
    sizes = []
    for width, height, count, repeats in sorted(measures):
        found = resolutions_for(width, height, settings.resolution, settings.more_resolutions)
        for bucket, resolution in found.items():
            images[(*bucket, resolution)] += count
            seen[(*bucket, resolution)] += repeats
        for more in set(settings.more_resolutions):
            too_small[more] += count if more * more > width * height else 0
        enlarged += count if settings.resolution**2 > width * height else 0
        sizes.append(SizeSeen(width=width, height=height, count=count, seen=list(_seen(width, height, found))))
    total = sum(count for _, _, count, _ in measures)
    held_out = min(settings.validation_images, max(0, total - 1))
    # Which images are held out is drawn when the run starts; each counts as one of average repeats.
    per_epoch = round(sum(seen.values()) * (1 - held_out / total)) if total else 0
    per_step = settings.batch_size * settings.gradient_accumulation
    return TrainingView(
        sizes=sizes,
        buckets=[
            Bucket(width=width, height=height, resolution=at, image_count=count, seen_count=seen[width, height, at])
            for (width, height, at), count in sorted(images.items(), key=lambda item: (-item[1], item[0]))
        ],
        left_out=_left_out(total, held_out, too_small, enlarged, settings),
        image_count=total,
        seen_per_epoch=per_epoch,
        images_per_step=per_step,
        steps_per_epoch=round(per_epoch / per_step, 2),
        epochs=round(settings.steps * per_step / per_epoch, 2) if per_epoch else 0.0,
    )


def _seen(width: int, height: int, found: dict[tuple[int, int], int]) -> Iterable[SeenAt]:
    for bucket, resolution in found.items():
        left, top, right, bottom = kept_box(width, height, bucket)
        yield SeenAt(
            resolution=resolution,
            bucket=Sides(width=bucket[0], height=bucket[1]),
            kept=KeptPart(left=left, top=top, width=right - left, height=bottom - top),
            scale=round(bucket[0] / (right - left), 4),
        )


def _left_out(
    total: int, held_out: int, too_small: Counter[int], enlarged: int, settings: TrainingSettings
) -> list[LeftOut]:
    found = []
    if held_out:
        reason = "Held out: the validation loss is measured on them, so they are not trained on."
        found.append(LeftOut(count=held_out, reason=reason))
    for resolution, count in sorted(too_small.items()):
        if count:
            reason = f"Fewer pixels than {resolution} × {resolution}: not used at that resolution, only at the first."
            found.append(LeftOut(count=count, reason=reason))
    if enlarged:
        reason = (
            f"Fewer pixels than {settings.resolution} × {settings.resolution}: trained at their own size, "
            "nothing is enlarged."
        )
        found.append(LeftOut(count=enlarged, reason=reason))
    return found
