"""Every measure there is: its name, what kind of number it is, its unit, and what it says."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Unit = Literal["", "seconds", "bytes", "ratio", "credits"]

BOUNDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0,
)  # fmt: skip
"""Upper ends of a histogram's buckets, in seconds: from a fast answer to a long wait. One more bucket is above."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured.

    `label` names what tells its lines apart, empty where there is one line. `is_ours` means: of the whole studio and
    not of one process, so that the database has its total.
    """

    name: str
    kind: Kind
    unit: Unit
    title: str
    help: str
    label: str = ""
    is_ours: bool = False


_ALL = (
    Measure("jobs_waiting", "gauge", "", "Jobs that wait", "Jobs in the queue.", "lane", True),
    Measure("jobs_running", "gauge", "", "Jobs that run", "Jobs some worker is at work on.", "lane", True),
    Measure("workers", "gauge", "", "Workers", "Workers that live.", "", True),
    Measure(
        "job_wait_seconds",
        "histogram",
        "seconds",
        "Wait in the queue",
        "From being queued to being begun.",
        "kind",
        True,
    ),
    Measure("jobs_ended", "counter", "", "Jobs that ended", "Jobs by how they ended.", "outcome", True),
    Measure("job_errors", "counter", "", "Errors by cause", "Failed jobs by the error that ended them.", "cause", True),
    Measure("step_seconds", "histogram", "seconds", "Seconds per step", "Seconds per step of finetunes.", "", True),
    Measure("images_made", "counter", "", "Images made", "Finished images by what made them.", "backend", True),
    Measure(
        "request_seconds", "histogram", "seconds", "Time to answer", "Time until an answer of the API was sent.", "part"
    ),
    Measure("request_errors", "counter", "", "Refused and broken requests", "Answers from 400 on.", "status"),
    Measure("spent_this_month", "gauge", "credits", "Spent this month", "Credits spent or set aside.", "", True),
    Measure("stored_bytes", "gauge", "bytes", "Storage", "What the studio holds, by part.", "part", True),
    Measure("disk_free_bytes", "gauge", "bytes", "Disk free", "Room left where the data folder is.", "host"),
    Measure("cpu", "gauge", "ratio", "Processor", "Load over all cores.", "host"),
    Measure("memory", "gauge", "ratio", "Memory", "Part of the memory in use.", "host"),
    Measure("gpu", "gauge", "ratio", "GPU", "Load of a graphics card.", "card"),
    Measure("gpu_memory", "gauge", "ratio", "GPU memory", "Part of a graphics card's memory in use.", "card"),
    Measure("listeners", "gauge", "", "Open event streams", "Pages and programs that follow events.", "host"),
)
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
