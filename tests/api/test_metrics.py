"""Measures over HTTP: for the page, for Prometheus, for load balancers."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from fluxtune.config import Settings
from fluxtune.db import Database
from fluxtune.metrics.catalogue import MEASURES
from fluxtune.metrics.meter import METER
from fluxtune.metrics.prometheus import full_name
from fluxtune.metrics.recorder import Recorder
from fluxtune.storage import Blobs


def test_requests_are_measured_and_plotted(client: TestClient, settings: Settings, database: Database) -> None:
    METER.take()
    client.get("/api/system")
    client.get("/api/jobs/nothing")
    Recorder(settings, database).record()
    page = client.get("/api/metrics", params={"range": "hour"}).json()
    assert {each["name"] for each in page["series"]} == set(MEASURES)
    series = {each["name"]: {line["label"]: line for line in each["lines"]} for each in page["series"]}
    assert series["request_seconds"]["read"]["points"][-1]["count"] == 2
    assert series["request_seconds"]["read"]["p95"] > 0
    assert series["request_errors"]["404"]["sum"] == 1
    assert series["jobs_waiting"]["device"]["last"] == 0
    assert client.get("/api/metrics", params={"range": "century"}).status_code == 422


def test_prometheus_can_read_it(client: TestClient) -> None:
    client.get("/api/system")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {"fluxtune_jobs_waiting", "fluxtune_memory_ratio", "fluxtune_request_seconds"} <= set(families)
    samples = families["fluxtune_request_seconds"].samples
    counted = next(each.value for each in samples if each.name.endswith("_count") and each.labels["part"] == "read")
    above = next(each.value for each in samples if each.labels.get("le") == "+Inf" and each.labels["part"] == "read")
    assert counted == above >= 1
    names = {full_name(measure) for measure in MEASURES.values()}
    assert {name.removesuffix("_total") for name in families} <= names


def test_only_who_is_known_may_read_it(anonymous: TestClient) -> None:
    for path in ("/metrics", "/api/metrics"):
        answer = anonymous.get(path)
        assert (answer.status_code, answer.json()["type"]) == (403, "/errors/not-signed-in")


def test_a_server_that_can_work_is_ready(anonymous: TestClient) -> None:
    answer = anonymous.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"is_ready": True, "database": "ready", "storage": "ready", "worker": "none"}


def test_a_server_without_its_storage_is_not_ready_and_says_no_more_than_that(
    anonymous: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_key: str) -> bool:
        raise OSError("s3://secret-bucket does not answer")

    monkeypatch.setattr(app.state.blobs, "has", fail)
    answer = anonymous.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["storage"] == "not answering"
    assert "secret" not in answer.text


def test_a_server_whose_folder_of_images_is_gone_is_not_ready(
    anonymous: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(app.state, "blobs", Blobs.at(tmp_path / "disk"))
    assert anonymous.get("/readyz").status_code == 200
    (tmp_path / "disk").rmdir()
    answer = anonymous.get("/readyz")
    assert (answer.status_code, answer.json()["storage"]) == (503, "not answering")
    assert "disk" not in answer.text


def test_a_server_whose_database_is_gone_is_not_ready(
    anonymous: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state, "database", Database("sqlite:////nowhere/at/all.sqlite"))
    answer = anonymous.get("/readyz")
    assert answer.status_code == 503
    assert (answer.json()["database"], answer.json()["worker"]) == ("not answering", "unknown")
