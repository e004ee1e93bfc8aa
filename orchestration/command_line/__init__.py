"""The `park` command: everything a person does with the platform from a terminal."""

from __future__ import annotations

import warnings

import typer

from orchestration.command_line import doctor, quarantined, running, tracing

application = typer.Typer(
    help="化工区一网统管湖仓平台的命令行。", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
application.command("run")(running.run)
application.command("once")(running.once)
application.command("stop")(running.stop)
application.command("prepare")(running.prepare)
application.command("trace")(tracing.trace)
application.add_typer(quarantined.application, name="quarantine")
application.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line."""
    warnings.filterwarnings("ignore")  # Dagster marks half of its stable parameters as beta
    application()
