"""Build the platform's fonts: Noto Sans SC, Regular and Bold, cut to the characters that Chinese reports need.

Run once by hand when the characters change; README.md beside this file says with which inputs. The same inputs give
the same files, byte for byte.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

from dashboards.fonts import FAMILY, FONTS_FOLDER

# Subscript digits are digits made small; a heavier cut keeps their strokes as thick as those of the line.
WEIGHTS = {"Regular": (400, 500), "Bold": (700, 800)}
SUBSCRIPT_SCALE, SUBSCRIPT_DROP = 0.6, -0.16

# Characters of substances and elements that neither table has.
CHEMICAL = "鎓鏻噁苝菧腖鿔鿫鿬鿭"
SYMBOLS = (
    "°±²³µ·×÷ΔΣΩαβγδελμπρσφω–—‘’“”•…‰′″›※€℃℉№ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ←↑→↓↗↘⇒∆∈−√∞∑≈≠≡≤≥①②③④⑤⑥⑦⑧⑨⑩■□▲△▼▽◆◇○●★☆"
    "、。〃〈〉《》「」『』【】〔〕〖〗〇～！（），．：；？％＋－／＜＝＞￥㎡㎥㎜㎝㎞㎎㎏㏄"
)
SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"


class FontInputError(ValueError):
    """The characters or the source font cannot be what the build needs."""


def gb2312_characters() -> set[str]:
    """Return the 6,763 characters of GB/T 2312-1980: old texts hold some that the table of 2013 leaves out."""
    cells = (bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    return {cell.decode("gb2312") for cell in cells if cell[0] != 0xD7 or cell[1] <= 0xF9}


def wanted_characters(table: Path) -> set[str]:
    """Return every character the fonts are to have.

    Args:
        table: text file with the characters of 通用规范汉字表 (2013), blanks between them allowed.

    Raises:
        FontInputError: the file does not hold the table's 8,105 characters.
    """
    standard = {character for character in table.read_text("utf-8") if not character.isspace()}
    if len(standard) != 8105:
        message = f"{table}: {len(standard)} different characters where 通用规范汉字表 has 8105; give the whole table."
        raise FontInputError(message)
    latin = {chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100))}
    return standard | gb2312_characters() | latin | set(CHEMICAL) | set(SYMBOLS)


def static_font(source: Path, characters: Iterable[str], style: str) -> TTFont:
    """Return one static weight, cut to `characters`, with subscript digits added.

    Raises:
        FontInputError: the source lacks a Chinese character of the list.
    """
    weight, subscript_weight = WEIGHTS[style]
    wanted = {ord(character) for character in characters}
    font = _cut(source, wanted, weight)
    lacking = sorted(chr(code) for code in wanted - set(font.getBestCmap()) if code >= 0x3400)
    if lacking:
        message = f"{source}: the font has no {'、'.join(lacking[:20])}; take a fuller font or shorten the list."
        raise FontInputError(message)
    _add_subscripts(font, _cut(source, set(map(ord, "0123456789")), subscript_weight))
    _name(font, style, weight)
    return font


def _cut(source: Path, codes: set[int], weight: int) -> TTFont:
    # The moment of the build must not get into the file.
    font = TTFont(source, recalcTimestamp=False)
    options = Options(hinting=False, glyph_names=False, notdef_outline=True, name_IDs=["*"], layout_features=["kern"])
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    return instantiateVariableFont(font, {"wght": weight}, inplace=True)


def _add_subscripts(font: TTFont, digits: TTFont) -> None:
    """Add ₀ to ₉, which Noto Sans SC does not have, as small lowered digits."""
    units = font["head"].unitsPerEm
    glyphs, digit_names = digits.getGlyphSet(), digits.getBestCmap()
    for value, character in enumerate(SUBSCRIPTS):
        name = f"uni{ord(character):04X}"
        pen = TTGlyphPen(None)
        digit = glyphs[digit_names[ord(str(value))]]
        digit.draw(TransformPen(pen, (SUBSCRIPT_SCALE, 0, 0, SUBSCRIPT_SCALE, 0, SUBSCRIPT_DROP * units)))
        glyph = pen.glyph()
        # The order is extended before the glyph is set, else fontTools would look for the name in the old one.
        font.setGlyphOrder([*font.getGlyphOrder(), name])
        font["glyf"].glyphs[name] = glyph
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (round(digit.width * SUBSCRIPT_SCALE), glyph.xMin)
        if "vmtx" in font:
            font["vmtx"][name] = (units, 0)
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[ord(character)] = name
    font["maxp"].numGlyphs = len(font.getGlyphOrder())


def _name(font: TTFont, style: str, weight: int) -> None:
    bold = style == "Bold"
    names = font["name"]
    for name_id in (16, 17, 21, 22, 25):
        names.removeNames(nameID=name_id)
    texts = {1: FAMILY, 2: style, 4: f"{FAMILY} {style}", 6: f"{FAMILY.replace(' ', '')}-{style}"}
    for name_id, text in texts.items():
        names.removeNames(nameID=name_id)
        names.setName(text, name_id, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight
    font["OS/2"].fsSelection = (font["OS/2"].fsSelection & ~0x61) | (0x20 if bold else 0x40)
    font["head"].macStyle = 1 if bold else 0


def main() -> None:
    """Build both files beside this one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="NotoSansSC[wght].ttf")
    parser.add_argument("table", type=Path, help="the characters of 通用规范汉字表 as text")
    parser.add_argument("--into", type=Path, default=FONTS_FOLDER, help="folder of the result")
    arguments = parser.parse_args()
    characters = wanted_characters(arguments.table)
    for style in WEIGHTS:
        static_font(arguments.source, characters, style).save(arguments.into / f"NotoSansSC-{style}.ttf")


if __name__ == "__main__":
    main()
