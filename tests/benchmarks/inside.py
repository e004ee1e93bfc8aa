"""What is measured inside the sandbox's environment, in a process of its own: main job, charts, API.

`python -m tests.benchmarks.inside <task.json> <figures.json>`; the settings come from the environment alone, so this
process sees the sandbox's platform and no other.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from lakehouse.settings import PARK_TIME_ZONE
from lakehouse.warehouse import open_warehouse
from orchestration.platform import Platform
from orchestration.services.supervisor import Supervisor
from tests.benchmarks.api_requests import measure_api
from tests.benchmarks.archive import Arrival
from tests.benchmarks.chart_queries import measure_charts, theme_queries
from tests.benchmarks.figures import Figure
from tests.benchmarks.pipeline import measure_pipeline, prepare_platform
from tests.benchmarks.sandbox import BenchmarkError


def main(task_file: Path, figures_file: Path) -> None:
    """Build the platform over the archive and measure; figures are written after each part."""
    task = json.loads(task_file.read_text("utf-8"))
    arrivals = [Arrival(*paths) for paths in task["arrivals"]]
    platform = Platform()
    platform.home.create()
    supervisor = Supervisor(platform.home)
    with open_warehouse(platform.settings, platform.home) as warehouse:
        warehouse.prepare()
        try:
            _say("setting up an empty platform")
            prepare_platform(platform, warehouse, supervisor)
            figures = measure_pipeline(platform, arrivals, task["readings"], _say)
            _write(figures_file, figures)
            _say("chart queries")
            figures += measure_charts(warehouse, theme_queries(platform.present.astimezone(PARK_TIME_ZONE).date()))
            _write(figures_file, figures)
            _say("API requests")
            figures += measure_api(platform, warehouse, supervisor)
            _write(figures_file, figures)
        finally:
            supervisor.stop_all()


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def _write(figures_file: Path, figures: list[Figure]) -> None:
    figures_file.write_text(json.dumps([asdict(figure) for figure in figures], ensure_ascii=False), "utf-8")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except BenchmarkError as error:
        sys.exit(str(error))
