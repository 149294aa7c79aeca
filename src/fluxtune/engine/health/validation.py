"""The validation figures of a run, read from its events."""

from fluxtune.engine.events import RunEvent
from fluxtune.engine.reports import ValidationFigure
from fluxtune.engine.runfolder import RunFolder


def validation_of(folder: RunFolder, step: int) -> ValidationFigure | None:
    """Return what `run.validated` said last at a step, or at the newest one before it; None where it never did."""
    found: ValidationFigure | None = None
    try:
        lines = folder.events.read_bytes().splitlines()
    except OSError:
        return None
    for line in lines:
        if b'"run.validated"' not in line:
            continue
        try:
            data = RunEvent.model_validate_json(line).data
            figure = ValidationFigure.model_validate(data)
        except ValueError:
            continue
        if figure.step <= step and (found is None or figure.step >= found.step):
            found = figure
    return found
