"""Takes secrets out of what is written down or given away: by the name they stand under, by how they look, by value."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

HIDDEN = "•••"
_SHORTEST = 6
"""A secret of fewer letters is likely to be an ordinary word, too."""

_READ_EVERY_S = 5.0

_NAME = re.compile(
    r"(^|[_\-.])(token|secret|password|passwd|passphrase|authorization|cookie|credentials?|api[_-]?key|x[_-]?key"
    r"|private[_-]?key|secret[_-]?key|bfl[_-]?api[_-]?key|access[_-]?key)$",
    re.IGNORECASE,
)
_LOOKS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Addresses: name and password before the host; what signs or lets in among the parameters.
    (re.compile(r"(\w[\w+.\-]*://)[^\s/@\"']+@"), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"([?&](?:token|key|secret|password|sig|signature|access_token|x-amz-[a-z\-]+)=)[^\s&\"'#]+", re.IGNORECASE
        ),
        rf"\1{HIDDEN}",
    ),
    # Headers and assignments as they stand in texts and tracebacks.
    (re.compile(r"\b(bearer|basic)\s+[\w\-.~+/=]{6,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"((?:x-key|api[_-]?key|authorization|set-cookie|cookie|password|passwd|secret|secret_key|token)"
            r"[\"']?\s*[:=]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s,;}\])]+)",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
    # Tokens as this studio and well-known services make them; what `cryptography` has encrypted.
    (re.compile(r"\bfluxtune-[\w\-]{20,}"), HIDDEN),
    (re.compile(r"\bfluxtune_session(?:_\d+)?=[\w\-]+"), f"fluxtune_session={HIDDEN}"),
    (re.compile(r"\b(?:sk|hf|ghp|glpat|xox[abp])[-_][\w\-]{12,}"), HIDDEN),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), HIDDEN),
    (re.compile(r"\bgAAAA[\w\-]{40,}={0,2}"), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), HIDDEN),
)


class Redactor:
    """Hides secrets; `settings`' own are known by their value, whatever the text around them."""

    def __init__(self, settings: BaseModel | None = None) -> None:
        self._settings = settings
        self._read_at = 0.0
        self._known: tuple[str, ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Read the secrets of the settings again, which may have been changed; done by itself now and then."""
        self._read_at = time.monotonic()
        if self._settings is not None:
            found = {value for value in secrets_of(self._settings) if len(value) >= _SHORTEST}
            self._known = tuple(sorted(found, key=len, reverse=True))

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        if time.monotonic() - self._read_at > _READ_EVERY_S:
            self.refresh()
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        for look, instead in _LOOKS:
            text = look.sub(instead, text)
        return text

    def value(self, value: Any, name: str = "") -> Any:
        """Return JSON-like values without secrets: whole ones under a secret's name, parts of all texts."""
        if name and value not in (None, "", False, True) and _NAME.search(name):
            return HIDDEN
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, SecretStr):
            return HIDDEN
        if isinstance(value, Mapping):
            return {key: self.value(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner) for inner in value]
        return value


def secrets_of(model: BaseModel) -> Iterator[str]:
    """Yield the secrets of settings, however deep."""
    for name in type(model).model_fields:
        yield from _secrets(getattr(model, name, None))


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from secrets_of(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secrets(inner)
