"""The sample bank's files: all fit their templates and agree with themselves."""

from __future__ import annotations

import re
import time
from datetime import date
from pathlib import Path

import pytest

from knowledge.documents import DocumentKind, VersionStatus
from knowledge.ingestion.reading import ReadDocument
from knowledge.ingestion.typed.products import pitch_text, sheet_text
from knowledge.products import ProductSheet
from knowledge.sample_bank import SAMPLES, load_sample_knowledge, read_bank, read_sample_documents
from knowledge.stores import tables
from knowledge.stores.database import Database
from knowledge.stores.repository import KnowledgeStore

FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?[%‰]?")
REAL_NAMES = re.compile(
    r"工商银行|建设银行|农业银行|中国银行(?!保险监督|业)|交通银行|招商银行|邮储|浦发|中信银行|民生银行|平安|兴业银行|光大银行|宁波银行|"
    r"余额宝|支付宝|蚂蚁|京东|易方达|华夏基金|南方基金|国寿|太平洋保险|工行|建行|农行|招行"
)
PERSONAL = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)\d{17}[\dXx](?!\d)|(?<!\d)\d{16,19}(?!\d)|@\w+\.")
TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def documents() -> list[ReadDocument]:
    return read_sample_documents()


def sheets(documents: list[ReadDocument]) -> list[tuple[ReadDocument, ProductSheet]]:
    found = []
    for document in documents:
        if document.kind is DocumentKind.PRODUCT:
            assert document.payload is not None
            found.append((document, ProductSheet.model_validate(document.payload["data"])))
    return found


def test_there_is_enough_of_everything(documents: list[ReadDocument]) -> None:
    ids = {kind: {item.document_id for item in documents if item.kind is kind} for kind in DocumentKind}
    assert len(ids[DocumentKind.PRODUCT]) >= 24
    assert len(ids[DocumentKind.REGULATION]) >= 20
    assert len(ids[DocumentKind.TRANSCRIPT]) >= 60
    assert len(ids[DocumentKind.PLAYBOOK]) >= 15
    assert len(ids[DocumentKind.FAQ]) >= 60


def test_every_sample_is_typed_and_no_id_stands_twice(documents: list[ReadDocument]) -> None:
    keys = [(document.document_id, document.version) for document in documents]
    assert len(keys) == len(set(keys))
    assert all(document.payload is not None for document in documents)
    assert all(passage.text.strip() for document in documents for passage in document.passages)


def test_samples_name_only_products_that_exist(documents: list[ReadDocument]) -> None:
    codes = {sheet.code for _, sheet in sheets(documents)}
    for document in documents:
        data = (document.payload or {}).get("data")
        assert isinstance(data, dict)
        assert set(data.get("products", ())) <= codes, document.document_id


def test_the_leaflet_repeats_the_figures_of_its_sheet(documents: list[ReadDocument]) -> None:
    missing = []
    for document, sheet in sheets(documents):
        leaflet = "\n".join(passage.text for passage in document.passages[2:])
        values = [rate.rate for rate in sheet.rates] + [fee.rate for fee in sheet.fees]
        values += [sheet.benchmark.text] if sheet.benchmark else []
        figures = {figure for value in values for figure in FIGURE.findall(value)}
        missing += [(sheet.code, sheet.version, figure) for figure in figures if figure not in leaflet]
    assert not missing


def test_the_first_passages_say_everything_in_the_sheet(documents: list[ReadDocument]) -> None:
    silent = {"kind", "product_kind", "sold_as", "version", "scope", "questions", "days", "amount", "currency"}

    def leaves(value: object, name: str = "") -> list[str]:
        if isinstance(value, dict):
            return [leaf for key, item in value.items() if key not in silent for leaf in leaves(item, key)]
        if isinstance(value, list):
            return [leaf for item in value for leaf in leaves(item, name)]
        return [] if value is None else [str(value)]

    for document, sheet in sheets(documents):
        said = sheet_text(sheet) + pitch_text(sheet)
        assert document.passages[0].known_questions == sheet.questions
        for leaf in leaves(sheet.model_dump(mode="json")):
            assert leaf in said, (sheet.code, leaf)


def test_samples_hold_no_real_institution_and_no_personal_data() -> None:
    for path in SAMPLES.rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert not REAL_NAMES.search(text), (path.name, REAL_NAMES.search(text))
        assert not PERSONAL.search(text), (path.name, PERSONAL.search(text))


def test_samples_name_none_of_the_banks_own_staff(documents: list[ReadDocument]) -> None:
    names = [person.name for person in read_bank().staff]
    for document in documents:
        for passage in document.passages:
            assert not [name for name in names if name in passage.text], document.document_id


def test_the_bank_file_points_only_at_what_it_holds() -> None:
    bank = read_bank()
    branches = {branch.branch_id for branch in bank.branches}
    staff = {person.userid for person in bank.staff}
    assert all(person.branch_id in branches for person in bank.staff)
    assert all(customer.owner in staff for customer in bank.customers)
    assert {"curator1", "curator2", "officer1", "head1", "admin1", "rm001"} <= staff
    assert len({customer.customer_id for customer in bank.customers}) == len(bank.customers)


def test_loading_is_quick_and_the_second_time_nothing_changes(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/wainao.db", checkpoints=True)
    with database.migrating() as conn:
        tables.metadata.create_all(conn)
    store = KnowledgeStore(database)
    started = time.process_time()
    first = load_sample_knowledge(store)
    assert time.process_time() - started < 6
    revision = store.revision()
    started = time.process_time()
    second = load_sample_knowledge(store)
    assert time.process_time() - started < 2
    assert (second.loaded, second.unchanged) == (0, first.loaded)
    assert store.revision() == revision
    assert {version.status for version in store.versions()} == {VersionStatus.APPROVED}
    assert len([code for code, _, _ in store.products()]) >= 24
    in_force = [version.document_id for version in store.versions() if version.in_force_on(TODAY)]
    assert len(in_force) == len(set(in_force))


def test_a_wording_that_was_taken_back_stays_back(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/wainao.db", checkpoints=True)
    with database.migrating() as conn:
        tables.metadata.create_all(conn)
    store = KnowledgeStore(database)
    load_sample_knowledge(store)
    version = next(item for item in store.versions() if item.kind is DocumentKind.FAQ)
    store.withdraw(version.version_id, "officer1")
    assert load_sample_knowledge(store).loaded == 0
    assert store.version(version.version_id).status is VersionStatus.WITHDRAWN
