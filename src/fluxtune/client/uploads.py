"""What is sent when files and folders are uploaded."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from fluxtune.client.errors import ApiProblem
from fluxtune.client.http import Connection
from fluxtune.datasets.arrival_schemas import ArrivalProgress
from fluxtune.datasets.layouts import METADATA_FILES
from fluxtune.datasets.schemas import UploadReport

# A batch this big shows progress often enough and keeps one refused request from costing the rest.
BATCH_FILES = 32
BATCH_BYTES = 64 << 20


def collect_files(paths: Iterable[str | Path]) -> Iterator[tuple[str, Path]]:
    """Yield (name, path) of every file; a folder gives its files, named with their path inside it.

    Hidden files are left out. What is no image is sent too: the studio names and explains what it refuses.
    """
    for given in paths:
        path = Path(given).expanduser()
        if not path.is_dir():
            yield path.name, path
            continue
        for file in sorted(path.rglob("*")):
            inside = file.relative_to(path)
            if file.is_file() and not any(part.startswith((".", "__MACOSX")) for part in inside.parts):
                yield (Path(path.resolve().name) / inside).as_posix(), file


def batches(files: Iterable[tuple[str, Path]]) -> Iterator[list[tuple[str, Path]]]:
    """Group files; an image and its caption file of the same name stay together.

    What names images of its whole folder (metadata.jsonl) goes last, when they are there.
    """
    ordered = sorted(
        files, key=lambda file: (file[1].name.lower() in METADATA_FILES, file[1].with_suffix("").as_posix())
    )
    batch: list[tuple[str, Path]] = []
    size = 0
    for name, path in ordered:
        byte_count = path.stat().st_size
        is_full = len(batch) >= BATCH_FILES or size + byte_count > BATCH_BYTES
        if batch and is_full and path.with_suffix("") != batch[-1][1].with_suffix(""):
            yield batch
            batch, size = [], 0
        batch.append((name, path))
        size += byte_count
    if batch:
        yield batch


class UploadCalls(Connection):
    """Files into datasets."""

    def upload_images(self, dataset_id: str, paths: Iterable[str | Path]) -> Iterator[UploadReport]:
        """Upload files, folders and ZIPs; yield a report after each batch, and of a ZIP after each piece."""
        files = list(collect_files(paths))
        yield from self._upload_loose(dataset_id, [file for file in files if file[1].suffix.lower() != ".zip"])
        for name, path in files:
            if path.suffix.lower() == ".zip":
                yield from self._upload_archive(dataset_id, name, path)

    def _upload_archive(self, dataset_id: str, name: str, path: Path) -> Iterator[UploadReport]:
        with path.open("rb") as stream:
            lines = self.post_stream(f"/api/datasets/{dataset_id}/archives", files=[("file", (name, stream))])
            for line in lines:
                step = ArrivalProgress.model_validate_json(line)
                if step.problem is not None:
                    raise ApiProblem(step.problem)
                if step.report is not None:
                    yield step.report

    def _upload_loose(self, dataset_id: str, paths: Iterable[tuple[str, Path]]) -> Iterator[UploadReport]:
        for batch in batches(paths):
            with ExitStack() as stack:
                files = [("files", (name, stack.enter_context(path.open("rb")))) for name, path in batch]
                yield self.fetch(UploadReport, "POST", f"/api/datasets/{dataset_id}/images", files=files)
