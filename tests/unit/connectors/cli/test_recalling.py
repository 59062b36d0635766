"""recall: shown first, then done once, by those who may."""

from __future__ import annotations

from tests.unit.connectors.cli.house import House

SAY_NOW = "这款产品的费用以最新说明书为准，我核对后马上回您。"


def _asked(house: House) -> tuple[str, str]:
    """A draft, and a product's version that it rests on."""
    draft_id = house.json("ask", "客户问：稳盈90天起购多少", "--as", "rm001")["draft_id"]
    with house.services() as services:
        evidence = services.records.drafts.get(draft_id).evidence
    return draft_id, next(item.version_id for item in evidence if item.version_id.startswith("product-"))


def test_a_preview_tells_nobody_and_a_recall_tells_each_once(house: House) -> None:
    draft_id, version_id = _asked(house)
    before = house.json("recall", version_id, "--as", "officer1", "--dry-run")
    assert before["recall_id"] is None
    assert (before["withdrawn"], before["told"]) == (False, [])
    assert {"draft_id": draft_id, "userid": "rm001", "sent": False} in before["drafts"]
    said = ("--reason", "起购金额印错", "--say-now", SAY_NOW, "--days", "7")
    done = house.json("recall", version_id, "--as", "officer1", *said)
    assert done["withdrawn"]
    assert "rm001" in done["told"]
    with house.services() as services:
        assert services.store.version(version_id).status.value == "withdrawn"
    told = house.told("recall", version_id, "--as", "officer1", *said)
    assert done["recall_id"] in told
    with house.services() as services:
        assert len(services.middle_office.recalling.get(done["recall_id"]).notices) == len(done["told"])


def test_a_version_may_be_kept_in_force(house: House) -> None:
    _, version_id = _asked(house)
    made = house.json("recall", version_id, "--as", "curator1", "--reason", "有新口径", "--say-now", SAY_NOW, "--keep")
    assert not made["withdrawn"]
    with house.services() as services:
        assert services.store.version(version_id).status.value == "approved"


def test_who_may_not_recall_and_what_may_not_be_said_change_nothing(house: House) -> None:
    _, version_id = _asked(house)
    said = ("--reason", "印错", "--say-now", SAY_NOW)
    assert "curator_not_allowed" in house.told("recall", version_id, "--as", "rm001", *said, exit_code=1)
    promise = ("--reason", "印错", "--say-now", "放心，这款保本保息，稳赚不赔。")
    assert "text_not_allowed" in house.told("recall", version_id, "--as", "officer1", *promise, exit_code=1)
    assert "document_not_found" in house.told("recall", "nothing@v1", "--as", "officer1", *said, exit_code=1)
    house.told("recall", version_id, "--as", "officer1", "--say-now", SAY_NOW, exit_code=2)
    with house.services() as services:
        assert services.store.version(version_id).status.value == "approved"
        assert not services.middle_office.recalling.recent()
