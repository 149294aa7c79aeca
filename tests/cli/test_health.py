"""How a health report and a comparison look in a terminal, and which check a command waits for."""

from io import StringIO
from typing import Any

import pytest
import typer
from rich.console import Console

from fluxtune.cli import exits, health
from fluxtune.cli.output import Output
from fluxtune.client import Client
from fluxtune.core.errors import OutOfMemory
from fluxtune.health.schemas import Health
from fluxtune.jobs.schemas import Job
from tests.unit.health.test_health import report_of


def health_of(state: str | None, *, has_report: bool) -> Health:
    job = None
    if state is not None:
        job = Job.model_validate(
            dict.fromkeys(Job.model_fields)
            | {"id": "j", "kind": "health", "title": "Health", "target_id": "f", "state": state, "phase": "", "step": 0}
            | {"steps": 0, "lane": "device", "created_at": "2026-01-01T00:00:00Z"}
            | {"error": OutOfMemory("Needs more.").problem() if state == "failed" else None}
        )
    return Health.model_validate(
        {
            "finetune_id": "f", "job": job, "report": report_of("x") if has_report else None, "images": {},
            "training_images": {}, "measured_at": None,
        }
    )  # fmt: skip


class PlayedClient:
    """Answers with one health after the other; remembers what was asked for."""

    def __init__(self, *answers: Health):
        self.answers, self.measured = list(answers), 0

    def finetune_health(self, finetune_id: str) -> Health:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def check_finetune(self, finetune_id: str) -> Any:
        self.measured += 1
        return health_of("queued", has_report=False).job

    def follow(self, job_id: str) -> Any:
        return iter(())


def read(client: PlayedClient, *, measure: bool = False) -> Health:
    played: Client = client  # type: ignore[assignment]
    return health.read_health(played, "f", Output(True), measure=measure)


class TestWhichCheck:
    done = health_of("succeeded", has_report=True)

    def test_a_report_that_is_there_is_shown(self):
        client = PlayedClient(self.done)
        assert read(client).report is not None
        assert client.measured == 0

    def test_without_one_it_is_measured(self):
        client = PlayedClient(health_of(None, has_report=False), self.done)
        assert read(client).report is not None
        assert client.measured == 1

    def test_it_is_measured_again_when_asked(self):
        client = PlayedClient(self.done)
        read(client, measure=True)
        assert client.measured == 1

    def test_one_that_is_on_its_way_is_waited_for(self):
        client = PlayedClient(health_of("running", has_report=False), self.done)
        assert read(client, measure=True).report is not None
        assert client.measured == 0

    @pytest.mark.parametrize(("state", "code"), [("failed", exits.OUT_OF_MEMORY), ("cancelled", exits.CANCELLED)])
    def test_one_that_ended_badly_gives_its_code(self, state, code):
        client = PlayedClient(health_of("running", has_report=False), health_of(state, has_report=False))
        with pytest.raises(typer.Exit) as caught:
            read(client)
        assert caught.value.exit_code == code


def test_the_report_is_a_table_with_a_recommendation():
    shown = health_of("succeeded", has_report=True)
    screen = Console(width=200, record=True, quiet=False, file=StringIO())
    assert shown.report is not None
    health._render(shown, shown.report, screen)
    text = screen.export_text()
    assert "0.80 (0.60 … 0.90)" in text
    assert "Step 20 at 1." in text
    assert "by the base" in text
