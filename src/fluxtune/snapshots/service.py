"""Which snapshots of a dataset finetunes were trained on, what was in them, and what differs between two."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy.orm import Session

from fluxtune.core.errors import NotFound
from fluxtune.datasets.snapshot import FrozenImage, Manifest, SnapshotService
from fluxtune.finetunes.trained import TrainedOn, list_trained_on
from fluxtune.images.schemas import Image
from fluxtune.images.service import ImageService
from fluxtune.snapshots.schemas import (
    ImageDifference,
    SnapshotContent,
    SnapshotDifference,
    SnapshotImage,
    Snapshots,
    SnapshotSummary,
    SnapshotUse,
)
from fluxtune.storage import Blobs

NOW = "now"
"""Stands for the dataset as it is."""


class SnapshotMissing(NotFound):
    """No finetune of this dataset has seen such a snapshot."""

    title = "No such snapshot"
    action = "Choose one of the dataset's list, or “now”."


class SnapshotReadings:
    """Reads snapshots; they are made when a finetune starts and never change."""

    def __init__(self, session: Session, blobs: Blobs) -> None:
        self._session = session
        self._images = ImageService(session, blobs)
        self._snapshots = SnapshotService(session, blobs)

    def list_snapshots(self, dataset_id: str) -> Snapshots:
        """Return the snapshots of a dataset, newest first, each with the finetunes that used it."""
        current = self._snapshots.get_manifest(dataset_id).hash
        uses: dict[str, list[TrainedOn]] = defaultdict(list)
        for use in list_trained_on(self._session, dataset_id):
            uses[use.manifest.hash].append(use)
        return Snapshots(current_hash=current, snapshots=[_summary(each, current) for each in uses.values()])

    def get_snapshot(self, dataset_id: str, which: str) -> SnapshotContent:
        """Return a snapshot exactly as it was seen, by its hash or the beginning of it."""
        manifest = self._find(dataset_id, which)
        shown = self._show(manifest.images)
        return SnapshotContent(
            hash=manifest.hash, dataset_name=manifest.dataset_name, images=[shown(image) for image in manifest.images]
        )

    def compare(self, dataset_id: str, before: str, after: str) -> SnapshotDifference:
        """Return what has changed from one snapshot to another."""
        old, new = self._find(dataset_id, before), self._find(dataset_id, after)
        shown = self._show([*old.images, *new.images])
        olds, news = _by_original(old.images), _by_original(new.images)
        both = [key for key in olds if key in news]
        pairs = [(olds[key], news[key]) for key in both]

        def differ(*fields: str) -> list[ImageDifference]:
            return [
                ImageDifference(before=shown(one), after=shown(other))
                for one, other in pairs
                if any(getattr(one, field) != getattr(other, field) for field in fields)
            ]

        return SnapshotDifference(
            before=old.hash,
            after=new.hash,
            added=[shown(image) for key, image in news.items() if key not in olds],
            removed=[shown(image) for key, image in olds.items() if key not in news],
            captions=differ("caption"),
            edits=differ("sha256"),
            repeats=differ("repeats"),
            is_order_changed=both != [key for key in news if key in olds],
            same_count=sum(
                (one.sha256, one.caption, one.repeats) == (other.sha256, other.caption, other.repeats)
                for one, other in pairs
            ),
        )

    def _find(self, dataset_id: str, which: str) -> Manifest:
        current = self._snapshots.get_manifest(dataset_id)
        if which in (NOW, current.hash):
            return current
        for use in list_trained_on(self._session, dataset_id):
            if len(which) >= 8 and use.manifest.hash.startswith(which):
                return use.manifest
        raise SnapshotMissing(f"No finetune of “{current.dataset_name}” has seen a snapshot “{which[:64]}”.")

    def _show(self, frozen: Iterable[FrozenImage]) -> "_Shown":
        return _Shown(self._images.find_by_hashes(image.sha256 for image in frozen))


class _Shown:
    """Frozen images with their pictures."""

    def __init__(self, images: dict[str, Image]) -> None:
        self._images = images

    def __call__(self, frozen: FrozenImage) -> SnapshotImage:
        return SnapshotImage(
            name=frozen.name or frozen.file,
            caption=frozen.caption,
            sha256=frozen.sha256,
            repeats=frozen.repeats,
            edits=frozen.edits,
            image=self._images.get(frozen.sha256),
        )


def _by_original(images: Iterable[FrozenImage]) -> dict[tuple[str, int], FrozenImage]:
    """Return images by what they were made from, and which of several of the same it is."""
    found: dict[tuple[str, int], FrozenImage] = {}
    for image in images:
        original, number = image.original_sha256 or image.sha256, 0
        while (original, number) in found:
            number += 1
        found[original, number] = image
    return found


def _summary(uses: list[TrainedOn], current: str) -> SnapshotSummary:
    manifest = uses[0].manifest
    return SnapshotSummary(
        hash=manifest.hash,
        taken_at=min(use.created_at for use in uses),
        image_count=len(manifest.images),
        captioned_count=sum(1 for image in manifest.images if image.caption),
        is_current=manifest.hash == current,
        used_by=[SnapshotUse(finetune_id=use.finetune_id, name=use.name, created_at=use.created_at) for use in uses],
    )
