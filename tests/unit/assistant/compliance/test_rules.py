"""Rule packs: what is accepted, what is refused, what is cited."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from assistant.compliance.rules import RULES_FOLDER, Basis, Rule, RulePackInvalid, RulePacks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RULES_FOLDER, tmp_path / "rules"))


def test_the_fingerprint_follows_every_file(folder: Path) -> None:
    before = RulePacks.load(folder).fingerprint
    (folder / "polarity.yaml").write_text((folder / "polarity.yaml").read_text("utf-8") + "\n# x\n", "utf-8")
    assert RulePacks.load(folder).fingerprint != before


@pytest.mark.parametrize(
    "pack",
    [
        "code: X\ntitle: t\nseverity: B\nadvice: a\nbasis: []\n",
        "code: X\ntitle: t\nseverity: Z\nadvice: a\nbasis: [{law: l, evidence: V}]\n",
        "code: X\ntitle: t\nseverity: B\nadvice: a\nsurprise: 1\nbasis: [{law: l, evidence: V}]\n",
        "code: X\ntitle: t\nseverity: B\nadvice: a\nbasis: [{law: l, evidence: V}]\ndetectors: [{id: d, any: ['(']}]\n",
        "code: GUARANTEED_RETURN\ntitle: t\nseverity: B\nadvice: a\nbasis: [{law: l, evidence: V}]\n",
        "code: [",
    ],
)
def test_a_broken_pack_is_refused(folder: Path, pack: str) -> None:
    (folder / "broken.yaml").write_text(pack, "utf-8")
    with pytest.raises(RulePackInvalid):
        RulePacks.load(folder)


def test_every_shipped_rule_has_advice_and_a_basis() -> None:
    for rule in RulePacks.load().rules:
        assert rule.advice, rule.code
        assert rule.basis, rule.code


def test_an_article_from_memory_is_marked_to_be_verified() -> None:
    assert Basis(law="某办法", article="第一条", evidence="M").cited() == "待核实：某办法 第一条"


def test_the_article_in_force_on_the_day_is_cited() -> None:
    rule = Rule(
        code="X",
        title="t",
        severity="B",
        advice="a",
        basis=(
            Basis(law="新办法", evidence="V", in_force_from=date(2026, 9, 30)),
            Basis(law="旧办法", evidence="S", in_force_until=date(2026, 9, 30)),
        ),
    )
    assert rule.cited_on(date(2026, 9, 29)) == "旧办法"
    assert rule.cited_on(date(2026, 9, 30)) == "新办法"
