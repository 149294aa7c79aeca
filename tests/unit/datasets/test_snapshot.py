"""Frozen datasets in run folders."""

import io

import pytest
from PIL import Image

from fluxtune.datasets.importer import from_bytes
from fluxtune.datasets.schemas import DatasetCreate, DatasetImageUpdate
from fluxtune.datasets.service import DatasetService
from fluxtune.datasets.snapshot import DatasetEmpty, SnapshotService, write_snapshot
from fluxtune.datasets.uploads import UploadService
from fluxtune.db import Base, Database
from fluxtune.engine.config import Snapshot
from fluxtune.storage import Blobs
from tests.zoo import drawing, encode, picture


@pytest.fixture
def session(tmp_path):
    """A session on an empty database."""
    database = Database.at(tmp_path / "datasets.sqlite")
    Base.metadata.create_all(database.engine)
    with database.transaction() as session:
        yield session
    database.close()


@pytest.fixture
def blobs():
    """A store that forgets everything."""
    return Blobs.in_memory()


@pytest.fixture
def dataset(session, blobs):
    """The id of a dataset with images of three kinds."""
    uploads = UploadService(session, blobs)
    dataset = uploads.create_dataset(DatasetCreate(name="Rex"))
    files = [
        from_bytes("plain.png", picture(1)),
        from_bytes("cmyk.jpg", encode(drawing(2).convert("CMYK"), "JPEG")),
        from_bytes("clear.png", encode(Image.new("RGBA", (200, 200), (0, 0, 0, 0)))),
        from_bytes("plain.txt", b"a rexo"),
    ]
    uploads.add_files(dataset.id, files)
    return dataset.id


def freeze(session, blobs, dataset):
    return SnapshotService(session, blobs).freeze(dataset)


def test_holds_order_captions_and_hashes(session, blobs, dataset):
    manifest = freeze(session, blobs, dataset)
    assert manifest.dataset_name == "Rex"
    assert [image.caption for image in manifest.images] == ["a rexo", "", ""]
    assert [image.file[:5] for image in manifest.images] == ["0000-", "0001-", "0002-"]


def test_the_hash_changes_with_captions_and_images_only(session, blobs, dataset):
    datasets = DatasetService(session, blobs)
    first = freeze(session, blobs, dataset).hash
    assert freeze(session, blobs, dataset).hash == first
    entry = datasets.list_images(dataset)[1]
    datasets.update_image(dataset, entry.id, DatasetImageUpdate(caption="new"))
    second = freeze(session, blobs, dataset).hash
    datasets.delete_image(dataset, entry.id)
    session.flush()
    third = freeze(session, blobs, dataset).hash
    datasets.restore_image(dataset, entry.id)
    datasets.update_image(dataset, entry.id, DatasetImageUpdate(caption=""))
    session.flush()
    assert len({first, second, third}) == 3
    assert freeze(session, blobs, dataset).hash == first


def test_an_empty_dataset_can_not_be_frozen(session, blobs):
    dataset = DatasetService(session, blobs).create_dataset(DatasetCreate())
    with pytest.raises(DatasetEmpty):
        freeze(session, blobs, dataset.id)


def test_written_files_look_alike_to_any_reader(session, blobs, dataset, tmp_path):
    manifest = freeze(session, blobs, dataset)
    write_snapshot(blobs, manifest, tmp_path / "snapshot")
    snapshot = Snapshot.model_validate_json((tmp_path / "snapshot" / "snapshot.json").read_bytes())
    assert snapshot.hash == manifest.hash
    contents = [(tmp_path / "snapshot" / image.file).read_bytes() for image in snapshot.images]
    assert contents[0] == picture(1)
    for content in contents:
        with Image.open(io.BytesIO(content)) as image:
            assert image.mode == "RGB"
    with Image.open(io.BytesIO(contents[2])) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


def test_writing_again_leaves_whole_files_alone_and_mends_broken_ones(session, blobs, dataset, tmp_path):
    manifest = freeze(session, blobs, dataset)
    write_snapshot(blobs, manifest, tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("0*")}
    broken = sorted(files)[0]
    broken.write_bytes(b"cut short")
    write_snapshot(blobs, manifest, tmp_path)
    assert broken.read_bytes() == picture(1)
    assert all(path.stat().st_mtime_ns == files[path] for path in files if path != broken)
