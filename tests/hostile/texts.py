"""Text files that are endless, badly encoded, deeply nested, or written to make a pattern search in vain."""

from __future__ import annotations

import codecs
import random
from collections.abc import Callable

from tests.hostile.cases import Hostile, bounded, harmless, refused
from tests.hostile.office import INSTRUCTIONS

_LIMITS = ("too_slow", "too_much_memory", "too_large", "too_deep", "broken", "empty", "unknown_encoding")
_LINE = "存款利率以柜面公示为准。"


def _said(text: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    return lambda: text.encode(encoding, "surrogatepass")


def _random_bytes() -> bytes:
    return random.Random(7).randbytes(200_000).replace(b"\x00", b"\x01").replace(b"MZ", b"xx")


def _front(head: str) -> Callable[[], bytes]:
    return _said(f"---\n{head}\n---\n{_LINE}\n")


def _alias_bomb(levels: int) -> str:
    lines = ["a0: &a0 [哈, 哈, 哈, 哈, 哈, 哈, 哈, 哈, 哈]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def encodings() -> list[Hostile]:
    """Bytes that are no text, or not the text they seem."""
    broken = _LINE.encode("gb18030") * 200
    return [
        refused("零字节.md", bytes, "empty"),
        refused("只有零.txt", lambda: b"\x00" * 100_000, "empty"),
        refused("夹着零.txt", lambda: b"abc\x00\x01\xff\xfe\x00\x00\x00" * 99, "unknown_encoding"),
        refused("乱码.txt", _random_bytes, "unknown_encoding"),
        bounded("断开的国标码.txt", lambda: broken[:-1], "unknown_encoding"),
        bounded("坏了几处的国标码.txt", lambda: broken.replace(b"\xa1\xa3", b"\xff\xff", 3), "unknown_encoding"),
        refused("超长的UTF8.txt", lambda: b"\xc0\xaf\xe0\x80\xaf" * 5000, "unknown_encoding"),
        refused(
            "奇数的UTF16.txt", lambda: codecs.BOM_UTF16_LE + _LINE.encode("utf-16-le") + b"\x00", "unknown_encoding"
        ),
        refused("半个字的UTF16.txt", lambda: codecs.BOM_UTF16_LE + b"\x00\xd8A\x00" * 99, "unknown_encoding"),
        bounded("UTF7.html", lambda: b"<meta charset=utf-7><p>+ADw-script+AD4-alert(1)+ADw-/script+AD4-</p>", "empty"),
        bounded("声明说谎.html", _said(f"<meta charset=gb2312><p>{_LINE}</p>"), "unknown_encoding"),
        harmless("倒着显示.txt", _said(f"{_LINE}\n\u202e费率\u202c\u2066百分之一\u2069\n")),
        bounded("一堆组合符.txt", _said("费" + "\u0301" * 1_000_000), *_LIMITS, slow=True),
        bounded("全是空白.txt", _said(" \t\u3000" * 300_000 + "费"), *_LIMITS, slow=True),
    ]


def endless() -> list[Hostile]:
    """Very long lines, very many lines, very wide and very deep ones."""
    columns = ",".join(f"列{n}" for n in range(100_000))
    return [
        refused("五十一兆.txt", lambda: b"a" * (51 * 1024 * 1024), "too_large"),
        bounded("一行五十兆.txt", lambda: ("存" * 17_000_000).encode(), "too_large", slow=True),
        bounded("一行五十兆.md", lambda: ("存" * 17_000_000).encode(), "too_large", slow=True),
        bounded("一行五十兆.csv", lambda: b"a" * 50_000_000, "too_large", "broken", slow=True),
        bounded("一行五十兆.yaml", lambda: b"a" * 50_000_000, "too_large", slow=True),
        bounded("百万行.txt", _said("存\n" * 1_000_000), "too_large", slow=True),
        bounded("百万空行.md", _said("\n" * 1_000_000 + _LINE), *_LIMITS, slow=True),
        bounded("百万行问题.md", _said("**问？**\n" * 200_000), *_LIMITS, slow=True),
        bounded("十万条.txt", _said("第一条 存款。\n" * 100_000), *_LIMITS, slow=True),
        bounded(
            "一条到底.txt",
            _said("第一条 总则。\n第二条 a。\n第三条 b。\n第四条 c。\n第五条 d。\n" + "存款。\n" * 60),
            *_LIMITS,
        ),
        bounded("十万列.csv", _said(f"{columns}\n{columns}\n"), *_LIMITS),
        bounded("没合上的引号.csv", _said('期限,"' + "利率,\n" * 500_000), *_LIMITS),
        bounded("全是逗号.csv", _said("," * 5_000_000 + "\n1"), *_LIMITS),
        bounded("十万层.html", _said("<div>" * 100_000 + _LINE + "</div>" * 100_000), *_LIMITS, slow=True),
        bounded("十万层表.html", _said("<table><tr><td>" * 100_000 + _LINE), *_LIMITS, slow=True),
        bounded(
            "跨十亿格.html",
            _said(f"<table><tr><td rowspan=1000000000 colspan=1000000000>{_LINE}</td></tr></table>"),
            *_LIMITS,
        ),
        bounded(
            "许多大跨度.html",
            _said("<table>" + f"<tr><td rowspan=65534 colspan=1000>{_LINE}</td></tr>" * 300 + "</table>"),
            *_LIMITS,
        ),
        bounded("没合上的注释.html", _said(_LINE + "<!--" * 100_000), *_LIMITS, slow=True),
        bounded("没合上的标记.html", _said(f"<p>{_LINE}" + "<a " * 100_000), *_LIMITS, slow=True),
        bounded("没合上的属性.html", _said(f"<p>{_LINE}<a b='" + "x" * 3_000_000), *_LIMITS, slow=True),
        bounded("没完的实体.html", _said(f"<p>{_LINE}" + "&#" * 500_000 + "&" * 500_000), *_LIMITS, slow=True),
        bounded("文档类型.html", _said("<!DOCTYPE " + "[" * 300_000), *_LIMITS),
    ]


def nested() -> list[Hostile]:
    """YAML, front matter and JSON that grow or sink when read."""
    return [
        bounded("别名炸弹.yaml", _said(_alias_bomb(12)), *_LIMITS),
        bounded("别名炸弹.md", _front(_alias_bomb(12)), *_LIMITS),
        bounded("十万层.yaml", _said("[" * 100_000), *_LIMITS),
        bounded("十万层.md", _front("a: " + "[" * 100_000), *_LIMITS),
        bounded("缩进一千层.yaml", _said("\n".join(" " * n + "a:" for n in range(1500))), *_LIMITS, slow=True),
        bounded("十万空行.yaml", _said("\n" * 100_000 + "a: 1\n"), *_LIMITS, slow=True),
        bounded("十万个短横.yaml", _said("- " * 100_000), *_LIMITS, slow=True),
        bounded("百万个键.md", _front("\n".join(f"k{n}: {n}" for n in range(300_000))), *_LIMITS, slow=True),
        bounded("分隔线十万行.md", _said("---\n" * 100_000), *_LIMITS, slow=True),
        harmless("叫程序的标记.yaml", _said("!!python/object/apply:os.system ['id']\n")),
        bounded("十万层.json", _said("[" * 100_000 + "]" * 100_000), *_LIMITS),
        bounded("十万层对象.json", _said('{"a":' * 100_000), *_LIMITS),
        bounded("百万位数.json", _said("[" + "9" * 1_000_000 + "]"), *_LIMITS),
        bounded("百万位数.jsonl", _said('{"turns": ' + "9" * 1_000_000 + "}\n"), *_LIMITS),
    ]


def searching() -> list[Hostile]:
    """Runs of the marks that patterns look for, without the end they wait for."""
    runs = {
        "括号": "（",
        "第": "第",
        "第一": "第一",
        "百分号": "%",
        "数字": "6",
        "空格": " ",
        "全角空格": "\u3000",
        "星号": "*",
        "方括号": "[",
        "竖线": "|",
        "井号": "#",
        "大于号": ">",
        "引文": "> ",
        "尖括号": "<a",
        "注释": "<!--",
        "冒号": "：",
        "书名号": "《",
        "日期": "2026年",
        "自": "自2026年1月1日起",
        "点数字": "1.1",
        "客户": "客户：",
        "电话": "138",
        "破折": "-",
        "下划线": "_",
        "邮箱": "a@a.",
        "中文数": "一",
        "百千": "百千",
        "问": "问：",
        "回车": "\r",
        "制表": "\t",
        "反引号": "`",
    }
    cases = [
        bounded(f"一长串{name}.md", _said(f"正文\n\n{mark * (200_000 // len(mark))}x"), *_LIMITS)
        for name, mark in runs.items()
    ]
    cases += [
        bounded(f"一长串{name}.txt", _said(mark * (200_000 // len(mark))), *_LIMITS)
        for name, mark in runs.items()
        if name in {"括号", "第一", "数字", "电话", "自", "中文数", "邮箱", "冒号", "书名号", "客户"}
    ]
    return cases


def addressed() -> list[Hostile]:
    """Text that speaks to the assistant: it is only text."""
    return [
        harmless("对助手说话.txt", _said(INSTRUCTIONS)),
        harmless("对助手说话.md", _said(f"# 规则\n\n{INSTRUCTIONS}\n")),
        harmless("对助手说话.csv", _said(f"期限,说明\n一年,{INSTRUCTIONS}\n")),
        harmless("对助手说话.html", _said(f"<p>{INSTRUCTIONS}</p>")),
        harmless("模板标记.txt", _said("{{ 7*7 }} ${7*7} <%= 7 %> {% include '/etc/passwd' %}")),
        harmless("脚本标记.md", _said("<script>alert(1)</script><img src=x onerror=alert(1)> 正文。")),
        harmless("像语句.txt", _said("'); DROP TABLE passages; --")),
    ]
