"""Caption files of unknown encoding."""

import pytest

from fluxtune.core.errors import FileRefused
from fluxtune.datasets.captions import MAX_CAPTION, CaptionTooLong, CaptionUnreadable, read_caption


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a zubo on a beach", "a zubo on a beach"),
        ("ein Bär – 熊".encode(), "ein Bär – 熊"),
        ("\ufeffwith a mark".encode(), "with a mark"),
        (b"  two\r\nlines\t and  blanks \n", "two lines and blanks"),
    ],
)
def test_utf_8_needs_no_note(data, text):
    caption = read_caption(data)
    assert (caption.text, caption.note) == (text, None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_noted(encoding):
    mark = {"utf-16": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}[encoding]
    caption = read_caption(mark + "ein Bär".encode(encoding))
    assert caption.text == "ein Bär"
    assert caption.note is not None
    assert "UTF-16" in caption.note


def test_windows_1252_is_noted():
    caption = read_caption("ein Bär „im“ Wald".encode("cp1252"))
    assert caption.text == "ein Bär „im“ Wald"
    assert caption.note is not None
    assert "Windows-1252" in caption.note


@pytest.mark.parametrize(
    "data",
    [b"a\x00b", b"", b"   \n", b"\x81\x8d\x8f\x90\x9d", b"\xff\xfe\x00", b"bell \x07", b"\x1b[31mred"],
    ids=["nul", "empty", "blank", "no-encoding", "half-utf-16", "bell", "escape"],
)
def test_what_is_no_text_is_refused(data):
    with pytest.raises(CaptionUnreadable) as caught:
        read_caption(data)
    assert caught.value.detail
    assert caught.value.action


def test_the_limit_is_exact():
    assert len(read_caption(b"x" * MAX_CAPTION).text) == MAX_CAPTION
    with pytest.raises(CaptionTooLong, match="4,001 characters"):
        read_caption(b"x" * (MAX_CAPTION + 1))


def test_a_huge_file_is_not_decoded_at_all():
    with pytest.raises(FileRefused, match="bytes"):
        read_caption(b"\xff" * 1_000_000)
