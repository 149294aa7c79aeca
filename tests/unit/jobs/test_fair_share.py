"""People take turns: whoever queued a hundred jobs does not keep others waiting for all of them."""

from collections import Counter

from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as property_settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from fluxtune.core.actor import Actor, acting_as
from fluxtune.jobs import repository, service
from fluxtune.jobs.schemas import Job, JobLane


def add(session: Session, person: str, title: str = "", lane: JobLane = "device") -> Job:
    with acting_as(Actor(person, id=person, role="trainer")):
        return service.enqueue(session, "generation", "t", title or person, {}, lane=lane)


def take(session: Session, lane: JobLane = "device") -> str:
    """Take the next job as a worker does, run it to its end, and return its title."""
    (row,) = repository.take_next(session, "w", lane=lane)
    row.state = "succeeded"
    session.flush()
    return row.title


def titles(session: Session) -> list[str]:
    return [job.title for job in service.list_in_turn(session)]


def test_who_comes_later_waits_for_one_job_of_everybody(session: Session) -> None:
    for number in range(1, 4):
        add(session, "ann", f"ann {number}")
    add(session, "bob", "bob 1")
    add(session, "bob", "bob 2")
    add(session, "cy", "cy 1")
    expected = ["ann 1", "bob 1", "cy 1", "ann 2", "bob 2", "ann 3"]
    assert titles(session) == expected
    assert [take(session) for _ in expected] == expected


def test_what_was_served_is_not_held_against_anybody(session: Session) -> None:
    for number in range(1, 5):
        add(session, "ann", f"ann {number}")
    assert [take(session), take(session)] == ["ann 1", "ann 2"]
    add(session, "bob", "bob 1")
    add(session, "bob", "bob 2")
    assert titles(session) == ["ann 3", "bob 1", "ann 4", "bob 2"]


def test_one_person_alone_is_served_in_order(session: Session) -> None:
    names = [str(number) for number in range(5)]
    for name in names:
        add(session, "ann", name)
    assert [take(session) for _ in names] == names
    add(session, "ann", "later")
    assert take(session) == "later"


def test_lanes_have_rounds_of_their_own(session: Session) -> None:
    add(session, "ann", "ann 1")
    add(session, "ann", "ann 2")
    add(session, "ann", "ann over the network", "network")
    add(session, "bob", "bob 1")
    assert take(session, "network") == "ann over the network"
    assert [take(session) for _ in range(3)] == ["ann 1", "bob 1", "ann 2"]


def test_a_moved_job_keeps_its_place_and_what_gives_way_goes_last(session: Session) -> None:
    first = add(session, "ann", "ann 1")
    add(session, "ann", "ann 2")
    last = add(session, "bob", "bob 1")
    service.move(session, last.id, first.id)
    assert titles(session) == ["bob 1", "ann 1", "ann 2"]
    service.go_last(session, last.id)
    assert titles(session) == ["ann 1", "ann 2", "bob 1"]


@property_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(queued=st.lists(st.sampled_from(["ann", "bob", "cy"]), min_size=1, max_size=20))
def test_nobody_is_ahead_by_more_than_one_while_others_wait(app: FastAPI, queued: list[str]) -> None:
    with app.state.database.transaction() as session:
        for person in queued:
            add(session, person)
        left, served = Counter(queued), Counter[str]()
        while +left:
            person = take(session)
            left[person] -= 1
            served[person] += 1
            assert all(served[person] - served[other] <= 1 for other in left if left[other] > 0)
        assert served == Counter(queued)
