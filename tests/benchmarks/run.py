"""One benchmark from an empty sandbox to a document of figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lakehouse.settings import PARK_TIME_ZONE, PROJECT_ROOT, Settings
from tests.benchmarks.archive import Archive, Size, measure_baseline, write_archive
from tests.benchmarks.figures import Figure
from tests.benchmarks.machine import CpuSeconds, commit, describe_machine
from tests.benchmarks.sandbox import BenchmarkError, Sandbox, open_sandbox
from tests.benchmarks.starts import measure_cold_start, measure_warm_start

DAYS_HELD_BACK = 3

Say = Callable[[str], None]


@dataclass
class Findings:
    """What has been measured so far, and which parts could not be."""

    say: Say
    figures: list[Figure] = field(default_factory=list)
    not_measured: dict[str, str] = field(default_factory=dict)

    def add(self, part: str, measure: Callable[[], Iterable[Figure]]) -> None:
        """Measure a part; one that fails is named and leaves the others, and what it had measured so far, alone."""
        try:
            for figure in measure():
                self.figures.append(figure)
        except BenchmarkError as error:
            self.not_measured[part] = str(error)
            self.say(f"not measured: {part}: {error}")


def run_benchmark(size: Size, say: Say, *, with_cold: bool, with_warm: bool) -> dict[str, Any]:
    """Measure everything that was asked for and return the document that is kept.

    Args:
        size: how much archive.
        say: receives a sentence whenever something begins.
        with_cold: also time a fresh clone.
        with_warm: also time warm starts, which need Superset's environment.

    Raises:
        BenchmarkError: the archive cannot be written.
        DiskTooFullError: too little room for temporary files.
    """
    settings = Settings()
    document: dict[str, Any] = {
        "size": size.value,
        "measured_on": settings.present.astimezone(PARK_TIME_ZONE).date().isoformat(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": describe_machine(),
    }
    before = CpuSeconds.now()
    with open_sandbox(settings) as sandbox:
        findings = Findings(say)
        if size is Size.NATION:
            findings.add("telemetry", lambda: measure_telemetry_apart(sandbox, size, say))
            document["archive"] = None
            return _finished(document, findings, before)
        archive = write_archive(sandbox.archive, sandbox.folder / "staging", size, settings, say)
        document["archive"] = describe_archive(archive)
        say("bare DuckDB over the archive")
        baseline, document["archive"]["readings"] = measure_baseline(archive)
        findings.figures.append(baseline)
        own = {"PARK_IOT_ARCHIVE_URL": str(sandbox.archive)}
        if size is Size.REPLAY:
            own["PARK_REPLAY_DIR"] = str(settings.replay_dir)
        environment = sandbox.environment(sandbox.home.root, **own)
        findings.add("main job, charts and API", lambda: measure_inside(sandbox, archive, environment, say))
        findings.add("telemetry", lambda: measure_telemetry_apart(sandbox, size, say))
        if with_warm:
            findings.add("warm start", lambda: measure_warm_start(sandbox, environment, say))
        if with_cold:
            findings.add("cold start", lambda: measure_cold_start(sandbox, say))
    return _finished(document, findings, before)


def _finished(document: dict[str, Any], findings: Findings, before: CpuSeconds) -> dict[str, Any]:
    seconds = {figure.name: figure.seconds for figure in findings.figures}
    document["cores_of_others"] = CpuSeconds.now().cores_of_others_since(before)
    document["figures"] = [figure.as_json(seconds.get(figure.against)) for figure in findings.figures]
    document["not_measured"] = findings.not_measured
    return document


def measure_telemetry_apart(sandbox: Sandbox, size: Size, say: Say) -> Iterator[Figure]:
    """Measure telemetry in a process and a lake of its own, so that its memory is its own, too.

    Raises:
        BenchmarkError: that process failed; what it had measured before comes first.
    """
    say("telemetry: a day of the nation" if size is Size.NATION else "telemetry: a day of a park of 25,000 points")
    folder, found = sandbox.folder / "telemetry", sandbox.folder / "telemetry.json"
    name = "2500" if size is Size.TINY else size.value
    environment = {**sandbox.environment(sandbox.home.root), "PYTHONPATH": str(PROJECT_ROOT)}
    try:
        for task in ("prepare", "measure"):
            command = [sys.executable, "-m", "tests.benchmarks.telemetry", task, str(folder), name, str(found)]
            sandbox.run(command, environment, hear=say)
    finally:
        standing = json.loads(found.read_text("utf-8")) if found.exists() else []
        yield from (Figure(**values) for values in standing)


def measure_inside(sandbox: Sandbox, archive: Archive, environment: dict[str, str], say: Say) -> Iterator[Figure]:
    """Measure main job, charts and API in a process that sees the sandbox's platform alone.

    Some days of the archive are held back from the first main job and arrive one by one afterwards.

    Raises:
        BenchmarkError: that process failed; what it had measured before comes first.
    """
    standing, arrivals = archive.hold_back(DAYS_HELD_BACK, sandbox.folder / "held_back")
    _, readings = measure_baseline(standing)
    task, found = sandbox.folder / "task.json", sandbox.folder / "figures.json"
    task.write_text(json.dumps({"readings": readings, "arrivals": arrivals}), "utf-8")
    command = [sys.executable, "-m", "tests.benchmarks.inside", str(task), str(found)]
    try:
        sandbox.run(command, {**environment, "PYTHONPATH": str(PROJECT_ROOT)}, hear=say)
    finally:
        standing = json.loads(found.read_text("utf-8")) if found.exists() else []
        yield from (Figure(**values) for values in standing)


def describe_archive(archive: Archive) -> dict[str, Any]:
    """Return size and period of an archive."""
    return {
        "files": len(archive.files),
        "first_day": archive.first_day.isoformat(),
        "last_day": archive.last_day.isoformat(),
        "bytes": archive.bytes,
    }


def keep(document: dict[str, Any], folder: Path) -> Path:
    """Write a document into the folder of benchmarks, under the time it was started at, and return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    moment = datetime.fromisoformat(document["started_at"])
    path = folder / f"{moment:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path
