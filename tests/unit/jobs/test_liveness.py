"""Who lives: whatever clocks do, nobody alive is declared dead, and nobody dead stays alive for long."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from fluxtune.jobs.liveness import LOST_AFTER, Liveness, owner_name
from fluxtune.storage import start_mark

ELSEWHERE = "another-host:77:1234"


class Clocks:
    """A wall clock and a monotonic one, moved together unless the wall clock is set."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 1, 1, tzinfo=UTC)
        self.tick = 1000.0
        self.liveness = Liveness(lambda: self.wall, lambda: self.tick)

    def wait(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.tick += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.mark.parametrize("owner", [owner_name(), ELSEWHERE], ids=["here", "elsewhere"])
class TestHeartbeat:
    def test_fresh(self, clocks: Clocks, owner: str) -> None:
        beat = clocks.wall
        clocks.wait(LOST_AFTER.total_seconds() - 1)
        assert clocks.liveness.is_alive(owner, beat)

    def test_old(self, clocks: Clocks, owner: str) -> None:
        beat = clocks.wall
        clocks.wait(LOST_AFTER.total_seconds() + 1)
        assert not clocks.liveness.is_alive(owner, beat)

    @pytest.mark.parametrize("jump", [timedelta(hours=1), -timedelta(hours=1), timedelta(days=400)])
    def test_a_set_clock_kills_nobody(self, clocks: Clocks, owner: str, jump: timedelta) -> None:
        beat = clocks.wall
        clocks.wait(1)
        clocks.wall += jump
        assert clocks.liveness.is_alive(owner, beat), "the next heartbeat is still to come"
        clocks.wait(30)
        assert clocks.liveness.is_alive(owner, clocks.wall)
        clocks.wait(LOST_AFTER.total_seconds())
        assert not clocks.liveness.is_alive(owner, beat), "its owner had the time to renew it"
        assert clocks.liveness.is_alive(owner, clocks.wall)

    def test_set_twice(self, clocks: Clocks, owner: str) -> None:
        beat = clocks.wall
        clocks.wall += timedelta(hours=5)
        assert clocks.liveness.is_alive(owner, beat)
        clocks.wait(50)
        beat = clocks.wall
        clocks.wall -= timedelta(hours=5)
        clocks.wait(20)
        assert clocks.liveness.is_alive(owner, beat)

    def test_a_heartbeat_of_the_future_is_no_eternal_life(self, clocks: Clocks, owner: str) -> None:
        assert not clocks.liveness.is_alive(owner, clocks.wall + timedelta(days=1))


def test_a_process_that_is_gone_is_dead_however_fresh(clocks: Clocks) -> None:
    host, pid, _ = owner_name().rsplit(":", 2)
    assert not clocks.liveness.is_alive(f"{host}:{pid}:1", clocks.wall)
    clocks.wall += timedelta(hours=1)
    assert not clocks.liveness.is_alive(f"{host}:{pid}:1", clocks.wall)


class TestStartMark:
    def test_the_same_process_has_the_same_mark(self) -> None:
        assert start_mark(os.getpid()) == start_mark(os.getpid()) is not None

    def test_it_does_not_depend_on_the_time_of_day(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import psutil

        if not os.path.exists("/proc/sys/kernel/random/boot_id"):
            pytest.skip("this system tells starts by the time of day only")
        before = start_mark(os.getpid())
        monkeypatch.setattr(psutil.Process, "create_time", lambda _: 1.0)
        assert start_mark(os.getpid()) == before

    def test_gone(self) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            assert start_mark(child.pid) is not None
            child.communicate(b"\n")
        assert start_mark(child.pid) is None
