"""What people say of models, as it is kept."""

from typing import Any

from fluxtune.core.text import clean_text


def cleaned_value(field: str, value: Any) -> Any:
    """Return what a user gave as it is kept: tags small and each once, nothing empty in lists."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        texts = (clean_text(text) for text in value)
        return list(dict.fromkeys((text.lower() if field == "tags" else text) for text in texts if text))
    return value
