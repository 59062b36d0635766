"""Typed documents in the console: edited as what they are, and compared field by field."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI

from assistant.library import Library
from assistant.records.accounts import Password
from connectors.services import Services
from knowledge.documents import DocumentVersion
from knowledge.ingestion.ingest import Upload
from tests.scenarios.console_house import Member, good_hash
from tests.scenarios.test_console_curation import app, colleague, curator, engine, services

__all__ = ["app", "colleague", "curator", "engine", "services"]


def revised(services: Services, content: str) -> DocumentVersion:
    """A draft of the first sample document with this content."""
    version = next(v for v in services.store.versions() if (v.payload or {}).get("content") == content)
    day = services.today() + timedelta(days=1)
    return services.middle_office.curating.revise(
        version.version_id, effective_from=day, by="curator1", now=services.now()
    )


def address(version: DocumentVersion) -> str:
    return f"/versions/{quote(version.version_id)}/content"


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of the form as it is shown."""
    fields = {n: html.unescape(v) for n, v in re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page)}
    fields |= {
        n: html.unescape(v) for n, v in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>', page, re.S)
    }
    chosen = re.search(r'<select[^>]*name="situation".*?value="(\w+)" selected', page, re.S)
    return fields | ({"situation": chosen.group(1)} if chosen else {})


def test_a_known_question_is_edited_in_its_form_and_drafts_use_what_was_saved(
    curator: Member, colleague: Member, services: Services
) -> None:
    version = revised(services, "known_question")
    shown = curator.get(f"/documents/{quote(version.document_id)}?version={quote(version.version_id)}").text
    assert "修改内容" in shown
    assert "添加一段" not in shown
    sent = form_of(curator.get(address(version)).text)
    sent |= {"answer": "白鹭口径：先看用钱时间。", "counter_questions": "白鹭是什么鸟\n白鹭路怎么走"}
    assert curator.post(address(version), **sent).status_code == 303
    (passage,) = services.store.passages_of(version.version_id)
    assert "白鹭口径" in passage.text
    assert passage.counter_questions == ("白鹭是什么鸟", "白鹭路怎么走")
    content = Library(services.store).content(passage)
    assert content.answer == "白鹭口径：先看用钱时间。"

    diff = colleague.get(f"/versions/{quote(version.version_id)}/diff").text
    assert "内容项的变化" in diff
    assert "白鹭口径：先看用钱时间。" in diff
    curator.post(f"/versions/{quote(version.version_id)}/submit")
    assert "白鹭口径" in colleague.get(f"/approvals/{quote(version.version_id)}").text
    assert curator.get(address(version)).status_code == 409


def test_saving_a_form_unchanged_changes_nothing(curator: Member, services: Services) -> None:
    for content in ("known_question", "transcript", "playbook", "moments_topic", "regulation"):
        version = revised(services, content)
        before = [p.text for p in services.store.passages_of(version.version_id)]
        sent = form_of(curator.get(address(version)).text)
        assert curator.post(address(version), **sent).status_code == 303, content
        assert [p.text for p in services.store.passages_of(version.version_id)] == before
        after: Any = services.store.version(version.version_id)
        data, former = dict(after.payload["data"]), dict((version.payload or {})["data"])  # type: ignore[call-overload]
        for each in (data, former, *(d.get("header", {}) for d in (data, former))):
            each.pop("effective_from", None)
            each.pop("effective_until", None)
        assert data == former
        assert after.effective_from == version.effective_from


def test_a_transcript_is_edited_in_its_template_and_a_wrong_field_is_named(curator: Member, services: Services) -> None:
    version = revised(services, "transcript")
    sent = form_of(curator.get(address(version)).text)
    wrong = curator.post(address(version), **{**sent, "text": sent["text"].replace("role: customer", "role: 路人", 1)})
    assert wrong.status_code == 422
    assert "对话 › 第 1 条" in wrong.text
    assert "取值不在允许范围内" in wrong.text
    assert "role: 路人" in wrong.text  # nothing that was written is lost
    better = sent["text"].replace("outcome: ", "outcome: 打13800138000后")
    assert curator.post(address(version), **{**sent, "text": better}).status_code == 303
    (passage,) = services.store.passages_of(version.version_id)
    stored = f"{passage.text}{services.store.version(version.version_id).payload}"
    assert "13800138000" not in stored
    assert "后" in stored


def test_two_who_edit_the_same_content_do_not_overwrite_each_other_unseen(
    curator: Member, colleague: Member, services: Services
) -> None:
    version = revised(services, "playbook")
    mine, theirs = form_of(curator.get(address(version)).text), form_of(colleague.get(address(version)).text)
    assert (
        colleague.post(address(version), **{**theirs, "text": theirs["text"] + "\n## 附\n\n同事写的。\n"}).status_code
        == 303
    )
    refused = curator.post(address(version), **{**mine, "text": mine["text"] + "\n## 附\n\n我写的。\n"})
    assert refused.status_code == 422
    assert "同事写的" in refused.text
    assert "我写的" in refused.text
    again = form_of(refused.text)
    assert curator.post(address(version), **again).status_code == 303
    (passage,) = services.store.passages_of(version.version_id)
    assert "我写的" in passage.text


def test_passages_of_typed_content_are_refused_at_the_passage_form(curator: Member, services: Services) -> None:
    version = revised(services, "moments_topic")
    (passage,) = services.store.passages_of(version.version_id)
    base = f"/versions/{quote(version.version_id)}/passages"
    answer = curator.post(f"{base}/edit", passage=passage.passage_id, text="改", expected=passage.text)
    assert answer.status_code == 409
    assert "内容项" in answer.text
    assert curator.post(f"{base}/add", text="加").status_code == 409
    assert curator.post(f"{base}/remove", passage=passage.passage_id).status_code == 409


def test_a_regulations_articles_stay_free_and_its_header_has_a_form(curator: Member, services: Services) -> None:
    version = revised(services, "regulation")
    page = curator.get(f"/documents/{quote(version.document_id)}?version={quote(version.version_id)}").text
    assert "修改抬头" in page
    assert "添加一段" in page
    sent = form_of(curator.get(address(version)).text)
    curator.post(address(version), **{**sent, "text": sent["text"].replace("title: ", "title: 新版")})
    assert services.store.version(version.version_id).title.startswith("新版")


def test_hostile_content_is_only_text(curator: Member, services: Services) -> None:
    version = revised(services, "known_question")
    sent = form_of(curator.get(address(version)).text)
    curator.post(address(version), **{**sent, "answer": "<script>alert(1)</script>{{7*7}}</textarea>"})
    for path in (address(version), f"/versions/{quote(version.version_id)}/diff"):
        page = curator.get(path).text
        assert "<script>alert(1)" not in page
        assert "{{7*7}}" in page


def test_a_plain_document_has_no_content_form(curator: Member, services: Services) -> None:
    version = next(v for v in services.store.versions() if (v.payload or {}).get("content") == "product")
    assert curator.get(address(version)).status_code == 404


def test_a_proposals_page_says_once_what_is_to_be_done(curator: Member, services: Services) -> None:
    upload = Upload(services.today(), "curator1", now=services.now())
    leaflet = "产品名称：白鹭稳健30天\n产品代码：BL30\n风险等级：R2\n起购金额：1万元\n期限：30天\n发行机构：示例理财\n"
    stored = services.middle_office.loading.hand_in(leaflet.encode(), "白鹭.txt", upload, now=services.now())
    services.middle_office.loading.step(services.now())
    (version_id,) = services.records.uploads.get(stored.upload_id).version_ids
    assert any("逐项核对" in each for each in services.records.uploads.get(stored.upload_id).warnings)
    page = curator.get(f"/documents/{quote(services.store.version(version_id).document_id)}").text
    assert page.count("核对后确认") == 1
    assert "现在核对" in page


def test_a_product_line_typed_in_once_is_offered_everywhere(curator: Member, app: FastAPI, services: Services) -> None:
    version = revised(services, "playbook")
    own = f"/documents/{quote(version.document_id)}?version={quote(version.version_id)}"
    assert 'value="财富"' in curator.get(own).text  # of the sample bank's members
    details = {"title": version.title, "effective_from": version.effective_from.isoformat()}
    kept = {**details, "lines": ["财富"], "more_lines": "白鹭条线、跨境"}
    assert curator.post(f"/versions/{quote(version.version_id)}/details", **kept).status_code == 303
    assert services.store.version(version.version_id).lines == {"财富", "白鹭条线", "跨境"}
    assert 'value="白鹭条线"' in curator.get("/uploads").text
    assert "白鹭条线" in curator.get("/library").text

    with services.records.database.writing() as conn:
        services.records.accounts.save_password(conn, Password("admin1", good_hash(), services.now()))
    admin = Member(app)
    admin.sign_in("admin1")
    page = admin.get("/people/member?userid=rm004").text
    assert 'value="白鹭条线"' in page
    assert page.count(" checked>财富") == 1
    member = {"userid": "rm004", "name": "陆川", "branch_id": "chengdong", "known": "true", "active": "true"}
    answer = admin.post("/people/member", **member, lines=["白鹭条线"], more_lines="新开的线")
    assert answer.status_code == 303
    saved = services.records.staff.get("rm004")
    assert saved is not None
    assert saved.lines == ("白鹭条线", "新开的线")
    assert 'value="新开的线"' in curator.get(own).text
