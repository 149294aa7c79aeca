"""What was uploaded comes back as an image or as a download, and never as a page."""

import pytest

from tests.api.security.test_paths import READS
from tests.makers import add_dataset, add_model, fill_gallery
from tests.zoo import drawing, encode

PAGE = b"<html><script>alert(1)</script></html>"
HARMLESS = ("application/json", "application/problem+json", "image/png", "image/jpeg", "image/webp", "application/zip",
            "application/octet-stream", "application/yaml", "text/csv", "text/markdown", "text/plain")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", PAGE), ("page.png", PAGE), ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>"),
        ("x.png", b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"), ("x.js", b"alert(1)"),
        ("x.pdf", b"%PDF-1.4"), ("x.xml", b"<?xml version='1.0'?><a/>"), ("x.swf", b"FWS\x09"),
    ],
)  # fmt: skip
def test_what_a_browser_would_run_is_not_taken(shared_client, name, content):
    dataset = add_dataset(shared_client, 0)
    files = {"files": (name, content, "image/png")}
    report = shared_client.post(f"/api/datasets/{dataset['id']}/images", files=files).json()
    assert report["added"] == []
    assert report["refused"]


@pytest.mark.parametrize(("form", "kind"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", None)])
def test_an_image_that_is_a_page_as_well_is_an_image(shared_client, form, kind):
    dataset = add_dataset(shared_client, 0)
    content = encode(drawing(1), form, **({"comment": PAGE} if form != "PNG" else {})) + PAGE
    files = {"files": ("both.html.png", content, "text/html")}
    shared_client.post(f"/api/datasets/{dataset['id']}/images", files=files)
    (image,) = shared_client.get(f"/api/datasets/{dataset['id']}/images").json()
    response = shared_client.get(image["image"]["url"])
    assert response.headers["content-type"].startswith(kind or "image/")
    assert "svg" not in response.headers["content-type"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert ".html" not in response.headers["content-disposition"]


def test_no_route_with_an_id_answers_with_a_page(shared_client, tmp_path):
    name = "<script>alert(1)</script>"
    dataset = add_dataset(shared_client, 2, name=name)
    model = add_model(shared_client, tmp_path, name=name, description=name)
    fill_gallery(shared_client, {"prompt": name})
    template = shared_client.post("/api/templates", json={"name": name, "recipe": {}}).json()
    ids = {
        "{dataset_id}": dataset["id"], "{model_id}": model.id, "{version_id}": model.versions[0].id,
        "{template_id}": template["id"], "{size}": "128",
    }  # fmt: skip
    answered = 0
    for path in READS:
        for part, value in ids.items():
            path = path.replace(part, value)
        response = shared_client.get(path.replace("{", "").replace("}", ""))
        answered += response.status_code == 200
        assert response.headers["content-type"].split(";")[0] in HARMLESS, path
        assert response.headers["x-content-type-options"] == "nosniff", path
    assert answered > 10


def test_the_policy_lets_no_inline_script_run(shared_client):
    policy = shared_client.get("/").headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["script-src"] == "'self'"
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert "unsafe-eval" not in policy
    assert not [rule for rule in rules.values() if "*" in rule or "http:" in rule or "https:" in rule]
