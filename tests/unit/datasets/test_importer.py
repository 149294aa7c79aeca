"""Uploads of every kind, without a database."""

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxtune.datasets.importer import clean_name, from_bytes, import_files, stem_of
from fluxtune.images.service import StoredContent
from fluxtune.imaging import ImageEmpty, NotAnImage
from tests.zoo import zip_of

PICTURE = b"\x89PNG picture "


def keep(content):
    """Stand in for decoding: real images are tested elsewhere."""
    if not content:
        raise ImageEmpty("It has no bytes.")
    if not content.startswith(PICTURE):
        raise NotAnImage("Its content is none.")
    return StoredContent(str(hash(content)), "PNG", 10, 10, len(content), "", "")


def load(*files):
    return import_files([from_bytes(name, content) for name, content in files], keep)


class TestFiles:
    def test_images_and_captions_are_told_apart(self):
        result = load(("a.png", PICTURE), ("a.txt", b"hello"), ("b.caption", b"there"))
        assert [image.name for image in result.images] == ["a.png"]
        assert [(caption.name, caption.text) for caption in result.captions] == [
            ("a.txt", "hello"),
            ("b.caption", "there"),
        ]

    def test_content_decides_whatever_the_ending(self):
        result = load(("photo.doc", PICTURE), ("text.png", b"hello"))
        assert [image.name for image in result.images] == ["photo.doc"]
        assert [refusal.name for refusal in result.refused] == ["text.png"]

    def test_a_zip_is_known_by_its_content(self):
        result = load(("pack.dat", zip_of([("a.png", PICTURE)])))
        assert [image.name for image in result.images] == ["a.png"]

    def test_a_false_zip_says_so(self):
        (refusal,) = load(("pack.zip", b"no zip")).refused
        assert "no ZIP" in refusal.reason

    def test_empty_file(self):
        (refusal,) = load(("a.png", b"")).refused
        assert "empty" in refusal.reason

    def test_one_bad_file_stops_nothing(self):
        result = load(("bad.png", b"x"), ("good.png", PICTURE), ("bad.zip", b"PK\x03\x04x"), ("t.txt", b"\x00"))
        assert [image.name for image in result.images] == ["good.png"]
        assert [refusal.name for refusal in result.refused] == ["bad.png", "bad.zip", "t.txt"]

    def test_system_files_are_left_out_silently(self):
        result = load(("folder/.DS_Store", b"x"), ("Thumbs.db", b"x"))
        assert result.refused == result.images == []

    def test_a_guessed_encoding_is_noted(self):
        assert "Windows-1252" in load(("a.txt", "Bär".encode("cp1252"))).notes[0]

    def test_a_zip_in_disguise_inside_a_zip_is_refused(self):
        (refusal,) = load(("a.zip", zip_of([("image.png", zip_of([("b.png", PICTURE)]))]))).refused
        assert "ZIP inside" in refusal.reason


class TestNames:
    @pytest.mark.parametrize(
        ("name", "clean"),
        [
            ("a.png", "a.png"),
            ("folder/a.png", "folder/a.png"),
            ("folder\\a.png", "folder/a.png"),
            ("../../etc/passwd", "etc/passwd"),
            ("/abs/a.png", "abs/a.png"),
            ("a\x00b\n.png", "ab.png"),
            ("", "unnamed"),
            ("..", "unnamed"),
            ("x" * 500 + ".png", "x" * 296 + ".png"),
        ],
    )
    def test_clean_name(self, name, clean):
        assert clean_name(name) == clean

    def test_stems_ignore_case_and_ending_but_not_folders(self):
        assert stem_of("Folder/Cat.JPG") == stem_of("folder/cat.txt")
        assert stem_of("a/cat.jpg") != stem_of("b/cat.jpg")


names = st.text(st.characters(codec="utf-8"), max_size=40)
contents = st.one_of(
    st.binary(max_size=200),
    st.just(PICTURE),
    st.text(max_size=100).map(str.encode),
    st.lists(st.tuples(names.filter(lambda name: "\x00" not in name), st.binary(max_size=60)), max_size=4).map(zip_of),
)
endings = st.sampled_from(["", ".png", ".txt", ".caption", ".zip", ".PNG", ".tar.gz"])
uploads = st.lists(st.tuples(st.builds(str.__add__, names, endings), contents), max_size=6)


class TestAnyUpload:
    @given(uploads)
    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    def test_never_breaks_and_explains_every_refusal(self, files):
        result = load(*files)
        for refusal in result.refused:
            assert refusal.name
            assert refusal.reason.strip()
            assert refusal.action.strip()
        for name in [item.name for item in (*result.images, *result.captions)]:
            assert name
            assert ".." not in name.split("/")
            assert not name.startswith("/")
            assert name.isprintable()
        for caption in result.captions:
            assert 0 < len(caption.text) <= 4_000

    @given(st.binary(max_size=400), st.integers(0, 60), st.integers(0, 255))
    @settings(max_examples=100)
    def test_a_zip_with_any_byte_changed_never_breaks(self, body, position, value):
        data = bytearray(zip_of([("a.png", PICTURE + body), ("a.txt", b"hello")]))
        data[position % len(data)] = value
        load(("x.zip", bytes(data)))

    @given(st.lists(st.sampled_from(["a", "b", "c/d"]), unique=True, min_size=1), st.booleans())
    @settings(max_examples=50)
    def test_zip_or_loose_makes_no_difference(self, stems, captions_first):
        pairs = [[(f"{stem}.txt", stem.encode()), (f"{stem}.png", PICTURE)] for stem in stems]
        files = [file for pair in pairs for file in (pair if captions_first else pair[::-1])]
        loose, zipped = load(*files), load(("z.zip", zip_of(files, zipfile.ZIP_STORED)))
        assert [image.name for image in loose.images] == [image.name for image in zipped.images]
        assert loose.captions == zipped.captions


def test_streams_are_read_from_where_they_stand_at_the_start():
    from fluxtune.datasets.importer import UploadedFile

    result = import_files([UploadedFile("a.png", io.BytesIO(PICTURE + b"whole"))], keep)
    assert result.images[0].content.byte_count == len(PICTURE) + 5
