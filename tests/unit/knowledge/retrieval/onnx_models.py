"""Tiny ONNX folders: token vectors looked up in a table, and a reranker that counts shared weight."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing

CHARACTERS = (
    "提前赎回手续费多少怎么办工资卡存款利率理财产品风险等级贷款信用账户。？：为这个句子生成表示以用于检索相关文章"
)
VOCABULARY = {token: row for row, token in enumerate(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *CHARACTERS]))}
DIMENSION = 8
TABLE: npt.NDArray[np.float32] = np.random.default_rng(7).normal(size=(len(VOCABULARY), DIMENSION)).astype(np.float32)
IDS = ("input_ids", "attention_mask")


def tokenizer() -> Tokenizer:
    """One token per character, [CLS] before and [SEP] behind."""
    made = Tokenizer(WordLevel(VOCABULARY, unk_token="[UNK]"))
    made.pre_tokenizer = Split(Regex("."), "isolated")
    special = [("[CLS]", VOCABULARY["[CLS]"]), ("[SEP]", VOCABULARY["[SEP]"])]
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=special
    )
    return made


def token_rows(text: str) -> npt.NDArray[np.float32]:
    """The vectors of a text's tokens, [CLS] and [SEP] with them."""
    ids = [VOCABULARY.get(character, VOCABULARY["[UNK]"]) for character in text]
    return TABLE[[VOCABULARY["[CLS]"], *ids, VOCABULARY["[SEP]"]]]


def unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return vector / np.linalg.norm(vector)


def embedder_folder(
    folder: Path,
    *,
    inputs: Sequence[str] = IDS,
    output: str = "last_hidden_state",
    half: bool = False,
    graph: str = "model.onnx",
    files: Mapping[str, Any] | None = None,
) -> Path:
    """A model whose token vectors are rows of TABLE; `sentence_embedding`: the largest of each axis."""
    kind, pooled = TensorProto.FLOAT16 if half else TensorProto.FLOAT, output == "sentence_embedding"
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        helper.make_node("ReduceMax", ["found"], ["best"], axes=[1], keepdims=0),
        helper.make_node("Cast", ["best" if pooled else "found"], [output], to=kind),
    ]
    outputs = [helper.make_tensor_value_info(output, kind, ["n", DIMENSION] if pooled else ["n", "t", DIMENSION])]
    return _written(folder, graph, nodes, inputs, outputs, {"table": TABLE}, files)


def reranker_folder(folder: Path, *, labels: int = 1) -> Path:
    """A cross-encoder: the sum of a weight per token; 费 and 赎 weigh, nothing else does."""
    weights = np.full((len(VOCABULARY), labels), 0, dtype=np.float32)
    for character in "费赎":
        weights[VOCABULARY[character], labels - 1] = 1.5
    nodes = [
        helper.make_node("Gather", ["weights", "input_ids"], ["each"]),
        helper.make_node("ReduceSum", ["each", "axes"], ["logits"], keepdims=0),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", labels])]
    constants: dict[str, npt.NDArray[Any]] = {"weights": weights, "axes": np.array([1], dtype=np.int64)}
    return _written(folder, "model.onnx", nodes, (*IDS, "token_type_ids"), outputs, constants, None)


def _written(
    folder: Path,
    graph: str,
    nodes: Sequence[Any],
    inputs: Sequence[str],
    outputs: Sequence[Any],
    constants: Mapping[str, npt.NDArray[Any]],
    files: Mapping[str, Any] | None,
) -> Path:
    wanted = [_wanted(name) for name in inputs]
    held = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    made = helper.make_graph(list(nodes), "tiny", wanted, list(outputs), held)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / graph).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / graph))
    tokenizer().save(str(folder / "tokenizer.json"))
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def _wanted(name: str) -> Any:
    if name.startswith("past"):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2, "past", 4])
    return helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"])
