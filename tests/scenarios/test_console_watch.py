"""The pages about what goes wrong with knowledge: recalls, gaps, conflicts, expiry, and the retrieval test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from app import build_services
from assistant.asking import AskRequest
from assistant.records.tickets import Ticket
from connectors.services import Services
from knowledge.documents import DocumentKind, PassageText, Stage
from tests.scenarios.console_house import Member, console_over, found, give_passwords
from tests.scenarios.house import Clock, settings_of

HOSTILE = "<script>alert(1)</script>"
SAY_NOW = "这款产品的起购金额以最新说明书为准，我核对后马上回您。"


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def services(new_home: Callable[[], tuple[Path, str]]) -> Iterator[Services]:
    home, url = new_home()
    clock = Clock()
    built = build_services(settings_of(home, url), clock=clock)
    give_passwords(built, ("curator1", "curator2", "head1"))
    yield built
    built.close()


@pytest.fixture
def app(services: Services) -> FastAPI:
    return console_over(services)


@pytest.fixture
def curator(app: FastAPI) -> Member:
    member = Member(app)
    member.sign_in("curator1")
    return member


def add(services: Services, document_id: str, title: str, text: str, **more: object) -> str:
    options = {"effective_from": date(2026, 1, 1), "uploaded_by": "curator1", "now": services.now(), **more}
    version = services.store.add_version(
        document_id,
        DocumentKind.OTHER,
        title,
        [PassageText(text)],
        **options,  # type: ignore[arg-type]
    )
    return services.store.approve(version.version_id, "curator2", now=services.now()).version_id


def ticket(services: Services, number: int, question: str, userid: str = "rm001") -> None:
    now = services.now()
    with services.records.database.writing() as conn:
        services.records.tickets.open(conn, Ticket(f"t{number}", question, userid, now, now + timedelta(hours=number)))


def test_a_curator_recalls_a_document_from_its_preview(services: Services, curator: Member) -> None:
    services.asking.ask(AskRequest("客户问：稳盈90天起购多少", "rm001"), now=services.now())
    version_id = services.records.drafts.of_user("rm001", limit=1)[0].evidence[0].version_id

    preview = curator.get(f"/recalls/new?version={version_id}").text
    assert "稳盈90天起购多少" in preview
    assert "位客户经理会收到通知" in preview

    form = {"version": version_id, "days": "30", "reason": "起购金额印错", "withdraw": "yes"}
    refused = curator.post("/recalls", **form, say_now="放心买，保本保息，绝对不会亏。")
    assert refused.status_code == 422
    assert "合规闸门不放行" in refused.text
    assert services.middle_office.recalling.recent(5) == []

    made = curator.post("/recalls", **form, say_now=SAY_NOW)
    assert made.status_code == 303
    page = curator.get(made.headers["location"].removeprefix("/console")).text
    assert "已通知 1 人" in page
    assert SAY_NOW in page
    assert "起购金额印错" in curator.get("/recalls").text
    assert services.store.version(version_id).stage_on(services.today()) is Stage.WITHDRAWN


def test_the_gate_answers_while_one_writes(services: Services, curator: Member) -> None:
    version_id = next(v.version_id for v in services.store.versions() if v.in_force_on(services.today()))
    for path in ("/recalls/gate", "/gaps/gate"):
        form = {"version": version_id, "say_now": "保本保息，稳赚不赔。", "answer": "保本保息，稳赚不赔。"}
        answer = curator.post(path, **form, headers={"HX-Request": "true"}).text
        assert "合规闸门不放行" in answer
        assert "<html" not in answer
        calm = curator.post(path, **{**form, "say_now": SAY_NOW, "answer": SAY_NOW}).text
        assert "合规闸门：通过" in calm


def test_an_answer_is_written_for_a_group_and_submitted(services: Services, curator: Member) -> None:
    ticket(services, 1, "数字人民币硬钱包怎么办")
    ticket(services, 2, "数字人民币硬钱包怎么办理", "rm002")
    ticket(services, 3, HOSTILE)

    page = curator.get("/gaps").text
    assert "2 次" in page
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    group = next(g for g in services.middle_office.gaps.groups(days=30, now=services.now()) if g.count == 2)
    form = curator.get(f"/gaps/{group.group_id}").text
    assert "数字人民币硬钱包怎么办理" in form

    answered = curator.post(
        f"/gaps/{group.group_id}",
        question="数字人民币硬钱包怎么办",
        answer="带身份证到网点柜面办，当天拿到。",
        known_questions="数币卡怎么拿\n",
        ticket=["t1", "t2"],
        then="submit",
    )
    assert answered.status_code == 303
    version_id = services.records.tickets.get("t1").version_id
    assert version_id is not None
    assert services.store.version(version_id).stage_on(services.today()) is Stage.IN_REVIEW
    assert "答案待批" in curator.get("/gaps").text


def test_contradicting_papers_stand_side_by_side(services: Services, curator: Member) -> None:
    assert "没有发现口径冲突" in curator.get("/conflicts").text
    add(services, "leaflet", f"宣传单{HOSTILE}", "稳盈90天起购金额1万元。")
    page = curator.get("/conflicts").text
    assert "1万元" in page
    assert "1元起购" in page
    assert "起购金额" in page
    assert HOSTILE not in page


def test_what_expires_and_what_is_never_found_is_listed(services: Services, curator: Member) -> None:
    soon = services.today() + timedelta(days=5)
    add(services, "ending", "下周到期的活动", "活动到下周为止。", effective_until=soon)
    page = curator.get("/watch?within=7&older=30").text
    assert "下周到期的活动" in page
    assert "5 天" in page
    assert "还没有接替的版本" in page
    assert curator.get("/watch?within=0").status_code == 422


def test_the_retrieval_test_shows_scores_and_what_was_kept_out(services: Services, curator: Member) -> None:
    add(services, "branch-note", "城东支行乔迁纸箱", "乔迁登记后可领搬家纸箱。", branches=["chengdong"])
    page = curator.get("/retrieval-test?q=搬家纸箱怎么领").text
    assert "被过滤的" in page
    assert "只给其他机构用" in page
    named = curator.get("/retrieval-test?q=稳盈90天起购多少&member=rm001&on=2026-11-23&kind=product").text
    assert "SL-WY90" in named
    assert "<meter" in named
    assert "可以作答" in named
    assert HOSTILE not in curator.get(f"/retrieval-test?q={HOSTILE}").text
    assert curator.get("/retrieval-test?q=x&on=never&member=nobody").status_code == 200


def test_who_only_reads_sees_the_lists_and_no_forms(app: FastAPI, services: Services) -> None:
    ticket(services, 1, "数字人民币硬钱包怎么办")
    head = Member(app)
    head.sign_in("head1")
    for path in ("/gaps", "/conflicts", "/watch", "/recalls", "/retrieval-test"):
        assert head.get(path).status_code == 200
    assert "写答案" not in head.get("/gaps").text
    version_id = services.store.versions()[0].version_id
    assert head.get(f"/recalls/new?version={version_id}").status_code == 403
    assert head.post("/recalls", version=version_id, reason="x", say_now=SAY_NOW).status_code == 403


def test_what_is_not_there_is_said_so(curator: Member) -> None:
    assert curator.get("/recalls/r404").status_code == 404
    assert curator.get("/gaps/g404").status_code == 404
    assert curator.get("/recalls/new?version=nothing@v9").status_code == 404
    page = curator.get("/recalls/new?version=nothing@v9").text
    assert found(r"(没有这份资料[^<]*)", page)
