"""All definitions. Loading them reads files of the project and the dbt manifest, and connects to nothing."""

from __future__ import annotations

import dagster as dg

from lakehouse.home import Home
from lakehouse.settings import Settings
from orchestration.assets.models import model_assets, target_folder
from orchestration.assets.products import product_assets
from orchestration.assets.quality import quality_assets
from orchestration.assets.reported import reported_assets
from orchestration.assets.sources import bronze_assets
from orchestration.assets.telemetry import telemetry_assets
from orchestration.assets.trust import publication_assets, trust_checks
from orchestration.assets.vehicles import vehicles_assets
from orchestration.assets.vitals import vitals_assets
from orchestration.jobs import build_job, ingest_jobs
from orchestration.platform import Platform
from orchestration.schedules import schedules, sensors


@dg.definitions
def definitions() -> dg.Definitions:
    """Return the platform's definitions; evaluated when Dagster asks, not when this module is imported.

    Raises:
        MissingManifestError: the dbt manifest has not been built.
    """
    manifest = target_folder(Home(Settings().home)) / "manifest.json"
    ingest, build = ingest_jobs(), build_job()
    assets = [
        *bronze_assets(),
        *vitals_assets(),
        *reported_assets(),
        *telemetry_assets(),
        *vehicles_assets(),
        *quality_assets(),
        model_assets(manifest),
        *publication_assets(),
        *product_assets(),
    ]
    return dg.Definitions(
        assets=dg.with_source_code_references(assets),  # the steward opens the code from the asset's page
        asset_checks=trust_checks(),
        jobs=[*ingest, build],
        schedules=schedules(),
        sensors=sensors(ingest, build),
        resources={"platform": Platform()},
        executor=dg.in_process_executor,  # imports cost more than the steps; a cluster sets its own executor
    )
