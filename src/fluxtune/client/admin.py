"""Feature flags and the audit log."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from fluxtune.audit.schemas import AuditEntry, AuditPage, AuditVerification
from fluxtune.client.quotas import QuotaCalls
from fluxtune.flags.schemas import FlagInfo, FlagState


class AdminCalls(QuotaCalls):
    """The part of a studio's client for administrators."""

    def flags(self) -> list[FlagInfo]:
        """List every feature that can be switched off, and for whom it is on."""
        return self.fetch(list[FlagInfo], "GET", "/api/flags")

    def set_flag(
        self,
        name: str,
        state: FlagState,
        *,
        roles: Iterable[str] = (),
        people: Iterable[str] = (),
        until: datetime | None = None,
    ) -> FlagInfo:
        """Decide for whom a feature is on; `some`: for those roles and people, by their ids."""
        body: dict[str, object] = {"state": state, "roles": list(roles), "people": list(people)}
        if until is not None:
            body["until"] = until.isoformat()
        return self.fetch(FlagInfo, "PUT", f"/api/flags/{quote(name, safe='')}", json=body)

    def reset_flag(self, name: str) -> FlagInfo:
        """Let a feature be as it is by default."""
        return self.fetch(FlagInfo, "DELETE", f"/api/flags/{quote(name, safe='')}")

    def audit_entries(self, *, query: str = "", action: str | None = None, limit: int = 50) -> list[AuditEntry]:
        """List who changed what, newest first."""
        params = {"query": query, "limit": limit} | ({"action": action} if action else {})
        return self.fetch(AuditPage, "GET", "/api/audit", params=params).entries

    def verify_audit(self, head: str | None = None) -> AuditVerification:
        """Say whether anything in the audit log was changed, inserted or removed; `head` must be the hash of one."""
        params = {"head": head} if head else {}
        return self.fetch(AuditVerification, "GET", "/api/audit/verification", params=params)

    def save_audit(self, target: Path, format_: str = "jsonl") -> int:
        """Write the whole audit log as JSON lines or CSV; return its size in bytes."""
        return self.download(f"/api/audit/export?format={format_}", target)
