"""A recall from end to end on both engines: asked, accepted, recalled, told once, and never cited again."""

from __future__ import annotations

from datetime import timedelta

from tests.scenarios.house import House

RM, OTHER_RM = "rm001", "rm002"
SAY_NOW = "这款产品的费用以最新说明书为准，我核对后马上回您。"


def test_a_recalled_document_is_told_once_and_cited_no_more(house: House) -> None:
    question = "客户问：稳盈90天起购多少"
    house.ask(RM, question)
    first = house.draft_id(RM)
    house.ask(RM, "采用")
    house.ask(OTHER_RM, question)
    second = house.draft_id(OTHER_RM)
    recalling = house.services.middle_office.recalling
    version_id = next(
        item.version_id for item in house.records.drafts.get(first).evidence if item.version_id.startswith("product-")
    )
    seen = recalling.affected(version_id, days=7, now=house.clock())
    assert [draft.draft_id for draft in seen.drafts if draft.sent] == [first]
    assert seen.members == (RM, OTHER_RM)
    house.ask(OTHER_RM, "客户问：稳盈90天管理费多少")  # between the preview and the recall
    between = house.draft_id(OTHER_RM)
    house.clock.forward(60)

    for _ in range(2):
        made = recalling.recall(
            version_id,
            days=7,
            reason="起购金额印错",
            say_now=SAY_NOW,
            withdraw=True,
            by="officer1",
            now=house.clock(),
        )
    house.clock.forward(15)
    house.work()

    told = {notice.userid: notice for notice in made.notices}
    assert set(told) == {RM, OTHER_RM}
    assert told[RM].sent_draft_ids == (first,)
    if version_id in {item.version_id for item in house.records.drafts.get(between).evidence}:
        assert between in told[OTHER_RM].draft_ids
    for userid in (RM, OTHER_RM):
        [notice] = [text for text in house.news(userid) if "召回通知" in text]
        assert SAY_NOW in notice

    [refused] = [text for text in house.ask(OTHER_RM, "采用") if "依据" in text]
    assert "已撤回" in refused
    assert house.records.drafts.get(second).status != "accepted"

    house.ask(OTHER_RM, "客户问：稳盈90天起购要多少钱")
    newest = house.records.drafts.of_user(OTHER_RM, limit=1)[0]
    assert version_id not in {item.version_id for item in newest.evidence}
    assert recalling.catch_up(now=house.clock() + timedelta(minutes=1)) == 0

    uses = house.records.uses.since(house.services.today())
    assert uses[version_id].cited >= 2
    assert uses[version_id].retrieved >= uses[version_id].cited
