"""What finetunes and images start from where nobody says otherwise, for each kind of concept."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError


def _is_recipe(values: dict[str, Any]) -> dict[str, Any]:
    """Accept settings that a recipe has, with values it allows; return them as their own types ("5" as a number)."""
    # Loading it takes longer than reading all settings, and few settings files say anything of recipes.
    from fluxtune.engine.config import Recipe

    try:
        return Recipe.model_validate(values).model_dump(mode="json", include=set(values))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error


class ModeDefaults(BaseModel):
    """What finetunes of one mode, and images of models that came of them, start from."""

    base: str = Field(
        "",
        max_length=64,
        title="Base",
        description="What finetunes start from; empty: the one that is always there.",
        json_schema_extra={"picks": "bases"},
    )
    quality: Literal["draft", "balanced", "best"] = Field(
        "balanced",
        title="How good",
        description="How good finetunes are to become.",
        json_schema_extra={"labels": {"draft": "Draft", "balanced": "Balanced", "best": "Best"}},
    )
    recipe: Annotated[dict[str, Any], AfterValidator(_is_recipe)] = Field(
        {},
        title="Recipe",
        description="Settings of the recipe that differ from what mode, quality and base imply, by their names.",
    )
    count: int = Field(4, ge=1, le=32, title="Images", description="How many images are made at once.")
    finetune_strength: float = Field(
        1.0, ge=0, le=2, title="Strength", description="How strongly a finetuned model acts: 1 is as trained."
    )
    width: int | None = Field(
        None, ge=64, le=2048, multiple_of=16, title="Width", description="Of images; empty: what the base wants."
    )
    height: int | None = Field(
        None, ge=64, le=2048, multiple_of=16, title="Height", description="Of images; empty: what the base wants."
    )
    steps: int | None = Field(
        None, ge=1, le=150, title="Steps", description="How often an image is refined; empty: what the base wants."
    )
    guidance: float | None = Field(
        None, ge=1, le=20, title="Guidance", description="How closely prompts are followed; empty: what the base wants."
    )


class DefaultsSettings(BaseModel):
    """What finetunes and images start from, by what is taught. Images of bases start from those of `general`."""

    character: ModeDefaults = Field(title="Defaults: character", default_factory=lambda: ModeDefaults())
    product: ModeDefaults = Field(title="Defaults: product", default_factory=lambda: ModeDefaults())
    style: ModeDefaults = Field(title="Defaults: style", default_factory=lambda: ModeDefaults())
    general: ModeDefaults = Field(title="Defaults: general", default_factory=lambda: ModeDefaults())

    def of(self, mode: str | None) -> ModeDefaults:
        """Return the defaults of a mode; of none, those of `general`."""
        found: ModeDefaults = getattr(self, mode) if mode in DefaultsSettings.model_fields else self.general
        return found
