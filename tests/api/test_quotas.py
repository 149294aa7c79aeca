"""What people may use: each limit is kept, told of, and shown."""

import pytest

from fluxtune.accounts.tables import PersonRow
from fluxtune.backends.local import readiness
from fluxtune.core.actor import Actor, acting_as
from fluxtune.core.clock import now
from fluxtune.generations import service as generations
from fluxtune.hosted import ledger
from fluxtune.hosted.ledger import BudgetReached
from fluxtune.hosted.tables import LedgerRow
from fluxtune.sharing import service as sharing
from tests.makers import add_dataset, add_model, set_job, state_of
from tests.people import people
from tests.zoo import make_base, picture

__all__ = ["people"]


@pytest.fixture
def studio(shared_client, monkeypatch):
    """A studio with one base and an engine."""
    monkeypatch.setattr(readiness, "require_engine", lambda: None)
    monkeypatch.setattr(generations, "require_engine", lambda: None)
    make_base(state_of(shared_client).settings.paths.bases)
    with state_of(shared_client).database.transaction() as session:
        for name, role in (("ann", "trainer"), ("ben", "trainer"), ("root", "administrator")):
            session.add(
                PersonRow(
                    id=name, email=f"{name}@example.org", name=name.title(), role=role, state="active", created_at=now()
                )
            )
    return shared_client


@pytest.fixture
def ann(studio, people):
    """Who makes things."""
    return people("ann")


@pytest.fixture
def root(studio, people):
    """Who sets limits."""
    return people("root", "administrator")


def limit(root, **limits):
    response = root.put("/api/quotas/everybody", json=limits)
    assert response.status_code == 200, response.text


def draw(client, count=1):
    return client.post("/api/generations", json={"model_id": "tiny", "prompt": "a cat", "count": count})


def train(client, dataset):
    return client.post("/api/finetunes", json={"dataset_id": dataset["id"], "base": "tiny", "quality": "draft"})


class TestLimits:
    def test_without_any_nothing_is_refused(self, ann):
        assert draw(ann, 4).status_code == 201
        assert ann.get("/api/quotas/mine").json()["usage"]["images_per_day"] == 4

    def test_images_of_a_day(self, ann, root, people):
        limit(root, images_per_day=3)
        assert draw(ann, 2).status_code == 201
        refused = draw(ann, 2)
        assert refused.status_code == 409
        problem = refused.json()
        assert problem["type"] == "/errors/quota-reached"
        assert "2 images today and may begin 3" in problem["detail"]
        assert "tomorrow" in problem["action"]
        assert draw(ann, 1).status_code == 201
        assert draw(people("ben"), 3).status_code == 201
        assert draw(root, 4).status_code == 201  # administrators have only their own

    def test_what_was_refused_does_not_count(self, ann, root):
        limit(root, images_per_day=2)
        assert draw(ann, 3).status_code == 409
        assert ann.get("/api/quotas/mine").json()["usage"]["images_per_day"] == 0

    def test_finetunes_at_once(self, ann, root):
        limit(root, finetunes_at_once=1)
        dataset = add_dataset(ann, 4)
        first = train(ann, dataset)
        assert first.status_code == 201, first.text
        assert train(ann, dataset).json()["type"] == "/errors/quota-reached"
        set_job(ann, first.json()["job_id"], state="failed")
        second = train(ann, dataset)
        assert second.status_code == 201
        # The failed one can't be resumed beside it.
        resumed = ann.post(f"/api/finetunes/{first.json()['id']}/resumption")
        assert (resumed.status_code, resumed.json()["type"]) == (409, "/errors/quota-reached")

    def test_finetunes_of_a_month(self, ann, root):
        limit(root, finetunes_per_month=1)
        dataset = add_dataset(ann, 4)
        made = train(ann, dataset).json()
        ann.post(f"/api/finetunes/{made['id']}/cancellation")
        refused = train(ann, dataset).json()
        assert "1 finetune this month" in refused["detail"]

    def test_storage(self, ann, root, tmp_path):
        dataset = add_dataset(ann, 2)
        used = ann.get("/api/quotas/mine").json()["usage"]["storage_bytes"]
        assert used == sum(len(picture(number)) for number in range(2))
        with acting_as(Actor("ann", "ann", "trainer")):
            add_model(ann, tmp_path)
        assert ann.get("/api/quotas/mine").json()["usage"]["storage_bytes"] == used + len(b"weights of an adapter")
        limit(root, storage_bytes=used)
        files = [("files", ("9.png", picture(9)))]
        refused = ann.post(f"/api/datasets/{dataset['id']}/images", files=files)
        assert (refused.status_code, refused.json()["type"]) == (409, "/errors/quota-reached")
        assert ann.post("/api/images", files={"file": ("9.png", picture(9))}).status_code == 409
        assert draw(ann).status_code == 409
        ann.patch(f"/api/datasets/{dataset['id']}", json={"notes": "still editable"}).raise_for_status()

    def test_money_for_hosted_images(self, ann, root):
        limit(root, hosted_usd_per_month=1.0)
        state = state_of(ann)
        actor = Actor("ann", "ann", "trainer")
        with acting_as(actor), state.database.transaction() as session:
            sharing.own(session, "generation", "g")
            session.add(
                LedgerRow(
                    id="l", target_id="g", slot=0, key_name="k", endpoint="flux-dev", state="delivered",
                    estimate=ledger.to_units(90), created_at=now(),
                )
            )  # fmt: skip
        with acting_as(actor), state.database.reading() as session:
            assert ledger.check_budget(session, ledger.to_units(9)) == [
                "After this, $0.99 of $1.00 for you in a month are spent."
            ]
            with pytest.raises(BudgetReached, match="limit for you in a month"):
                ledger.check_budget(session, ledger.to_units(11))
        with acting_as(Actor("ben", "ben", "trainer")), state.database.reading() as session:
            assert ledger.check_budget(session, ledger.to_units(50)) == []
        assert ann.get("/api/quotas/mine").json()["usage"]["hosted_usd_per_month"] == 0.9


class TestOfOnePerson:
    def test_override_what_everybody_has(self, ann, root):
        limit(root, images_per_day=1, finetunes_at_once=2)
        shown = root.put("/api/quotas/people/ann", json={"images_per_day": None}).json()
        assert shown["own"] == {"images_per_day": None}
        assert (shown["limits"]["images_per_day"], shown["limits"]["finetunes_at_once"]) == (None, 2)
        assert draw(ann, 4).status_code == 201
        root.put("/api/quotas/people/ann", json={})
        assert ann.get("/api/quotas/mine").json()["limits"]["images_per_day"] == 1

    def test_administrators_have_their_own_only(self, root):
        root.put("/api/quotas/people/root", json={"images_per_day": 1})
        assert draw(root, 2).status_code == 409

    def test_are_listed_with_what_is_used(self, ann, root):
        draw(ann, 2)
        people = root.get("/api/quotas").json()["people"]
        assert {each["name"]: each["usage"]["images_per_day"] for each in people} == {"Ann": 2, "Ben": 0, "Root": 0}

    def test_are_for_people_who_are_there(self, root):
        assert root.put("/api/quotas/people/nobody", json={}).status_code == 404

    def test_are_set_by_administrators(self, ann):
        assert ann.put("/api/quotas/everybody", json={}).status_code == 403
        assert ann.get("/api/quotas").status_code == 403

    def test_changes_are_in_the_audit_log(self, root):
        root.put("/api/quotas/people/ann", json={"images_per_day": 5})
        entry = root.get("/api/audit").json()["entries"][0]
        assert (entry["action"], entry["after"]) == ("quota.changed", {"images_per_day": 5})


def test_the_local_owner_has_no_limits(studio, root):
    limit(root, images_per_day=0)
    assert draw(studio, 4).status_code == 201
    assert studio.get("/api/quotas/mine").json()["limits"]["images_per_day"] is None
