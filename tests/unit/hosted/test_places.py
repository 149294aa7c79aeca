"""Who may send next, without a database: what is said of lines is decided elsewhere."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from fluxtune.hosted import ledger
from fluxtune.hosted import places as rules
from fluxtune.hosted.places import SENDING_AT_ONCE, Places, Ticket

GROUP = ("work", "flux-2-pro")
LONG_S = 30.0


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Places:
    @contextmanager
    def transaction() -> Iterator[Any]:
        yield None

    def let_leave(_session: Any, line_ids: list[str], most: int) -> ledger.Leave:
        return ledger.Leave(frozenset(line_ids[:most]), frozenset(), frozenset())

    monkeypatch.setattr(ledger, "let_leave", let_leave)
    return Places(cast(Any, transaction))


def ticket(line_id: str, sent: list[str], came: threading.Event) -> Ticket:
    def go() -> None:
        sent.append(line_id)
        came.set()

    return Ticket(line_id, *GROUP, go, refuse=lambda error: None)


def test_who_comes_when_nobody_waits_leaves_at_once(places: Places) -> None:
    with places.turn(GROUP, 4) as turn:
        assert turn.most == 4
        turn.granted = frozenset({"a", "b"})
    with places.turn(GROUP, 20) as turn:
        assert turn.most == SENDING_AT_ONCE - 2, "what was not granted is free again"


def test_what_fails_holds_no_place(places: Places) -> None:
    def fail() -> None:
        with places.turn(GROUP, 3) as turn:
            turn.granted = frozenset({"a"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with places.turn(GROUP, 20) as turn:
        assert turn.most == SENDING_AT_ONCE


def test_nobody_goes_before_those_who_wait(places: Places) -> None:
    places.pause(GROUP, LONG_S)
    with places.turn(GROUP, 1) as turn:
        assert turn.most == 0, "the account is to be left in peace"
    sent: list[str] = []
    came = threading.Event()
    places.ask(ticket("first", sent, came))
    assert places.is_wanted("work")
    assert not places.is_wanted("other")
    with places.turn(("other", "flux-2-pro"), 1) as turn:
        assert turn.most == 0
    places.freed("work")
    assert came.wait(LONG_S)
    assert sent == ["first"]
    assert not places.is_wanted("work")


def test_what_is_made_gives_way_to_what_is_sent(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_GIVE_WAY_S", LONG_S)
    order: list[str] = []
    with places.turn(GROUP, 1) as turn:
        turn.granted = frozenset({"a"})

    def make() -> None:
        with places.making():
            order.append("made")

    maker = threading.Thread(target=make)
    maker.start()
    order.append("sent")
    places.answered()
    maker.join(LONG_S)
    assert order == ["sent", "made"]


def test_where_something_leaves_all_the_time_images_are_made_all_the_same(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_GIVE_WAY_S", 10 * LONG_S)
    monkeypatch.setattr(rules, "_PATIENCE_SHARE", 0.0)
    monkeypatch.setattr(places, "_patience_s", 0.0)
    made = threading.Event()

    def make() -> None:
        with places.making():
            made.set()

    with places.turn(GROUP, 4) as turn:
        turn.granted = frozenset({"a"})
    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    assert made.wait(LONG_S)
