"""One embedded PostgreSQL for all integration tests of a session, prepared once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.embedded_postgres import free_port
from lakehouse.home import Home
from lakehouse.settings import Settings
from lakehouse.warehouse import Warehouse, open_warehouse

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below this folder is an integration test."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A state folder of the session's own."""
    home = Home(tmp_path_factory.mktemp("park"))
    home.create()
    return home


@pytest.fixture(scope="session")
def warehouse(home: Home) -> Iterator[Warehouse]:
    """The warehouse over an embedded server on a free port, with databases, roles and schemas."""
    settings = Settings(home=home.root, postgres_port=free_port(0), warehouse_url=None)
    with open_warehouse(settings, home) as warehouse:
        warehouse.prepare()
        yield warehouse
