"""Which images go into which batch: drawn at random, in a way that can be saved and gone on with exactly."""

from collections.abc import Sequence
from typing import Any

import torch


class BatchOrder:
    """Endless batches of image indexes, all of one shape.

    Each shape goes through its images in a shuffled round, and starts another when they are used up; which shape comes
    next is drawn in proportion to its number of images. With one shape these are plain epochs. An image that is to be
    repeated is in each round so many times, and counts as so many images.
    """

    def __init__(
        self, shapes: Sequence[tuple[int, int]], batch_size: int, repeats: Sequence[int] | None = None
    ) -> None:
        self._members: dict[tuple[int, int], list[int]] = {}
        for index, shape in enumerate(shapes):
            self._members.setdefault(shape, []).extend([index] * (repeats[index] if repeats else 1))
        self._shapes = sorted(self._members)
        self._weights = torch.tensor([len(self._members[s]) for s in self._shapes], dtype=torch.float64)
        self._left: list[list[int]] = [[] for _ in self._shapes]
        self._batch_size = batch_size

    def next_batch(self, generator: torch.Generator) -> list[int]:
        """Return the next `batch_size` indexes; an image may come twice where a shape has fewer."""
        which = 0
        if len(self._shapes) > 1:
            which = int(torch.multinomial(self._weights, 1, generator=generator))
        batch: list[int] = []
        while len(batch) < self._batch_size:
            if not self._left[which]:
                members = self._members[self._shapes[which]]
                shuffled = torch.randperm(len(members), generator=generator).tolist()
                self._left[which] = [members[i] for i in shuffled]
            batch.append(self._left[which].pop())
        return batch

    def state(self) -> list[list[int]]:
        """Return what is left of each shape's round, as plain JSON values."""
        return [list(left) for left in self._left]

    def restore(self, state: Any) -> bool:
        """Go on from a saved state; return False, and start afresh, when it is of other images."""
        members = [set(self._members[shape]) for shape in self._shapes]
        if len(state) != len(members) or not all(set(left) <= own for left, own in zip(state, members, strict=True)):
            return False
        self._left = [[int(index) for index in left] for left in state]
        return True
