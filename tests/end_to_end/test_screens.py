"""The pages, looked at with a browser: drawn, in Chinese, without the internet, on three widths of screen."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

import pytest

from lakehouse.settings import PROJECT_ROOT
from orchestration.browser import browser_program, look_at_dashboard, signed_in_page
from orchestration.services.screens import ADMIN_NAME
from tests.end_to_end.conftest import RunningPlatform

PICTURES = PROJECT_ROOT / "var" / "pictures"
SCREENS = [
    ("desk", "park-overview/", 1920, 1080),
    ("medium", "park-overview/", 1280, 800),
    ("wall", "park-overview-wall/?standalone=1", 1920, 1080),
    ("phone", "park-overview-phone/?standalone=2", 390, 844),
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(browser_program() is None, reason="no Chromium on this machine: apt-get install chromium"),
]


@pytest.mark.parametrize(("name", "path", "width", "height"), SCREENS)
def test_the_park_overview_is_drawn(platform: RunningPlatform, name: str, path: str, width: int, height: int) -> None:
    address = urljoin(platform.addresses["superset"], f"../{path}")
    password = platform.home.secret("superset_admin")
    picture: Path = PICTURES / f"park_overview_{name}.png"
    with signed_in_page(address, ADMIN_NAME, password, width=width, height=height) as page:
        look = look_at_dashboard(page, address, picture)
    assert not look.failures, f"{look.failures}, see {picture}"
    assert not look.foreign, f"the page fetched from elsewhere: {look.foreign}"
    assert look.charts >= 10
    assert picture.stat().st_size > 30_000


def test_dates_stand_as_in_shanghai_wherever_the_browser_is(platform: RunningPlatform) -> None:
    address = platform.addresses["superset"]
    password = platform.home.secret("superset_admin")
    day = platform.settings.last_full_day
    with signed_in_page(
        address, ADMIN_NAME, password, width=1920, height=1080, time_zone="America/Los_Angeles"
    ) as page:
        look = look_at_dashboard(page, address)
    assert f"{day:%m-%d}" in look.text
    assert f"{day:%m-%d} 23:00" in look.text
