"""The reply and copy cases: well formed, true to the sample bank, and not taken from what the product has read."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
DATASETS = ROOT / "evals" / "datasets"
SAMPLES = ROOT / "knowledge" / "samples"
MATERIAL = ROOT / "knowledge" / "retrieval" / "embedder" / "material"
SETS = ("drafting", "copy")
SHARED_RUN = 8  # characters, punctuation aside

CARRIED = {"id", "split", "source", "slices", "author", "reviewed_by", "created", "on", "as", "must_not", "cites"}
FIELDS = {
    "drafting": CARRIED | {"question", "context", "customer", "must", "figures", "next_step", "length"} | {"expect"},
    "copy": CARRIED | {"request", "facts", "hooks_differ", "angles", "expect"},
}
EXPECTED = {
    "drafting": {"draft", "unknown", "blocked", "check", "answer"},
    "copy": {"draft", "unknown", "blocked"},
}
LEAST_BY_SPLIT = {"drafting": {"dev": 80, "test": 120}, "copy": {"dev": 40, "test": 60}}
LEAST_BY_SLICE = {
    "drafting": {
        "product_fact": 40,
        "figure": 30,
        "comparison": 8,
        "objection": 15,
        "complaint": 6,
        "loss": 8,
        "bereavement": 5,
        "elderly": 8,
        "risk_mismatch": 8,
        "opt_out": 6,
        "maturity": 6,
        "small_talk": 6,
        "service": 12,
        "unanswerable": 10,
        "must_block": 8,
        "off_limits": 5,
        "follow_up": 8,
        "injection": 5,
        "superseded": 10,
        "ambiguous": 5,
        "personal_data": 5,
        "check": 6,
        "rule": 5,
    },
    "copy": {"topic": 50, "product": 10, "disclosure": 10, "bad_request": 12, "no_facts": 8},
}


@dataclass(frozen=True)
class Sample:
    """One version of a sample document and the days on which it may be quoted; `until` is exclusive."""

    text: str
    since: date = date.min
    until: date = date.max


def cases(name: str) -> list[dict[str, Any]]:
    """All cases of the set's first version."""
    lines = (DATASETS / name / "v1" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@cache
def documents() -> dict[str, list[Sample]]:
    """Sample documents by id, each with all its versions."""
    found: dict[str, list[Sample]] = {}
    for path in sorted((SAMPLES / "products").glob("[!R]*.md")):
        text = path.read_text(encoding="utf-8")
        header = yaml.safe_load(text.split("---\n", 2)[1])
        version = Sample(text, header["effective_from"], header["effective_until"] or date.max)
        found.setdefault(f"product-{header['code']}", []).append(version)
    for path in sorted((SAMPLES / "faq").glob("*.yaml")):
        found |= {f"faq-{item['id']}": [Sample(_dumped(item), item["effective_from"])] for item in _items(path)}
    found |= {f"moments-{item['id']}": [Sample(_dumped(item))] for item in _items(SAMPLES / "moments" / "topics.yaml")}
    for kind, folder in (("playbook", "playbooks"), ("transcript", "transcripts"), ("regulation", "regulations")):
        found |= {f"{kind}-{path.stem}": [Sample(path.read_text("utf-8"))] for path in (SAMPLES / folder).iterdir()}
    return found


def quotable(document_id: str, on: str) -> str | None:
    """The text of a document that is in force on a day, None when there is none."""
    known = documents()
    if document_id.startswith("regulation-"):
        document_id = document_id.rsplit("-", 1)[0]  # the door's suffix of the file's name
    day = date.fromisoformat(on)
    return next((each.text for each in known.get(document_id, ()) if each.since <= day < each.until), None)


def typed(case: dict[str, Any]) -> list[str]:
    """What a member typed: the words that must be ours alone."""
    return [case.get("question") or case["request"], *case.get("context", ())]


def runs(text: str, size: int = SHARED_RUN) -> set[str]:
    """Runs of `size` letters and digits."""
    letters = "".join(ch for ch in unicodedata.normalize("NFKC", text).lower() if ch.isalnum())
    return {letters[at : at + size] for at in range(len(letters) - size + 1)}


def folded(text: str) -> str:
    """Without width, case, blanks and commas."""
    return "".join(unicodedata.normalize("NFKC", text).lower().replace(",", "").split())


def _items(path: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _dumped(item: dict[str, Any]) -> str:
    return yaml.safe_dump(item, allow_unicode=True, width=10_000)


def _read(folder: Path) -> Iterator[str]:
    return (path.read_text(encoding="utf-8", errors="ignore") for path in folder.rglob("*") if path.is_file())


def _wordings(points: Iterable[dict[str, Any]]) -> list[str]:
    return [wording for point in points for wording in point["any"]]


@pytest.mark.parametrize("name", SETS)
def test_the_noted_hash_is_that_of_the_cases(name: str) -> None:
    folder = DATASETS / name / "v1"
    digest = hashlib.sha256((folder / "cases.jsonl").read_bytes()).hexdigest()
    assert (folder / "SHA256").read_text(encoding="utf-8").split() == [digest]
    assert len((folder / "card.md").read_text(encoding="utf-8")) > 500


@pytest.mark.parametrize("name", SETS)
def test_every_case_has_all_fields_and_an_id_of_its_own(name: str) -> None:
    found = cases(name)
    assert all(set(case) == FIELDS[name] for case in found)
    assert len({case["id"] for case in found}) == len(found)
    assert len({typed(case)[0] for case in found}) == len(found)
    assert {case["expect"] for case in found} == EXPECTED[name]
    assert all(case["slices"] and case["reviewed_by"] and date.fromisoformat(case["on"]) for case in found)


@pytest.mark.parametrize("name", SETS)
def test_both_splits_and_every_slice_are_large_enough(name: str) -> None:
    found = cases(name)
    splits, slices = Counter(case["split"] for case in found), Counter(s for case in found for s in case["slices"])
    assert all(splits[split] >= least for split, least in LEAST_BY_SPLIT[name].items())
    assert not {each: slices[each] for each, least in LEAST_BY_SLICE[name].items() if slices[each] < least}


@pytest.mark.parametrize("name", SETS)
def test_cases_of_one_source_stay_in_one_split(name: str) -> None:
    splits: dict[str, set[str]] = {}
    for case in cases(name):
        splits.setdefault(case["source"], set()).add(case["split"])
    assert not [source for source, found in splits.items() if len(found) > 1]


@pytest.mark.parametrize("name", SETS)
def test_no_case_shares_a_run_with_what_the_product_reads(name: str) -> None:
    read = set[str]().union(*(runs(text) for folder in (SAMPLES, MATERIAL) for text in _read(folder)))
    shared = {case["id"]: hit for case in cases(name) for text in typed(case) if (hit := runs(text) & read)}
    assert not shared


@pytest.mark.parametrize("name", SETS)
def test_no_test_case_repeats_a_dev_case(name: str) -> None:
    dev = set[str]().union(*(runs(text) for case in cases(name) if case["split"] == "dev" for text in typed(case)))
    test = (case for case in cases(name) if case["split"] == "test")
    assert not {case["id"]: hit for case in test for text in typed(case) if (hit := runs(text) & dev)}


@pytest.mark.parametrize("name", SETS)
def test_every_cited_document_is_in_force_on_the_day(name: str) -> None:
    absent = [(case["id"], cited) for case in cases(name) for cited in case["cites"] if not quotable(cited, case["on"])]
    assert not absent


@pytest.mark.parametrize("name", SETS)
def test_every_case_is_asked_by_a_member_of_the_sample_bank(name: str) -> None:
    staff = yaml.safe_load((SAMPLES / "bank.yaml").read_text(encoding="utf-8"))["staff"]
    assert {case["as"] for case in cases(name)} <= {member["userid"] for member in staff}


def test_every_figure_stands_in_a_cited_document_that_is_in_force() -> None:
    loose = []
    for case in cases("drafting"):
        said = folded("".join(quotable(cited, case["on"]) or "" for cited in case["cites"]))
        loose += [(case["id"], figure) for figure in case["figures"] if folded(figure) not in said]
    assert not loose


def test_no_point_can_only_be_made_by_saying_what_is_forbidden() -> None:
    trapped = []
    for case in cases("drafting"):
        forbidden = [folded(wording) for wording in _wordings(case["must_not"])]
        for point in [*case["must"], *({"any": [figure]} for figure in case["figures"])]:
            if all(any(word in folded(wording) for word in forbidden) for wording in point["any"]):
                trapped.append((case["id"], point["any"]))
    assert not trapped


@pytest.mark.parametrize("name", SETS)
def test_no_wording_is_empty(name: str) -> None:
    points = [point for case in cases(name) for point in [*case.get("must", ()), *case["must_not"]]]
    assert all(point["any"] and all(wording.strip() for wording in point["any"]) for point in points)


def test_drafts_have_points_to_make_and_silence_has_none() -> None:
    allowed = {"draft": (1, 3), "answer": (1, 3), "check": (0, 1), "blocked": (0, 0), "unknown": (0, 0)}
    for case in cases("drafting"):
        least, most = allowed[case["expect"]]
        assert least <= len(case["must"]) <= most, case["id"]
        assert case["must"] or case["must_not"] or case["expect"] == "unknown", case["id"]
        assert case["length"][0] < case["length"][1], case["id"]


def test_posts_have_angles_and_refusals_have_none() -> None:
    for case in cases("copy"):
        assert bool(case["angles"]) == (case["expect"] == "draft"), case["id"]
