"""Many images of a dataset at once, their shape, exports and snapshots, over a studio's API."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fluxtune.client.http import Connection
from fluxtune.datasets.schemas import (
    CropSuggestion,
    Dataset,
    Edits,
    EditsDone,
    Grid,
    GridImage,
    ImageEdits,
    ImagesChanged,
    TrainingView,
)
from fluxtune.snapshots.schemas import SnapshotContent, SnapshotDifference, Snapshots

WINDOW = 200
EDITS_AT_ONCE = 8
CROPS_AT_ONCE = 50


class DatasetCalls(Connection):
    """What a studio's API does with many images of a dataset."""

    def dataset_grid(self, dataset_id: str, **wanted: Any) -> Grid:
        """Find images of a dataset: ids of all that match, records of the first, counts. See `GridFilter`."""
        return self.fetch(Grid, "GET", f"/api/datasets/{dataset_id}/grid", params=wanted)

    def find_images(self, dataset_id: str, **wanted: Any) -> Iterator[GridImage]:
        """Yield the images of a dataset that match, in order."""
        ids = self.dataset_grid(dataset_id, **wanted).ids
        for start in range(0, len(ids), WINDOW):
            body = {"ids": ids[start : start + WINDOW]}
            yield from self.fetch(list[GridImage], "POST", f"/api/datasets/{dataset_id}/grid/records", json=body)

    def change_images(self, dataset_id: str, ids: Iterable[str], **values: Any) -> ImagesChanged:
        """Tag, describe, repeat, remove or put back images; the answer holds the changes that take it back."""
        body = {"ids": list(ids), **values}
        return self.fetch(ImagesChanged, "PATCH", f"/api/datasets/{dataset_id}/images", json=body)

    def edit_images(self, dataset_id: str, changes: Iterable[ImageEdits]) -> Iterator[EditsDone]:
        """Crop, turn and mirror images, a few a request; yield what became of each part."""
        wanted = [change.model_dump(mode="json") for change in changes]
        for start in range(0, len(wanted), EDITS_AT_ONCE):
            body = {"changes": wanted[start : start + EDITS_AT_ONCE]}
            yield self.fetch(EditsDone, "PUT", f"/api/datasets/{dataset_id}/edits", json=body)

    def suggest_crops(
        self, dataset_id: str, ids: Iterable[str], aspect: float | None = None, edits: Edits | None = None
    ) -> list[CropSuggestion]:
        """Suggest where to cut images to a shape, or, without one, which plain borders to leave out."""
        own = {} if edits is None else {"turn": edits.turn, "mirror": edits.mirror}
        wanted, found = list(ids), list[CropSuggestion]()
        for start in range(0, len(wanted), CROPS_AT_ONCE):
            body = {"ids": wanted[start : start + CROPS_AT_ONCE], "aspect": aspect, **own}
            found += self.fetch(list[CropSuggestion], "POST", f"/api/datasets/{dataset_id}/crops", json=body)
        return found

    def training_view(self, dataset_id: str, **settings: Any) -> TrainingView:
        """Say what the trainer will make of the images. See `TrainingSettings`."""
        return self.fetch(TrainingView, "GET", f"/api/datasets/{dataset_id}/training-view", params=settings)

    def copy_dataset(self, dataset_id: str) -> Dataset:
        """Make a second dataset with the same content."""
        return self.fetch(Dataset, "POST", f"/api/datasets/{dataset_id}/copies")

    def export_dataset(self, dataset_id: str, layout: str, target: Path) -> int:
        """Write a dataset as a ZIP; return its size."""
        return self.download(f"/api/datasets/{dataset_id}/export?layout={layout}", target)

    def snapshots(self, dataset_id: str) -> Snapshots:
        """List what finetunes have seen of a dataset."""
        return self.fetch(Snapshots, "GET", f"/api/datasets/{dataset_id}/snapshots")

    def get_snapshot(self, dataset_id: str, snapshot: str = "now") -> SnapshotContent:
        """Show a snapshot as it was seen."""
        return self.fetch(SnapshotContent, "GET", f"/api/datasets/{dataset_id}/snapshots/{snapshot}")

    def compare_snapshots(self, dataset_id: str, before: str, after: str = "now") -> SnapshotDifference:
        """Say what has changed from one snapshot to another."""
        path = f"/api/datasets/{dataset_id}/snapshots/{before}/difference"
        return self.fetch(SnapshotDifference, "GET", path, params={"to": after})
