"""Features are on or off as was decided: for all, for some, or until a date."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.audit.repository import Wanted
from fluxtune.core.actor import Actor, acting_as
from fluxtune.core.clock import now
from fluxtune.flags import repository, service
from fluxtune.flags.registry import FLAGS, NAMES
from fluxtune.flags.schemas import FlagChange
from fluxtune.flags.tables import FlagSettingRow

VIEWER = Actor("Vi", id="vi", role="viewer")
TRAINER = Actor("Tom", id="tom", role="trainer")


def test_everything_is_on_by_itself(session: Session) -> None:
    assert service.list_on(session) == list(NAMES)
    assert all(flag.is_on and not flag.is_changed for flag in service.list_flags(session))


def test_off_is_off_for_everybody(session: Session) -> None:
    changed = service.change_flag(session, "v1-server", FlagChange(state="off"))
    assert (changed.state, changed.is_on, changed.is_changed, changed.changed_by) == ("off", False, True, "local owner")
    assert not service.is_on(session, "v1-server")
    with pytest.raises(service.FlagOff, match="/v1 server") as caught:
        service.require(session, "v1-server")
    assert caught.value.status == 403
    assert "administrator" in caught.value.action


def test_some_are_roles_and_people(session: Session) -> None:
    service.change_flag(session, "hosted-backends", FlagChange(state="some", roles=["trainer"], people=["vi"]))
    on = {}
    for actor in (VIEWER, TRAINER, Actor("Cy", id="cy", role="creator")):
        with acting_as(actor):
            on[actor.name] = service.is_on(session, "hosted-backends")
    assert on == {"Vi": True, "Tom": True, "Cy": False}
    assert not service.is_on(session, "hosted-backends")  # an administrator, who was not named


def test_after_its_date_a_decision_is_over(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    until = now() + timedelta(hours=1)
    service.change_flag(session, "batch-generation", FlagChange(state="off", until=until))
    assert not service.is_on(session, "batch-generation")
    monkeypatch.setattr(service, "now", lambda: until)
    assert service.is_on(session, "batch-generation")
    shown = service.get_flag(session, "batch-generation")
    assert (shown.state, shown.is_changed, shown.until) == ("on", False, None)


def test_a_decision_can_be_taken_back(session: Session) -> None:
    service.change_flag(session, "v1-server", FlagChange(state="off"))
    assert service.reset_flag(session, "v1-server").is_on
    service.reset_flag(session, "v1-server")
    entries = audit.list_entries(session, Wanted(kind="flag")).entries
    assert [(each.action, each.before, each.after) for each in entries] == [
        ("flag.reset", {"state": "off"}, {"state": "on"}),
        ("flag.changed", {"state": "on"}, {"state": "off"}),
    ]


def test_what_makes_no_sense_is_refused(session: Session) -> None:
    with pytest.raises(service.FlagForNobody):
        service.change_flag(session, "v1-server", FlagChange(state="some"))
    with pytest.raises(service.FlagAlreadyOver):
        service.change_flag(session, "v1-server", FlagChange(state="off", until=datetime(2020, 1, 1, tzinfo=UTC)))
    with pytest.raises(service.FlagUnknown):
        service.change_flag(session, "nonsense", FlagChange(state="off"))
    assert repository.list_settings(session) == {}


def test_what_was_decided_about_a_feature_that_is_no_more_does_no_harm(session: Session) -> None:
    row = FlagSettingRow(
        name="gone", state="off", roles=[], people=[], until=None, changed_at=now(), changed_by="somebody"
    )
    repository.add(session, row)
    assert service.list_on(session) == list(NAMES)
    assert len(service.list_flags(session)) == len(FLAGS)
