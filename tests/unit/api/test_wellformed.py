"""Which bodies are refused before any route sees them."""

import json

import pytest
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from fluxtune.api.wellformed import require_text

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)


@pytest.mark.parametrize(
    "body",
    [
        b'"\\ud800"',
        b'"\\uDfFf"', b'"\\udc00\\ud800"', b'"\\ud83d\\ud83d\\ude42"', b'{"\\ud800":1}', b'"\xed\xa0\x80"',
        b'"\xff"', '"a"'.encode("utf-16"), '"a"'.encode("utf-16-le"), '"a"'.encode("utf-32-be"), b'"\\\\\\ud800"',
    ],
)  # fmt: skip
def test_what_is_no_text(body: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        require_text(body)


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b'"\\ud83d\\ude42"', b'"\\\\ud800"', '"🙂"'.encode(), b'"\\u0000"', b'\xef\xbb\xbf"a"', b"\\"],
)
def test_what_is(body: bytes) -> None:
    require_text(body)


@given(ANY, st.booleans())
@property_settings(max_examples=200)
def test_as_python_reads_it(text: str, is_ascii: bool) -> None:
    body = json.dumps(text, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    try:
        json.loads(body).encode()
    except UnicodeEncodeError:
        with pytest.raises(json.JSONDecodeError):
            require_text(body)
    else:
        require_text(body)
