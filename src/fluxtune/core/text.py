"""Text as users give it, before it is kept."""


def clean_text(text: str) -> str:
    """Return the text without blanks around it, and without zero bytes, which PostgreSQL can't store."""
    return text.replace("\x00", "").strip()
