"""Several one-thread processes that train one model.

On a machine that others use too, two threads in one process wait for each other at every small
operation, and fall to a fraction of their speed as soon as one core is taken. Two processes that
only meet once a step, to average gradients, lose no more than the time that was really taken.
"""

import os
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.multiprocessing.spawn import spawn


class Team:
    """One process's view of the others."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size
        self._mark = time.monotonic()

    @property
    def leads(self) -> bool:
        """Whether this process writes the logs and checkpoints."""
        return self.rank == 0

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.monotonic()
        spent, self._mark = now - self._mark, now
        return spent

    def average(self, parameters: Iterable[Tensor], numbers: list[float]) -> list[float]:
        """Average all gradients over the team, and some numbers with them."""
        if self.size == 1:
            return numbers
        grads = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.reshape(-1) for g in grads] + [torch.tensor(numbers)])
        dist.all_reduce(flat)
        flat /= self.size
        start = 0
        for g in grads:
            g.copy_(flat[start : start + g.numel()].view_as(g))
            start += g.numel()
        return flat[start:].tolist()


def _member(rank: int, size: int, port: int, function: Callable[..., None], args: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    if size > 1:
        # Linux gives each session, not each process, its share of a busy machine.
        os.setsid()
    if size > 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    function(Team(rank, size), *args)
    if size > 1:
        dist.destroy_process_group()


def run(function: Callable[..., None], size: int, *args: Any) -> None:
    """Call `function(team, *args)` in `size` processes."""
    if size == 1:
        _member(0, 1, 0, function, args)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(_member, (size, port, function, args), nprocs=size)
