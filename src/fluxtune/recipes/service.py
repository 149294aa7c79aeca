"""Templates: recipes kept under a name, written to and read from files."""

import re

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict, InvalidInput, NotFound
from fluxtune.core.ids import new_id
from fluxtune.core.text import clean_text
from fluxtune.recipes import repository
from fluxtune.recipes.checks import require_valid
from fluxtune.recipes.schemas import RecipeDocument, Template, TemplateCreate, TemplateImport, TemplateUpdate
from fluxtune.recipes.tables import TemplateRow
from fluxtune.recipes.text import read_recipe, write_recipe


class TemplateMissing(NotFound):
    """No such template."""

    title = "No such template"
    action = "Choose one of the list; it may have been removed."


class TemplateNameTaken(Conflict):
    """Another template has this name."""

    title = "There is a template with this name"
    action = "Choose another name, or change that template."


class TemplateService:
    """Keeps recipes under names."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list_templates(self) -> list[Template]:
        """Return all templates by name."""
        return [_to_schema(row) for row in repository.list_templates(self._session)]

    def get_template(self, template_id: str) -> Template:
        """Return one template."""
        return _to_schema(self._row(template_id))

    def create_template(self, create: TemplateCreate) -> Template:
        """Keep a recipe; its settings are checked, its name must be free."""
        name = self._free_name(create.name, None)
        row = TemplateRow(
            id=new_id(),
            name=name,
            name_folded=name.casefold(),
            notes=clean_text(create.notes),
            base=create.base,
            mode=create.mode,
            quality=create.quality,
            recipe=require_valid(create.recipe),
            created_at=now(),
            updated_at=now(),
        )
        repository.add(self._session, row)
        return _to_schema(row)

    def update_template(self, template_id: str, change: TemplateUpdate) -> Template:
        """Change what was given."""
        row = self._row(template_id)
        given = change.model_fields_set
        if change.name is not None:
            row.name = self._free_name(change.name, row.id)
            row.name_folded = row.name.casefold()
        if change.notes is not None:
            row.notes = clean_text(change.notes)
        if change.recipe is not None:
            row.recipe = require_valid(change.recipe)
        for field in ("base", "mode", "quality"):
            if field in given:
                setattr(row, field, getattr(change, field))
        row.updated_at = now()
        return _to_schema(row)

    def delete_template(self, template_id: str) -> None:
        """Remove a template; finetunes made with it keep their recipes."""
        row = self._row(template_id)
        repository.remove(self._session, row)
        audit.record(self._session, "template.deleted", "template", template_id, name=row.name)

    def export_template(self, template_id: str) -> tuple[str, str]:
        """Return a template as YAML, and a file name for it."""
        row = self._row(template_id)
        document = RecipeDocument.model_validate(
            {"name": row.name, "base": row.base, "mode": row.mode, "quality": row.quality, "recipe": row.recipe}
        )
        return write_recipe(document), f"{_slug(row.name)}.yaml"

    def import_template(self, given: TemplateImport) -> Template:
        """Keep a recipe document as a template."""
        document = read_recipe(given.text)
        name = given.name or document.name
        if not name:
            raise InvalidInput("The document has no name.", action="Say under which name to keep it.", field="name")
        return self.create_template(
            TemplateCreate(
                name=name, base=document.base, mode=document.mode, quality=document.quality, recipe=document.recipe
            )
        )

    def _row(self, template_id: str) -> TemplateRow:
        row = repository.find_template(self._session, template_id)
        if row is None:
            raise TemplateMissing(f"There is no template “{template_id[:64]}”.")
        return row

    def _free_name(self, wish: str, own_id: str | None) -> str:
        name = clean_text(wish)
        if not name:
            raise InvalidInput("The name is empty.", field="name")
        other = repository.find_by_name(self._session, name.casefold())
        if other is not None and other.id != own_id:
            raise TemplateNameTaken(f"“{other.name}” is there already.", field="name")
        return name


def _to_schema(row: TemplateRow) -> Template:
    fields = ("id", "name", "notes", "base", "mode", "quality", "recipe", "created_at", "updated_at")
    return Template.model_validate({field: getattr(row, field) for field in fields})


def _slug(text: str) -> str:
    """Return a file name part any system accepts."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:60] or "recipe"
