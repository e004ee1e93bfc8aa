"""The fonts we ship hold what Chinese reports need, are static, light, and come with their licence."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from dashboards.fonts import FAMILY, FONTS_FOLDER, our_fonts
from dashboards.fonts.build import CHEMICAL, SUBSCRIPTS, SYMBOLS, FontInputError, gb2312_characters, wanted_characters

STYLES = {"Regular": 400, "Bold": 700}
# From the third level of 通用规范汉字表, beyond the basic plane: rare, and in people's and elements' names.
RARE = "𬭊𬭛𬭳𬬻𫟼𫓧㛃㸆䓛喆堃镕淼犇"


@pytest.fixture(scope="module", params=STYLES)
def style(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def font(style: str) -> TTFont:
    return TTFont(FONTS_FOLDER / f"NotoSansSC-{style}.ttf", lazy=True)


def test_every_character_of_reports_is_there(font: TTFont):
    held = set(font.getBestCmap())
    wanted = gb2312_characters() | set(CHEMICAL + SYMBOLS + SUBSCRIPTS + RARE)
    wanted |= {chr(code) for code in range(0x20, 0x7F)} | set("µ³²°±·—…“”‘’、。，；：？！（）《》【】〔〕▲℃")
    assert not [character for character in wanted if ord(character) not in held and not character.isspace()]
    assert sum(code >= 0x3400 for code in held) >= 8105


def test_the_fonts_are_static_and_named_by_their_weight(font: TTFont, style: str):
    assert "fvar" not in font
    assert font["name"].getDebugName(1) == FAMILY
    assert font["name"].getDebugName(2) == style
    assert font["OS/2"].usWeightClass == STYLES[style]


def test_subscript_digits_hang_below_the_line_and_are_small(font: TTFont):
    names = font.getBestCmap()
    for value, character in enumerate(SUBSCRIPTS):
        small, digit = (font["glyf"][names[ord(sign)]] for sign in (character, str(value)))
        assert small.yMin < -50
        assert (small.yMax - small.yMin) < 0.7 * (digit.yMax - digit.yMin)


def test_they_are_light_and_carry_their_licence():
    assert sum(path.stat().st_size for path in FONTS_FOLDER.glob("*.ttf")) <= 6_000_000
    assert "SIL OPEN FONT LICENSE" in (FONTS_FOLDER / "OFL.txt").read_text("utf-8").upper()


def test_pages_see_our_fonts_and_no_others():
    assert our_fonts().families() == [FAMILY]


def test_a_cut_off_table_of_characters_is_refused(tmp_path: Path):
    table = tmp_path / "characters.txt"
    table.write_text("一乙二\n", "utf-8")
    with pytest.raises(FontInputError, match="3 different characters where 通用规范汉字表 has 8105"):
        wanted_characters(table)
