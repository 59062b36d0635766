"""The console's door: signing in, roles on every route, form tokens, headers, and hostile words as plain words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app import build_services
from assistant.membership import Membership
from assistant.records.staff import StaffMember
from assistant.signing_in import SigningIn
from connectors.console import sign_in, viewing
from connectors.console.console import PAGES, Console, console_app
from connectors.console.static_files import FOLDER
from connectors.services import Services
from tests.scenarios.browsers import needs_browser
from tests.scenarios.console_house import GOOD, Member, console_over, found, give_passwords
from tests.scenarios.house import settings_of
from tests.serving import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROLES = {
    "curator1": "curator",
    "officer1": "compliance_officer",
    "head1": "head_of_retail",
    "admin1": "admin",
    "rm001": "relationship_manager",
}
NEEDS: dict[Callable[..., Any], str] = {
    viewing.current_viewer: viewing.READ,
    viewing.curator: viewing.CURATE,
    viewing.approver: viewing.APPROVE,
    viewing.officer: viewing.OVERSEE,
    viewing.admin: viewing.ADMINISTER,
}
HOSTILE = '"><img src=x onerror="document.title=1"><script>document.title=2</script>{{7*7}}'


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def services(new_home: Callable[[], tuple[Path, str]]) -> Iterator[Services]:
    home, url = new_home()
    built = build_services(settings_of(home, url))
    give_passwords(built, ROLES)
    yield built
    built.close()


@pytest.fixture
def app(services: Services) -> FastAPI:
    return console_over(services)


def page_routes(services: Services) -> list[APIRoute]:
    console = Console(lambda: services)
    routes = [route for page in PAGES for route in page.routes(console).routes]
    return [route for route in routes if isinstance(route, APIRoute)]


def calls(dependant: Dependant) -> set[Any]:
    """Every dependency of a route, at any depth."""
    return {dependant.call}.union(*(calls(each) for each in dependant.dependencies))


def needed_by(route: APIRoute) -> set[str]:
    return {needed for dependency, needed in NEEDS.items() if dependency in calls(route.dependant)}


def test_signing_in_leads_to_the_page_that_was_asked_for(app: FastAPI) -> None:
    member = Member(app)
    answer = member.get("/audit?event=signed_in")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/sign-in?next=%2Fconsole%2Faudit%3Fevent%3Dsigned_in"
    assert member.sign_in("officer1", then="/console/audit?event=signed_in").headers["location"].endswith("signed_in")
    assert "登录" in member.get("/audit?event=signed_in").text


def test_signing_in_leads_nowhere_else(app: FastAPI) -> None:
    for then in ("https://evil.example/console/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/x"):
        assert Member(app).sign_in("curator1", then=then).headers["location"] == "/console/"
    assert Member(app).sign_in("curator1", then="/console/../x").headers["location"] == "/console/"


def test_wrong_and_unknown_are_told_the_same(app: FastAPI) -> None:
    told = {
        found(r'role="alert">([^<]+)<', Member(app).sign_in(userid, password).text)
        for userid, password in (("curator1", "wrong"), ("nobody", "wrong"), ("rm002", GOOD))
    }
    assert len(told) == 1


def test_the_account_is_locked_after_five_wrong_guesses(app: FastAPI) -> None:
    for _ in range(5):
        assert Member(app).sign_in("curator1", "wrong").status_code == 401
    assert Member(app).sign_in("curator1").status_code == 401


def test_a_session_that_somebody_else_made_up_is_not_kept(app: FastAPI) -> None:
    member = Member(app)
    member.client.cookies.set("wainao_session", "chosen-by-somebody", domain="localhost.local", path="/console")
    answer = member.sign_in("curator1")
    assert "chosen-by-somebody" not in answer.headers["set-cookie"]
    cookies = answer.headers.get_list("set-cookie")
    mine = next(each for each in cookies if each.startswith("wainao_session="))
    assert {"HttpOnly", "SameSite=lax", "Path=/console"} <= set(mine.split("; "))
    assert "Secure" not in mine
    safe = Member(app, "https://localhost").sign_in("curator1").headers.get_list("set-cookie")
    assert all("Secure" in each for each in safe)


def test_signing_out_ends_the_session_also_for_a_copied_cookie(app: FastAPI) -> None:
    member = Member(app)
    member.sign_in("curator1")
    kept = dict(member.client.cookies)
    assert member.post("/sign-out").headers["location"] == "/console/sign-in"
    for name, value in kept.items():
        member.client.cookies.set(name, value, domain="localhost.local", path="/console")
    assert member.get("/").status_code == 303


def test_a_password_set_by_somebody_else_must_be_changed_first(app: FastAPI, services: Services) -> None:
    SigningIn(services.records).set_password("curator1", GOOD, by="admin1", now=services.now())
    member = Member(app)
    member.sign_in("curator1")
    assert member.get("/").headers["location"] == "/console/password"
    for new, again in (("short", "short"), ("another fine day", "else"), (GOOD, GOOD)):
        assert member.post("/password", old=GOOD, new=new, again=again).status_code == 422
    assert member.post("/password", old=GOOD, new="another fine day", again="another fine day").status_code == 303
    assert member.get("/").status_code == 200


def test_every_page_route_says_who_may_use_it(services: Services) -> None:
    routes = page_routes(services)
    assert len(routes) > 5
    for route in routes:
        assert needed_by(route), route.path
        for method in (route.methods or set()) - {"GET", "HEAD"}:
            assert needed_by(route) != {viewing.READ} or method == "POST", route.path


def test_without_a_session_only_the_way_in_and_static_files_answer(app: FastAPI, services: Services) -> None:
    member = Member(app)
    for route in page_routes(services):
        path = re.sub(r"\{[^}]+\}", "x", route.path)
        for method in route.methods or set():
            answer = member.client.request(method, f"/console{path}")
            assert answer.status_code == 303, (method, path)
            assert answer.headers["location"].startswith("/console/sign-in"), path
    own = [route for route in sign_in.routes(Console(lambda: services)).routes if isinstance(route, APIRoute)]
    open_paths = {route.path for route in own if viewing.signed_in not in calls(route.dependant)}
    assert open_paths == {"/sign-in"}


@pytest.mark.parametrize("userid", ROLES)
def test_each_role_opens_what_it_may_and_nothing_else(app: FastAPI, services: Services, userid: str) -> None:
    member = Member(app)
    member.sign_in(userid)
    may = viewing.MAY[ROLES[userid]]
    for route in page_routes(services):
        path = re.sub(r"\{[^}]+\}", "x", route.path)
        for method in route.methods or set():
            headers = {"X-CSRF-Token": member.csrf}
            answer = member.client.request(method, f"/console{path}", headers=headers)
            assert answer.status_code < 500, (method, path)
            if not needed_by(route) <= may:
                assert answer.status_code == 403, (method, path, userid)
            elif method == "GET" and "{" not in route.path:
                assert answer.status_code in (200, 303, 404, 422), (path, userid)


def test_a_relationship_manager_is_sent_back_to_wecom(app: FastAPI) -> None:
    member = Member(app)
    member.sign_in("rm001")
    assert "企业微信" in member.get("/").text


def test_a_change_without_the_token_or_from_another_site_is_refused(app: FastAPI, services: Services) -> None:
    member = Member(app)
    member.sign_in("admin1")
    form = {"branch_id": "b1", "name": "一支行"}
    token = member.csrf
    for wrong in ("", "x", token[:-1], "é"):
        member.csrf = wrong
        assert member.post("/people/branches", **form).status_code == 403
    member.csrf = token
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert member.post("/people/branches", headers=headers, **form).status_code == 403
    files = {"file": ("a.txt", b"x")}
    multipart = member.client.post("/console/people/branches", data={"csrf": token, **form}, files=files)
    assert multipart.status_code == 403
    assert "b1" not in {branch.branch_id for branch in services.records.staff.branches()}
    assert member.post("/people/branches", headers={"Origin": "http://localhost"}, **form).status_code == 303
    assert "b1" in {branch.branch_id for branch in services.records.staff.branches()}


def test_the_sign_in_form_is_refused_without_its_own_token(app: FastAPI) -> None:
    form = {"userid": "curator1", "password": GOOD, "token": "", "then": ""}
    assert Member(app).client.post("/console/sign-in", data=form).status_code == 403


def test_every_answer_carries_the_strict_headers(app: FastAPI) -> None:
    member = Member(app)
    stylesheet = found(r'href="(/console/static/console\.[^"]+\.css)"', member.get("/sign-in").text)
    member.sign_in("curator1")
    answers = [member.get(path) for path in ("/", "/nowhere", "/audit", "/static/none.css", "/password")]
    answers.append(member.post("/sign-out", headers={"Origin": "http://evil.example"}))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
    assert "immutable" in member.client.get(stylesheet).headers["cache-control"]


def test_parts_of_pages_are_told_where_to_sign_in_and_failures_are_toasts(app: FastAPI) -> None:
    member = Member(app)
    answer = member.get("/audit", **{"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/console/sign-in")
    member.sign_in("admin1")
    toast = member.get("/people/member?userid=nobody", **{"HX-Request": "true"})
    assert (toast.status_code, toast.headers["HX-Retarget"]) == (404, "#toasts")
    assert "nobody" in toast.text


def test_a_defect_is_a_sentence_and_never_a_trace(services: Services) -> None:
    console = console_app(services)

    def broken() -> None:
        raise RuntimeError("secret words")

    console.add_api_route("/broken", broken)
    made = FastAPI()
    made.mount("/console", console)
    answer = Member(made).get("/broken")
    assert answer.status_code == 500
    assert "secret words" not in answer.text
    assert "没有完成" in answer.text
    assert "content-security-policy" in answer.headers


def test_whoever_is_disabled_is_out_with_the_next_click(app: FastAPI) -> None:
    admin, curator = Member(app), Member(app)
    admin.sign_in("admin1")
    curator.sign_in("curator1")
    assert curator.get("/").status_code == 200
    form = {"userid": "curator1", "name": "许宁", "role": "curator", "known": "true"}
    assert admin.post("/people/member", **form).status_code == 303
    assert curator.get("/").headers["location"].startswith("/console/sign-in")
    assert Member(app).sign_in("curator1").status_code == 401


def test_vendored_files_are_the_ones_that_are_listed() -> None:
    rows = re.findall(r"^\| (\S+\.js) \|.*\| ([0-9a-f]{64}) \|$", (FOLDER / "VENDORED.md").read_text(), re.MULTILINE)
    assert rows
    for name, digest in rows:
        assert sha256((FOLDER / name).read_bytes()).hexdigest() == digest


def test_templates_hold_no_inline_script_style_or_address_outside() -> None:
    for path in (FOLDER.parent / "templates").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\bstyle=|<style|\bon[a-z]+=|hx-on|javascript:|https?://|\|\s*safe\b", text), path.name
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path.name


# -- in a browser


def enter(page: Page, address: str, userid: str) -> None:
    page.goto(f"{address}/console")
    page.fill("#f-userid", userid)
    page.fill("#f-password", GOOD)
    page.locator("button.main").click()
    page.wait_for_selector(".who")


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_console_works_in_a_browser_and_asks_nobody_else(
    browser: Browser, app: FastAPI, services: Services, width: int
) -> None:
    member = StaffMember("rm777", HOSTILE, "relationship_manager", "chengdong", services.now())
    Membership(services.records).save_member(member, by="cli", now=services.now())
    context = browser.new_context(viewport={"width": width, "height": 844}, locale="zh-CN")
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    with running(app) as address:
        enter(page, address, "admin1")
        page.goto(f"{address}/console/people?q=rm777")
        assert HOSTILE in page.locator("table").inner_text()
        assert page.locator("main img, main script").count() == 0
        page.goto(f"{address}/console/audit")
        page.get_by_role("button", name="核对整条链").click()
        page.wait_for_selector("#chain .notice.good")
        assert "/verify" not in page.url
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("?")
        assert page.locator("#keys[open]").count() == 1
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.name") == "subject"
        page.locator("main").focus()
        page.keyboard.press("g")
        page.keyboard.press("h")
        page.wait_for_url(f"{address}/console/")
    context.close()
    assert complaints == []
    assert all(each.startswith(address) for each in asked)
