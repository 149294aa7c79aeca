"""Measures as Prometheus reads them."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from fluxtune.metrics import repository
from fluxtune.metrics.catalogue import BOUNDS, MEASURES, Measure
from fluxtune.metrics.meter import METER, Cell, Key
from fluxtune.metrics.service import GRAINS
from fluxtune.metrics.sources import Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "fluxtune_"


def write(session: Session, samples: Iterable[Sample]) -> bytes:
    """Return everything that is known, in the text format.

    Counts of jobs and images are of the whole studio and the same from each of its servers; those of requests are of
    the server that answers. `samples` are what is so now; of what is measured rarely the newest is told.
    """
    cells = {key: cell for key, cell in METER.totals().items() if not MEASURES[key[0]].is_ours}
    cells.update(repository.list_totals(session))
    for name in ("stored_bytes", "spent_this_month"):
        for row in repository.newest(session, name, GRAINS[-1].seconds):
            cells[name, row.label] = Cell(1, row.last, row.last, row.last)
    for sample in samples:
        cells[sample.name, sample.label] = Cell(1, sample.value, sample.value, sample.value)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(cells))
    return generate_latest(registry)


class _Families(Collector):
    """Hands cells to the library that writes them."""

    def __init__(self, cells: Mapping[Key, Cell]) -> None:
        self._cells = cells

    def collect(self) -> Iterator[Metric]:
        """Yield one family per measure that was seen."""
        for measure in MEASURES.values():
            lines = {label: cell for (name, label), cell in sorted(self._cells.items()) if name == measure.name}
            if lines:
                yield _family(measure, lines)


def _family(measure: Measure, lines: Mapping[str, Cell]) -> Metric:
    name, labels = full_name(measure), [measure.label] if measure.label else []
    if measure.kind == "counter":
        counter = CounterMetricFamily(name, measure.help, labels=labels)
        for label, cell in lines.items():
            counter.add_metric([label] if labels else [], cell.total)
        return counter
    if measure.kind == "gauge":
        gauge = GaugeMetricFamily(name, measure.help, labels=labels)
        for label, cell in lines.items():
            gauge.add_metric([label] if labels else [], cell.last)
        return gauge
    histogram = HistogramMetricFamily(name, measure.help, labels=labels)
    for label, cell in lines.items():
        histogram.add_metric([label] if labels else [], _buckets(cell), cell.total)
    return histogram


def full_name(measure: Measure) -> str:
    """Return a measure's name as Prometheus wants it: with the product's before it, the unit at its end."""
    unit = {"credits": "_credits", "ratio": "_ratio"}.get(measure.unit, "")
    return f"{PREFIX}{measure.name}{unit}"


def _buckets(cell: Cell) -> list[tuple[str, float]]:
    """Return how many values are at or below each bound."""
    sizes = cell.buckets or [0] * (len(BOUNDS) + 1)
    running, found = 0, []
    for bound, size in zip((*map(str, BOUNDS), "+Inf"), sizes, strict=True):
        running += size
        found.append((bound, float(running)))
    return found
