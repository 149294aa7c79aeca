"""What no column can hold is a fault of whoever gave it, on either database."""

import pytest
from sqlalchemy import literal, select

from fluxtune.db import Database
from fluxtune.db.database import ValueNotStorable
from tests.places import ON_POSTGRESQL


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**300, "\ud800", *(["a\x00b"] if ON_POSTGRESQL else [])])
def test_a_value_no_database_holds(database: Database, value: object) -> None:
    with database.reading() as session, pytest.raises(ValueNotStorable) as caught:
        session.execute(select(literal(value)))
    assert caught.value.problem().status == 422


def test_others_are_fine(database: Database) -> None:
    with database.reading() as session:
        assert session.scalar(select(literal(2**63 - 1))) == 2**63 - 1
        assert session.scalar(select(literal("🙂"))) == "🙂"
