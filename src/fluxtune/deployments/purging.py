"""Parity checks of models that are removed for good."""

from sqlalchemy.orm import Session

from fluxtune.deployments import repository


def forget_model(session: Session, model_id: str) -> None:
    """Remove a model's checks; call before the model itself goes. The images stay in the gallery."""
    repository.remove_of_model(session, model_id)
