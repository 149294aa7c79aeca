"""What works in the background lets who clicks go first."""

import os

import pytest

from fluxtune.worker.manners import give_way

pytestmark = pytest.mark.skipif(not hasattr(os, "setpriority"), reason="This system has no niceness")


@pytest.mark.parametrize(("before", "after"), [(0, 10), (15, 15)])
def test_a_worker_is_nice(before: int, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[int] = []
    monkeypatch.setattr(os, "getpriority", lambda _which, _who: before)
    monkeypatch.setattr(os, "setpriority", lambda _which, _who, priority: became.append(priority))
    give_way()
    assert became == [after]
