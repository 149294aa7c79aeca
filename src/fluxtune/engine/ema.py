"""A running average of the trained weights, which is what a run with EMA hands out."""

import contextlib
from collections.abc import Iterator, Sequence

import torch


class Average:
    """Exponential moving average (Polyak averaging) of parameters, in their format and place.

    The decay grows from small to its value by (1 + n) / (10 + n), as diffusers' `EMAModel` and TensorFlow's
    `ExponentialMovingAverage` do it, so that the first steps, when nothing is learned yet, are soon forgotten.
    """

    def __init__(self, parameters: Sequence[torch.nn.Parameter], decay: float) -> None:
        self._parameters = parameters
        self._decay = decay
        self.values = [parameter.detach().clone() for parameter in parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after step `step` (1 is the first)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, [parameter.detach() for parameter in self._parameters], 1 - decay)

    def put(self, values: Sequence[torch.Tensor]) -> None:
        """Go on from saved averages."""
        for mine, value in zip(self.values, values, strict=True):
            mine.copy_(value)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the parameters hold the averages."""
        trained = [parameter.data for parameter in self._parameters]
        for parameter, value in zip(self._parameters, self.values, strict=True):
            parameter.data = value
        try:
            yield
        finally:
            for parameter, value in zip(self._parameters, trained, strict=True):
                parameter.data = value
