"""Starts as a person sees them: `park once` over a state that stands, and a fresh clone up to its dashboards.

Times are taken from the lines the command prints when a phase ends, so a start is measured from outside.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lakehouse.settings import PROJECT_ROOT
from tests.benchmarks.figures import Figure, median_figure
from tests.benchmarks.sandbox import BenchmarkError, Line, Sandbox

WARM_RUNS = 3
SERVICES_ANSWER = "启动界面"
PHASE_END = re.compile(r"^✓ (?P<phase>.+?)（\d+ 秒）$")

Say = Callable[[str], None]


def measure_warm_start(sandbox: Sandbox, environment: Mapping[str, str], say: Say) -> list[Figure]:
    """Start the platform over a state that an earlier run left: until its services answer, and until all is checked.

    The first start of the sandbox installs Superset and publishes the themes; it is not counted.
    """
    command = [str(Path(sys.executable).with_name("park")), "once"]
    say("park once, to set up the screens (not counted)")
    sandbox.run(command, environment)
    starts = []
    for number in range(1, WARM_RUNS + 1):
        say(f"warm park once, {number} of {WARM_RUNS}")
        starts.append(sandbox.run(command, environment))
    return [
        median_figure(
            "warm_start.services",
            "warm start: until every service answers",
            [end_of(SERVICES_ANSWER, start.lines) for start in starts],
            remark="from the command on; the last publication can be looked at",
        ),
        median_figure(
            "warm_start.once",
            "warm `make once`: until everything is checked and ended",
            [start.seconds for start in starts],
            remark="main job without news, every surface opened once",
        ),
    ]


def measure_cold_start(sandbox: Sandbox, say: Say) -> list[Figure]:
    """Clone the last commit and run `make once` in the clone, with an empty package cache and state of its own.

    Raises:
        BenchmarkError: the checkout cannot be cloned, or `make once` fails.
    """
    clone, state = sandbox.folder / "clone", sandbox.folder / "cold"
    state.mkdir()
    cache = {"UV_CACHE_DIR": str(state / "packages"), "PIP_NO_CACHE_DIR": "1"}
    environment = sandbox.environment(state / "home", **cache)
    say("cloning the last commit")
    cloned = sandbox.run(["git", "clone", "--quiet", str(PROJECT_ROOT), str(clone)], environment)
    say("make once in the clone, with an empty package cache")
    made = sandbox.run(["make", "once"], environment, folder=clone, hear=say)
    phases = ", ".join(f"{phase} {seconds:.0f} s" for phase, seconds in phases_of(made.lines))
    return [
        Figure(
            "cold_start.dashboards",
            "cold start: clone, set-up, main job, until the dashboards answer",
            cloned.seconds + end_of(SERVICES_ANSWER, made.lines),
            1,
            remark=phases,
        ),
        Figure("cold_start.once", "cold `make once`: until everything is checked and ended", made.seconds, 1),
    ]


def phases_of(lines: Sequence[Line]) -> list[tuple[str, float]]:
    """Return each phase that was printed, with the seconds since the end of the one before it.

    The first one therefore holds the set-up as well: tools, locked environment, dbt manifest.
    """
    ends = [(match["phase"], line.after_s) for line in lines if (match := PHASE_END.match(line.text))]
    before = [0.0, *(after_s for _, after_s in ends)]
    return [(phase, after_s - earlier) for (phase, after_s), earlier in zip(ends, before, strict=False)]


def end_of(phase: str, lines: Sequence[Line]) -> float:
    """Return when a phase ended, in seconds after the start.

    Raises:
        BenchmarkError: the phase was never printed.
    """
    for line in lines:
        match = PHASE_END.match(line.text)
        if match and match["phase"] == phase:
            return line.after_s
    message = f"`park once` printed no end of the phase {phase}; compare orchestration/command_line/running.py."
    raise BenchmarkError(message)
