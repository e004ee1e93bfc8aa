"""A headless Chromium looks at our pages as a person would: signs in, waits until all is drawn, takes a picture."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),  # maps are drawn in software
]
DRAW_TIMEOUT_S = 90
SETTLE_MS = 3000
# What a chart of Superset shows instead of its data.
FAILURES = ("暂无数据", "没有数据", "意外错误", "加载数据时出错", "Unexpected error", "No data", "查无结果", "没有结果")


@dataclass(frozen=True)
class Look:
    """What a page showed.

    Attributes:
        text: all text of the page.
        charts: how many charts it holds.
        failures: words of failure found on it.
        foreign: requests to addresses beyond this machine that were answered.
        seconds: until everything was drawn.
    """

    text: str
    charts: int
    failures: list[str]
    foreign: list[str] = field(default_factory=list)
    seconds: float = 0.0


def browser_program() -> str | None:
    """Return the path of a Chromium that we can drive, None where there is none."""
    if find_spec("playwright") is None:
        return None
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


@contextmanager
def signed_in_page(
    address: str, user: str, password: str, *, width: int, height: int, time_zone: str = "Asia/Shanghai"
) -> Iterator[Page]:
    """Yield a page that is signed in to Superset.

    Args:
        address: any address of the Superset.
        user: login name.
        password: its password.
        width: of the screen, in pixels.
        height: of the screen, in pixels.
        time_zone: of the person's machine; what is shown must not depend on it.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where a browser is there

    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_program(), headless=True, args=FLAGS)
        context = browser.new_context(
            viewport={"width": width, "height": height}, timezone_id=time_zone, locale="zh-CN"
        )
        page = context.new_page()
        page.goto(f"{origin}/login/")
        page.wait_for_selector("input[type=password]", timeout=60_000)
        page.fill("input#username", user)
        page.fill("input[type=password]", password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "login" not in url, timeout=60_000)
        yield page
        browser.close()


def look_at_dashboard(page: Page, address: str, picture: Path | None = None) -> Look:
    """Open a dashboard, wait until nothing loads any more, and return what it showed."""
    answered: list[str] = []
    page.on("requestfinished", lambda request: answered.append(request.url))
    started = time.monotonic()
    page.goto(address)
    page.wait_for_selector(".dashboard-component-chart-holder", timeout=DRAW_TIMEOUT_S * 1000)
    page.wait_for_timeout(SETTLE_MS)
    while page.locator(".loading, [data-test=loading-indicator]").count():
        if time.monotonic() - started > DRAW_TIMEOUT_S:
            break
        page.wait_for_timeout(500)
    seconds = time.monotonic() - started
    page.wait_for_timeout(SETTLE_MS)  # the map's labels are drawn after its data
    text = page.locator("body").inner_text()
    failures = [word for word in FAILURES if word in text]
    if page.locator(".loading, [data-test=loading-indicator]").count():
        failures.append(f"{DRAW_TIMEOUT_S} 秒后仍有图表在加载")
    if picture is not None:
        picture.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(picture))
    host = urlsplit(address).netloc
    foreign = [url for url in answered if url.startswith("http") and urlsplit(url).netloc != host]
    return Look(text, page.locator(".dashboard-component-chart-holder").count(), failures, foreign, seconds)
