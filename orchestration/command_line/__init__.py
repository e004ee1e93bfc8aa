"""The `park` command: everything a person does with the platform from a terminal.

A command's module is imported when the command is asked for: the small tools start in under a second, while the
platform itself takes several seconds to import.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module

import typer

COMMANDS = {
    "run": "running:run",
    "once": "running:once",
    "stop": "running:stop",
    "prepare": "running:prepare",
    "trace": "tracing:trace",
    "quarantine": "quarantined:application",
    "reports": "reporting:application",
    "tokens": "granting:application",
    "decide": "granting:decide",
    "sql": "querying:query",
    "hj212": "telemetry_files:hj212",
    "jt808": "telemetry_files:jt808",
    "aqi": "figures_of_files:aqi",
    "daily": "figures_of_files:daily",
    "codes": "figures_of_files:codes",
    "doctor": "doctor:doctor",
}
"""Name of each command, in the order of the help page: module of this folder and what in it."""


def command_line(only: str | None = None) -> typer.Typer:
    """Return the command line with all commands, or with one of them where that is all that will be asked."""
    application = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    application.callback()(_no_options)  # without it, a command that stands alone would lose its name
    for name in [only] if only in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(f"orchestration.command_line.{module}"), attribute)
        if isinstance(command, typer.Typer):
            application.add_typer(command, name=name)
        else:
            application.command(name)(command)
    return application


def main() -> None:
    """Run the command line."""
    warnings.filterwarnings("ignore")  # Dagster marks half of its stable parameters as beta
    command_line(next(iter(sys.argv[1:]), None))()


def _no_options() -> None:
    """化工区一网统管湖仓平台的命令行。"""
