"""Are all weights numbers? A LoRA with one NaN draws black images, and nothing else tells why.

Without a numerics library: in a number that is not finite all bits of the exponent are set, so a tensor whose highest
bytes hold no such pattern is fine after one look at memory's speed. Only where there is one the rest is looked at.
"""

from pathlib import Path

from fluxtune.core.errors import InvalidInput
from fluxtune.engine.weight_files import Header

_EXPONENTS: dict[str, tuple[int, tuple[int, ...], bool]] = {
    "BF16": (2, (0x7F, 0xFF), True),
    "F16": (2, (0x7C, 0x7D, 0x7E, 0x7F, 0xFC, 0xFD, 0xFE, 0xFF), False),
    "F32": (4, (0x7F, 0xFF), True),
}
"""Of each format: bytes of a number, its highest byte with a full exponent, whether the next byte has one more bit."""


def require_finite(path: Path, header: Header) -> None:
    """Raise `InvalidInput` naming the first tensor that holds NaN or infinity."""
    with path.open("rb") as file:
        for name, tensor in header.tensors.items():
            if tensor.dtype not in _EXPONENTS:
                continue
            begin, end = header.places[name]
            file.seek(begin)
            if not _is_finite(file.read(end - begin), tensor.dtype):
                raise InvalidInput(
                    f"{path.name} holds values that are no numbers (NaN or infinity), first in {name[:120]}.",
                    title="The adapter is broken",
                    action="Its training went wrong at the end: get an earlier checkpoint of it.",
                )


def _is_finite(data: bytes, dtype: str) -> bool:
    size, full, is_split = _EXPONENTS[dtype]
    highest = data[size - 1 :: size]
    for value in full:
        at = highest.find(value)
        while at >= 0:
            if not is_split or data[at * size + size - 2] & 0x80:
                return False
            at = highest.find(value, at + 1)
    return True
