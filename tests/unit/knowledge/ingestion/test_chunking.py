from __future__ import annotations

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


def test_a_long_article_stays_whole_up_to_1500_characters() -> None:
    passages = chunk(markdown.parse(_regulation("收费应当公示，" * 190 + "完。")), DocumentKind.REGULATION)
    assert len(passages) == 8
    passages = chunk(markdown.parse(_regulation("收费应当公示。" * 400)), DocumentKind.REGULATION)
    assert len(passages) > 8
    assert all(passage.text.endswith("。") for passage in passages)


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
