"""What people may use, over a studio's API."""

from typing import Any
from urllib.parse import quote

from fluxtune.client.http import Connection
from fluxtune.quotas.schemas import Limits, OwnQuota, PersonQuota, Quotas


class QuotaCalls(Connection):
    """The part of a studio's client that knows of limits."""

    def own_quota(self) -> OwnQuota:
        """Return what one may use oneself, and has used."""
        return self.fetch(OwnQuota, "GET", "/api/quotas/mine")

    def quotas(self) -> Quotas:
        """Return what everybody may use, and what each person may and has."""
        return self.fetch(Quotas, "GET", "/api/quotas")

    def set_common_quota(self, limits: Limits) -> Limits:
        """Set what everybody may use who has no limits of their own."""
        return self.fetch(Limits, "PUT", "/api/quotas/everybody", json=_given(limits))

    def set_quota(self, person_id: str, limits: Limits) -> PersonQuota:
        """Set what one person may use; what is not given is as for everybody, None is without limit."""
        path = f"/api/quotas/people/{quote(person_id, safe='')}"
        return self.fetch(PersonQuota, "PUT", path, json=_given(limits))


def _given(limits: Limits) -> dict[str, Any]:
    return limits.model_dump(mode="json", exclude_unset=True)
