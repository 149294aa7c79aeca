"""Settings go into a TOML file and come out as they were."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from fluxtune.adjustments.errors import SettingsFileUnreadable
from fluxtune.adjustments.files import read_file, write_file

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUE = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(TEXT, PLAIN, max_size=3)


@given(st.dictionaries(st.sampled_from(["a.x", "a.y", "b.c.x", "b.c.z"]), VALUE))
@property_settings(max_examples=60)
def test_what_is_written_is_read(values: dict[str, Any]) -> None:
    assert read_file(write_file(values, "A note\nof two lines"), {"a": None, "b.c": None}) == values


def test_nothing_is_no_line() -> None:
    assert write_file({"a.x": None, "a.y": 1}, "note") == "# note\n\n[a]\ny = 1\n"


def test_what_is_no_file_says_where() -> None:
    with pytest.raises(SettingsFileUnreadable, match="line 2"):
        read_file("[a]\nx = = 1\n", {"a": None})
