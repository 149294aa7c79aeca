"""Measures over time as the API shows them."""

from datetime import datetime

from pydantic import BaseModel

from fluxtune.metrics.catalogue import Kind, Unit


class MetricPoint(BaseModel):
    """One stretch of time: of a counter what came in it, of a gauge its mean, of a histogram the mean of its values."""

    at: datetime
    value: float
    most: float
    p50: float | None
    p95: float | None
    p99: float | None
    count: int


class MetricLine(BaseModel):
    """One label of a measure; `sum` is of counters, the hundredths are of histograms, over the whole range."""

    label: str
    points: list[MetricPoint]
    sum: float | None
    last: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class MetricSeries(BaseModel):
    """One measure; `label` names what tells its lines apart."""

    name: str
    kind: Kind
    unit: Unit
    title: str
    help: str
    label: str
    lines: list[MetricLine]


class MetricPage(BaseModel):
    """Measures of one range of time, `step_s` seconds a point."""

    range: str
    step_s: int
    begins_at: datetime
    ends_at: datetime
    series: list[MetricSeries]
