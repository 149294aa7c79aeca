"""Traces reach a collector, without secrets; without one named nothing is loaded or sent."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from fluxtune.api.app import create_app
from fluxtune.api.telemetry import is_untraced, set_up_telemetry
from fluxtune.config import Settings

got: list[tuple[str, str, bytes]] = []


class Collector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        got.append((self.path, self.headers.get("x-collector", ""), body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[str]:
    got.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_requests_are_traced_and_nothing_secret_is_sent(settings: Settings, collector: str) -> None:
    settings.telemetry.endpoint = collector
    settings.telemetry.headers = {"x-collector": SecretStr("let-me-in")}
    app = create_app(settings, studio_token="studio-token-1")
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        client.post("/api/session", json={"token": "studio-token-1"})
        client.get("/api/jobs/nothing?token=query-secret")
        client.get("/?token=link-secret")
        client.get("/healthz")
    paths = {path for path, _, _ in got}
    assert paths == {"/v1/traces", "/v1/metrics"}
    assert {header for _, header, _ in got} == {"let-me-in"}
    traces = b"".join(body for path, _, body in got if path == "/v1/traces")
    assert b"/api/jobs/{job_id}" in traces
    assert spans_and_measures() == ({"GET /api/jobs/{job_id}", "POST /api/session"}, True)
    for secret in (b"query-secret", b"link-secret", b"studio-token-1", b"healthz"):
        assert secret not in traces


def spans_and_measures() -> tuple[set[str], bool]:
    """Return the names of the spans of requests that came, read as a collector reads them, and whether times came."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    names, measures = set(), set()
    for path, _, body in got:
        if path == "/v1/traces":
            for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
                names |= {span.name for scope in sent.scope_spans for span in scope.spans if not span.parent_span_id}
        else:
            for told in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                measures |= {metric.name for scope in told.scope_metrics for metric in scope.metrics}
    return names, "http.server.request.duration" in measures


def test_without_a_collector_nothing_is_set_up(settings: Settings) -> None:
    assert set_up_telemetry(settings)[0] is None


@pytest.mark.parametrize(
    ("path", "is_left_out"),
    [("/api/events", True), ("/metrics", True), ("/", True), ("/api/jobs", False), ("/v1/credits", False)],
)
def test_only_the_api_is_traced(path: str, is_left_out: bool) -> None:
    assert is_untraced({"path": path}) is is_left_out
