"""Whose things are, seen by their owner and by others: every list, every single route, events and files."""

import re

import pytest

from fluxtune.accounts.tables import PersonRow
from fluxtune.api.permissions import rule_of
from fluxtune.api.things import NOT_SHARED, OTHERS, THINGS, access_of
from fluxtune.backends.local import readiness
from fluxtune.core.actor import Actor, acting_as
from fluxtune.core.clock import now
from fluxtune.generations import service as generations
from fluxtune.jobs.stream import EventTail, may_hear
from fluxtune.sharing import service as sharing
from tests.makers import add_dataset, add_gallery_image, add_model, state_of
from tests.people import people
from tests.zoo import make_base, picture

__all__ = ["people"]
ANN = Actor("ann", "ann", "trainer")
BEN = Actor("ben", "ben", "trainer")


@pytest.fixture
def studio(shared_client, monkeypatch):
    """A studio with one base and an engine."""
    monkeypatch.setattr(readiness, "require_engine", lambda: None)
    monkeypatch.setattr(generations, "require_engine", lambda: None)
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


@pytest.fixture
def ann(studio, people):
    """Who owns everything."""
    return people("ann")


@pytest.fixture
def ben(studio, people):
    """Somebody else."""
    return people("ben")


@pytest.fixture
def root(studio, people):
    """An administrator."""
    return people("root", "administrator")


@pytest.fixture
def things(ann, tmp_path):
    """One of each kind, all Ann's: the ids that the parameters of paths name."""
    dataset = add_dataset(ann, 5)
    finetune = ann.post("/api/finetunes", json={"dataset_id": dataset["id"], "base": "tiny", "quality": "draft"}).json()
    generation = ann.post("/api/generations", json={"model_id": "tiny", "prompt": "a secret", "count": 1}).json()
    state = state_of(ann)
    with acting_as(ANN):
        model = add_model(ann, tmp_path, finetune_id=finetune["id"])
        with state.database.transaction() as session:
            image = add_gallery_image(session, state.blobs, generation_id=generation["id"])
    return {
        "dataset_id": dataset["id"],
        "finetune_id": finetune["id"],
        "probe_id": finetune["id"],
        "model_id": model.id,
        "generation_id": generation["id"],
        "job_id": generation["job_id"],
        "image_id": image,
    }


def share(client, kind, thing_id, everyone=None, people=None):
    """Share something of Ann's."""
    with acting_as(ANN), state_of(client).database.transaction() as session:
        sharing.share(session, kind, thing_id, everyone, people or {})


def share_all(client, things, access):
    for parameter, kind in THINGS.items():
        if parameter != "probe_id":
            share(client, kind, things[parameter], access)


def routes(app):
    """Return (method, path template) of every route that names anything."""
    found = app.openapi()["paths"].items()
    return [(method.upper(), path) for path, ways in found if "{" in path for method in ways]


def thing_routes(app):
    named = {*THINGS, *OTHERS}
    return [each for each in routes(app) if named & set(re.findall(r"{(\w+)}", each[1]))]


def filled(path, things):
    return re.sub(r"{(\w+)}", lambda match: things.get(match[1], "1"), path)


class TestRoutes:
    def test_everything_that_paths_name_was_thought_of(self, studio):
        known = {*THINGS, *OTHERS, *NOT_SHARED}
        # Administrators see all; what is of oneself alone is not shared.
        asked = [path for method, path in routes(studio.app) if rule_of(method, path) in ("read", "create", "train")]
        unknown = {name for path in asked for name in re.findall(r"{(\w+)}", path)} - known
        assert not unknown, "Say in api/things.py whose these are."

    def test_others_find_nothing_private(self, ben, things):
        for method, path in thing_routes(ben.app):
            response = ben.request(method, filled(path, things))
            assert response.status_code == 404, (method, path, response.text)
            assert "secret" not in response.text

    def test_others_see_what_is_shared_and_change_nothing(self, ben, things):
        share_all(ben, things, "see")
        for method, path in thing_routes(ben.app):
            if path.endswith("/events"):
                continue  # a stream that goes on
            response = ben.request(method, filled(path, things))
            if access_of(method, path) == "change":
                assert response.status_code == 403, (method, path, response.text)
                assert response.json()["type"] == "/errors/not-yours"
            else:
                assert response.status_code != 403, (method, path, response.text)
                assert "thing-missing" not in response.text, (method, path)

    def test_who_may_change_it_changes_it(self, ben, things):
        share(ben, "dataset", things["dataset_id"], people={"ben": "change"})
        response = ben.patch(f"/api/datasets/{things['dataset_id']}", json={"notes": "mine too"})
        assert response.status_code == 200
        share(ben, "dataset", things["dataset_id"])
        assert ben.get(f"/api/datasets/{things['dataset_id']}").status_code == 404

    def test_what_has_no_owner_is_everyones(self, studio, ben):
        dataset = add_dataset(studio, 0)
        assert ben.patch(f"/api/datasets/{dataset['id']}", json={"notes": "ours"}).status_code == 200

    def test_administrators_see_all(self, root, things):
        assert root.get(f"/api/datasets/{things['dataset_id']}").status_code == 200
        assert root.get(f"/api/images/{things['image_id']}/file").status_code == 200


def ids(client, path):
    found = client.get(path).json()
    found = found.get("items", found) if isinstance(found, dict) else found
    return [each if isinstance(each, str) else each["id"] for each in found]


class TestLists:
    @pytest.mark.parametrize(
        ("path", "parameter", "kind"),
        [
            ("/api/datasets", "dataset_id", "dataset"),
            ("/api/finetunes", "finetune_id", "finetune"),
            ("/api/models?kind=finetuned", "model_id", "model"),
            ("/api/models/page", "model_id", "model"),
            ("/api/generations", "generation_id", "generation"),
            ("/api/gallery/ids", "image_id", "generation"),
            ("/api/jobs", "job_id", "generation"),
            ("/api/jobs?active=true", "job_id", "generation"),
            ("/api/jobs?in_turn=true", "job_id", "generation"),
        ],
    )
    def test_show_what_one_may_see(self, ann, ben, root, things, path, parameter, kind):
        wanted = things[parameter]
        assert wanted in ids(ann, path)
        assert wanted in ids(root, path)
        assert ids(ben, path) == []
        target = things["generation_id"] if parameter in OTHERS else wanted
        share(ben, kind, target, people={"ben": "see"})
        assert ids(ben, path) == [wanted]
        share(ben, kind, target, everyone="see")
        assert ids(ben, path) == [wanted]

    @pytest.mark.parametrize("kind", ["dataset", "model"])
    def test_of_the_trash_too(self, ann, ben, things, kind):
        ann.delete(f"/api/{kind}s/{things[f'{kind}_id']}")
        assert ids(ann, f"/api/{kind}s?deleted=true") == [things[f"{kind}_id"]]
        assert ids(ben, f"/api/{kind}s?deleted=true") == []

    def test_counts_of_the_catalogue(self, ann, ben, things):
        assert ann.get("/api/models/page").json()["whole"] == 1
        page = ben.get("/api/models/page").json()
        assert (page["whole"], page["total"], page["bases"], page["tags"]) == (0, 0, {}, {})

    def test_counts_and_covers_of_models_are_of_images_one_may_see(self, ann, ben, things):
        assert ann.get("/api/models/tiny").json()["image_count"] == 1
        seen = ben.get("/api/models/tiny").json()
        assert (seen["image_count"], seen["cover"]) == (0, None)

    def test_records_of_the_gallery(self, ann, ben, things):
        request = {"ids": [things["image_id"]]}
        assert len(ann.post("/api/gallery/records", json=request).json()) == 1
        assert ben.post("/api/gallery/records", json=request).json() == []

    def test_finetunes_of_a_shared_dataset(self, ann, ben, things):
        share(ben, "dataset", things["dataset_id"], everyone="see")
        path = f"/api/datasets/{things['dataset_id']}/snapshots"
        assert len(ann.get(path).json()["snapshots"]) == 1
        assert ben.get(path).json()["snapshots"] == []


class TestOthersThingsInRequests:
    def test_a_finetune_needs_a_dataset_one_may_see(self, ben, things):
        body = {"dataset_id": things["dataset_id"], "base": "tiny", "quality": "draft"}
        for path in ("", "/plans", "/probes"):
            assert ben.post(f"/api/finetunes{path}", json=body).status_code == 404

    def test_a_generation_needs_a_model_one_may_see(self, ben, things):
        body = {"model_id": things["model_id"], "prompt": "a cat", "count": 1}
        assert ben.post("/api/generations", json=body).status_code == 404
        share(ben, "model", things["model_id"], everyone="see")
        made = ben.post("/api/generations", json=body)
        assert made.status_code == 201
        assert ids(ben, "/api/generations") == [made.json()["id"]]

    def test_comparing_needs_both(self, ann, ben, things):
        response = ben.get(f"/api/finetunes/compare?a={things['finetune_id']}&b=other")
        assert (response.status_code, response.json()["type"]) == (404, "/errors/thing-missing")

    def test_a_copy_is_ones_own(self, ann, ben, things):
        share(ben, "dataset", things["dataset_id"], everyone="see")
        copy = ben.post(f"/api/datasets/{things['dataset_id']}/copies").json()
        assert ben.patch(f"/api/datasets/{copy['id']}", json={"notes": "mine"}).status_code == 200
        assert ann.get(f"/api/datasets/{copy['id']}").status_code == 404


class TestImages:
    def file(self, client, image_id):
        return client.get(f"/api/images/{image_id}/thumbnails/320").status_code

    def test_follow_their_dataset(self, ann, ben, things):
        image = ann.get(f"/api/datasets/{things['dataset_id']}/images").json()[0]["image"]["id"]
        assert (self.file(ann, image), self.file(ben, image)) == (200, 404)
        share(ben, "dataset", things["dataset_id"], people={"ben": "see"})
        assert self.file(ben, image) == 200

    def test_follow_their_generation(self, ann, ben, things):
        assert (self.file(ann, things["image_id"]), self.file(ben, things["image_id"])) == (200, 404)
        share(ben, "generation", things["generation_id"], everyone="see")
        assert self.file(ben, things["image_id"]) == 200

    def test_the_same_upload_of_two_people_is_seen_by_both(self, ann, ben):
        one = ann.post("/api/images", files={"file": ("a.png", picture(9))}).json()["id"]
        assert (self.file(ann, one), self.file(ben, one)) == (200, 404)
        assert ben.post("/api/images", files={"file": ("a.png", picture(9))}).json()["id"] == one
        assert (self.file(ann, one), self.file(ben, one)) == (200, 200)

    def test_every_table_that_refers_to_images_says_what_they_lie_in(self, studio):
        from fluxtune.images.repository import _places

        assert len(_places()) >= 8
        assert all(column.info["lies_in"][1] in column.table.c for column in _places())


class TestJobs:
    def test_what_one_waits_for_is_not_told_by_name(self, ben, things, monkeypatch):
        monkeypatch.setattr("fluxtune.jobs.service.is_alive", lambda *_: True)
        with state_of(ben).database.transaction() as session:
            from fluxtune.jobs.tables import WorkerRow

            at = now()
            session.add(WorkerRow(id="w", owner="w", started_at=at, heartbeat_at=at))
        made = ben.post("/api/generations", json={"model_id": "tiny", "prompt": "mine", "count": 1}).json()
        assert made["waiting_for"] == "somebody else's work"

    def test_nobody_moves_the_work_of_others(self, ben, things):
        mine = ben.post("/api/generations", json={"model_id": "tiny", "prompt": "mine", "count": 1}).json()
        theirs = things["job_id"]
        assert ben.post(f"/api/jobs/{mine['job_id']}/move", json={"before": theirs}).status_code == 404
        assert ben.post(f"/api/jobs/{theirs}/move", json={"before": None}).status_code == 404


def test_events_are_told_to_those_who_may_see_the_thing(ben, things):
    tail = EventTail(state_of(ben).database, 0.01)
    with acting_as(BEN):
        events = tail._read(0)
        assert events
        assert not [each for each in events if may_hear(each, BEN)]
        assert len([each for each in events if may_hear(each, ANN)]) == len(events)
        share(ben, "generation", things["generation_id"], people={"ben": "see"})
        heard = {each.event.target_id for each in tail._read(0) if may_hear(each, BEN)}
    assert heard == {things["generation_id"]}


class TestContract:
    def test_finetunes_of_others_are_not_listed_found_or_deleted(self, ann, ben, things):
        assert ann.get("/v1/my_finetunes").json()["finetunes"] == [things["finetune_id"]]
        assert ben.get("/v1/my_finetunes").json()["finetunes"] == []
        for path in ("finetune_details", "fluxtune/adapter"):
            assert ben.get(f"/v1/{path}?finetune_id={things['finetune_id']}").status_code == 404
        assert ben.get(f"/v1/get_result?id={things['finetune_id']}").json()["status"] == "Task not found"
        assert ben.get(f"/v1/fluxtune/progress?id={things['finetune_id']}").status_code == 404
        assert ben.post("/v1/delete_finetune", json={"finetune_id": things["finetune_id"]}).status_code == 404

    def test_who_may_only_see_a_finetune_neither_deletes_nor_stops_it(self, ben, things):
        share(ben, "finetune", things["finetune_id"], everyone="see")
        assert ben.post("/v1/delete_finetune", json={"finetune_id": things["finetune_id"]}).status_code == 403
        for path in ("cancel", "stop"):
            assert ben.post(f"/v1/fluxtune/{path}", json={"id": things["finetune_id"]}).status_code == 403

    def test_pictures_of_others_are_not_told_of(self, ann, ben, things):
        body = {"prompt": "a cat"}
        task = ann.post("/v1/fluxtune/draw", json=body | {"base": "tiny"}).json()["id"]
        assert ann.get(f"/v1/get_result?id={task}").json()["status"] == "Pending"
        assert ben.get(f"/v1/get_result?id={task}").json()["status"] == "Task not found"


def test_a_model_is_its_finetunes(studio, ann, ben, things, tmp_path):
    share(ben, "finetune", things["finetune_id"], people={"ben": "see"})
    with state_of(ann).database.transaction() as session:
        sharing.inherit(session, ("finetune", things["finetune_id"]), "model", "m")
        audience = sharing.audience_of(session, "model", "m")
    assert (audience.owner_id, audience.everyone, audience.people) == ("ann", None, {"ben": "see"})


class TestSaying:
    @pytest.fixture(autouse=True)
    def _known(self, studio):
        with state_of(studio).database.transaction() as session:
            for name in ("ann", "ben", "cleo"):
                session.add(
                    PersonRow(
                        id=name, email=f"{name}@example.org", name=name.title(), role="trainer", state="active",
                        created_at=now(),
                    )
                )  # fmt: skip

    def test_shows_whose_it_is_and_who_may_what(self, ann, ben, things):
        path = f"/api/sharing/dataset/{things['dataset_id']}"
        assert ben.get(path).status_code == 404
        shown = ann.get(path).json()
        assert shown == {
            "owner_id": "ann", "owner": "Ann", "everyone": None, "people": [], "is_mine": True, "may_change": True,
        }  # fmt: skip
        shown = ann.put(path, json={"everyone": None, "people": {"ben": "see"}}).json()
        assert shown["people"] == [{"person_id": "ben", "name": "Ben", "may": "see"}]
        seen = ben.get(path).json()
        assert (seen["is_mine"], seen["may_change"], seen["owner"]) == (False, False, "Ann")

    def test_only_the_owner_and_administrators_say(self, ann, ben, root, things):
        path = f"/api/sharing/dataset/{things['dataset_id']}"
        body = {"everyone": "change", "people": {}}
        assert ben.put(path, json=body).status_code == 404
        ann.put(path, json={"everyone": None, "people": {"ben": "change"}}).raise_for_status()
        assert ben.put(path, json=body).status_code == 403
        assert root.put(path, json=body).status_code == 200
        assert ann.get(path).json()["owner"] == "Ann"

    def test_people_must_be_there(self, ann, things):
        path = f"/api/sharing/dataset/{things['dataset_id']}"
        response = ann.put(path, json={"everyone": None, "people": {"zoe": "see"}})
        assert (response.status_code, response.json()["type"]) == (422, "/errors/person-unknown")

    def test_what_is_given_is_somebody_elses(self, ann, ben, things):
        path = f"/api/sharing/model/{things['model_id']}"
        assert ann.put(f"{path}/owner", json={"person_id": "ben"}).json()["owner"] == "Ben"
        assert ann.get(path).status_code == 404
        assert ben.get(path).json()["is_mine"] is True

    def test_who_makes_what_was_everyones_private_owns_it(self, studio, ben, root):
        dataset = add_dataset(studio, 0)
        path = f"/api/sharing/dataset/{dataset['id']}"
        assert (ben.get(path).json()["owner"], ben.get(path).json()["everyone"]) == (None, "change")
        assert ben.put(path, json={"everyone": None, "people": {}}).status_code == 403
        assert root.put(path, json={"everyone": None, "people": {}}).json()["owner_id"] == "root"
        assert ben.get(path).status_code == 404

    def test_changes_are_in_the_audit_log(self, ann, root, things):
        ann.put(f"/api/sharing/model/{things['model_id']}", json={"everyone": "see", "people": {}}).raise_for_status()
        entry = root.get("/api/audit").json()["entries"][0]
        assert (entry["action"], entry["after"]["everyone"]) == ("model.shared", "see")
