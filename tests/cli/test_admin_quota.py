"""`fluxtune admin quota`: limits are set by number, taken off, and left as for everybody."""

import pytest
import typer

from fluxtune.cli.admin_quota import _changed, _find
from fluxtune.core.errors import NotFound
from fluxtune.quotas.schemas import Limits, PersonQuota, Quotas, Usage


def test_limits_of_everybody(studio, fluxtune):
    changed = fluxtune("admin", "quota", "set", "everybody", "--images-per-day", "50", "--storage-gb", "1.5")
    assert (changed.code, changed.err) == (0, "")
    assert "images a day 50" in changed.out
    assert "storage 1.5 GB" in changed.out
    fluxtune("admin", "quota", "set", "everybody", "--images-per-day", "none")
    listed = fluxtune("admin", "quota", "list", "--json").json
    assert (listed["everybody"]["images_per_day"], listed["everybody"]["storage_bytes"]) == (None, 1_500_000_000)
    assert "everybody" in fluxtune("admin", "quota", "list").out
    fluxtune("admin", "quota", "set", "everybody", "--storage-gb", "usual")
    nobody = fluxtune("admin", "quota", "set", "zoe", "--images-per-day", "5")
    assert nobody.code != 0
    assert "Nobody is called" in nobody.err


def person(person_id, name):
    usage = Usage(
        images_per_day=0, finetunes_at_once=0, finetunes_per_month=0, storage_bytes=0, hosted_usd_per_month=0.0
    )
    return PersonQuota(
        person_id=person_id, name=name, role="trainer", limits=Limits(), own={}, usage=usage, changed_at=None
    )


def test_people_are_found_by_name_or_id():
    quotas = Quotas(everybody=Limits(), people=[person("1", "Ann"), person("2", "Ben"), person("3", "Ben")])
    assert _find(quotas, "Ann").person_id == "1"
    assert _find(quotas, "3").name == "Ben"
    with pytest.raises(NotFound, match="2 people"):
        _find(quotas, "Ben")


def test_what_is_not_named_stays():
    after = _changed(
        {"images_per_day": 5, "storage_bytes": 7}, {"images_per_day": "usual", "finetunes_at_once": "none"}
    )
    assert after.model_dump(exclude_unset=True) == {"storage_bytes": 7, "finetunes_at_once": None}


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "nan"])
def test_numbers_must_be_numbers(text):
    with pytest.raises(typer.BadParameter):
        _changed({}, {"images_per_day": text})
