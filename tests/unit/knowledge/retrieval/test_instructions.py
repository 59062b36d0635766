"""What a model wants to read before a text is told by its own files, else by its name."""

import json
from pathlib import Path

import pytest

from knowledge.retrieval.instructions import Instructions, instructions_of, model_names, pooling_of

ZH = "为这个句子生成表示以用于检索相关文章："
ASKED = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"


@pytest.mark.parametrize(
    ("name", "question", "passage"),
    [
        ("BAAI/bge-large-zh-v1.5", ZH, ""),
        ("/models/bge-small-zh", ZH, ""),
        ("BAAI/bge-large-zh-noinstruct", "", ""),
        ("BAAI/bge-m3", "", ""),
        ("bge-base-en-v1.5", "Represent this sentence for searching relevant passages: ", ""),
        ("Qwen/Qwen3-Embedding-8B", ASKED, ""),
        ("intfloat/multilingual-e5-base", "query: ", "passage: "),
        ("e5-large-v2", "query: ", "passage: "),
        ("intfloat/multilingual-e5-large-instruct", f"{ASKED} ", ""),
        ("Snowflake/snowflake-arctic-embed-l-v2.0", "query: ", ""),
        ("moka-ai/m3e-base", "", ""),
        ("shibing624/text2vec-base-chinese", "", ""),
        ("/data/e5/our-own-model", "", ""),
        ("text-embedding-v4", "", ""),
    ],
)
def test_each_family_is_known_by_its_name(name: str, question: str, passage: str) -> None:
    assert instructions_of(*model_names(name)) == Instructions(question, passage)


def test_a_hub_cache_and_a_graph_of_its_own_folder_keep_the_name() -> None:
    cached = "/models/hub/models--BAAI--bge-small-zh-v1.5/snapshots/7999e1d3359715c523056ef9478215996d62a620"
    assert instructions_of(*model_names(cached)).question == ZH
    assert pooling_of(*model_names(f"{cached}/onnx")) == "cls"
    assert model_names("/m/bge-small-zh/onnx") == ("bge-small-zh",)


def test_the_models_own_prompts_go_before_the_family(tmp_path: Path) -> None:
    folder = tmp_path / "bge-small-zh"
    folder.mkdir()
    prompts = folder / "config_sentence_transformers.json"
    prompts.write_text(json.dumps({"prompts": {"query": "问题：", "document": "材料："}}), encoding="utf-8")
    assert instructions_of("bge-small-zh", folder=folder) == Instructions("问题：", "材料：")
    prompts.write_text(json.dumps({"prompts": {"query": "", "document": ""}}), encoding="utf-8")
    assert instructions_of("bge-small-zh", folder=folder).question == ZH
    prompts.write_text("[broken", encoding="utf-8")
    assert instructions_of("bge-small-zh", folder=folder).question == ZH


def test_the_settings_have_the_last_word() -> None:
    told = Instructions("query: ", "passage: ")
    assert told.overridden("", "") == told
    assert told.overridden("none", "NONE") == Instructions()
    assert told.overridden(r"Instruct: x\nQuery:", "") == Instructions("Instruct: x\nQuery:", "passage: ")


def test_the_fingerprint_tells_instructions_apart() -> None:
    found = {each.fingerprint for each in (Instructions(), Instructions("a"), Instructions("", "a"), Instructions("b"))}
    assert len(found) == 4
