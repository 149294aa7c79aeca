"""Routes of recipe documents and templates."""

import pytest

from tests.makers import add_dataset, state_of
from tests.zoo import make_base


@pytest.fixture
def client(shared_client):
    """A signed-in browser on a studio with one base."""
    make_base(state_of(shared_client).settings.paths.bases)
    return shared_client


@pytest.fixture
def template(client):
    """A template that fixes two settings."""
    body = {"name": "My style", "mode": "style", "quality": "draft", "base": "tiny", "recipe": {"rank": 4, "steps": 50}}
    response = client.post("/api/templates", json=body)
    assert response.status_code == 201, response.text
    return response.json()


class TestTemplates:
    def test_kept_and_listed_by_name(self, client, template):
        client.post("/api/templates", json={"name": "another", "recipe": {}})
        assert [each["name"] for each in client.get("/api/templates").json()] == ["another", "My style"]
        assert client.get(f"/api/templates/{template['id']}").json() == template
        assert template["recipe"] == {"rank": 4, "steps": 50}

    @pytest.mark.parametrize("name", ["My style", "MY STYLE", "  my style "])
    def test_names_are_unique(self, client, template, name):
        response = client.post("/api/templates", json={"name": name, "recipe": {}})
        assert (response.status_code, response.json()["type"]) == (409, "/errors/template-name-taken")

    def test_settings_are_checked(self, client):
        response = client.post("/api/templates", json={"name": "x", "recipe": {"rank": 0, "nope": 1}})
        assert response.status_code == 422
        assert {error["field"] for error in response.json()["errors"]} == {"recipe.rank", "recipe.nope"}

    def test_change(self, client, template):
        url = f"/api/templates/{template['id']}"
        changed = client.patch(url, json={"name": "MY style", "recipe": {"rank": 8}, "mode": None}).json()
        assert (changed["name"], changed["recipe"], changed["mode"], changed["base"]) == (
            "MY style", {"rank": 8}, None, "tiny",
        )  # fmt: skip
        client.post("/api/templates", json={"name": "taken", "recipe": {}})
        assert client.patch(url, json={"name": "Taken"}).status_code == 409
        assert client.patch(url, json={"recipe": {"rank": -1}}).status_code == 422

    def test_remove(self, client, template):
        assert client.delete(f"/api/templates/{template['id']}").status_code == 204
        assert client.get(f"/api/templates/{template['id']}").status_code == 404
        assert client.delete(f"/api/templates/{template['id']}").status_code == 404

    def test_written_and_read_again(self, client, template):
        response = client.get(f"/api/templates/{template['id']}/file")
        assert response.headers["content-type"].startswith("application/yaml")
        assert 'filename="my-style.yaml"' in response.headers["content-disposition"]
        assert client.post("/api/templates/import", json={"text": response.text}).status_code == 409
        again = client.post("/api/templates/import", json={"text": response.text, "name": "Copy"}).json()
        assert {**again, "id": "", "name": "", "created_at": "", "updated_at": ""} == {
            **template, "id": "", "name": "", "created_at": "", "updated_at": "",
        }  # fmt: skip

    def test_a_document_without_a_name_needs_one(self, client):
        response = client.post("/api/templates/import", json={"text": "recipe: {steps: 3}"})
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "name")


class TestPlanning:
    def test_a_template_goes_before_what_is_usual(self, client, template):
        dataset = add_dataset(client)
        body = {"dataset_id": dataset["id"], "template_id": template["id"]}
        plan = client.post("/api/finetunes/plans", json=body).json()
        assert (plan["recipe"]["rank"], plan["recipe"]["steps"], plan["recipe"]["resolution"]) == (4, 50, 128)

    def test_what_is_given_goes_before_the_template(self, client, template):
        dataset = add_dataset(client)
        body = {"dataset_id": dataset["id"], "template_id": template["id"], "recipe": {"rank": 2}}
        finetune = client.post("/api/finetunes", json={**body, "mode": "product"}).json()
        assert (finetune["base"], finetune["mode"], finetune["quality"]) == ("tiny", "product", "draft")
        assert (finetune["recipe"]["rank"], finetune["recipe"]["steps"]) == (2, 50)

    def test_a_template_that_is_gone(self, client):
        dataset = add_dataset(client)
        response = client.post("/api/finetunes/plans", json={"dataset_id": dataset["id"], "template_id": "nope"})
        assert (response.status_code, response.json()["title"]) == (404, "No such template")


class TestDocuments:
    def test_the_recipe_of_a_finetune_makes_the_same_finetune(self, client):
        dataset = add_dataset(client)
        body = {"dataset_id": dataset["id"], "base": "tiny", "quality": "draft", "recipe": {"steps": 7}}
        finetune = client.post("/api/finetunes", json=body).json()
        text = client.get(f"/api/finetunes/{finetune['id']}/recipe").text
        document = client.post("/api/recipes/read", json={"text": text}).json()
        assert (document["dataset"], document["base"], document["trigger_word"]) == ("Rex", "tiny", "rexo")
        again = client.post(
            "/api/finetunes", json={"dataset_id": dataset["id"], "base": "tiny", "recipe": document["recipe"]}
        ).json()
        assert again["recipe"] == finetune["recipe"]

    def test_what_is_wrong_is_named_with_its_line(self, client):
        response = client.post("/api/recipes/read", json={"text": "recipe:\n  steps: none\n"})
        assert (response.status_code, response.json()["type"]) == (422, "/errors/recipe-invalid")
        assert response.json()["errors"][0]["field"] == "recipe.steps"
        assert response.json()["errors"][0]["message"].startswith("Line 2: ")

    def test_too_long(self, client):
        assert client.post("/api/recipes/read", json={"text": "#" * 200_000}).status_code == 422
