"""Storing images."""

import pytest

from fluxtune.core.errors import FileRefused
from fluxtune.db import Base, Database
from fluxtune.images import keys
from fluxtune.images.service import ImageMissing, ImageService, store_content
from fluxtune.imaging import THUMBNAIL_SIZES
from fluxtune.storage import Blobs
from tests.zoo import picture


@pytest.fixture
def session(tmp_path):
    """A session on an empty database."""
    database = Database.at(tmp_path / "images.sqlite")
    Base.metadata.create_all(database.engine)
    with database.transaction() as session:
        yield session
    database.close()


@pytest.fixture
def blobs():
    """A store that forgets everything."""
    return Blobs.in_memory()


def test_content_is_kept_with_all_its_sizes(blobs):
    content = store_content(blobs, picture(1))
    assert blobs.get(keys.original_key(content.sha256, "PNG")) == picture(1)
    for size in THUMBNAIL_SIZES:
        assert blobs.get(keys.thumbnail_key(content.sha256, size))


def test_keys_come_from_the_content_alone(blobs):
    assert store_content(blobs, picture(1)).sha256 == store_content(blobs, picture(1)).sha256
    assert keys.original_key("abcdef", "JPEG") == "images/ab/abcdef.jpg"


def test_refused_content_leaves_nothing(blobs):
    with pytest.raises(FileRefused):
        store_content(blobs, picture(1)[:100])


def test_one_upload_is_one_image_however_often_it_comes(session, blobs):
    images, content = ImageService(session, blobs), store_content(blobs, picture(1))
    assert images.create_image(content, "uploaded").id == images.create_image(content, "uploaded").id


def test_generated_images_are_never_merged(session, blobs):
    images, content = ImageService(session, blobs), store_content(blobs, picture(1))
    made = [images.create_image(content, origin).id for origin in ("uploaded", "generated", "generated", "sample")]
    assert len(set(made)) == 4


def test_many_images_come_in_one_go(session, blobs):
    images = ImageService(session, blobs)
    ids = [images.create_image(store_content(blobs, picture(seed)), "generated").id for seed in range(3)]
    assert set(images.get_images([*ids, "nope", ids[0]])) == set(ids)
    assert images.get_images([]) == {}
    assert set(images.get_fingerprints(ids)) == set(ids)


def test_what_is_not_there_says_so(session, blobs):
    images = ImageService(session, blobs)
    with pytest.raises(ImageMissing, match="nope"):
        images.get_image("nope")
    with pytest.raises(ImageMissing):
        images.get_file("nope")
