"""Tokens of programs, over a studio's API."""

from collections.abc import Sequence

from fluxtune.accounts.schemas import ApiToken, ApiTokenCreate, NewApiToken, Scope
from fluxtune.client.people import PeopleCalls


class TokenCalls(PeopleCalls):
    """What a studio's API does with tokens, and with the people whose they are."""

    def create_token(self, name: str, scopes: Sequence[Scope] = ("v1",), days: int | None = None) -> NewApiToken:
        """Make a token; it is shown this once. `days` is for how long; None is until it is revoked."""
        body = ApiTokenCreate.model_construct(name=name, scopes=list(scopes), days=days).model_dump(mode="json")
        return self.fetch(NewApiToken, "POST", "/api/tokens", json=body)

    def tokens(self) -> list[ApiToken]:
        """List the tokens, newest first, revoked ones too."""
        return self.fetch(list[ApiToken], "GET", "/api/tokens")

    def revoke_token(self, token_id: str) -> ApiToken:
        """Let nobody in with a token any more."""
        return self.fetch(ApiToken, "POST", f"/api/tokens/{token_id}/revocation")
