"""The state folder (`PARK_HOME`): its rooms, the addresses in use, and the secrets generated on the first run."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LEAST_FREE_BYTES = 3 * 1024**3


class DiskTooFullError(RuntimeError):
    """The disk under `PARK_HOME` has too little room for a run."""


@dataclass(frozen=True)
class Home:
    """Folders of one platform; every path below `PARK_HOME` is named here and nowhere else."""

    root: Path

    @property
    def lake(self) -> Path:
        """Delta tables: bronze, silver, quarantine."""
        return self.root / "lake"

    @property
    def postgres(self) -> Path:
        """Data directory of the embedded PostgreSQL."""
        return self.root / "postgres"

    @property
    def dagster(self) -> Path:
        """Dagster's instance folder."""
        return self.root / "dagster"

    @property
    def superset(self) -> Path:
        """Superset's environment, cache and bundle."""
        return self.root / "superset"

    @property
    def dbt(self) -> Path:
        """What dbt writes: manifest, logs, compiled SQL."""
        return self.root / "dbt"

    @property
    def keys(self) -> Path:
        """Secrets and key ring, readable by the owner only."""
        return self.root / "keys"

    @property
    def artifacts(self) -> Path:
        """Reports, tiles and other files made for readers."""
        return self.root / "artifacts"

    @property
    def logs(self) -> Path:
        """One log a service."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Process ids, locks and addresses of what is running now."""
        return self.root / "run"

    @property
    def source_systems(self) -> Path:
        """What the simulated park writes: archives and databases of the source systems."""
        return self.root / "source_systems"

    def create(self) -> None:
        """Create every folder; secrets and run files are closed to other users."""
        for folder in (self.root, self.lake, self.dagster, self.superset, self.dbt, self.artifacts, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.keys, self.run):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)

    def require_free_disk(self, least_bytes: int = LEAST_FREE_BYTES) -> None:
        """Raise `DiskTooFullError` with a remedy when the disk has less than `least_bytes` left."""
        existing = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        free = shutil.disk_usage(existing).free
        if free < least_bytes:
            message = (
                f"{self.root}: only {free / 1e9:.1f} GB of disk are free and a run needs {least_bytes / 1e9:.1f} GB. "
                "Free some space, or set PARK_HOME to a folder on a larger disk."
            )
            raise DiskTooFullError(message)

    def secret(self, name: str, override: Path | None = None) -> str:
        """Return the secret `name`, generated on first use; `override` is the file of a `*_file` setting.

        Raises:
            FileNotFoundError: the override names a file that does not exist.
        """
        path = override or self.keys / name
        if not path.exists():
            if override is not None:
                message = f"{override}: the file of the secret {name!r} does not exist; correct the *_FILE setting."
                raise FileNotFoundError(message)
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text("utf-8").strip()

    def secret_file(self, name: str) -> Path:
        """Return the path of the secret `name`, generating it on first use."""
        self.secret(name)
        return self.keys / name

    def addresses(self) -> dict[str, str]:
        """Return the addresses of the services that run now, by service name."""
        path = self.run / "addresses.json"
        return json.loads(path.read_text("utf-8")) if path.exists() else {}

    def write_addresses(self, addresses: dict[str, str]) -> None:
        """Replace the published addresses."""
        write_private(self.run / "addresses.json", json.dumps(addresses, indent=2, sort_keys=True) + "\n")

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Hold the lock `name` while the block runs; yields False at once when another process holds it.

        The kernel frees the lock when its process dies, so a killed run never blocks the next one.
        """
        self.run.mkdir(parents=True, exist_ok=True)
        with (self.run / f"{name}.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def write_private(path: Path, text: str) -> None:
    """Write `text` so that only the owner reads it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
