"""What a setting can say of itself in its declaration, for the page of settings.

Beside these marks a declaration may hold `labels`, what its choices are called for people, and `picks`, what there is
to choose from: the bases.
"""

from typing import Any

# What a setting says of itself, for the page of settings: needed before the database is open; read only at the start;
# of use to few.
FIXED: dict[str, Any] = {"fixed": True}
RESTART: dict[str, Any] = {"restart": True}
EXPERT: dict[str, Any] = {"level": "expert"}
EXPERT_RESTART: dict[str, Any] = {**EXPERT, **RESTART}
