"""Hosted images: keys, budget, ledger, and fetching what is owed."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from fluxtune.client.http import Connection, request_body
from fluxtune.generations.schemas import Generation, GenerationCreate, GenerationEstimate, GenerationRetry
from fluxtune.hosted.schemas import (
    Budget,
    HostedAccount,
    HostedKeyCreate,
    HostedModel,
    HostedStatus,
    LedgerLine,
    LedgerPage,
    Region,
)


class HostedCalls(Connection):
    """The part of a studio's client that spends money, or says what was spent."""

    def hosted_models(self) -> list[HostedModel]:
        """List every hosted model there is or was."""
        return self.fetch(list[HostedModel], "GET", "/api/hosted/models")

    def hosted_status(self) -> HostedStatus:
        """Return keys, budget and what was spent."""
        return self.fetch(HostedStatus, "GET", "/api/hosted/status")

    def hosted_accounts(self) -> list[HostedAccount]:
        """Ask the server of every key how many credits are left."""
        return self.fetch(list[HostedAccount], "GET", "/api/hosted/accounts")

    def add_hosted_key(self, name: str, key: str, region: Region = "global") -> HostedAccount:
        """Try a key and store it encrypted."""
        body = HostedKeyCreate(name=name, key=key, region=region).model_dump(mode="json")
        return self.fetch(HostedAccount, "POST", "/api/hosted/keys", json=body)

    def remove_hosted_key(self, name: str) -> None:
        """Forget a key."""
        self.send("DELETE", f"/api/hosted/keys/{quote(name, safe='')}")

    def set_hosted_budget(self, budget: Budget) -> Budget:
        """Replace what may be spent."""
        return self.fetch(Budget, "PUT", "/api/hosted/budget", json=budget.model_dump(mode="json"))

    def hosted_ledger(self, *, not_delivered: bool = False, limit: int = 50) -> list[LedgerLine]:
        """List paid requests, newest first."""
        path = "/api/hosted/not-delivered" if not_delivered else "/api/hosted/ledger"
        return self.fetch(LedgerPage, "GET", path, params={"limit": limit}).lines

    def save_ledger(self, target: Path) -> int:
        """Write the whole ledger as CSV; return its size in bytes."""
        return self.download("/api/hosted/ledger.csv", target)

    def estimate_generation(self, request: GenerationCreate | None = None, /, **values: Any) -> GenerationEstimate:
        """Say what images of a hosted model would cost."""
        body = request_body(GenerationCreate, request, values)
        return self.fetch(GenerationEstimate, "POST", "/api/generations/estimate", json=body)

    def retry_generation(self, generation_id: str, *, send_again: bool = False) -> Generation:
        """Fetch hosted images that were paid and did not come."""
        body = GenerationRetry(send_again=send_again).model_dump()
        return self.fetch(Generation, "POST", f"/api/generations/{generation_id}/retry", json=body)
