"""Models at BFL: check, link, look up, compare."""

from typing import Any

from fluxtune.client.http import Connection
from fluxtune.deployments.schemas import (
    DeployedName,
    DeploymentLink,
    HostedFinetunes,
    HostedImport,
    Parity,
    ParityCreate,
    ParityEstimate,
)
from fluxtune.generations.schemas import Generation
from fluxtune.models.schemas import DeploymentPlan, Model


class DeploymentCalls(Connection):
    """The part of a studio's client that is about models at BFL."""

    def model_deployment(self, model_id: str, finetune_id: str = "") -> DeploymentPlan:
        """Check whether BFL's service takes a model."""
        query = {"finetune_id": finetune_id}
        return self.fetch(DeploymentPlan, "GET", f"/api/models/{model_id}/deployment", params=query)

    def deployed_models(self) -> list[DeployedName]:
        """Return the models that have a name at BFL, the newest link first. Asks nobody."""
        return self.fetch(list[DeployedName], "GET", "/api/deployments")

    def finetunes_at_bfl(self, key_name: str | None = None) -> HostedFinetunes:
        """Ask BFL which finetunes an account has."""
        query = {"key_name": key_name} if key_name is not None else {}
        return self.fetch(HostedFinetunes, "GET", "/api/deployments/at-bfl", params=query)

    def add_hosted_model(self, finetune_id: str, endpoint: str, **values: Any) -> Model:
        """Add a model that lives at BFL only."""
        wish = HostedImport(finetune_id=finetune_id, endpoint=endpoint, **values)
        return self.fetch(Model, "POST", "/api/deployments", json=wish.model_dump(mode="json", exclude_unset=True))

    def link_model(self, model_id: str, finetune_id: str, **values: Any) -> Model:
        """Say what a model is called at BFL."""
        wish = DeploymentLink(finetune_id=finetune_id, **values).model_dump(mode="json", exclude_unset=True)
        return self.fetch(Model, "PUT", f"/api/models/{model_id}/deployment", json=wish)

    def unlink_model(self, model_id: str) -> None:
        """Forget what a model is called at BFL."""
        self.send("DELETE", f"/api/models/{model_id}/deployment")

    def look_up_model(self, model_id: str) -> Model:
        """Ask BFL whether it knows a model; free of charge."""
        return self.fetch(Model, "POST", f"/api/models/{model_id}/deployment/lookup")

    def probe_model(self, model_id: str) -> Generation:
        """Draw one small image at BFL, which is paid; look the model up when it has ended."""
        return self.fetch(Generation, "POST", f"/api/models/{model_id}/deployment/probe")

    def estimate_parity(self, model_id: str, **values: Any) -> ParityEstimate:
        """Say what drawing the same here and at BFL would cost."""
        body = ParityCreate(**values).model_dump(mode="json", exclude_unset=True)
        return self.fetch(ParityEstimate, "POST", f"/api/models/{model_id}/parity/estimate", json=body)

    def start_parity(self, model_id: str, **values: Any) -> Parity:
        """Draw the same prompts and seeds here and at BFL."""
        body = ParityCreate(**values).model_dump(mode="json", exclude_unset=True)
        return self.fetch(Parity, "POST", f"/api/models/{model_id}/parity", json=body)

    def parities(self, model_id: str) -> list[Parity]:
        """Return the newest parity checks of a model."""
        return self.fetch(list[Parity], "GET", f"/api/models/{model_id}/parity")

    def get_parity(self, model_id: str, parity_id: str) -> Parity:
        """Return one parity check."""
        return self.fetch(Parity, "GET", f"/api/models/{model_id}/parity/{parity_id}")

    def cancel_parity(self, model_id: str, parity_id: str) -> Parity:
        """End what is not drawn yet."""
        return self.fetch(Parity, "POST", f"/api/models/{model_id}/parity/{parity_id}/cancellation")
