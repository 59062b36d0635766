from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from knowledge.documents import DocumentKind
from knowledge.ingestion.chunking import chunk
from knowledge.ingestion.formats import markdown, plain_text

LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "# 总览",
                "## 第二章 费用",
                "第三条 收费要公示。",
                "第四条　不得搭售。",
                "| 项目 | 值 |",
                "|---|---|",
                "| 费率 | 0.1% |",
                "",
            ]
        ),
        st.text("利率费用起点。；，？0123456789% \n", min_size=0, max_size=700),
    ),
    max_size=25,
).map("\n".join)


@given(LINES, st.sampled_from(list(DocumentKind)))
def test_every_passage_points_back_into_the_extracted_text(text: str, kind: DocumentKind) -> None:
    extracted = markdown.parse(text)
    passages = chunk(extracted, kind, file="a.md")
    end = 0
    for passage in passages:
        assert extracted.text[passage.source.start : passage.source.end] == passage.text
        assert passage.source.start >= end
        assert passage.text.strip()
        end = passage.source.end
    kept = sum(len(passage.text) for passage in passages)
    if kind is not DocumentKind.REGULATION and passages:
        headings = sum(len(block.text) for block in extracted.blocks if block.level)  # may stand in `heading` instead
        assert kept >= 0.9 * (len(extracted.text) - headings) - len(extracted.blocks)


def _regulation(article: str = "收费应当公示。") -> str:
    numbers = "一二三四五六七"
    articles = "\n\n".join(f"第{number}条 {article}" for number in numbers)
    return f"# 收费办法\n\n## 第一章 总则\n\n{articles}\n\n## 第二章 附则\n\n第八条 自公布之日起施行。"


def test_a_regulation_is_cut_by_article_with_its_chapter() -> None:
    passages = chunk(markdown.parse(_regulation()), DocumentKind.OTHER)
    assert [passage.text for passage in passages][:2] == ["第一条 收费应当公示。", "第二条 收费应当公示。"]
    assert passages[0].source.heading == "第一章 总则 / 第一条"
    assert passages[-1].source.heading == "第二章 附则 / 第八条"


def test_a_long_article_stays_whole_up_to_6000_characters() -> None:
    passages = chunk(markdown.parse(_regulation("收费应当公示，" * 850 + "完。")), DocumentKind.REGULATION)
    assert len(passages) == 8
    passages = chunk(markdown.parse(_regulation("收费应当公示。" * 1000)), DocumentKind.REGULATION)
    assert len(passages) > 8
    assert all(passage.text.endswith("。") for passage in passages)
    assert {passage.source.heading for passage in passages[:2]} == {"第一章 总则 / 第一条"}


def test_an_article_beyond_the_limit_is_cut_between_its_items() -> None:
    items = "\n\n".join(f"（{number}）{'应当公示；再次公示。' * 40}" for number in "一二三四五六七八九十" * 3)
    passages = chunk(markdown.parse(f"第一条 下列情形：\n\n{items}\n\n第二条 完。"), DocumentKind.REGULATION)
    first = [passage for passage in passages if passage.source.heading == "第一条"]
    assert len(first) > 1
    assert all(passage.text.startswith(("第一条", "（")) and len(passage.text) <= 6_000 for passage in first)


def test_a_table_of_contents_gives_no_articles_and_no_chapters() -> None:
    contents = "收费办法\n目  录\n第一章 总则……1\n第二章 收费……3\n第三章 附则\t9\n"
    body = "第一章 总则\n第一条 为了公示。\n第二章 收费\n第二条 要公示。\n第三章 附则\n第三条 施行。"
    passages = chunk(plain_text.read((contents + body).encode()), DocumentKind.REGULATION)
    assert [passage.source.heading for passage in passages if "条" in passage.source.heading] == [
        "第一章 总则 / 第一条",
        "第二章 收费 / 第二条",
        "第三章 附则 / 第三条",
    ]
    assert "……" not in "".join(passage.text for passage in passages)


def test_a_section_stands_under_its_chapter_and_an_inserted_article_after_its_own() -> None:
    text = "第一章 交易\n第一节 一般规定\n第九条 甲。\n第九条之一 乙。\n"
    text += "第二节 其他\n第十条 丙。\n第二章 附则\n第十一条 丁。"
    passages = chunk(plain_text.read(text.encode()), DocumentKind.REGULATION)
    assert [passage.source.heading for passage in passages] == [
        "第一章 交易 / 第一节 一般规定 / 第九条",
        "第一章 交易 / 第一节 一般规定 / 第九条之一",
        "第一章 交易 / 第二节 其他 / 第十条",
        "第二章 附则 / 第十一条",
    ]


def test_an_annex_does_not_belong_to_the_last_article() -> None:
    text = "第一条 甲。\n第二条 自公布之日起施行。\n附件1：收费标准\n每户每年十元。"
    passages = chunk(plain_text.read(text.encode()), DocumentKind.REGULATION)
    assert passages[1].text == "第二条 自公布之日起施行。"
    assert passages[2].source.heading == "附件1：收费标准"


def _table(rows: list[str], header: str = "| 期限 | 个人 | 单位 |\n|---|---|---|") -> str:
    return "\n".join([header, *rows])


def test_each_row_of_a_data_table_is_a_passage_with_its_columns_and_its_own_cells() -> None:
    text = "# 利率\n\n## 挂牌\n\n" + _table(["| 一年 | 0.95% | 0.85% |", "| 三年 | 1.25% | 1.15% |"]) + "\n\n表后说明。"
    extracted = markdown.parse(text)
    passages = chunk(extracted, DocumentKind.OTHER)
    assert [passage.text for passage in passages] == [
        "期限：一年；个人：0.95%；单位：0.85%",
        "期限：三年；个人：1.25%；单位：1.15%",
        "表后说明。",
    ]
    assert passages[0].source.heading == "利率 / 挂牌"
    assert all(extracted.text[item.source.start : item.source.end] == item.text for item in passages)


def test_rows_of_names_and_values_stay_together() -> None:
    rows = ["| 风险等级 | R2 |", "| 起点金额 | 1万元 |", "| 赎回 | 满三十天可以赎回 |"]
    passages = chunk(markdown.parse(_table(rows, "| 要素 | 内容 |\n|---|---|")), DocumentKind.OTHER)
    assert [passage.text.count("\n") for passage in passages] == [2]


def test_a_caption_above_a_table_goes_with_every_row() -> None:
    text = "正文在前，说了很多。\n\n表1 挂牌利率（单位：%）\n\n" + _table(["| 一年 | 0.95 | 0.85 |"])
    passages = chunk(markdown.parse(text), DocumentKind.OTHER)
    assert passages[-1].source.heading == "表1 挂牌利率（单位：%）"


def test_twenty_thousand_rows_are_cut_in_linear_time() -> None:
    rows = [f"| 网点{number} | {number} | {number * 2} |" for number in range(20_000)]
    extracted = markdown.parse(_table(rows))
    started = time.process_time()
    assert len(chunk(extracted, DocumentKind.OTHER)) == 20_000
    assert time.process_time() - started < 5


def test_mentioning_an_article_does_not_open_one() -> None:
    text = "第一条 按第二条办理。\n第二条规定的情形除外。\n第三条 完。"
    passages = chunk(plain_text.read(text.encode()), DocumentKind.REGULATION)
    assert [passage.source.heading for passage in passages] == ["第一条", "第三条"]


def test_a_bold_question_is_a_passage_with_that_question() -> None:
    passages = chunk(
        markdown.parse("## 常见问题\n\n**能转让吗？** 可以。\n\n**要收费吗？** 不收。"), DocumentKind.PRODUCT
    )
    assert [passage.known_questions for passage in passages] == [("能转让吗？",), ("要收费吗？",)]
    assert all(passage.source.heading == "常见问题" for passage in passages)


def test_long_text_without_headings_becomes_passages_of_a_few_hundred_characters() -> None:
    passages = chunk(plain_text.read(("客户先问用途，再谈期限。" * 300).encode()), DocumentKind.OTHER)
    assert all(150 <= len(passage.text) <= 600 for passage in passages)
    assert all(passage.text.endswith("。") for passage in passages)


def test_a_heading_alone_is_still_a_passage() -> None:
    assert [passage.text for passage in chunk(markdown.parse("# 只有标题"), DocumentKind.OTHER)] == ["只有标题"]


def test_numbered_items_stay_inside_their_article() -> None:
    text = "第一条 下列情形不得销售：\n（一）未评估\n（二）评估已过期\n第二条 完。\n第三条 完。"
    passages = chunk(plain_text.read(text.encode()), DocumentKind.REGULATION)
    assert [passage.source.heading for passage in passages] == ["第一条", "第二条", "第三条"]
    assert passages[0].text.endswith("（二）评估已过期")
