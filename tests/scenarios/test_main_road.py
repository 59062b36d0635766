"""The whole road on both engines: an RM writes in WeCom, a grounded draft comes back, decisions are kept."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from assistant.evidence_pack import EvidencePack
from assistant.feedback_export import FeedbackExport
from assistant.pseudonyms import Pseudonyms
from assistant.records.tables import metadata, outbox
from knowledge.documents import WHOLE_BANK, DocumentKind, PassageText
from tests.scenarios.house import GOLD, NEWCOMER, House

CHENGDONG_RM, BINHE_RM = "rm001", "rm006"
PERSON = ("欧阳振华", "13812345678", "11010519491231002X", "6222021234567890128")
REFUSING, REFUSED_BY = "曹先生", "rm005"  # has opted out
AGREEING, AGREED_BY = "谢姐", "rm005"


def feedback(house: House, folder: Path) -> list[dict[str, Any]]:
    export = FeedbackExport(house.records, house.services.store, Pseudonyms.kept_in(folder))
    return list(export.lines())


def cited_versions(house: House, draft_id: str) -> list[str]:
    return [item.version_id for item in house.records.drafts.get(draft_id).evidence]


def test_a_newcomer_goes_the_whole_road(house: House, tmp_path: Path) -> None:
    assert house.records.staff.get(NEWCOMER) is None

    draft, basis = house.ask(NEWCOMER, GOLD)
    first = house.draft_id(NEWCOMER)
    member = house.records.staff.get(NEWCOMER)
    assert member is not None
    assert (member.name, member.role, member.branch_id, member.source) == (
        "新来的",
        "relationship_manager",
        None,
        "wecom",
    )
    assert house.services.asking.scope_of(member).branches == frozenset()
    assert "黄金" in draft
    assert "依据" not in draft
    assert basis.startswith("依据：")
    assert "合规检查：通过" in basis
    assert "回复 1 采用" in basis

    shorter, _ = house.ask(NEWCOMER, "短一点")
    assert len(shorter) < len(draft)
    other, _ = house.ask(NEWCOMER, "换一版")
    assert other not in (draft, shorter)
    third = house.draft_id(NEWCOMER)
    assert [each.draft_id for each in house.records.drafts.lineage(third)][-1] == third
    assert first in [each.draft_id for each in house.records.drafts.lineage(third)]
    assert "采用" in house.ask(NEWCOMER, "采用")[0]

    house.ask(NEWCOMER, "客户问：定期利率多少")
    second = house.draft_id(NEWCOMER)
    edited = (house.records.drafts.get(second).text or "") + "您周三来网点找我。"
    assert "记下了您的版本" in house.ask(NEWCOMER, f"改：{edited}")[0]

    house.ask(NEWCOMER, "客户问：你们会不会倒闭")
    last = house.draft_id(NEWCOMER)
    house.services.deciding.decide(last, "rejected", now=house.clock(), how="cli", userid=NEWCOMER, reason="too_long")

    lines = feedback(house, tmp_path)
    assert [(line["draft_id"], line["decision"], line["sent"]["how"]) for line in lines] == [
        (third, "accepted", "chat"),
        (second, "edited", "chat"),
        (last, "rejected", "cli"),
    ]
    accepted, changed, refused = lines
    assert accepted["draft_text"] == accepted["final_text"] == other
    assert accepted["sent"]["text_hash"] == hashlib.sha256(other.encode()).hexdigest()
    assert changed["final_text"] == edited
    assert [(edit["op"], edit["after"]) for edit in changed["edits"]] == [("insert", "您周三来网点找我。")]
    assert changed["edits"][0]["category"] in {"fact", "compliance", "tone", "stage", "length", "other"}
    assert changed["citations"]
    assert (refused["reason"], refused["final_text"]) == ("too_long", None)
    assert NEWCOMER not in json.dumps(lines, ensure_ascii=False)

    report = house.records.audit.verify()
    assert report.whole
    assert [entry.event for entry in house.records.audit.of_subject(second)] == ["draft_made", "decision"]
    assert {entry.event for entry in house.records.audit.of_subject(NEWCOMER)} == {"member_registered"}


def test_a_draft_can_be_rebuilt_from_its_evidence_pack(house: House, tmp_path: Path) -> None:
    draft, _ = house.ask(NEWCOMER, "客户问：定期利率多少")
    draft_id = house.draft_id(NEWCOMER)
    house.ask(NEWCOMER, "采用")
    pack = EvidencePack(house.records, house.services.store, house.records.drafts.get(draft_id).rule_pack)
    names = pack.write(draft_id, tmp_path, now=house.clock())
    for line in (tmp_path / "SHA256SUMS").read_text().splitlines():
        total, name = line.split("  ")
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == total
    kept = json.loads((tmp_path / "draft.json").read_text())
    assert kept["text"] == draft
    assert [message["status"] for message in kept["messages_to_staff"]][:2] == ["sent", "sent"]
    assert all(message["msgid"] for message in kept["messages_to_staff"])
    assert json.loads((tmp_path / "decisions.json").read_text())["decisions"][0]["decision"] == "accepted"
    references = json.loads((tmp_path / "references.json").read_text())
    assert references["audit_chain_whole"] is True
    assert all(references[name] for name in ("prompt", "rule_pack", "drafter", "settings_fingerprint", "code_version"))
    passages = [name for name in names if name.startswith("passages/")]
    assert len(passages) == len(kept["evidence"]) > 0
    events = [json.loads(line)["event"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert events == ["draft_made", "decision"]


def test_a_message_delivered_again_gives_one_draft(house: House) -> None:
    for _ in range(3):
        house.says(NEWCOMER, GOLD, msg_id=77)  # sealed anew each time: another nonce, another ciphertext
    house.work()
    house.says(NEWCOMER, GOLD, msg_id=77)
    house.work()
    assert house.drafts_made() == 1
    assert len(house.news(NEWCOMER)) == 2
    assert house.records.inbox.counts() == {"done": 1}


def test_two_quick_messages_are_answered_in_order(house: House) -> None:
    house.says(NEWCOMER, "客户问：黄金涨成这样还能买吗")
    house.says(NEWCOMER, "短一点")
    house.says("rm002", "客户问：定期利率多少")
    house.work()
    draft, _, shorter, _ = house.news(NEWCOMER)
    assert len(shorter) < len(draft)
    assert len(house.news("rm002")) == 2


def test_a_button_of_the_card_decides(house: House) -> None:
    house.worker = house.new_worker(wecom_cards=True)
    house.says(NEWCOMER, GOLD)
    house.work()
    draft, card = house.local.received(NEWCOMER)
    assert (draft.msgtype, card.msgtype) == ("text", "template_card")
    keys = [str(button["key"]) for button in card.body["button_list"]]
    draft_id = house.draft_id(NEWCOMER)
    assert keys == [f"{action}:{draft_id}" for action in ("accepted", "another", "edit", "rejected")]
    inner = (
        f"<Event>template_card_event</Event><EventKey>{keys[0]}</EventKey><TaskId>{card.body['task_id']}</TaskId>"
        f"<CardType>button_interaction</CardType><ResponseCode>{card.response_code}</ResponseCode>"
    )
    press = house.xml(NEWCOMER, inner, kind="event", msg_id=0)
    for _ in range(2):  # WeCom may repeat an event too
        assert house.knock(press).status_code == 200
    house.work()
    [decision] = house.records.decisions.of_draft(draft_id)
    assert (decision.decision, decision.how, decision.userid) == ("accepted", "card", NEWCOMER)
    assert "采用" in str(house.local.received(NEWCOMER)[-1].body["content"])


def test_the_same_question_twice_is_said_to_be_the_same_draft(house: House) -> None:
    """WeCom drops the second of two equal messages, so the one below must say why there is only one."""
    draft, _ = house.ask(NEWCOMER, "客户问：定期利率多少")
    again = house.ask(NEWCOMER, "客户问：定期利率多少")
    repeated = house.records.drafts.get(house.draft_id(NEWCOMER)).text == draft
    assert again
    assert not repeated or any("完全相同" in text for text in again)


def test_branch_knowledge_is_not_shown_to_another_branch(house: House) -> None:
    store = house.services.store
    answer = "11月30日前到城东支行办理乔迁登记，就能领搬家纸箱。"
    entry = {
        "id": "FAQ-901",
        "question": "城东支行乔迁纸箱怎么领",
        "known_questions": ["搬家纸箱怎么领", "乔迁登记有什么礼遇", "城东支行送的纸箱在哪拿"],
        "answer": answer,
        "situation": "gift_ask",
        "source": "城东支行公告",
        "effective_from": "2026-11-01",
    }
    version = store.add_version(
        "branch-note",
        DocumentKind.FAQ,
        "城东支行乔迁纸箱怎么领",
        [PassageText(answer, known_questions=tuple(entry["known_questions"]))],
        effective_from=date(2026, 11, 1),
        uploaded_by="curator1",
        branches=["chengdong"],
        payload={"content": "known_question", "data": entry},
        now=house.clock(),
    )
    store.approve(version.version_id, "curator2", now=house.clock())
    question = "客户问：搬家纸箱怎么领"
    at_home, abroad = house.ask(CHENGDONG_RM, question), house.ask(BINHE_RM, question)
    newcomer = house.ask(NEWCOMER, question)
    assert any("纸箱" in text and "11月30日" in text for text in at_home)
    assert not any("11月30日" in text or "乔迁" in text for text in abroad + newcomer)
    for userid in (BINHE_RM, NEWCOMER):
        member = house.records.staff.get(userid)
        scope = house.services.asking.scope_of(member)
        found = house.services.retriever.search("搬家纸箱怎么领", scope=scope, on=date(2026, 11, 23))
        assert "branch-note" not in {each.passage.document_id for each in found.evidence}


def test_a_superseded_product_version_is_never_cited(house: House) -> None:
    store = house.services.store
    old = [each for each in store.versions() if each.effective_until and each.effective_until <= date(2026, 11, 23)]
    superseded = {each.version_id for each in old}
    assert superseded
    names = sorted({each.title for each in old})
    for name in names:
        for question in (f"{name}起购多少", f"客户问：{name}费用怎么收"):
            house.ask(NEWCOMER, question)
    with house.records.database.reading() as conn:
        made = list(conn.execute(select(metadata.tables["drafts"].c.draft_id)).scalars())
    cited = {version for draft_id in made for version in cited_versions(house, draft_id)}
    assert len(made) == 2 * len(names)
    assert cited
    assert not cited & superseded
    found = store.versions()
    assert all(each.in_force_on(date(2026, 11, 23)) for each in found if each.version_id in cited)


def test_a_version_withdrawn_between_two_questions_is_not_used_for_the_second(house: House) -> None:
    house.ask(NEWCOMER, "客户问：黄金还能买吗")
    before = set(cited_versions(house, house.draft_id(NEWCOMER)))
    assert before
    for version_id in before:
        house.services.store.withdraw(version_id, "curator2", now=house.clock())
    house.ask(NEWCOMER, "客户问：黄金还能买吗")
    with house.records.database.reading() as conn:
        made = list(conn.execute(select(metadata.tables["drafts"].c.draft_id)).scalars())
    assert len(made) == 2
    assert not before & set(cited_versions(house, next(d for d in made if set(cited_versions(house, d)) != before)))
    found = house.services.retriever.search("黄金还能买吗", scope=WHOLE_BANK, on=date(2026, 11, 23))
    assert not before & {each.passage.version_id for each in found.evidence}


def test_a_customer_who_opted_out_gets_no_marketing(house: House) -> None:
    asked = "{}问：有没有收益高一点的理财推荐"
    willing = house.ask(AGREED_BY, asked.format(AGREEING))
    refused = house.ask(REFUSED_BY, asked.format(REFUSING))
    assert willing
    draft = house.records.drafts.get(house.draft_id(REFUSED_BY)) if len(refused) > 1 else None
    products = house.services.asking.pipeline.library.product_names(date(2026, 11, 23))
    words = (draft.text or "") if draft else ""
    assert not any(name in words for name in products)
    assert not any(word in words for word in ("收益率", "业绩比较基准", "推荐您", "买一点", "起购"))


def test_a_customer_who_blocked_the_rm_is_opted_out(house: House) -> None:
    house.ask(AGREED_BY, f"{AGREEING}问：大额存单到期怎么办")
    house.ask(AGREED_BY, "被拉黑了")
    [customer] = house.records.customers.called(AGREED_BY, AGREEING)
    assert customer.opt_out


def test_nothing_personal_is_logged_kept_or_sent(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    name, phone, identity, card = PERSON
    words = f"客户姓名：{name}，电话{phone}，身份证{identity}，卡号{card}，问：定期利率多少"
    house.ask(NEWCOMER, words)
    draft_id = house.draft_id(NEWCOMER)
    house.ask(NEWCOMER, f"改：{name}的手机{phone}我记下了，定期利率发您。")
    house.ask(NEWCOMER, f"客户说：姓名{name}，身份证{identity}，帮我查下余额")
    house.ask(NEWCOMER, f"这段能发吗：{name}的手机{phone}已登记")
    told = "".join(str(vars(record)) for record in caplog.records)
    assert told
    pack = EvidencePack(house.records, house.services.store).write(draft_id, tmp_path, now=house.clock())
    packed = "".join((tmp_path / each).read_text() for each in pack)
    exported = json.dumps(feedback(house, tmp_path), ensure_ascii=False)
    audit = json.dumps([asdict(entry) for entry in house.records.audit.tail(100)], default=str, ensure_ascii=False)
    sent = "".join(str(each.body) for each in house.local.received())
    index = b"".join(path.read_bytes() for path in (house.settings.home / "index").rglob("*") if path.is_file())
    for secret in PERSON:
        for where, text in {"log": told, "pack": packed, "export": exported, "audit": audit, "sent": sent}.items():
            assert secret not in text, where
        assert secret.encode() not in index
    with house.records.database.reading() as conn:
        for table in metadata.sorted_tables:
            if table.name in {"inbox"}:
                continue  # what came in is kept as it came until it is purged
            rows = str([tuple(row) for row in conn.execute(select(table))])
            assert not [secret for secret in PERSON if secret in rows], table.name


def test_a_payload_that_fits_no_model_is_read_as_a_plain_document_and_logged_without_its_words(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """pydantic quotes values in its errors; here a stored entry of another release that does not fit its model."""
    answer = "欧阳振华的纸箱在城东支行领。"
    version = house.services.store.add_version(
        "broken-note",
        DocumentKind.FAQ,
        "搬家纸箱怎么领",
        [PassageText(answer, known_questions=("搬家纸箱怎么领",))],
        effective_from=date(2026, 11, 1),
        uploaded_by="curator1",
        payload={"content": "known_question", "data": {"answer": answer}},
        now=house.clock(),
    )
    house.services.store.approve(version.version_id, "curator2", now=house.clock())
    house.says(NEWCOMER, "客户问：搬家纸箱怎么领")
    house.work()
    warning = next(record for record in caplog.records if record.message == "payload_unreadable")
    assert warning.__dict__["cause"] == "ValidationError"
    assert PERSON[0] not in "".join(str(vars(record)) for record in caplog.records)
    told, *_ = house.news(NEWCOMER)
    assert "搬家纸箱怎么领" in told
    assert house.drafts_made() == 1


def test_a_member_is_answered_within_the_rate_of_wecom(house: House) -> None:
    """What comes too fast WeCom drops without a word, so it has to wait here."""
    house.local.per_minute = 4
    house.worker = house.new_worker(wecom_messages_per_minute=4)
    for number in (1, 5, 20):
        house.says(NEWCOMER, f"客户问：定期{number}万怎么存")
    house.work()
    assert len(house.local.deliveries) == 4
    house.clock.forward(70)
    house.work()
    with house.records.database.reading() as conn:
        states = list(conn.execute(select(outbox.c.status)).scalars())
    assert {delivery.fate for delivery in house.local.deliveries} <= {"delivered", "duplicate"}
    assert states == ["sent"] * 6
