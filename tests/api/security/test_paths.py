"""No name or id from a client ever leads out of the folder it belongs to."""

import re

import pytest

from fluxtune.api.permissions import RULES
from tests.makers import add_dataset, add_model, state_of
from tests.zoo import picture, zip_of

CLIMBS = (
    "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "....//....//etc/passwd", "%2fetc%2fpasswd",
    "..%5c..%5cwindows%5cwin.ini", "%00", "a%00.png", "%c0%ae%c0%ae%2fetc%2fpasswd", "..;%2fetc%2fpasswd", "~root",
    "CON",
)  # fmt: skip
READS = sorted(
    rule.removeprefix("GET ") for rule in RULES if rule.startswith("GET ") and "{" in rule and "events" not in rule
)
SECRET = "what-only-this-file-holds"


@pytest.fixture
def folder(shared_client):
    """The data folder, in which a file lies that no route serves."""
    folder = state_of(shared_client).settings.paths.data
    file = folder / "secret.txt"
    file.write_text(SECRET)
    yield folder
    file.unlink()


def test_no_read_leads_out(shared_client, folder):
    own = ("..%2fsecret.txt", "..%2f..%2fsecret.txt")
    sent = 0
    for path in READS:
        for climb in (*CLIMBS, *own):
            response = shared_client.get(re.sub(r"{\w+}", climb, path))
            sent += 1
            assert response.status_code in (403, 404, 405, 422), (path, climb, response.status_code)
            assert SECRET not in response.text
            assert "root:" not in response.text
    assert sent > 500


@pytest.mark.parametrize("start", ["/assets/", "/", "/api/samples/", "//", "/v1/samples/"])
def test_no_file_of_the_pages_lies_outside(shared_client, folder, start):
    for climb in CLIMBS:
        response = shared_client.get(f"{start}{climb}")
        assert response.status_code < 500
        assert "root:" not in response.text
        assert SECRET not in response.text


def test_names_become_no_paths(shared_client, folder, tmp_path):
    """Files are kept under what they hold, and downloads are named by words that are left of a name."""
    before = {each for each in folder.parent.rglob("*") if each.is_file()}
    name = "../../../../evil\r\nset-cookie: a=b\"'; filename=x.html"
    dataset = add_dataset(shared_client, 0, name=name)
    files = [("files", ("../../evil.png", picture(1))), ("files", ("/etc/evil.png", picture(2)))]
    assert shared_client.post(f"/api/datasets/{dataset['id']}/images", files=files).status_code == 200
    model = add_model(shared_client, tmp_path, name=name)
    version = f"/api/models/{model.id}/versions/{model.versions[0].id}"
    for url in (f"{version}/file", f"/api/datasets/{dataset['id']}/export"):
        response = shared_client.get(url)
        assert response.status_code == 200
        told = response.headers["content-disposition"]
        assert told.startswith("attachment")
        assert not set("\r\n/\\") & set(told.partition("filename")[2].replace("*=UTF-8''", "").replace("*=utf-8''", ""))
        assert "set-cookie" not in response.headers
    made = {each for each in folder.parent.rglob("*") if each.is_file()} - before
    assert not [each for each in made if "evil" in each.name and folder / "models" not in each.parents]


def test_archives_stay_where_they_are_read(shared_client, folder):
    dataset = add_dataset(shared_client, 0)
    archive = zip_of([("../evil.png", picture(1)), ("..\\evil.png", picture(2)), ("good.png", picture(3))])
    report = shared_client.post(f"/api/datasets/{dataset['id']}/images", files={"files": ("x.zip", archive)}).json()
    assert [each["name"] for each in report["added"]] == ["good.png"] or len(report["refused"]) >= 1
    assert not list(folder.parent.rglob("evil.png"))
