"""The platform as a Dagster resource: settings, lake, warehouse and the present moment of one run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path

import dagster as dg

from lakehouse.artifacts import ArtifactStore
from lakehouse.home import Home
from lakehouse.lake import Lake
from lakehouse.settings import Settings
from lakehouse.warehouse import Warehouse, open_warehouse
from security.key_provider import KeyProvider, open_key_provider

MIDDLE_PLATFORM = "middle_platform"  # service name of the simulated one, and the name of the secret we share with it


def open_keys(settings: Settings, home: Home) -> KeyProvider:
    """Return the holder of the keys of these settings."""
    return open_key_provider(settings.key_provider, folder=home.keys, now=lambda: settings.present)


class Platform(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Opens nothing until an asset asks for it, so definitions load without any configuration."""

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process."""
        return Settings()

    @property
    def home(self) -> Home:
        """The state folder."""
        return Home(self.settings.home)

    @property
    def lake(self) -> Lake:
        """The lake."""
        return Lake(self.home.lake)

    @property
    def present(self) -> datetime:
        """The present moment of the run, in UTC."""
        return self.settings.present

    @property
    def artifacts(self) -> ArtifactStore:
        """Files made for readers."""
        return ArtifactStore(self.home.artifacts)

    @cached_property
    def key_provider(self) -> KeyProvider:
        """The holder of the keys; the file key ring unless a setting names another."""
        return open_keys(self.settings, self.home)

    def source_address(self, setting: str) -> str:
        """Return the address of a source system: the setting, else the simulated park's own."""
        configured = getattr(self.settings, setting)
        if configured:
            return str(configured)
        systems = self.home.source_systems
        simulated = {
            "middle_platform_url": self.home.addresses().get(MIDDLE_PLATFORM, "http://127.0.0.1:9"),
            "economic_information_url": f"sqlite:///{systems}/legacy_statistics/economic_information.db",
            "smart_statistics_url": f"sqlite:///{systems}/legacy_statistics/smart_statistics.db",
            "contractor_safety_url": f"sqlite:///{systems}/legacy_contractor/contractor_safety.db",
        }
        return simulated.get(setting, str(systems / setting.removesuffix("_url")))

    def source_password(self, setting: str) -> str | None:
        """Return the password of a source's database, where a file holds it."""
        name = setting.removesuffix("_url")
        file: Path | None = getattr(self.settings, f"{name}_password_file", None)
        return self.home.secret(name, file) if file is not None else None

    def data_origin(self, setting: str) -> str:
        """Return what the data of a source are that does not say so itself: measured or simulated."""
        return "measured" if getattr(self.settings, setting) else "simulated"

    @property
    def outlet_keys_file(self) -> Path | None:
        """The file with the keys of outlets that encrypt; for the simulated ones, the file they wrote."""
        if self.settings.outlet_monitoring_url is not None:
            return self.settings.outlet_monitoring_keys_file
        simulated = self.home.source_systems / "outlet_monitoring" / "device_keys" / "sm4_keys.json"
        return self.settings.outlet_monitoring_keys_file or (simulated if simulated.is_file() else None)

    @property
    def middle_platform_secret(self) -> str:
        """Our client secret at the data middle platform; for the simulated one it is generated on the first run."""
        return self.home.secret(MIDDLE_PLATFORM, self.settings.middle_platform_client_secret_file)

    @contextmanager
    def warehouse(self) -> Iterator[Warehouse]:
        """Yield the warehouse; the embedded server is joined when it runs."""
        with open_warehouse(self.settings, self.home) as warehouse:
            yield warehouse

    def source_folder(self, setting: str) -> Path:
        """Return the address of a source system that is a folder."""
        return Path(self.source_address(setting))
