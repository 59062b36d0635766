import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from knowledge.retrieval.embedding import HashEmbedder, as_bytes, from_bytes

PINNED = [0.0, 0.0, -0.189, 0.473, 0.473, 0.0, 0.638, 0.165, -0.165, 0.0, 0.0, 0.0, 0.0, 0.0, -0.165, -0.165]


def test_vectors_have_length_one_or_none() -> None:
    vectors = HashEmbedder().embed(["提前赎回", "", "？！"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0], atol=1e-6)
    assert vectors.dtype == np.float32


def test_alike_wordings_are_nearer_than_others() -> None:
    asked, alike, other = HashEmbedder().embed(["能不能提前赎回", "可以提前贖回嗎", "黄金积存怎么收费"])
    assert asked @ alike > asked @ other + 0.2


def test_the_same_text_gives_the_same_vector_on_every_machine() -> None:
    vector = HashEmbedder(16).embed(["稳盈90天"])[0]
    assert np.allclose(vector, PINNED, atol=0.001)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_any_text_survives_embedding_and_storing(texts: list[str]) -> None:
    embedder = HashEmbedder(32)
    vectors = embedder.embed(texts)
    assert np.isfinite(vectors).all()
    assert np.array_equal(from_bytes([as_bytes(vector) for vector in vectors], 32), vectors)
