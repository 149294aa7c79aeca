"""Where everything of one studio lives."""

from pathlib import Path


class Paths:
    """The layout of a data folder. Nothing is created until `create` is called."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.database = data / "fluxtune.sqlite"
        self.jobs_database = data / "jobs.sqlite"
        self.blobs = data / "blobs"
        self.runs = data / "runs"
        self.probes = data / "probes"
        self.generations = data / "generations"
        self.models = data / "models"
        self.bases = data / "bases"
        self.logs = data / "logs"
        self.backups = data / "backups"
        self.log_file = data / "logs" / "fluxtune.log"
        self.secret_key = data / "secret.key"
        self.studio_file = data / "studio.json"
        self.server_lock = data / "server.lock"
        self.worker_lock = data / "worker.lock"
        self.migration_lock = data / "migration.lock"

    def run(self, finetune_id: str) -> Path:
        """Return the run folder of a finetune."""
        return self.runs / finetune_id

    def probe(self, probe_id: str) -> Path:
        """Return the folder a probe works in."""
        return self.probes / probe_id

    def generation(self, generation_id: str) -> Path:
        """Return the folder the generator writes one generation's images to."""
        return self.generations / generation_id

    def model_version(self, model_id: str, version: str) -> Path:
        """Return the weights file of one version of a model."""
        return self.models / model_id / f"{version}.safetensors"

    def create(self) -> None:
        """Create the folders, readable by their owner only."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.blobs, self.runs, self.probes, self.generations, self.models, self.bases, self.logs):
            folder.mkdir(exist_ok=True)
