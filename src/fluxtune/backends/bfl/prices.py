"""What an image costs before it is made, in credits (one credit is a US cent), and how sure that is.

BFL has no call that names a price. It tells the cost when it accepts a task; that settles the ledger.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Confidence = Literal["high", "medium", "low"]
PIXELS_PER_MP = 1024 * 1024
"""1024 × 1024 is billed as one megapixel."""


@dataclass(frozen=True)
class Price:
    """`first` for the first megapixel, `more` for every further one, of output and input alike, rounded up.

    `tiers` replaces all that where the size is a named tier.
    """

    first: float
    source: str
    confidence: Confidence
    more: float = 0.0
    tiers: Mapping[str, float] = field(default_factory=dict)

    @property
    def least(self) -> float:
        """The credits the cheapest image costs."""
        return min(self.tiers.values()) if self.tiers else self.first

    def estimate(self, values: Mapping[str, Any], input_mp: float = 0.0) -> float:
        """Return the credits one image with these parameters is expected to cost."""
        if self.tiers:
            return self.tiers.get(str(values.get("resolution")), max(self.tiers.values()))
        given = max(math.ceil(round(input_mp, 2)), 1) if input_mp else 0
        further = math.ceil(round(max(self._output_mp(values) - 1, 0), 2))
        return round(self.first + self.more * (further + given), 4)

    def _output_mp(self, values: Mapping[str, Any]) -> float:
        if values.get("width") and values.get("height"):
            return round(int(values["width"]) * int(values["height"]) / PIXELS_PER_MP, 2)
        return 1.0
