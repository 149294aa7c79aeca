"""Folders and ZIPs as other programs write them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxtune.core.errors import FileRefused
from fluxtune.datasets.importer import from_bytes, import_files
from fluxtune.datasets.layouts import (
    KohyaFolder,
    MetadataUnreadable,
    is_regularisation,
    kohya_folder,
    kohya_name,
    read_json_caption,
    read_metadata,
)
from fluxtune.images.service import StoredContent
from tests.zoo import zip_of


def keep(content):
    """Stand in for decoding: real images are tested elsewhere."""
    return StoredContent(content.decode(), "PNG", 10, 10, len(content), "", "")


def load(*files):
    return import_files([from_bytes(name, content) for name, content in files], keep)


def rows(name, text):
    return [(row.file_name, row.text, row.repeats) for row in read_metadata(name, text.encode())]


class TestRecognised:
    @pytest.mark.parametrize(
        ("layout", "files"),
        [
            ("images", [("a.png", b"a")]),
            ("captions", [("a.png", b"a"), ("a.txt", b"x")]),
            ("captions", [("a.png", b"a"), ("a.caption", b"x")]),
            ("captions", [("set.zip", zip_of([("set/a.png", b"a"), ("set/a.txt", b"x")]))]),
            ("bfl", [("set.zip", zip_of([("a.png", b"a"), ("a.txt", b"x")]))]),
            ("ai_toolkit", [("a.png", b"a"), ("a.txt", b"[trigger] in the snow")]),
            ("ai_toolkit", [("a.png", b"a"), ("a.json", b'{"caption": "x", "caption_short": "y"}')]),
            ("ai_toolkit", [("s/a.png", b"a"), ("s/a.txt", b"x"), ("s/_latent_cache/a_1.safetensors", b"x")]),
            ("ai_toolkit", [("set.zip", zip_of([("a.png", b"a"), ("a.txt", b"x"), (".aitk_size.json", b"{}")]))]),
            ("kohya", [("img/10_zubo cat/a.png", b"a")]),
            ("kohya", [("10_zubo cat/a.png", b"a"), ("10_zubo cat/a.txt", b"x")]),
            ("imagefolder", [("train/a.png", b"a"), ("train/metadata.jsonl", b'{"file_name": "a.png", "text": "x"}')]),
            ("imagefolder", [("a.png", b"a"), ("metadata.csv", b"file_name,text\na.png,x\n")]),
        ],
    )
    def test_by_its_marks(self, layout, files):
        result = load(*files)
        assert result.layout == layout
        assert len(result.images) == 1
        assert result.refused == []

    def test_a_year_is_no_number_of_repeats(self):
        result = load(("2024_beach/a.png", b"a"))
        assert (result.layout, result.images[0].repeats) == ("images", 1)


class TestKohya:
    def test_the_folder_says_repeats_and_words(self):
        folder = kohya_folder("set/img/12_zubo_ cat/sub/a.png")
        assert folder is not None
        assert (folder.repeats, folder.words) == (12, "zubo  cat")

    @pytest.mark.parametrize("name", ["a.png", "_cat/a.png", "0_cat/a.png", "101_cat/a.png", "10_cat.png"])
    def test_other_folders_say_nothing(self, name):
        assert kohya_folder(name) is None

    def test_a_folder_may_name_only_repeats(self):
        assert kohya_folder("10_/a.png") == KohyaFolder(10, "")

    def test_images_carry_it(self):
        result = load(("3_zubo cat/a.png", b"a"), ("1_zubo cat/b.png", b"b"))
        assert [(image.repeats, image.fallback) for image in result.images] == [(3, "zubo cat"), (1, "zubo cat")]

    def test_regularisation_images_are_left_out_with_a_reason(self):
        result = load(("img/3_zubo cat/a.png", b"a"), ("reg/1_cat/b.png", b"b"))
        assert [image.name for image in result.images] == ["img/3_zubo cat/a.png"]
        assert "regularisation" in result.refused[0].reason
        assert not is_regularisation("reg/a.png")

    @given(st.integers(1, 100), st.text("abc XYZ-.é", min_size=1, max_size=20))
    @settings(max_examples=40)
    def test_a_name_that_is_written_is_read_again(self, repeats, words):
        folder = kohya_folder(f"{kohya_name(repeats, words)}/a.png")
        assert folder is not None
        assert folder.repeats == repeats
        assert folder.words.split() == (words.strip(" .").split() or ["images"])


class TestMetadata:
    @pytest.mark.parametrize("key", ["text", "caption", "prompt", "description"])
    def test_jsonl(self, key):
        text = (
            json.dumps({"file_name": "a.png", key: "ein Bär"}) + "\n\n" + json.dumps({"file_name": "b/c.png", key: " "})
        )
        assert rows("set/metadata.jsonl", text) == [("set/a.png", "ein Bär", None)]

    def test_csv_with_commas_and_line_ends_in_captions(self):
        text = 'file_name,text,repeats\r\na.png,"one, two\nthree",3\r\nb.png,four,\r\n'
        assert rows("metadata.csv", text) == [("a.png", "one, two three", 3), ("b.png", "four", None)]

    def test_it_names_exactly_one_file(self):
        result = load(
            ("a.png", b"a"), ("a.jpg", b"b"),
            ("metadata.jsonl", b'{"file_name":"a.jpg","text":"x"}'),
        )  # fmt: skip
        assert [(caption.of, caption.text) for caption in result.captions] == [("a.jpg", "x")]

    def test_names_that_climb_stay_labels(self):
        result = load(("s/metadata.jsonl", b'{"file_name":"../../etc/passwd","text":"x"}'))
        assert result.captions[0].of == "s/etc/passwd"

    @pytest.mark.parametrize(
        ("name", "content", "word"),
        [
            ("metadata.jsonl", b"{", "Line 1 is no JSON"),
            ("metadata.jsonl", b"[1]", "no object"),
            ("metadata.jsonl", b'{"text": "x"}', "no file_name"),
            ("metadata.jsonl", b'{"file_name": 7, "text": "x"}', "no file_name"),
            ("metadata.jsonl", b'{"file_name": "a.png", "label": 3}', "none of text"),
            ("metadata.jsonl", b"\xff\xfe\x00", "not UTF-8"),
            ("metadata.jsonl", b'{"file_name": "a.png", "text": "\x00"}', "binary"),
            ("metadata.jsonl", b"[" * 100_000, "no JSON"),
            ("metadata.csv", b"name,words\na.png,x\n", "no file_name"),
            ("metadata.csv", b'file_name,text\na.png,"' + b"x" * 200_000, "no CSV"),
            ("metadata.csv", b"file_name,text\na.png," + b"x" * 5000, "4,000"),
        ],
    )
    def test_what_can_not_be_understood_says_why(self, name, content, word):
        with pytest.raises(MetadataUnreadable, match=word):
            list(read_metadata(name, content))

    @pytest.mark.parametrize("content", [b"", b"[]", b'{"caption": 3}', b'{"label": "x"}', b"\xff"])
    def test_json_that_is_no_caption(self, content):
        with pytest.raises(MetadataUnreadable):
            read_json_caption(content)

    @given(st.sampled_from(["metadata.jsonl", "metadata.csv", "a.json", "a.txt", "a.caption"]), st.binary(max_size=300))
    @settings(max_examples=80)
    def test_any_bytes_are_captions_or_a_sentence(self, name, content):
        result = load((name, content))
        assert all(0 < len(caption.text) <= 4_000 for caption in result.captions)
        assert all(each.reason and each.action for each in result.refused)

    @given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=20)), max_size=5))
    @settings(max_examples=60)
    def test_every_row_that_is_written_is_read_again(self, pairs):
        pairs = [(name, text) for name, text in pairs if name.strip() and "\x00" not in name + text]
        text = "\n".join(json.dumps({"file_name": name, "text": caption}) for name, caption in pairs)
        try:
            found = [row.text for row in read_metadata("metadata.jsonl", text.encode())]
        except FileRefused:
            pytest.fail("a good file was refused")
        tidy = [" ".join("".join(c if c.isprintable() or c.isspace() else "" for c in t).split()) for _, t in pairs]
        assert found == [each for each in tidy if each]
