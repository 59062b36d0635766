"""A folder with an ONNX graph as embedder: the files beside it say how its vectors are made, and the vectors agree."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.errors import ModelUnusable
from knowledge.retrieval.embedding import Vectors, load_embedder
from knowledge.retrieval.onnx_embedder import OnnxEmbedder
from tests.unit.knowledge.retrieval.onnx_models import DIMENSION, IDS, embedder_folder, token_rows, unit

TEXTS = ["提前赎回", "手续费多少？存款利率怎么办", "", "理财产品风险等级"]
MODULES = [
    {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]


def pooled_as(config: Mapping[str, Any]) -> dict[str, Any]:
    return {"modules.json": MODULES, "1_Pooling/config.json": {"word_embedding_dimension": DIMENSION, **config}}


def by_hand(text: str, mode: str) -> Vectors:
    rows = token_rows(text)
    weights = np.arange(1, len(rows) + 1, dtype=np.float32)
    ways = {
        "cls": rows[0],
        "max": rows.max(axis=0),
        "mean": rows.mean(axis=0),
        "weightedmean": (rows * weights[:, None]).sum(axis=0) / weights.sum(),
        "lasttoken": rows[-1],
    }
    return unit(np.concatenate([ways[part] for part in mode.split("+")]))


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, "mean"),
        ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}, "max"),
        ({"pooling_mode_weightedmean_tokens": True}, "weightedmean"),
        ({"pooling_mode_lasttoken": True}, "lasttoken"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "cls+mean"),
        ({"pooling_mode": "lasttoken", "embedding_dimension": DIMENSION}, "lasttoken"),
        ({"pooling_mode": ["mean", "cls"]}, "cls+mean"),
    ],
)
def test_vectors_are_made_as_the_pooling_file_says(tmp_path: Path, config: dict[str, Any], mode: str) -> None:
    embedder = OnnxEmbedder(embedder_folder(tmp_path / "some-model", files=pooled_as(config)))
    vectors = embedder.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert np.allclose(vector, by_hand(text, mode), atol=1e-5), text


@pytest.mark.parametrize(
    ("name", "mode"), [("bge-small-zh-v1.5", "cls"), ("Qwen3-Embedding-0.6B", "lasttoken"), ("unheard-of", "mean")]
)
def test_without_such_files_the_family_tells(tmp_path: Path, name: str, mode: str) -> None:
    embedder = OnnxEmbedder(embedder_folder(tmp_path / name))
    assert np.allclose(embedder.embed(["提前赎回"])[0], by_hand("提前赎回", mode), atol=1e-5)


def test_a_question_is_told_apart_where_the_family_wants_it(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(embedder_folder(tmp_path / "bge-base-zh-v1.5", files=pooled_as({"pooling_mode": "mean"})))
    told = by_hand("为这个句子生成表示以用于检索相关文章：提前赎回", "mean")
    assert np.allclose(embedder.embed_question("提前赎回"), told, atol=1e-5)
    assert np.allclose(embedder.embed(["提前赎回"])[0], by_hand("提前赎回", "mean"), atol=1e-5)


@pytest.mark.parametrize(
    "inputs",
    [("input_ids",), IDS, (*IDS, "token_type_ids"), (*IDS, "position_ids", "past_key_values.0.key")],
)
def test_the_graph_gets_what_it_asks_for(tmp_path: Path, inputs: tuple[str, ...]) -> None:
    embedder = OnnxEmbedder(embedder_folder(tmp_path / "m", inputs=inputs))
    assert np.allclose(embedder.embed(TEXTS)[1], by_hand(TEXTS[1], "mean"), atol=1e-5)


def test_half_precision_and_graphs_in_a_folder_of_their_own_are_read(tmp_path: Path) -> None:
    half = OnnxEmbedder(embedder_folder(tmp_path / "a", half=True))
    quantised = OnnxEmbedder(embedder_folder(tmp_path / "b", graph="onnx/model_quantized.onnx"))
    named = load_embedder(str(embedder_folder(tmp_path / "c", graph="onnx/model.onnx") / "onnx" / "model.onnx"))
    wanted = by_hand("理财产品", "mean")
    assert np.allclose(half.embed(["理财产品"])[0], wanted, atol=1e-2)
    for embedder in (quantised, named):
        assert np.allclose(embedder.embed(["理财产品"])[0], wanted, atol=1e-5)
    assert named.embedder_id.startswith("onnx:c:")


def test_vectors_that_the_graph_has_made_one_already_are_taken_as_they_are(tmp_path: Path) -> None:
    config = pooled_as({"pooling_mode": "cls"})
    embedder = OnnxEmbedder(
        embedder_folder(tmp_path / "m", output="sentence_embedding", inputs=("input_ids",), files=config)
    )
    assert np.allclose(embedder.embed(["提前"])[0], unit(token_rows("提前").max(axis=0)), atol=1e-5)


def test_many_texts_of_many_lengths_come_back_in_their_order(tmp_path: Path) -> None:
    texts = ["提前赎回手续费" * (number % 37) + "理财" for number in range(300)]
    embedder = OnnxEmbedder(embedder_folder(tmp_path / "m"))
    vectors = embedder.embed(texts)
    for number in (0, 1, 36, 37, 150, 299):
        assert np.allclose(vectors[number], by_hand(texts[number], "mean"), atol=1e-4)
    assert embedder.embed([]).shape == (0, DIMENSION)


def test_long_texts_are_cut_where_the_model_ends(tmp_path: Path) -> None:
    folder = embedder_folder(
        tmp_path / "m",
        files={"sentence_bert_config.json": {"max_seq_length": 6}, **pooled_as({"pooling_mode": "mean"})},
    )
    embedder = OnnxEmbedder(folder)
    assert np.allclose(embedder.embed(["提前赎回手续费"])[0], by_hand("提前赎回", "mean"), atol=1e-5)


def test_the_id_changes_with_everything_that_changes_vectors(tmp_path: Path) -> None:
    folder = embedder_folder(tmp_path / "m")
    ids = {OnnxEmbedder(folder).embedder_id, OnnxEmbedder(folder, question_instruction="问：").embedder_id}
    embedder_folder(tmp_path / "m", files=pooled_as({"pooling_mode": "cls"}))
    ids.add(OnnxEmbedder(folder).embedder_id)
    embedder_folder(tmp_path / "m", half=True)
    ids.add(OnnxEmbedder(folder).embedder_id)
    assert len(ids) == 4
    assert all(each.endswith(f"/{DIMENSION}") for each in ids)
    assert OnnxEmbedder(folder).embedder_id in ids


def test_what_cannot_be_run_as_its_files_say_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable):
        load_embedder(str(tmp_path / "nowhere"))
    dense = [*MODULES, {"idx": 3, "path": "3_Dense", "type": "sentence_transformers.models.Dense"}]
    with pytest.raises(ModelUnusable, match="model"):
        OnnxEmbedder(embedder_folder(tmp_path / "m", files={"modules.json": dense}))
    bare = embedder_folder(tmp_path / "n")
    (bare / "tokenizer.json").unlink()
    with pytest.raises(ModelUnusable):
        OnnxEmbedder(bare)
    broken = embedder_folder(tmp_path / "o")
    (broken / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelUnusable):
        OnnxEmbedder(broken).embed(["提前"])


if find_spec("sentence_transformers"):  # the extra `neural`

    def test_vectors_are_those_of_sentence_transformers(tmp_path: Path) -> None:
        from tests.unit.knowledge.retrieval.bert_models import exported_bert

        for mode in ("cls", "mean", "max", "lasttoken", "weightedmean"):
            folder = exported_bert(tmp_path / mode, mode)
            theirs = load_embedder(str(folder / "theirs"))
            ours = load_embedder(str(folder / "ours"))
            assert theirs.embedder_id.startswith("st:")
            assert ours.embedder_id.startswith("onnx:")
            assert np.allclose(ours.embed(TEXTS), theirs.embed(TEXTS), atol=1e-4), mode
            assert np.allclose(ours.embed_question(TEXTS[0]), theirs.embed_question(TEXTS[0]), atol=1e-4), mode
