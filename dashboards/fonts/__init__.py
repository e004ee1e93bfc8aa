"""Fonts of reports and base map, and the script that built them."""

from __future__ import annotations

from pathlib import Path

FONTS_FOLDER = Path(__file__).resolve().parent
