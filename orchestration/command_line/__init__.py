"""The `park` command: everything a person does with the platform from a terminal."""

from __future__ import annotations

import warnings

import typer

from orchestration.command_line import doctor, granting, quarantined, querying, reporting, running, tracing

application = typer.Typer(
    help="化工区一网统管湖仓平台的命令行。", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
application.command("run")(running.run)
application.command("once")(running.once)
application.command("stop")(running.stop)
application.command("prepare")(running.prepare)
application.command("trace")(tracing.trace)
application.add_typer(quarantined.application, name="quarantine")
application.add_typer(reporting.application, name="reports")
application.add_typer(granting.application, name="tokens")
application.command("decide")(granting.decide)
application.command("sql")(querying.query)
application.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line."""
    warnings.filterwarnings("ignore")  # Dagster marks half of its stable parameters as beta
    application()
