"""Chats by exchange: every export, roles told or doubted, nobody's name kept."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from assistant.masking import mask
from knowledge.documents import DocumentKind
from knowledge.ingestion.readers import read_document
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.sandbox import extract

DIALOGUES = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "dialogues"
PASTED = """客户：定期利息太低了，有没有高一点的？
我：您这笔钱多久不用？
客户：半年吧，我电话13812345678
我：那先看看三个月的存单。
客户：好的
"""
EXPORTED = """张三丰 2026-03-01 10:22:05
大额存单还有额度吗？
李敏（城东支行） 2026-03-01 10:23:10
有的，张三丰您好，三年期还有。
二十万起存。
张三丰 2026-03-01 10:24:00
能转让吗
李敏（城东支行） 2026-03-01 10:25:00
可以转让。
"""
LINES = "2026-03-01 10:22 客户：收益多少？\n2026-03-01 10:23 客户经理：您看说明书第三页。\n2026-03-02 09:00 客户：早"


def one(text: str, name: str, kind: DocumentKind | None = None) -> ReadDocument:
    (document,) = read_document(text.encode(), name, extract=extract, kind=kind, mask=mask)
    assert document.extracted is not None
    for passage in document.passages:
        assert document.extracted.text[passage.source.start : passage.source.end] == passage.text
    return document


def told(document: ReadDocument) -> list[dict[str, object]]:
    payload = document.payload or {}
    assert payload["content"] == "conversations"
    data = payload["data"]
    assert isinstance(data, dict)
    found = data["conversations"]
    assert isinstance(found, list)
    return found


def test_a_pasted_chat_becomes_exchanges_with_the_one_before_as_context() -> None:
    document = one(PASTED, "聊天.txt")
    assert document.kind is DocumentKind.TRANSCRIPT
    first, second = document.passages
    assert first.text == "客户：定期利息太低了，有没有高一点的？\n客户经理：您这笔钱多久不用？"
    assert first.known_questions == ("定期利息太低了，有没有高一点的？",)
    assert second.text.endswith("客户：好的")
    assert "上文：客户：定期利息太低了" in second.source.heading
    assert "13812345678" not in second.text
    assert document.masked == 1
    assert not document.keeps_file


def test_an_export_with_names_keeps_roles_and_no_name_anywhere() -> None:
    document = one(EXPORTED, "与张三丰的聊天记录.txt")
    everything = json.dumps(document.payload, ensure_ascii=False) + document.title + document.document_id
    everything += "".join(item.text + item.source.heading + item.source.file for item in document.passages)
    assert "张三丰" not in everything
    assert "李敏" not in everything
    assert document.passages[0].text.split("\n") == [
        "客户：大额存单还有额度吗？",
        "客户经理：有的，客户您好，三年期还有。 二十万起存。",
    ]
    assert told(document)[0]["day"] == "2026-03-01"


def test_each_day_of_an_export_is_a_conversation() -> None:
    assert [item["day"] for item in told(one(LINES, "导出.txt"))] == ["2026-03-01", "2026-03-02"]


def test_speakers_without_a_role_are_numbered_and_doubted() -> None:
    text = EXPORTED.replace("（城东支行）", "")
    document = one(text, "聊天记录.txt")
    assert [doubt.code for doubt in document.doubts] == ["roles_unknown"]
    assert "说话人1：大额存单还有额度吗？" in document.passages[0].text
    assert not told(document)[0]["roles_known"]


def archived(number: int, sender: str, receiver: str, at: int, **content: object) -> dict[str, object]:
    kind = next(iter(content), "text")
    return {
        "msgid": str(number),
        "action": "send",
        "from": sender,
        "tolist": [receiver],
        "roomid": "",
        "msgtime": at,
        "msgtype": kind,
        **content,
    }


NOON = 1_772_337_600_000  # 2026-03-01 12:00 in Shanghai
ARCHIVE = [
    archived(2, "limin", "wmAAA", NOON + 2, text={"content": "三年期还有，wmAAA 不用担心"}),
    archived(1, "wmAAA", "limin", NOON + 1, text={"content": "大额存单还有吗"}),
    archived(3, "wmAAA", "limin", NOON + 3, image={"md5sum": "x"}),
    archived(4, "limin", "wmAAA", NOON + 4, text={"content": "说错了"}),
    archived(5, "limin", "wmAAA", NOON + 5, revoke={"pre_msgid": "4"}),
    archived(6, "wmAAA", "limin", NOON + 12 * 3_600_000, text={"content": "第二天再问"}),
    archived(7, "wmBBB", "limin", NOON + 6, text={"content": "另一位客户"}),
    archived(8, "wangwu", "limin", NOON + 7, text={"content": "同事之间"}),
]


@pytest.mark.parametrize("form", ["list", "lines", "wrapped"])
def test_a_wecom_archive_is_grouped_by_chat_and_day(form: str) -> None:
    texts = {
        "list": json.dumps(ARCHIVE, ensure_ascii=False),
        "lines": "\n".join(json.dumps(item, ensure_ascii=False) for item in ARCHIVE),
        "wrapped": json.dumps({"chatdata": ARCHIVE}, ensure_ascii=False),
    }
    document = one(texts[form], f"存档.{'jsonl' if form == 'lines' else 'json'}")
    assert [item["day"] for item in told(document)] == ["2026-03-01", "2026-03-01", "2026-03-02"]
    assert document.passages[0].text == "客户：大额存单还有吗\n客户经理：三年期还有，客户 不用担心\n客户：〔图片〕"
    text = document.extracted.text if document.extracted else ""
    assert "说错了" not in text
    assert "同事之间" not in text
    assert "wm" not in text


@pytest.mark.parametrize(
    "data",
    [
        {"turns": [{"role": "customer", "text": "怎么赎回？"}, {"role": "agent", "text": "手机银行里点赎回。"}]},
        {
            "messages": [
                {"role": "user", "content": "怎么赎回？"},
                {"role": "assistant", "content": "手机银行里点赎回。"},
            ]
        },
        [{"speaker": "客户", "text": "怎么赎回？"}, {"speaker": "客户经理", "text": "手机银行里点赎回。"}],
    ],
)
def test_dialogues_in_json_are_read_whatever_their_keys(data: object) -> None:
    document = one(json.dumps(data, ensure_ascii=False), "a.json")
    assert [item.text for item in document.passages] == ["客户：怎么赎回？\n客户经理：手机银行里点赎回。"]


def test_stage_and_outcome_are_kept_when_the_export_has_them() -> None:
    dialogue = {
        "title": "嫌利息低",
        "stage": "有需求",
        "outcome": "约了下周",
        "turns": [{"role": "客户", "text": "利息太低"}, {"role": "我", "text": "多久不用？"}],
    }
    (item,) = told(one(json.dumps([dialogue], ensure_ascii=False), "a.json"))
    assert (item["title"], item["stage"], item["outcome"]) == ("嫌利息低", "有需求", "约了下周")


def test_a_table_of_messages_is_a_chat() -> None:
    text = "时间,发送人,内容\n2026-03-01 10:00,客户,能提前取吗\n2026-03-01 10:01,客户经理,可以，按活期计息\n"
    document = one(text, "消息.csv")
    assert document.passages[0].text == "客户：能提前取吗\n客户经理：可以，按活期计息"
    assert told(document)[0]["day"] == date(2026, 3, 1).isoformat()


@pytest.mark.parametrize(
    "text",
    [
        "产品名称：稳健三十天\n风险等级：R2\n起点金额：1万元\n管理费：0.30%\n",
        "适合客户：稳健型\n风险等级：R2\n起点金额：1万元\n期限：30天\n",
        "适合客户：稳健型\n期限：30天\n",
        "时间：三月\n地点：二楼\n客户经理：待定\n议题：存单\n",
    ],
)
def test_labels_in_a_leaflet_or_a_form_are_no_chat(text: str) -> None:
    assert one(text, "单页.txt").kind is not DocumentKind.TRANSCRIPT


def test_a_transcript_that_is_not_understood_is_text_with_a_doubt_and_its_file_is_not_kept() -> None:
    document = one("今天和客户谈了存单，他说要想想。", "记录.txt", DocumentKind.TRANSCRIPT)
    assert [doubt.code for doubt in document.doubts] == ["chat_not_understood"]
    assert not document.keeps_file


@pytest.mark.skipif(not DIALOGUES.is_dir(), reason="../shared/data is not here")
def test_every_line_of_a_dialogue_file_is_a_conversation_with_known_roles() -> None:
    path = DIALOGUES / "jddc-customer-service.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()[:200]
    document = one("\n".join(lines), path.name)
    found = told(document)
    assert len(found) == len(lines)
    assert all(item["roles_known"] for item in found)
    assert sum(int(str(item["turns"])) for item in found) == sum(len(json.loads(line)["turns"]) for line in lines)
