from __future__ import annotations

from datetime import date

import pytest

from knowledge.documents import DocumentKind
from knowledge.errors import DocumentRefused
from knowledge.ingestion.naming import document_id
from knowledge.ingestion.readers import read_document, refusal_sentence
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.sandbox import extract

PRODUCT = """---
kind: product
code: 'WJ-30'
name: 稳健三十天
nicknames: [稳三十]
product_kind: wealth
issuer: 示例理财有限责任公司
sold_as: own
risk_level: R2
term: {text: 30天持有期, days: 30}
minimum: {text: 1万元起购, amount: 10000}
fees:
  - {name: 管理费, rate: 0.30%/年, note: 从资产中扣除}
  - {name: 申购费, rate: 0}
benchmark: {text: 1.80%—2.50%, basis: 按合同范围测算, as_of: 2026-10-01, statement: 不等于预期收益率}
redemption: {text: 满30天可赎回, early: 不可提前}
selling_points: [期限短]
must_say: [理财非存款。]
questions: [稳三十多久能取]
version: 2
effective_from: 2026-10-01
---

# 稳健三十天

## 费用

管理费每年0.30%。
"""
TRANSCRIPT = """
id: T900
title: 嫌收益低
situation: yield_low
stage: 有需求
segment: 到期
date: 2026-10-01
turns:
  - {role: customer, text: 收益太低了}
  - role: relationship_manager
    says: [{move: answer, text: 这款求稳。}, {move: ask, text: 这笔钱多久不用？}]
outcome: 约了下周
why_it_worked: 先问用途
"""
FAQ = """
- id: F1
  question: 能提前取吗
  situation: liquidity
  known_questions: [急用钱咋办]
  answer: 能取。
  products: [CK-DQ]
  effective_from: 2026-01-01
- {id: F2, question: 收费吗, situation: fee_ask, answer: 不收。, effective_from: 2026-01-01}
"""
MOMENTS = """
- id: M1
  topic: 降准了
  triggers: [降准]
  audience: 存款客户
  facts: [央行公告降准]
  angles: [{angle: 生活, hook: 今天降准, body: 房贷不会马上变, invite: 想问的留言}]
"""
PLAYBOOK = """---
kind: playbook
id: PB-90
title: 破冰
stage: 破冰
segment: 代发
channel: wecom
questions: [怎么开口]
effective_from: 2026-06-01
---

## 目标

让他回一句。

## 不要做

- 不群发
"""
REGULATION = """---
kind: regulation
title: 示例办法（摘要）
effective_from: 2026-02-01
questions: [录音录像要存多久, 能不能送礼]
---

## 第一条 录音录像

销售过程的录音录像要保存。

## 第二条 不送礼

不得以送礼的方式揽存。
"""


def one(text: str, name: str, kind: DocumentKind | None = None) -> ReadDocument:
    (document,) = read_document(text.encode(), name, extract=extract, kind=kind)
    return document


def test_a_product_file_gives_its_sheet_first_then_its_pitch_then_its_leaflet() -> None:
    document = one(PRODUCT, "WJ-30.md")
    sheet, pitch, leaflet = document.passages
    assert (document.document_id, document.product_code, document.version) == ("product-WJ-30", "WJ-30", 2)
    assert document.effective_from == date(2026, 10, 1)
    assert sheet.known_questions == ("稳三十多久能取",)
    assert "费用：管理费 0.30%/年（从资产中扣除）；申购费 0" in sheet.text
    assert "业绩比较基准：1.80%—2.50%（2026-10-01，按合同范围测算；不等于预期收益率）" in sheet.text
    assert "起点：1万元起购（10000 CNY）" in sheet.text
    assert "期限：30天持有期\n" in sheet.text
    assert "必须说明：理财非存款。" in pitch.text
    assert leaflet.source.heading == "稳健三十天 / 费用"


def test_a_typed_payload_names_its_content() -> None:
    texts = {"p.md": PRODUCT, "t.yaml": TRANSCRIPT, "m.yaml": MOMENTS, "pb.md": PLAYBOOK, "r.md": REGULATION}
    contents = {name: (one(text, name).payload or {}).get("content") for name, text in texts.items()}
    assert contents == {
        "p.md": "product",
        "t.yaml": "transcript",
        "m.yaml": "moments_topic",
        "pb.md": "playbook",
        "r.md": "regulation",
    }


def test_a_conversation_is_one_passage_and_asks_the_customers_turns() -> None:
    document = one(TRANSCRIPT, "T900.yaml")
    (passage,) = document.passages
    assert "客户：收益太低了\n经理：这款求稳。这笔钱多久不用？" in passage.text
    assert passage.known_questions == ("收益太低了",)
    assert document.kind is DocumentKind.TRANSCRIPT


def test_each_known_question_is_a_document_of_its_own() -> None:
    first, second = read_document(FAQ.encode(), "deposits.yaml", extract=extract)
    assert (first.document_id, first.title, first.product_code) == ("faq-F1", "能提前取吗", "CK-DQ")
    assert first.passages[0].text == "问：能提前取吗\n答：能取。"
    assert first.passages[0].known_questions == ("急用钱咋办",)
    assert (second.document_id, second.kind, second.product_code) == ("faq-F2", DocumentKind.FAQ, None)


def test_a_playbook_keeps_its_sections_by_heading() -> None:
    payload = one(PLAYBOOK, "PB-90.md").payload or {}
    data = payload["data"]
    assert isinstance(data, dict)
    assert data["sections"] == {"目标": "让他回一句。", "不要做": "- 不群发"}


def test_each_question_of_a_regulation_goes_to_the_article_it_asks_about() -> None:
    first, second = one(REGULATION, "示例办法.md").passages
    assert (first.known_questions, second.known_questions) == (("录音录像要存多久",), ("能不能送礼",)) or (
        first.known_questions == ("录音录像要存多久",) and second.known_questions == ()
    )


def test_a_file_that_does_not_fit_its_template_is_read_as_text_with_a_doubt() -> None:
    document = one(PRODUCT.replace("risk_level: R2", "risk_level: R9"), "WJ-30.md")
    assert document.kind is DocumentKind.OTHER
    assert document.payload is None
    assert dict(document.doubts[0].slots)["field"] == "risk_level"
    assert "管理费每年0.30%。" in document.passages[-1].text


@pytest.mark.parametrize(
    ("text", "name", "kind", "field"),
    [
        (PRODUCT.replace("risk_level: R2", "risk_level: R9"), "a.md", DocumentKind.PRODUCT, "risk_level"),
        (PRODUCT.replace("2026-10-01\n---", "十月\n---"), "a.md", DocumentKind.PRODUCT, "effective_from"),
        (TRANSCRIPT.replace("outcome", "outcom") + "outcome: x", "a.yaml", DocumentKind.TRANSCRIPT, "outcom"),
        (FAQ.replace("id: F2", "id: F1"), "a.yaml", DocumentKind.FAQ, "2.id"),
        ("kind: [", "a.yaml", DocumentKind.FAQ, "YAML"),
    ],
)
def test_the_same_file_is_refused_with_the_field_when_the_kind_is_insisted_on(
    text: str, name: str, kind: DocumentKind, field: str
) -> None:
    with pytest.raises(DocumentRefused) as refused:
        read_document(text.encode(), name, extract=extract, kind=kind)
    assert refused.value.ids["reason"] == "bad_content"
    assert refused.value.ids["field"] == field
    assert field in refusal_sentence(refused.value)


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("收费管理办法.txt", "第一条 甲。\n第二条 乙。\n第三条 丙。", DocumentKind.REGULATION),
        ("开门红话术.txt", "先问用途。", DocumentKind.PLAYBOOK),
        ("理财常见问题.txt", "问：能取吗", DocumentKind.FAQ),
        ("产品说明书.txt", "本产品期限一年。", DocumentKind.PRODUCT),
        ("会议纪要.txt", "今天开会。", DocumentKind.OTHER),
        ("制度.md", "---\nkind: regulation\nissuer: 总行\n---\n第一条 甲。", DocumentKind.OTHER),
        (
            "制度.md",
            "---\ntitle: 某制度\nissuer: 总行\n---\n第一条 甲。\n第二条 乙。\n第三条 丙。",
            DocumentKind.REGULATION,
        ),
    ],
)
def test_the_kind_is_guessed_and_never_decides_whether_a_file_loads(name: str, text: str, kind: DocumentKind) -> None:
    assert one(text, name).kind is kind
    assert one(text, name, DocumentKind.FAQ).kind is DocumentKind.FAQ


def test_foreign_front_matter_gives_title_and_dates() -> None:
    document = one('---\ntitle: "某某法"\neffective_date: "2025-01-01"\nnote: x\n---\n正文。', "某某法.md")
    assert (document.title, document.effective_from) == ("某某法", date(2025, 1, 1))
    assert document.passages[0].text == "正文。"


@pytest.mark.parametrize(
    ("text", "first", "until"),
    [
        ("# 细则\n\n> 版本：V2.1\n> 生效日期：2025-07-01\n> 失效日期：2026-06-30", date(2025, 7, 1), date(2026, 6, 30)),
        ("（某令公布 自2026年2月1日起施行）\n第一条 甲。", date(2026, 2, 1), None),
        ("**执行日期**：2026.1.5\n有效期至2026年12月31日", date(2026, 1, 5), date(2027, 1, 1)),
        ("生效日期：以公告为准", None, None),
        ("生效日期：2026-13-40", None, None),
        ("正文。" * 400 + "生效日期：2026-01-01", None, None),
    ],
)
def test_dates_in_the_first_lines_count(text: str, first: date | None, until: date | None) -> None:
    document = one(text, "细则.md")
    assert (document.effective_from, document.effective_until) == (first, until)


def test_marks_of_a_version_do_not_make_another_document() -> None:
    names = ["费率表.md", "费率表.v1.md", "费率表（旧版）.md", "费率表-2006旧版.md", "费率表（V2.1历史）.md"]
    assert len({document_id(name) for name in names}) == 1
    assert document_id("费率表2025.md") != document_id("费率表2026.md")
    assert document_id("a/费率表.md") != document_id("b/费率表.md")


def test_a_name_that_says_superseded_raises_a_doubt() -> None:
    assert [doubt.code for doubt in one("正文。", "某某法-旧版.md").doubts] == ["looks_superseded"]
    dated = one("---\neffective_until: 2024-01-01\n---\n正文。", "某某法-旧版.md")
    assert not dated.doubts
    assert dated.effective_until == date(2024, 1, 1)


def test_the_content_hash_follows_the_wording_and_not_the_file_name() -> None:
    assert one("正文。", "甲.txt").content_hash != one("正文。", "乙.txt").content_hash  # the title is the name
    assert one("# 题\n正文。", "甲.md").content_hash == one("# 题\n正文。", "乙.md").content_hash
    assert one("# 题\n正文。", "甲.md").content_hash != one("# 题\n正文！", "甲.md").content_hash
