"""Traces and measures of requests to an OpenTelemetry collector. FastAPI makes them; this only says where they go."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog

import fluxtune
from fluxtune.config import Settings
from fluxtune.config.redaction import HIDDEN
from fluxtune.core.errors import NotReady

log = structlog.get_logger(__name__)

_STREAMS = "/events"
_TRACED = ("/api/", "/v1/")


class TelemetryMissing(NotReady):
    """A collector is named, and what speaks to it is not installed."""

    title = "Telemetry can't be sent"
    action = "Run `pip install 'fluxtune[telemetry]'`, or leave `telemetry.endpoint` empty."


def set_up_telemetry(settings: Settings) -> tuple[dict[str, Any] | None, Callable[[], None]]:
    """Return what `FastAPI(telemetry=…)` takes, None where no collector is named, and what sends the rest at the end.

    Raises `TelemetryMissing` where the packages are not there. Exception messages and bodies are not sent: they may
    hold what users wrote. Addresses are sent without what follows the question mark.
    """
    wanted = settings.telemetry
    if not wanted.endpoint:
        return None, lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as error:
        raise TelemetryMissing(
            "The packages of the extra `telemetry` are not installed.", technical=str(error)
        ) from error
    base = wanted.endpoint.rstrip("/")
    headers = {name: value.get_secret_value() for name, value in wanted.headers.items()}
    resource = Resource.create({"service.name": "fluxtune", "service.version": fluxtune.__version__})
    tracers = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(wanted.traced)))

    class WithoutQueries(BatchSpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            if span.attributes and "url.query" in span.attributes:
                span.set_attribute("url.query", HIDDEN)
            super().on_start(span, parent_context)

    tracers.add_span_processor(WithoutQueries(OTLPSpanExporter(f"{base}/v1/traces", headers=headers)))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/v1/metrics", headers=headers))
    meters = MeterProvider([reader], resource=resource)

    def end() -> None:
        for provider in (tracers, meters):
            try:
                provider.shutdown()
            except Exception as error:
                log.warning("the last telemetry could not be sent", error=str(error))

    config = {
        "tracer_provider": tracers, "meter_provider": meters, "logs": False, "operation_spans": False,
        "auto_configure": False, "exclude": is_untraced,
    }  # fmt: skip
    return config, end


def is_untraced(scope: Mapping[str, Any]) -> bool:
    """Return whether a request is left out: all but the API's, and event streams, which last for minutes."""
    path = str(scope.get("path", ""))
    return not path.startswith(_TRACED) or path.endswith(_STREAMS)
