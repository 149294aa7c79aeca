"""Changes to many captions: pure text."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fluxtune.datasets import captions_edits
from fluxtune.datasets.captions import MAX_CAPTION
from fluxtune.datasets.captions_edits import (
    AddEdit,
    PatternRefused,
    ReplaceEdit,
    TagEdit,
    TriggerEdit,
    TriggerUnset,
    edit_captions,
    tags_of,
    words_of,
)


def edited(edit, *captions, trigger="zubo"):
    return edit_captions(edit, captions, trigger)


class TestReplace:
    def test_plain_text_is_no_pattern(self):
        edit = ReplaceEdit(find="a.c (x)", replace=r"\1$&")
        assert edited(edit, "say a.c (x) here", "abc x") == [r"say \1$& here", "abc x"]

    def test_case(self):
        assert edited(ReplaceEdit(find="Cat", replace="dog"), "a cat, a CAT") == ["a dog, a dog"]
        assert edited(ReplaceEdit(find="Cat", replace="dog", match_case=True), "a cat, a Cat") == ["a cat, a dog"]

    def test_whole_words(self):
        assert edited(ReplaceEdit(find="cat", replace="dog", whole_words=True), "cat, category") == ["dog, category"]

    def test_blanks_are_tidied(self):
        assert edited(ReplaceEdit(find="big"), "a big cat") == ["a cat"]

    def test_regular_expression(self):
        edit = ReplaceEdit(find=r"(\w+) on (\w+)", replace=r"\2 under \1", is_regex=True)
        assert edited(edit, "cat on mat", "dog") == ["mat under cat", "dog"]

    @pytest.mark.parametrize(
        ("find", "replace", "field"),
        [("(", "", "find"), ("a", r"\2", "replace"), ("a", r"\g<x>", "replace"), ("(" * 300, "", "find")],
    )
    def test_wrong_expressions_are_named_at_their_field(self, find, replace, field):
        with pytest.raises(PatternRefused) as caught:
            edited(ReplaceEdit(find=find, replace=replace, is_regex=True), "aaa")
        assert caught.value.field == field

    def test_a_pattern_without_end_is_ended(self, monkeypatch):
        monkeypatch.setattr(captions_edits, "PATTERN_SECONDS", 0.3)
        started = time.monotonic()
        with pytest.raises(PatternRefused, match="seconds"):
            edited(ReplaceEdit(find=r"(a+)+$", is_regex=True), "a" * 200 + "b")
        assert time.monotonic() - started < 5

    def test_what_grows_too_long_stays(self):
        grown = edited(ReplaceEdit(find="a", replace="b" * 400, is_regex=True), "a" * 300, "a")
        assert grown == [None, "b" * 400]

    @settings(max_examples=40)
    @given(st.text(max_size=60), st.text(min_size=1, max_size=8), st.text(max_size=8))
    def test_plain_is_what_str_replace_does(self, caption, find, replace):
        [made] = edited(ReplaceEdit(find=find, replace=replace, match_case=True), caption)
        assert made == " ".join(caption.replace(find, replace).split())


class TestAdd:
    def test_both_ends(self):
        assert edited(AddEdit(text="photo of"), "a cat", "") == ["photo of, a cat", ""]
        assert edited(AddEdit(text="at night", place="end", joint=" "), "a cat") == ["a cat at night"]

    def test_empty_ones_when_asked(self):
        assert edited(AddEdit(text="photo", fill_empty=True), "") == ["photo"]

    def test_too_long(self):
        assert edited(AddEdit(text="x" * 100), "y" * (MAX_CAPTION - 50)) == [None]


class TestTrigger:
    def test_insert_where_missing(self):
        edit = TriggerEdit(action="insert")
        assert edited(edit, "a cat", "a Zubo cat", "", "zubos") == ["zubo, a cat", "a Zubo cat", "", "zubo, zubos"]
        assert edited(TriggerEdit(place="end", fill_empty=True), "a cat", "") == ["a cat, zubo", "zubo"]

    def test_move(self):
        assert edited(TriggerEdit(action="move"), "a cat, zubo", "a cat", "zubo") == ["zubo, a cat", "a cat", "zubo"]
        assert edited(TriggerEdit(action="move", place="end"), "zubo, a cat") == ["a cat, zubo"]

    def test_remove(self):
        assert edited(TriggerEdit(action="remove"), "zubo, a cat", "a zubo", "zubos") == ["a cat", "a", "zubos"]

    def test_without_a_trigger_word(self):
        with pytest.raises(TriggerUnset):
            edited(TriggerEdit(), "a cat", trigger="")

    @settings(max_examples=40)
    @given(st.text(alphabet="zubo ,aé.", max_size=40))
    def test_inserting_twice_is_inserting_once(self, caption):
        [once] = edited(TriggerEdit(), caption)
        assert edited(TriggerEdit(), once) == [once]


class TestTags:
    def test_rename_and_remove(self):
        assert edited(TagEdit(tag="cat", replace="dog"), "Cat,  night", "a cat") == ["dog, night", "a cat"]
        assert edited(TagEdit(tag="cat"), "cat, night", "cat") == ["night", ""]
        assert edited(TagEdit(tag="cat", replace="dog"), "cat, dog") == ["dog"]

    def test_parts(self):
        assert tags_of(" a cat, ,night,") == ["a cat", "night"]
        assert words_of("A cat's well-lit Haus, 2 ears!") == ["a", "cat's", "well-lit", "haus", "2", "ears"]
