"""backup, restore, audit, purge, reindex, staff, tokens, tickets, dead letters, settings, doctor, eval."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.cli.examinations import sqlite_library
from tests.unit.connectors.cli.house import House

QUESTION = "客户问：稳盈90天能提前取吗"
HARD = "客户问：大闸蟹蒸几分钟最好吃"


def test_a_backup_can_be_restored_elsewhere(house: House, tmp_path: Path) -> None:
    draft_id = house.json("ask", QUESTION, "--as", "rm001")["draft_id"]
    made = house.json("backup", tmp_path / "b.tar.gz")
    assert set(made) == {"path", "rows", "audit"}
    assert made["rows"]["drafts"] == 1
    elsewhere = House(tmp_path / "elsewhere")
    restored = elsewhere.json("restore", tmp_path / "b.tar.gz")
    assert restored["rows"] == made["rows"]
    assert elsewhere.json("audit", "verify")["head"] == made["audit"]["head"]
    elsewhere.told("decide", draft_id, "accepted", "--as", "rm001")


def test_a_restore_replaces_nothing_unless_forced(house: House, tmp_path: Path) -> None:
    house.told("backup", tmp_path / "b.tar.gz")
    assert "--force" in house.told("restore", tmp_path / "b.tar.gz", exit_code=1)
    house.told("restore", tmp_path / "b.tar.gz", "--force")
    assert "file_exists" in house.told("backup", tmp_path / "b.tar.gz", exit_code=1)
    (tmp_path / "b.tar.gz").write_bytes(b"no backup")
    assert "backup_refused" in house.told("restore", tmp_path / "b.tar.gz", "--force", exit_code=1)


def test_a_backup_without_a_name_goes_to_the_data_folder(house: House) -> None:
    house.told("backup")
    assert [path.name for path in (house.home / "backups").iterdir()] == ["wainao-20261123T013000Z.tar.gz"]


def test_a_changed_audit_log_is_a_failure(house: House) -> None:
    house.told("ask", QUESTION, "--as", "rm001")
    whole = house.json("audit", "verify")
    assert set(whole) == {"whole", "count", "head", "broken_at", "problem"}
    assert whole["whole"]
    head = f"{whole['head']['seq']}:{whole['head']['hash']}"
    assert "完整" in house.told("audit", "verify", "--head", head)
    with sqlite3.connect(house.home / "wainao.db") as conn:
        conn.execute("UPDATE audit SET actor = 'somebody' WHERE seq = 1")
    conn.close()
    assert not house.json("audit", "verify", exit_code=1)["whole"]
    assert "audit_broken" in house.told("audit", "verify", exit_code=1)


def test_a_purge_empties_old_texts_and_leaves_the_chain_whole(house: House) -> None:
    draft_id = house.json("ask", QUESTION, "--as", "rm001")["draft_id"]
    house.now += timedelta(days=40)
    assert house.run("purge", "--older-than", 30, input="n\n").exit_code == 1
    done = house.json("purge", "--older-than", 30, "--yes")
    assert done["rows"]["drafts"] == 1
    with house.services() as services:
        assert services.records.drafts.get(draft_id).text is None
    assert house.json("audit", "verify")["whole"]


def test_reindex_says_what_it_built(house: House) -> None:
    status = house.json("reindex")
    assert status["passages"] > 100
    assert status["vectors_ready"]


def test_staff_are_registered_once(house: House) -> None:
    added = house.json("user", "add", "rm900", "--name", "温言", "--branch", "binhe", "--persona", "新进")
    assert added["role"] == "relationship_manager"
    assert "user_exists" in house.told("user", "add", "rm900", "--name", "温言", exit_code=1)
    assert house.json("user", "add", "rm900", "--name", "温言", "--role", "curator", "--replace")["role"] == "curator"
    assert "chengdong" in house.told("user", "add", "rm901", "--name", "甲", "--branch", "nowhere", exit_code=1)
    staff = {member["userid"]: member for member in house.json("user", "list")["staff"]}
    assert staff["rm900"]["name"] == "温言"
    assert "知识管理员" in house.told("user", "list")


def test_a_token_is_shown_once_and_works(house: House) -> None:
    made = house.json("token", "create", "rm001", "--name", "crm")
    with house.services() as services:
        assert services.records.api_tokens.userid_of(made["token"]) == "rm001"
    assert made["token"] not in house.told("token", "create", "rm001", "--name", "crm")
    assert "staff_unknown" in house.told("token", "create", "nobody", "--name", "crm", exit_code=1)


def test_a_ticket_is_answered_by_the_middle_office_and_the_rm_is_told(house: House) -> None:
    ticket_id = house.json("ask", HARD, "--as", "rm001")["ticket_id"]
    [ticket] = house.json("tickets", "list")["tickets"]
    assert ticket["ticket_id"] == ticket_id
    assert "时限内" in house.told("tickets", "list")
    assert "role_not_allowed" in house.told("tickets", "answer", ticket_id, "水开后蒸", "--as", "rm002", exit_code=1)
    house.told("tickets", "answer", ticket_id, "这不是银行的业务。" * 200, "--as", "curator1")
    with house.services() as services:
        sent = services.records.outbox.claim(10, timedelta(seconds=30), now=house.now)
    assert [message.userid for message in sent] == ["rm001"]  # the next part waits for the first
    assert len(sent[0].body["content"].encode()) <= 2048
    assert house.json("tickets", "list")["tickets"] == []
    assert "ticket_closed" in house.told("tickets", "answer", ticket_id, "又一次", "--as", "curator1", exit_code=1)


def test_dead_letters_can_be_seen_and_queued_again(house: House) -> None:
    with house.services() as services:
        services.records.inbox.put("wecom", "m1", "rm001", {"text": "在吗"}, now=house.now)
        [message] = services.records.inbox.claim(1, timedelta(seconds=30), now=house.now)
        with services.records.database.writing() as conn:
            services.records.inbox.bury(conn, message, "no answer", now=house.now)
    [letter] = house.json("deadletters", "list")["dead_letters"]
    assert set(letter) == {"letter", "side", "userid", "at", "attempts", "error"}
    assert letter["letter"] in house.told("deadletters", "list")
    house.told("deadletters", "retry", letter["letter"])
    assert "nothing_to_retry" in house.told("deadletters", "retry", letter["letter"], exit_code=1)
    assert house.json("deadletters", "list") == {"dead_letters": []}
    house.told("deadletters", "retry", "--all")


def test_settings_are_shown_with_their_source_and_without_secrets(house: House) -> None:
    house.more_settings = {"llm_api_key": "sk-secret", "port": 8123}
    shown = {row["name"]: row for row in house.json("settings")["settings"]}
    assert shown["WAINAO_PORT"] == {"name": "WAINAO_PORT", "value": "8123", "source": "environment"}
    assert shown["WAINAO_LLM_API_KEY"]["value"] == "******"
    assert "sk-secret" not in house.told("settings")


def test_a_wrong_setting_is_named(house: House) -> None:
    house.more_settings = {"port": 99999}
    assert "WAINAO_PORT" in house.told("backup", exit_code=1)
    report = house.json("doctor", exit_code=1)
    assert [check["state"] for check in report["checks"]] == ["problem"]


def test_the_doctor_finds_a_healthy_house_in_order(house: House) -> None:
    report = house.json("doctor")
    assert set(report) == {"checks", "problems"}
    states = {check["check"]: check["state"] for check in report["checks"]}
    healthy = ("settings", "home", "database", "soundness", "index", "contents", "people", "clock", "model")
    assert {name: states[name] for name in healthy} == dict.fromkeys(healthy, "good")
    assert states["wecom"] == "notice"
    assert "正常" in house.told("doctor")


def test_the_doctor_creates_nothing(bare_house: House) -> None:
    report = bare_house.json("doctor")
    assert {check["check"]: check["state"] for check in report["checks"]}["database"] == "notice"
    assert not bare_house.home.exists()


def test_the_doctor_says_what_to_do_about_a_broken_database(house: House) -> None:
    for path in house.home.glob("wainao.db*"):
        path.write_bytes(b"this is no database, whatever its name says" * 50)
    report = house.json("doctor", exit_code=1)
    found = next(check for check in report["checks"] if check["check"] == "database")
    assert found["state"] == "problem"
    assert "wainao restore" in found["todo"]


def test_the_doctor_tells_missing_and_unreachable_endpoints_apart(house: House) -> None:
    house.more_settings = {"wecom_corp_id": "ww1", "llm_base_url": "http://127.0.0.1:9/v1", "llm_model": "m"}
    report = house.json("doctor", exit_code=1)
    found = {check["check"]: check for check in report["checks"]}
    assert "WAINAO_WECOM_SECRET" in found["wecom"]["found"]
    assert found["model"]["state"] == "problem"


def test_a_clock_that_went_back_is_noticed(house: House) -> None:
    house.told("ask", QUESTION, "--as", "rm001")
    house.now -= timedelta(days=1)
    report = house.json("doctor", exit_code=1)
    assert next(check for check in report["checks"] if check["check"] == "clock")["state"] == "problem"


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 40, 1), "notice"), ((3, 44, 6), "good"), ((3, 50, 6), "notice"), ((3, 51, 3), "good"), ((3, 53, 0), "good")],
)
def test_the_doctor_knows_which_sqlite_has_the_race(version: tuple[int, ...], state: str) -> None:
    assert sqlite_library(version).state.value == state


def test_retrieval_is_measured_in_a_folder_of_its_own(bare_house: House, tmp_path: Path) -> None:
    corpus = [
        {"id": "1", "text": "积存金可以随时赎回", "aliases": ["黄金能取吗"]},
        {"id": "2", "text": "信用卡年费减免"},
    ]
    files = {
        "corpus": "\n".join(json.dumps(row, ensure_ascii=False) for row in corpus),
        "queries": json.dumps({"id": "q1", "text": "信用卡年费怎么免"}, ensure_ascii=False),
        "qrels": "q1\t2\t1",
    }
    args: list[object] = []
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
        args += [f"--{name}", tmp_path / name]
    measured = bare_house.json("eval", "retrieval", *args)
    keys = "ndcg@10 recall@5 recall@10 mrr@10 p50_ms p95_ms index_s passages queries peak_mb"
    assert set(measured) == set(keys.split())
    assert measured["ndcg@10"] == 1
    assert not bare_house.home.exists()
    (tmp_path / "qrels").write_text("nonsense\n", encoding="utf-8")
    assert "bad_set" in bare_house.told("eval", "retrieval", *args, exit_code=1)
