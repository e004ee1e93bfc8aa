"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.settings import Settings


@pytest.fixture(scope="session")
def replay_dir() -> Path:
    """The folder of real series with published answers; in CI it is always set."""
    folder = Settings().replay_dir
    if folder is None:
        pytest.skip("PARK_REPLAY_DIR is not set: the published cases cannot be checked here")
    assert folder.is_dir(), f"PARK_REPLAY_DIR={folder} is not a folder"
    return folder
