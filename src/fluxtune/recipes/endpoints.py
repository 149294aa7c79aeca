"""Read recipe documents; keep recipes as templates."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy.orm import Session

from fluxtune.core.errors import Problem
from fluxtune.db import get_session
from fluxtune.recipes.schemas import (
    RecipeDocument,
    RecipeText,
    Template,
    TemplateCreate,
    TemplateImport,
    TemplateUpdate,
)
from fluxtune.recipes.service import TemplateService
from fluxtune.recipes.text import read_recipe

YAML_TYPE = "application/yaml"


async def get_service(session: Annotated[Session, Depends(get_session, scope="function")]) -> TemplateService:
    """Return the templates of this request."""
    return TemplateService(session)


Templates = Annotated[TemplateService, Depends(get_service)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such template."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "Another template has this name."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
YAML: Responses = {200: {"content": {YAML_TYPE: {}}, "description": "The recipe document."}}

router = APIRouter(prefix="/api", tags=["recipes"], responses=INVALID)


@router.post("/recipes/read")
def read_document(given: RecipeText) -> RecipeDocument:
    """Read a recipe document; what is wrong in it is named with its line and field."""
    return read_recipe(given.text)


@router.get("/templates")
def list_templates(templates: Templates) -> list[Template]:
    """List all templates by name."""
    return templates.list_templates()


@router.post("/templates", status_code=201, responses=CONFLICT)
def create_template(create: TemplateCreate, templates: Templates) -> Template:
    """Keep a recipe under a name."""
    return templates.create_template(create)


@router.post("/templates/import", status_code=201, responses=CONFLICT)
def import_template(given: TemplateImport, templates: Templates) -> Template:
    """Keep a recipe document as a template."""
    return templates.import_template(given)


@router.get("/templates/{template_id}", responses=NOT_FOUND)
def get_template(template_id: str, templates: Templates) -> Template:
    """Show one template."""
    return templates.get_template(template_id)


@router.patch("/templates/{template_id}", responses={**NOT_FOUND, **CONFLICT})
def update_template(template_id: str, change: TemplateUpdate, templates: Templates) -> Template:
    """Change a template; what is left out stays."""
    return templates.update_template(template_id, change)


@router.delete("/templates/{template_id}", status_code=204, responses=NOT_FOUND)
def delete_template(template_id: str, templates: Templates) -> None:
    """Remove a template; finetunes made with it keep their recipes."""
    templates.delete_template(template_id)


@router.get("/templates/{template_id}/file", responses={**NOT_FOUND, **YAML}, response_class=Response)
def get_template_file(template_id: str, templates: Templates) -> Response:
    """Download a template as a recipe document."""
    text, name = templates.export_template(template_id)
    return Response(text, media_type=YAML_TYPE, headers={"content-disposition": f'attachment; filename="{name}"'})
