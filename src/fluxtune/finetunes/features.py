"""What the feature flags allow of a finetune."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from fluxtune.flags import service as flags


def require_settings(session: Session, names: Iterable[str]) -> None:
    """Raise `FlagOff` unless `acting()` may choose settings of a recipe beyond the three choices."""
    for name in names:
        flags.require(session, "advanced-parameters", field=f"recipe.{name}")
