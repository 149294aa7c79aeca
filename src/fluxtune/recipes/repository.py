"""Every query about templates."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from fluxtune.recipes.tables import TemplateRow


def find_template(session: Session, template_id: str) -> TemplateRow | None:
    """Return one template."""
    return session.get(TemplateRow, template_id)


def find_by_name(session: Session, name_folded: str) -> TemplateRow | None:
    """Return the template with this name, whatever its case."""
    return session.scalars(select(TemplateRow).where(TemplateRow.name_folded == name_folded)).first()


def list_templates(session: Session) -> Sequence[TemplateRow]:
    """Return all templates by name."""
    return session.scalars(select(TemplateRow).order_by(TemplateRow.name_folded)).all()


def add(session: Session, row: TemplateRow) -> None:
    """Add a template."""
    session.add(row)
    session.flush()


def remove(session: Session, row: TemplateRow) -> None:
    """Remove a template."""
    session.delete(row)
    session.flush()
