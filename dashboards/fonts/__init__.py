"""Fonts of reports and base map, and the script that built them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import typst

FONTS_FOLDER = Path(__file__).resolve().parent
FAMILY = "Noto Sans SC"


class FontsMissingError(FileNotFoundError):
    """The folder does not hold the fonts that every page needs."""


@cache
def our_fonts() -> typst.Fonts:
    """Return the fonts of this folder and no others: pages must look the same on every machine.

    Raises:
        FontsMissingError: the folder has no font of the family.
    """
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS_FOLDER)])
    if FAMILY not in fonts.families():
        message = f"{FONTS_FOLDER}: the font {FAMILY} is missing; restore the *.ttf files from the repository."
        raise FontsMissingError(message)
    return fonts
