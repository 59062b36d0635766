"""What every embedder promises, whichever WAINAO_EMBEDDER names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app import build_embedder, build_reranking
from assistant.settings import Settings
from knowledge.documents import Scope
from knowledge.errors import ModelUnusable
from knowledge.retrieval.embedding import Embedder
from knowledge.retrieval.memory import PassagesInMemory
from knowledge.retrieval.search import KnowledgeRetriever
from knowledge.stores.chroma import ChromaVectors
from tests.openai_server import Exchange, OpenAIServer
from tests.unit.knowledge.retrieval.onnx_models import embedder_folder, reranker_folder
from tests.unit.knowledge.retrieval.passages import ON, passage

TEXTS = ["提前赎回要手续费吗", "", "工资卡怎么办", "a" * 5000, "贖回\n\ud800手续费", "？！", "工资卡怎么办"]


def letters(exchange: Exchange) -> None:
    """An endpoint that counts characters."""
    rows = [
        np.bincount([ord(character) % 16 for character in text], minlength=16) for text in exchange.request["input"]
    ]
    data = [{"index": number, "embedding": row.tolist()} for number, row in enumerate(rows)]
    exchange.status(200, json.dumps({"data": data}).encode())


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with OpenAIServer([letters]) as server:
        yield f"{server.url}#letters"


def settings_of(home: Path, **values: str) -> Settings:
    return Settings(home=home, **{"llm_base_url": "", "reranker": "", **values})  # type: ignore[arg-type]


@pytest.fixture(params=["own", "hash", "onnx", "onnx told", "endpoint"])
def embedder(request: pytest.FixtureRequest, tmp_path: Path, endpoint: str) -> Embedder:
    names = {
        "onnx": str(embedder_folder(tmp_path / "m")),
        "onnx told": str(embedder_folder(tmp_path / "bge-small-zh")),
        "endpoint": endpoint,
    }
    return build_embedder(settings_of(tmp_path, embedder=names.get(request.param, request.param)))


class TestEveryEmbedder:
    def test_a_row_per_text_each_of_length_one_or_zero(self, embedder: Embedder) -> None:
        vectors = embedder.embed(TEXTS)
        assert vectors.shape == (len(TEXTS), embedder.dimension)
        assert vectors.dtype == np.float32
        lengths = np.linalg.norm(vectors, axis=1)
        assert all(np.isclose(length, 1, atol=1e-4) or length == 0 for length in lengths)
        assert np.isclose(np.linalg.norm(embedder.embed_question(TEXTS[0])), 1, atol=1e-4)
        assert embedder.embed_question("").shape == (embedder.dimension,)
        assert embedder.embed([]).shape == (0, embedder.dimension)

    def test_the_same_text_gives_the_same_vector_in_any_company(self, embedder: Embedder) -> None:
        together, alone = embedder.embed(TEXTS), embedder.embed(TEXTS[2:3])
        assert np.allclose(together[2], alone[0], atol=1e-5)
        assert np.allclose(together[2], together[6], atol=1e-5)

    def test_many_threads_may_ask_at_once(self, embedder: Embedder) -> None:
        wanted = embedder.embed_question(TEXTS[0])
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: embedder.embed_question(TEXTS[0]), range(16)))
        assert all(np.allclose(each, wanted, atol=1e-5) for each in found)

    def test_the_id_names_the_dimension_and_stays(self, embedder: Embedder) -> None:
        assert str(embedder.dimension) in embedder.embedder_id
        embedder.embed(TEXTS)
        assert embedder.embedder_id.endswith(f"/{embedder.dimension}")


def test_vectors_of_another_embedder_never_answer(tmp_path: Path, endpoint: str) -> None:
    rows = (passage("fee", "提前赎回要收手续费。", title="赎回"), passage("card", "工资卡怎么办理。", title="开户"))
    source = PassagesInMemory(rows=rows)
    for name in ("hash", str(embedder_folder(tmp_path / "m")), endpoint, "hash"):
        embedder = build_embedder(settings_of(tmp_path, embedder=name))
        vectors = ChromaVectors(tmp_path / "chroma")
        retriever = KnowledgeRetriever(source, folder=tmp_path / "index", embedder=embedder, vectors=vectors)
        found = retriever.search("提前赎回手续费", scope=Scope(), on=ON).evidence
        shown = {each.passage.passage_id: each.scores["dense"] for each in found}
        cosine = embedder.embed(["赎回\n提前赎回要收手续费。"])[0] @ embedder.embed_question("提前赎回手续费")
        assert shown["fee"] == pytest.approx(float(cosine), abs=1e-4), name
        assert retriever.status.embedder_id == embedder.embedder_id
        retriever.close()


def test_settings_choose_instructions_and_a_reranker(tmp_path: Path) -> None:
    folder = str(embedder_folder(tmp_path / "e5-small"))
    told = build_embedder(settings_of(tmp_path, embedder=folder, embedder_question_instruction="none"))
    assert told.embedder_id != build_embedder(settings_of(tmp_path, embedder=folder)).embedder_id
    assert np.allclose(told.embed_question("贷款"), told.embed(["贷款"])[0]) is False  # passages are still told
    assert build_reranking(settings_of(tmp_path)) is None
    assert build_reranking(settings_of(tmp_path, reranker=str(reranker_folder(tmp_path / "r")))) is not None
    with pytest.raises(ModelUnusable):
        build_reranking(settings_of(tmp_path, reranker=str(tmp_path / "nothing")))
