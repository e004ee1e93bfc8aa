"""Maps the work on pieces over a Spark cluster: the same function as on one machine, one task a piece.

A job and its outcome each travel as one binary cell of a DataFrame with a row a piece; `mapInArrow` hands them to
`run_piece`. The readings themselves never pass through Spark: executors read bronze and stage their files on storage
that they share with the driver, and the driver alone commits. So a task that is lost, repeated or run twice by
speculation leaves a file that no table names (`staged_files.forget_unnamed`), never a row twice.

The cells are pickled. Only our own dataclasses are in them, written by the driver for its executors and back, over
Spark's own channel; what came from outside lies inside as columns of Polars and is never unpickled as an object. Polars
reads a pickled frame only if it has the same version, and other code would judge otherwise: every job carries the
release that made it, and an executor with another one refuses before it unpickles anything.
"""

from __future__ import annotations

import hashlib
import pickle  # between driver and executors of one application, see above
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse.settings import PROJECT_ROOT, process_environment
from orchestration.telemetry.memory import keep_freed_memory
from orchestration.telemetry.pieces import PieceJob, PieceOutcome, run_piece
from orchestration.telemetry.refresh import Mapper

APPLICATION = "one-net-lakehouse telemetry"
_CODE = ("lakehouse", "methods", "ingestion", "orchestration/telemetry")
_LIBRARIES = ("polars", "numpy", "deltalake")
_JOBS = "release string, job binary"
_OUTCOMES = "outcome binary"
_UNNAMED_PYTHON = "python3"  # what Spark takes when nobody says which


class SparkUnavailableError(RuntimeError):
    """Pieces cannot be worked on by Spark here; the message says what is missing and what to do."""


@contextmanager
def spark_mapper(master: str) -> Iterator[Mapper]:
    """Yield a mapper over a Spark cluster; its session starts with the first jobs, for most runs have none.

    Args:
        master: address of the cluster as Spark has it (yarn, k8s://…, spark://…, local[2]).
    """
    opened: list[Any] = []

    def run(jobs: Sequence[PieceJob]) -> list[PieceOutcome]:
        if not opened:
            opened.append(_session(master))
        return _run(opened[0], jobs)

    try:
        yield run
    finally:
        for session in opened:
            session.stop()


@cache
def release() -> str:
    """Return a digest of the code that works on pieces and of the libraries whose results or pickles it depends on."""
    digest = hashlib.sha256(platform.python_version().encode())
    for name in _LIBRARIES:
        digest.update(f"{name} {version(name)}\n".encode())
    for folder in _CODE:
        for path in sorted((PROJECT_ROOT / folder).rglob("*.py")):
            digest.update(path.relative_to(PROJECT_ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Work on the jobs of one task, in an executor.

    Args:
        batches: rows of release and job.

    Raises:
        SparkUnavailableError: the executor has another release than the driver.
    """
    keep_freed_memory()
    for batch in batches:
        for theirs, job in zip(batch["release"].to_pylist(), batch["job"], strict=True):
            if theirs != release():
                message = (
                    f"Spark executor {platform.node()}: the code or libraries in {PROJECT_ROOT} ({sys.executable}) are "
                    "not those of the driver; install the same release of the platform on every node "
                    "(docs/how_to/run_on_spark.md)."
                )
                raise SparkUnavailableError(message)
            outcome = run_piece(pickle.loads(job.as_buffer()))  # noqa: S301 - written by our driver
            yield pa.record_batch({"outcome": pa.array([pickle.dumps(outcome)], pa.binary())})


def _run(session: Any, jobs: Sequence[PieceJob]) -> list[PieceOutcome]:  # noqa: ANN401 - pyspark is an extra
    rows = [(release(), pickle.dumps(job)) for job in jobs]
    one_a_task = session.sparkContext.parallelize(rows, len(rows))
    cells = session.createDataFrame(one_a_task, _JOBS).mapInArrow(work, _OUTCOMES).collect()
    outcomes = [pickle.loads(cell["outcome"]) for cell in cells]  # noqa: S301 - written by our executors
    for outcome in outcomes:
        require_shared_storage(jobs[0], outcome)
    return outcomes


def require_shared_storage(job: PieceJob, outcome: PieceOutcome) -> None:
    """Refuse files that only the executor sees: committed, they would be rows that nobody can read.

    Raises:
        SparkUnavailableError: a file of the outcome is not there.
    """
    for file in outcome.staged.values():
        if file.path is not None and not (Path(job.lake.uri(file.table)) / file.path).exists():
            message = (
                f"{job.lake.uri(file.table)}/{file.path} was written by a Spark executor and is not seen here: the "
                "folder of the lake (PARK_HOME/lake) must be one shared storage, mounted at the same path on driver "
                "and executors (docs/how_to/run_on_spark.md)."
            )
            raise SparkUnavailableError(message)


def java_program() -> str | None:
    """Return the path of the Java that Spark would start, None where there is none."""
    home = process_environment().get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")


def _session(master: str) -> Any:  # noqa: ANN401 - pyspark is an extra, its types are not always there
    """Start a session; whatever is not said here, spark-defaults.conf says."""
    try:
        from pyspark.errors import PySparkRuntimeError  # noqa: PLC0415 - an extra: only who sets spark_master has it
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError:
        message = (
            "PARK_SPARK_MASTER is set, but pyspark is not installed here: run `.tools/bin/uv sync --extra spark`, or "
            "empty the setting to work with processes of this machine."
        )
        raise SparkUnavailableError(message) from None
    builder = SparkSession.builder.appName(APPLICATION).master(master).config("spark.ui.showConsoleProgress", "false")
    is_local = master.startswith("local")
    if is_local:
        for name in ("spark.driver.host", "spark.driver.bindAddress"):
            builder = builder.config(name, "127.0.0.1")
        builder = builder.config("spark.ui.enabled", "false")
    try:
        session = builder.getOrCreate()
    except PySparkRuntimeError as error:
        message = (
            f"Spark could not be started ({error}); it needs a Java runtime of version 17 or newer on this machine, by "
            f"JAVA_HOME or on the path, and found {java_program() or 'none'}."
        )
        raise SparkUnavailableError(message) from error
    context = session.sparkContext
    named = context.getConf().get("spark.pyspark.python")
    if named or is_local or context.pythonExec == _UNNAMED_PYTHON:
        context.pythonExec = named or sys.executable  # the platform lies at the same path on every node
    return session
