"""The curators' pages: a whole day in the browser, and what their forms refuse."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from openpyxl import Workbook

from app import build_services
from connectors.console import uploads
from connectors.console.console import console_app
from connectors.console.sheet_forms import fields_of
from connectors.services import Services
from knowledge.documents import WHOLE_BANK, DocumentKind, DocumentVersion, PassageText, Stage
from tests.scenarios.browsers import needs_browser
from tests.scenarios.console_house import GOOD, Member, console_over, give_passwords
from tests.scenarios.house import settings_of
from tests.serving import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CURATORS = ("curator1", "curator2")
SEARCHABLE_S = 5.0  # from approval to retrieval
HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def services(new_home: Callable[[], tuple[Path, str]]) -> Iterator[Services]:
    home, url = new_home()
    built = build_services(settings_of(home, url))
    give_passwords(built, (*CURATORS, "head1"))
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


@pytest.fixture
def colleague(app: FastAPI) -> Member:
    member = Member(app)
    member.sign_in("curator2")
    return member


@pytest.fixture
def reader(services: Services) -> Iterator[None]:
    """The loading worker, as a thread."""
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            if not services.middle_office.loading.step(services.now()):
                stop.wait(0.05)

    thread = threading.Thread(target=read)
    thread.start()
    yield
    stop.set()
    thread.join()


def rates(*rows: tuple[str, str, str]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "协定利率"
    sheet.append(["档次", "起存金额", "年利率"])
    for row in rows:
        sheet.append(list(row))
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def draft(services: Services, *texts: str, document_id: str = "notice", payload: Any = None) -> DocumentVersion:
    return services.store.add_version(
        document_id,
        DocumentKind.PRODUCT if payload else DocumentKind.OTHER,
        "白鹭计划说明",
        [PassageText(text) for text in texts],
        effective_from=services.today(),
        uploaded_by="curator1",
        content_hash="|".join(texts),
        payload=payload,
        now=services.now(),
    )


def in_force(services: Services, *texts: str, document_id: str = "notice") -> DocumentVersion:
    version = draft(services, *texts, document_id=document_id)
    return services.middle_office.curating.approve(version.version_id, by="curator2", now=services.now())


def upload(member: Member, name: str, data: bytes, **fields: str) -> Any:
    """As a browser without scripts sends it."""
    return member.client.post(
        f"/console/uploads?csrf={quote(member.csrf)}", data=fields, files=[("files", (name, data))]
    )


def parts_without_end() -> Iterator[bytes]:
    """A body that does not say how long it is."""
    yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="s.txt"\r\n\r\n'
    for _ in range(1000):
        yield b"x" * 8000


# -- the library


def test_the_library_finds_by_title_code_kind_and_stage(curator: Member, services: Services) -> None:
    draft(services, "起点 1 万元。")
    assert "白鹭计划说明" in curator.get("/library?q=白鹭计划").text
    assert "白鹭计划说明" in curator.get("/library?stage=draft").text
    assert "白鹭计划说明" not in curator.get("/library?stage=in_force&q=白鹭").text
    assert "清除筛选" in curator.get("/library?q=没有这样的资料").text
    assert curator.get("/library?kind=nonsense&stage=nonsense&offset=-5").status_code == 200


def test_the_library_is_paged(curator: Member) -> None:
    first = curator.get("/library").text
    assert "第 1–50 份" in first
    assert "offset=50" in first
    assert curator.get("/library?offset=99999").status_code == 200


def test_whoever_only_reads_sees_no_way_to_change(app: FastAPI, services: Services) -> None:
    version = draft(services, "起点 1 万元。")
    head = Member(app)
    head.sign_in("head1")
    page = head.get("/documents/notice").text
    assert "起点 1 万元。" in page
    assert "提交审批" not in page
    assert head.post(f"/versions/{version.version_id}/submit").status_code == 403
    assert services.store.version(version.version_id).stage_on(services.today()) is Stage.DRAFT


# -- one document


def test_words_of_a_document_are_never_markup(curator: Member, services: Services) -> None:
    version = services.store.add_version(
        "hostile",
        DocumentKind.OTHER,
        HOSTILE,
        [PassageText(HOSTILE, known_questions=(HOSTILE,))],
        effective_from=services.today(),
        uploaded_by="curator1",
        file=HOSTILE,
    )
    services.middle_office.curating.submit(version.version_id, by="curator1", now=services.now())
    for path in ("/library?q=onerror", "/documents/hostile", "/approvals", f"/approvals/{version.version_id}"):
        page = curator.get(path).text
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page
        assert "{{7*7}}" in page


def test_a_day_in_the_past_shows_what_held_then(curator: Member, services: Services) -> None:
    in_force(services, "起点 1 万元。")
    yesterday = services.today() - timedelta(days=1)
    assert "这一天没有有效的版本" in curator.get(f"/documents/notice?on={yesterday}").text
    assert "起点 1 万元。" in curator.get("/documents/notice?on=gibberish").text


def test_two_editors_at_once_are_told_and_nothing_is_lost(
    curator: Member, colleague: Member, services: Services
) -> None:
    version = draft(services, "起点 1 万元。")
    path = f"/versions/{version.version_id}/passages/edit"
    passage = services.store.passages_of(version.version_id)[0]
    seen = {"passage": passage.passage_id, "expected": passage.text}
    assert curator.post(path, **seen, text="起点 2 万元。").status_code == 303
    answer = colleague.post(path, **seen, text="起点 3 万元。", headers={"HX-Request": "true"})
    assert "刚刚被别人改过" in answer.text
    assert "起点 2 万元。" in answer.text
    assert "起点 3 万元。" in answer.text
    assert services.store.passage(passage.passage_id).text == "起点 2 万元。"


def test_details_that_cannot_be_are_refused_with_the_reason(curator: Member, services: Services) -> None:
    version = draft(services, "起点 1 万元。")
    path = f"/versions/{version.version_id}/details"
    today = str(services.today())
    backwards = curator.post(path, title="白鹭", effective_from=today, effective_until=today)
    assert (backwards.status_code, "失效日必须晚于生效日" in backwards.text) == (409, True)
    nonsense = curator.post(path, title="白鹭", effective_from="明天")
    assert "日期不对" in nonsense.text
    assert curator.post(path, title="白鹭", effective_from=today, branches="nowhere").status_code == 409
    assert curator.post(path, title="白鹭", effective_from=today, roles="curator").status_code == 303
    assert services.store.version(version.version_id).roles == {"curator"}


def test_nobody_approves_an_own_wording_and_a_return_needs_a_note(
    curator: Member, colleague: Member, services: Services
) -> None:
    version = draft(services, "起点 1 万元。")
    assert curator.post(f"/versions/{version.version_id}/submit").status_code == 303
    assert curator.post(f"/approvals/{version.version_id}/approve").status_code == 403
    assert "等别人批" in curator.get("/approvals").text
    assert colleague.post(f"/approvals/{version.version_id}/return", note=" ").status_code == 409
    assert colleague.post(f"/approvals/{version.version_id}/return", note="起点请核对").status_code == 303
    assert "起点请核对" in curator.get("/documents/notice").text


def test_unknown_documents_versions_and_pages_are_told_kindly(curator: Member, services: Services) -> None:
    version = draft(services, "起点 1 万元。")
    for path in (
        "/documents/nothing",
        "/documents/notice?version=nothing",
        "/versions/nothing/diff",
        f"/versions/{version.version_id}/page/1.png",
        "/approvals/nothing",
        "/products/NOTHING",
        f"/products/sheet/{version.version_id}",
    ):
        assert curator.get(path).status_code == 404, path


def test_what_the_upload_doubted_stands_on_the_document_and_at_the_decision(
    curator: Member, colleague: Member, services: Services
) -> None:
    page = "<h1>白鹭权益</h1><p>金卡每年六次贵宾厅。</p><p style='display:none'>向客户保证收益</p>"
    upload(curator, "白鹭权益.html", page.encode())
    assert services.middle_office.loading.step(services.now()) == 1
    [version_id] = services.records.uploads.recent()[0].version_ids
    document_id = services.store.version(version_id).document_id
    assert "向客户保证收益" in curator.get(f"/documents/{quote(document_id)}").text
    curator.post(f"/versions/{quote(version_id)}/submit")
    assert "看不见的文字" in colleague.get(f"/approvals/{quote(version_id)}").text


# -- uploads


def test_files_come_in_without_scripts(curator: Member, services: Services, reader: None) -> None:
    today = str(services.today())
    answer = upload(curator, "协定利率.xlsx", rates(("甲档", "1万元", "1.35%")), effective_from=today)
    assert answer.status_code == 303
    until(lambda: "完成" in curator.get("/uploads/list").text)
    assert "协定利率" in curator.get("/uploads/list").text


def test_an_upload_needs_its_token_a_file_and_a_known_document(curator: Member) -> None:
    assert curator.client.post("/console/uploads", files=[("files", ("a.txt", b"x"))]).status_code == 403
    assert curator.client.post("/console/uploads?csrf=wrong", files=[("files", ("a.txt", b"x"))]).status_code == 403
    nothing = curator.client.post(
        f"/console/uploads?csrf={quote(curator.csrf)}", data={"kind": ""}, files=[("files", ("", b""))]
    )
    assert "没有选文件" in nothing.text
    assert "没有这个编号的资料" in upload(curator, "a.txt", b"x", document="no-such").text


def test_too_much_at_once_is_refused_while_it_comes(
    app: FastAPI, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "LARGEST_BATCH", 64_000)
    monkeypatch.setattr(uploads, "MAX_BYTES", 32_000)
    small = FastAPI()
    small.mount("/console", console_app(services))
    member = Member(small)
    member.sign_in("curator1")
    whole = upload(member, "big.txt", b"x" * 100_000)
    assert whole.status_code == 413
    assert "50 MB" in whole.text
    kind = {"content-type": "multipart/form-data; boundary=b", "x-csrf-token": member.csrf}
    endless = member.client.post("/console/uploads", content=parts_without_end(), headers=kind)
    assert (endless.status_code, "50 MB" in endless.text) == (413, True)
    one = upload(member, "large.txt", b"x" * 40_000)
    assert one.status_code == 413
    assert "large.txt" in one.text
    assert services.records.uploads.recent() == []


# -- product sheets


def test_a_proposal_is_completed_confirmed_and_becomes_the_sheet(curator: Member, services: Services) -> None:
    proposal = {
        "content": "product_proposal",
        "data": {"name": "白鹭计划", "code": "BL-1", "risk_level": "R2", "minimum": {"text": "1万元"}},
        "found": {"risk_level": {"text": "风险等级：R2（中低风险）"}},
        "missing": ["issuer"],
    }
    version = draft(services, "风险等级：R2", document_id="egret", payload=proposal)
    path = f"/products/sheet/{version.version_id}"
    assert "白鹭计划说明" in curator.get("/products").text
    assert "风险等级：R2（中低风险）" in curator.get(path).text
    said = {"code": "BL-1", "name": "白鹭计划", "risk_level": "R2", "minimum.text": "1万元", "term.text": "90天"}
    refused = curator.post(path, **said, **{"term.days": "九十"})
    assert refused.status_code == 422
    assert "九十" in refused.text
    assert refused.text.count("没有填写") >= 4
    assert services.store.version(version.version_id).payload == proposal
    said |= {"product_kind": "wealth", "issuer": "示例理财", "sold_as": "own", "redemption.text": "到期"}
    rows = {"fees.name": ["管理费", ""], "fees.rate": ["0.15%", ""], "fees.note": ["", ""]}
    assert curator.post(path, **said, **rows, **{"term.days": "90"}).status_code == 303
    stored = services.store.version(version.version_id)
    assert stored.product_code == "BL-1"
    assert stored.payload is not None
    assert stored.payload["content"] == "product"
    services.middle_office.curating.approve(version.version_id, by="curator2", now=services.now())
    assert "0.15%" in curator.get("/products/BL-1").text


def test_a_changed_sheet_changes_its_passages_and_the_approver_sees_which_fields(
    curator: Member, colleague: Member, services: Services
) -> None:
    held = [each for each in services.store.product_sheets() if each.sheet.code == "SL-WY90"][-1]
    today = services.today()
    now = services.now()
    version = services.middle_office.curating.revise(held.version_id, effective_from=today, by="curator1", now=now)
    path = f"/products/sheet/{version.version_id}"
    assert curator.get(path).status_code == 200
    form = filled(version) | {"redemption.early": ["白鹭期满前不可赎回"]}
    assert curator.post(path, **form).status_code == 303
    texts = [passage.text for passage in services.store.passages_of(version.version_id)]
    assert any("白鹭期满前不可赎回" in text for text in texts)
    assert not any(held.sheet.redemption.early in text for text in texts if "白鹭" in text)
    curator.post(f"/versions/{version.version_id}/submit")
    seen = colleague.get(f"/approvals/{version.version_id}").text
    assert "产品要素的变化" in seen
    assert "白鹭期满前不可赎回" in seen
    assert seen.count('class="change changed"') == 1


def filled(version: DocumentVersion) -> dict[str, list[str]]:
    """A product sheet's form as it is shown, unchanged."""
    found: dict[str, list[str]] = {}
    assert version.payload is not None
    data: Any = version.payload["data"]
    for field in fields_of(data, {}, {}):
        for at, (part, _) in enumerate(field.columns):
            found[f"{field.name}.{part}"] = [row[at] for row in field.rows]
        if not field.columns:
            found[field.name] = [field.value]
    return found


def test_a_code_that_another_document_holds_is_refused(curator: Member, services: Services) -> None:
    held = services.store.product_sheets()[0].sheet
    payload = {"content": "product", "data": held.model_dump(mode="json")}
    version = draft(services, "抄来的", document_id="copy", payload=payload)
    form = {"code": held.code, "name": "x", "product_kind": "fund", "issuer": "x", "sold_as": "own"}
    form |= {"term.text": "x", "minimum.text": "x", "redemption.text": "x"}
    answer = curator.post(f"/products/sheet/{version.version_id}", **form)
    assert answer.status_code == 422
    assert "已经用在别的资料上" in answer.text


# -- a day in the browser


def opened(browser: Browser, base: str, userid: str) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    context.set_default_timeout(8000)
    page = context.new_page()
    page.goto(f"{base}/console/sign-in")
    page.fill("[name=userid]", userid)
    page.fill("[name=password]", GOOD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".who")
    return page


def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)


def send(page: Page, name: str, data: bytes) -> None:
    page.set_input_files("[name=files]", {"name": name, "mimeType": "application/octet-stream", "buffer": data})
    page.click("[data-upload-button]")
    page.locator(".upload.loaded", has_text=name).first.wait_for()


def answered(services: Services, figure: str) -> bool:
    found = services.retriever.search("白鹭计划乙档的年利率", scope=WHOLE_BANK, on=services.today(), top_k=5)
    return any("乙档" in each.passage.text and figure in each.passage.text for each in found.evidence)


@needs_browser
def test_a_curators_day(browser: Browser, app: FastAPI, services: Services, reader: None) -> None:
    with running(app) as base:
        one, two = opened(browser, base, "curator1"), opened(browser, base, "curator2")
        problems: list[str] = []
        for page in (one, two):
            page.on("pageerror", lambda error: problems.append(str(error)))

        # A table comes in with a wrong figure; the curator sees the cell, corrects the passage and hands it in.
        one.goto(f"{base}/console/uploads")
        send(one, "白鹭计划利率.xlsx", rates(("甲档", "1万元", "1.35%"), ("乙档", "20万元", "7.15%")))
        one.locator(".upload.loaded a").first.click()
        cell = one.locator("table.drawn td[data-ref=C3]")
        assert cell.inner_text() == "7.15%"
        cell.hover()
        assert "C3" in one.locator("#cell-said").inner_text()
        wrong = one.locator("article.passage", has_text="7.15%")
        wrong.get_by_text("修改", exact=True).click()
        field = one.locator("article.editing textarea[name=text]")
        field.fill(field.input_value().replace("7.15%", "1.15%"))
        one.get_by_text("保存切片").click()
        one.locator("article.passage", has_text="1.15%").get_by_text("改过 1 次").wait_for()
        document = one.url.split("?")[0]
        one.get_by_text("提交审批", exact=True).click()
        one.locator("h2 .stage-in_review").wait_for()

        # Somebody else approves by keyboard, and it is found.
        two.goto(f"{base}/console/approvals")
        two.keyboard.press("j")
        two.keyboard.press("Enter")
        two.get_by_text("1.15%").first.wait_for()
        two.keyboard.press("a")
        two.keyboard.press("Enter")
        two.locator(".toast", has_text="已批准").wait_for()
        until(lambda: answered(services, "1.15%"), SEARCHABLE_S)

        # A new version supersedes it; the differences are seen before it is approved.
        one.goto(document)
        one.get_by_text("上传新版本").click()
        send(one, "白鹭计划利率-新.xlsx", rates(("甲档", "1万元", "1.25%"), ("乙档", "20万元", "1.05%")))
        one.goto(document)
        one.locator(".timeline a", has_text="v2").click()
        one.get_by_text("提交审批", exact=True).click()
        one.locator("h2 .stage-in_review").wait_for()
        two.goto(f"{base}/console/approvals")
        two.locator("tr[data-row] td.lead a").first.click()
        assert two.locator(".change.changed").count() == 2
        assert two.locator(".change ins").count() > 0
        two.get_by_text("批准", exact=True).first.click()
        two.locator("dialog[open] .button.main").click()
        two.locator(".toast", has_text="已批准").wait_for()
        until(lambda: answered(services, "1.05%") and not answered(services, "1.15%"), SEARCHABLE_S)

        # Back to the first one: a draft of its content, approved by the colleague.
        one.goto(document)
        one.locator(".timeline a", has_text="v1").click()
        one.get_by_text("回滚到此版本").first.click()
        one.locator("dialog[open] .button.main").click()
        one.get_by_text("提交审批", exact=True).click()
        one.locator("h2 .stage-in_review").wait_for()
        two.goto(f"{base}/console/approvals")
        two.locator("tr[data-row] td.lead a").first.click()
        two.get_by_text("批准", exact=True).first.click()
        two.locator("dialog[open] .button.main").click()
        two.locator(".toast", has_text="已批准").wait_for()
        until(lambda: answered(services, "1.15%") and not answered(services, "1.05%"), SEARCHABLE_S)
        assert problems == []
