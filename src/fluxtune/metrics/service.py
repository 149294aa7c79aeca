"""Count and time things, and read back how they went over time."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.metrics import repository
from fluxtune.metrics.catalogue import BOUNDS, MEASURES, Measure
from fluxtune.metrics.meter import METER, Cell
from fluxtune.metrics.schemas import MetricLine, MetricPage, MetricPoint, MetricSeries

Range = Literal["hour", "day", "week", "month", "year"]


class Grain(NamedTuple):
    """How fine measures are kept, in seconds, and for how long."""

    seconds: int
    keep: timedelta


GRAINS = (Grain(60, timedelta(hours=6)), Grain(900, timedelta(days=8)), Grain(14_400, timedelta(days=400)))
_SPANS: dict[Range, tuple[timedelta, int, int]] = {
    # How far back, the grain that is read, and how many seconds make one point of the plot.
    "hour": (timedelta(hours=1), 60, 60),
    "day": (timedelta(days=1), 900, 900),
    "week": (timedelta(days=7), 900, 7_200),
    "month": (timedelta(days=30), 14_400, 28_800),
    "year": (timedelta(days=365), 14_400, 345_600),
}


def count(name: str, amount: float = 1.0, label: str = "") -> None:
    """Count something. Raises `KeyError` for what is not in the catalogue."""
    METER.add(name, amount, label[:64])


def observe(name: str, value: float, label: str = "") -> None:
    """Take in a measured value: seconds, bytes, a share. Raises `KeyError` for what is not in the catalogue."""
    METER.add(name, value, label[:64])


def floor(at: datetime, seconds: int) -> datetime:
    """Return the beginning of the stretch of so many seconds a time lies in, counted from 1970."""
    return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)


def read(session: Session, span: Range, names: Sequence[str] | None = None, at: datetime | None = None) -> MetricPage:
    """Return measures over the last hour, day, week, month or year, each with as many points as a plot can show.

    A histogram has the half, the 95th and the 99th hundredth of its values; a counter what came in each stretch; a
    gauge its mean and its largest value. Stretches in which nothing was seen have no point, but for counters 0.
    """
    back, grain, step = _SPANS[span]
    end = floor(at or now(), step) + timedelta(seconds=step)
    begin = end - back
    wanted = [MEASURES[name] for name in (names or MEASURES) if name in MEASURES]
    cells: dict[str, dict[str, dict[datetime, Cell]]] = defaultdict(lambda: defaultdict(dict))
    for seen_at, (name, label), cell in repository.list_points(session, grain, begin, [each.name for each in wanted]):
        cells[name][label].setdefault(floor(seen_at, step), Cell()).merge(cell)
    times = [begin + timedelta(seconds=step * index) for index in range(int(back.total_seconds() // step))]
    return MetricPage(
        range=span,
        step_s=step,
        begins_at=begin,
        ends_at=end,
        series=[_series(measure, cells[measure.name], times) for measure in wanted],
    )


def _series(measure: Measure, lines: dict[str, dict[datetime, Cell]], times: list[datetime]) -> MetricSeries:
    return MetricSeries(
        name=measure.name,
        kind=measure.kind,
        unit=measure.unit,
        title=measure.title,
        help=measure.help,
        label=measure.label,
        lines=[
            MetricLine(label=label, points=_points(measure, cells, times), **_summary(measure, cells))
            for label, cells in sorted(lines.items())
        ],
    )


def _points(measure: Measure, cells: dict[datetime, Cell], times: list[datetime]) -> list[MetricPoint]:
    points: list[MetricPoint] = []
    for at in times:
        cell = cells.get(at)
        if cell is not None:
            points.append(_point(measure, at, cell))
        elif measure.kind == "counter":
            points.append(MetricPoint(at=at, value=0.0, most=0.0, p50=None, p95=None, p99=None, count=0))
    return points


def _point(measure: Measure, at: datetime, cell: Cell) -> MetricPoint:
    value = cell.total if measure.kind == "counter" else cell.total / cell.count
    p50, p95, p99 = (quantile(cell, share) for share in (0.5, 0.95, 0.99))
    return MetricPoint(at=at, value=value, most=cell.most, p50=p50, p95=p95, p99=p99, count=cell.count)


def _summary(measure: Measure, cells: dict[datetime, Cell]) -> dict[str, float | None]:
    whole = Cell()
    for at in sorted(cells):
        whole.merge(cells[at])
    p50, p95, p99 = (quantile(whole, share) for share in (0.5, 0.95, 0.99))
    total = whole.total if measure.kind == "counter" else None
    return {"sum": total, "last": whole.last, "p50": p50, "p95": p95, "p99": p99}


def quantile(cell: Cell, share: float) -> float | None:
    """Return the value that this share of all values stays under, None where there are no buckets.

    Within a bucket values are taken to lie evenly, as Prometheus does; none is above the largest that was seen.
    """
    if not cell.buckets or not cell.count:
        return None
    rank = share * cell.count
    below = 0
    for index, size in enumerate(cell.buckets):
        if size and below + size >= rank:
            low = BOUNDS[index - 1] if index else 0.0
            high = BOUNDS[index] if index < len(BOUNDS) else max(cell.most, low)
            return min(low + (high - low) * (rank - below) / size, cell.most)
        below += size
    return cell.most
