"""What each service is: its command, environment, readiness and address."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from lakehouse.embedded_postgres import free_port
from lakehouse.home import Home
from lakehouse.settings import Settings
from orchestration.platform import MIDDLE_PLATFORM
from orchestration.services.supervisor import Service

LOOPBACK = "127.0.0.1"


def api_service(settings: Settings) -> Service:
    """Return the API."""
    port = free_port(settings.api_port)
    address = f"http://{LOOPBACK}:{port}"
    command = [sys.executable, "-m", "api", "--host", LOOPBACK, "--port", str(port)]
    return Service("api", "数据接口（API）", command, {}, ready_url=f"{address}/livez", address=f"{address}/docs")


def middle_platform_service(settings: Settings, home: Home) -> Service:
    """Return the simulated data middle platform; a setting with the real one's address takes its place."""
    port = free_port(0)
    address = f"http://{LOOPBACK}:{port}"
    secret = home.secret_file(MIDDLE_PLATFORM)
    command = [sys.executable, "-m", "ingestion.simulated_park.middle_platform", "--port", str(port)]
    command += ["--client-id", settings.middle_platform_client_id, "--client-secret-file", str(secret)]
    return Service(MIDDLE_PLATFORM, "模拟数据中台", command, {}, ready_url=f"{address}/healthz", address=address)


def dagster_services(settings: Settings, home: Home) -> list[Service]:
    """Return code server, web server and daemon; one code server serves both, which saves a third of the memory."""
    programs = Path(sys.executable).parent
    environment = {"DAGSTER_HOME": str(home.dagster), "PYTHONWARNINGS": "ignore"}
    code_port, web_port = free_port(0), free_port(settings.dagster_port)
    workspace = home.run / "workspace.yaml"
    location = {"host": LOOPBACK, "port": code_port, "location_name": "park"}
    workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": location}]}), "utf-8")
    code = ["code-server", "start", "-m", "orchestration.definitions", "-h", LOOPBACK, "-p", str(code_port)]
    address = f"http://{LOOPBACK}:{web_port}"
    return [
        Service("dagster_code", "Dagster 代码服务", [str(programs / "dagster"), *code], environment),
        Service(
            "dagster",
            "Dagster 数据管线",
            [str(programs / "dagster-webserver"), "-w", str(workspace), "-h", LOOPBACK, "-p", str(web_port)],
            environment,
            ready_url=f"{address}/server_info",
            address=address,
        ),
        Service(
            "dagster_daemon",
            "Dagster 守护进程",
            [str(programs / "dagster-daemon"), "run", "-w", str(workspace)],
            environment,
        ),
    ]
