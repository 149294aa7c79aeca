"""What is checked of a file before it is dropped at BFL, and what is done there by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from fluxtune.models import exporting


def lora(**values: Any) -> Any:
    return SimpleNamespace(**{"dtype": "BF16", "is_dora": False, "ranks": {16: 40}} | values)


@pytest.mark.parametrize(
    ("file", "size", "wrong", "says"),
    [
        (lora(), 50_000_000, None, "50.0 MB"),
        (lora(is_dora=True), 50_000_000, "Names", "method LoRA"),
        (lora(ranks={16: 40, 160: 1}), 50_000_000, "Rank", "128 or less"),
        (lora(), exporting.LARGEST_BYTES + 1, "Size", "smaller rank"),
        (lora(dtype="F32"), 50_000_000, None, "16 bits would do"),
    ],
)
def test_each_thing_bfl_needs_of_a_file(file: Any, size: int, wrong: str | None, says: str) -> None:
    found = exporting._file_findings(file, size)
    assert [each.name for each in found] == ["Names", "Rank", "Precision", "Size"]
    assert [each.name for each in found if not each.is_ok] == ([wrong] if wrong else [])
    assert says in " ".join(f"{each.detail} {each.action}" for each in found)


@pytest.mark.parametrize(("base", "is_both"), [("FLUX.2 klein base 4B", False), ("FLUX.2 klein base 9B", True)])
def test_the_precision_to_choose_is_said(base: str, is_both: bool) -> None:
    steps = exporting._steps(SimpleNamespace(trigger_word="rexo"), "rex", base)  # type: ignore[arg-type]
    (step,) = [each for each in steps if "FP8" in each]
    assert base in step
    assert ("BF16" in step) == is_both
