"""Repairs to extracted characters: radicals that stand for whole characters, invisible marks, line ends.

PDF fonts often map 见 to U+2EC5 or U+2F92. NFKC turns most of U+2F00-2FDF back, but leaves U+2E80-2EFF alone and
gives 戶 for U+2F3E; hence the table. Full-width punctuation is people's own text and stays.
"""

from __future__ import annotations

import re
import unicodedata

_SUPPLEMENT = dict(
    zip(
        "⺁⺃⺄⺅⺆⺇⺈⺉⺊⺋⺌⺍⺎⺏⺐⺑⺒⺓⺔⺕⺖⺗⺘⺙⺛⺜⺝⺞⺟⺠⺡⺢⺣⺤⺥⺦⺧⺨⺩⺪⺫⺬⺭⺮⺯⺰⺱⺲⺳⺴⺵⺶⺷⺸⺹⺺⺻⺼⺽⺾⺿⻀⻁⻂⻃⻄⻅⻆⻇⻈⻉⻊⻋⻌⻍⻎⻏⻐⻑⻒⻓⻔⻕⻖⻗⻘⻙⻚⻛⻜⻝⻞⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
        "厂乙乙亻冂几刀刂卜㔾小小尢尣尢尣巳幺彑彐忄心扌攵旡日月歹母民氵氺灬爫爫丬牛犭王疋罒示礻竹糹纟罒罒罒罒罒羊羊羊老聿聿肉臼艹艹艹虎衤西西见角角讠贝足车辶辶辶邑钅長镸长门阜阝雨青韦页风飞食飠飠饣首马骨鬼鱼鸟卤麦黄黾齐齐齒齿竜龙龜亀龟",
        strict=True,
    )
)
_KANGXI = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)} | {"⼾": "户"}
_COMPATIBLE = {
    chr(code): unicodedata.normalize("NFKC", chr(code)) for code in (*range(0xF900, 0xFA6E), *range(0xFA70, 0xFADA))
}
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e"))
_CONTROL = dict.fromkeys(code for code in (*range(0x20), *range(0x7F, 0xA0)) if code not in (0x09, 0x0A))
_BULLETS = dict.fromkeys(
    "\uf06c\uf06e\uf075\uf076\uf09f\uf0a7\uf0a8\uf0b2\uf0b7\uf0d8\uf0e8\uf0fc", "•"
)  # of Wingdings
_TABLE = str.maketrans(_SUPPLEMENT | _KANGXI | _COMPATIBLE | _BULLETS) | _CONTROL | _INVISIBLE | {0xA0: " "}
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def repaired(text: str) -> str:
    """The text with whole characters for radicals, `\\n` line ends, and nothing invisible."""
    return _LINE_END.sub("\n", text).translate(_TABLE)


def looks_damaged(text: str) -> bool:
    """Whether the text layer lost its characters: replacement marks, private use, or runs of I where Chinese was."""
    solid = [char for char in text if not char.isspace()]
    if not solid:
        return False
    lost = sum(char in "\ufffd■□" or unicodedata.category(char) == "Co" for char in solid)
    lost += sum(len(run) for run in re.findall(r"I{4,}", text))
    return lost > 0.03 * len(solid)
