"""Our own embedder: what it gives, how it is taught, adapted and put back."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from knowledge.documents import Passage
from knowledge.retrieval.embedder.adapting import adapt
from knowledge.retrieval.embedder.contrastive import Pair, Recipe, teach
from knowledge.retrieval.embedder.making import written_groups
from knowledge.retrieval.embedder.own import SHIPPED, ModelUnreadable, OwnEmbedder, Shelf
from knowledge.retrieval.embedder.static_model import StaticModel, saved_fingerprint
from tests.unit.knowledge.retrieval.passages import passage

MEGABYTES = 1_000_000


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.load(SHIPPED)


def known(count: int) -> list[Passage]:
    """Passages whose titles use words of their own for what the texts say."""
    subjects = ["转账限额", "密码重置", "存单挂失", "年费减免", "利息计算", "账单日期", "积分兑换", "外币兑换"]
    return [
        passage(
            f"faq{number}@v1#p1",
            f"{subjects[number % 8]}的办法写在第{number}号公告里，柜台和手机都能办。",
            title=f"{subjects[number % 8]}{'甲乙丙丁戊己庚辛壬癸'[number // 8 % 10]}",
            document_id=f"faq{number}",
            version_id=f"faq{number}@v1",
        )
        for number in range(count)
    ]


def test_other_words_for_the_same_are_nearer_than_the_same_words_for_another_matter() -> None:
    embedder = OwnEmbedder.load()
    asked, same, other = embedder.embed(["银行卡丢了怎么办", "储蓄卡遗失如何挂失", "银行卡年费怎么办减免"])
    assert asked @ same > asked @ other


def test_every_vector_has_length_one_and_nothing_gives_nothing() -> None:
    vectors = OwnEmbedder.load().embed(["大额存单", "ＬＰＲ 下调", "存單", "", "@#"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0, 0], abs=1e-5)
    assert OwnEmbedder.load().embed([]).shape == (0, OwnEmbedder.load().dimension)


def test_a_saved_model_gives_the_same_vectors_and_is_small(model: StaticModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    again = StaticModel.load(tmp_path)
    texts = ["提前还款要收违约金吗", "hello 90天"]
    assert np.array_equal(again.embed(texts), model.embed(texts))
    assert saved_fingerprint(tmp_path) == saved_fingerprint(SHIPPED) == model.fingerprint
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) <= 25 * MEGABYTES


def test_the_folder_is_what_sentence_transformers_loads(model: StaticModel) -> None:
    modules = json.loads((SHIPPED / "modules.json").read_text(encoding="utf-8"))
    assert [module["type"].rsplit(".", 1)[-1] for module in modules] == ["StaticEmbedding", "Normalize"]
    # StaticEmbedding takes the mean of a text's token vectors; normalised, that is our sum.
    tokens = model.token_ids(["信用卡账单日能改吗"])[0]
    mean = model.matrix[tokens].mean(axis=0)
    assert model.embed(["信用卡账单日能改吗"])[0] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)


def test_a_folder_that_holds_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable):
        StaticModel.load(tmp_path)
    with pytest.raises(ModelUnreadable):
        saved_fingerprint(tmp_path)


def test_teaching_brings_pairs_together_and_repeats_itself_exactly(model: StaticModel) -> None:
    texts = model.token_ids(["额度", "上限", "利息", "钱数"])
    pairs = [Pair(texts[0], texts[1], "a"), Pair(texts[2], texts[3], "b")]

    def taught() -> np.ndarray:
        return teach(model.matrix, lambda chance: list(pairs), Recipe(rounds=5))

    once = taught()
    assert np.array_equal(once, taught())

    def margin(table: np.ndarray) -> float:
        first, same, _, other = StaticModel(model.tokenizer, table).embed(["额度", "上限", "利息", "钱数"])
        return float(first @ same - first @ other)

    assert margin(once) > margin(model.matrix)


def test_adapting_is_kept_only_when_held_out_passages_are_found_better(model: StaticModel) -> None:
    few = adapt(model, known(10))
    assert (few.taken, few.model) == (False, model)
    found = adapt(model, known(80))
    assert found.taken == (found.after > found.before)
    assert adapt(model, known(80)).model.fingerprint == found.model.fingerprint


def test_an_adapted_model_is_used_from_the_next_start_and_can_be_put_back(model: StaticModel, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert shelf.active == SHIPPED
    changed = StaticModel(model.tokenizer, model.matrix * np.float32(0.5))
    shelf.put(changed, "card")
    assert OwnEmbedder.load(tmp_path).embedder_id != OwnEmbedder.load().embedder_id
    assert shelf.back() == SHIPPED
    assert OwnEmbedder.load(tmp_path).embedder_id == OwnEmbedder.load().embedder_id
    (tmp_path / "active.json").write_text("not json", encoding="utf-8")
    assert Shelf(tmp_path).active == SHIPPED


def test_no_sentence_of_the_material_stands_in_two_groups() -> None:
    groups = written_groups()
    assert len(groups) > 1_500
    assert all(len(set(group)) == len(group) for group in groups)
    chance = random.Random(0)
    assert all(len(line) < 120 for group in chance.sample(groups, 200) for line in group)
