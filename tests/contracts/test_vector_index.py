"""What every vector index promises, and what Chroma promises besides."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from knowledge.errors import IndexLocked, IndexUnavailable
from knowledge.retrieval.embedding import Vectors
from knowledge.retrieval.vectors import ExactVectors, VectorIndex
from knowledge.stores.chroma import ChromaVectors

ROOT = Path(__file__).parents[2]
DIMENSION = 16


def vector_of(key: str) -> Vectors:
    raw = np.random.default_rng(sum(map(ord, key)) * 7919 + len(key)).normal(size=DIMENSION)
    return (raw / np.linalg.norm(raw)).astype(np.float32)


def load(keys: Sequence[str]) -> Vectors:
    return np.stack([vector_of(key) for key in keys])


def follow(index: VectorIndex, keys: Sequence[str], *, revision: int = 1, embedder_id: str = "test/16") -> None:
    index.follow(keys, load, embedder_id=embedder_id, dimension=DIMENSION, revision=revision)


class VectorIndexContract:
    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterable[VectorIndex]:
        raise NotImplementedError

    def test_a_vector_finds_itself_first_with_cosine_one(self, index: VectorIndex) -> None:
        follow(index, ["a", "b", "c"])
        best, score = index.nearest(vector_of("b"), 3)[0]
        assert best == "b"
        assert score == pytest.approx(1, abs=1e-4)

    def test_scores_are_cosines_and_fall(self, index: VectorIndex) -> None:
        follow(index, ["a", "b", "c"])
        found = index.nearest(vector_of("a"), 3)
        assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
        for key, score in found:
            assert score == pytest.approx(float(vector_of(key) @ vector_of("a")), abs=1e-4)

    def test_removed_vectors_do_not_come_back(self, index: VectorIndex) -> None:
        follow(index, ["a", "b", "c"])
        follow(index, ["a", "c"], revision=2)
        assert {key for key, _ in index.nearest(vector_of("b"), 10)} == {"a", "c"}

    def test_added_vectors_are_found(self, index: VectorIndex) -> None:
        follow(index, ["a"])
        follow(index, ["a", "z"], revision=2)
        assert index.nearest(vector_of("z"), 1)[0][0] == "z"

    def test_a_patch_drops_and_adds_without_touching_the_rest(self, index: VectorIndex) -> None:
        follow(index, ["a", "b", "c"])
        for _ in range(2):  # the second time nothing is left to do
            index.patch(["b"], ["z"], load, revision=2)
            assert {key for key, _ in index.nearest(vector_of("b"), 10)} == {"a", "c", "z"}
            assert index.nearest(vector_of("z"), 1)[0][0] == "z"
        index.patch([], ["b"], load, revision=3)
        assert index.nearest(vector_of("b"), 1)[0][0] == "b"

    def test_many_small_patches_lose_nothing(self, index: VectorIndex) -> None:
        follow(index, ["a"])
        for number in range(80):
            index.patch([f"k{number - 40}"], [f"k{number}"], load, revision=2 + number)
        expected = {"a", *(f"k{number}" for number in range(40, 80))}
        assert {key for key, _ in index.nearest(vector_of("a"), 100)} == expected
        for key in expected:
            assert index.nearest(vector_of(key), 1)[0][1] == pytest.approx(1, abs=1e-4)

    def test_chosen_keys_are_compared_however_far_they_are(self, index: VectorIndex) -> None:
        follow(index, ["a", "b", "c"])
        found = index.among(vector_of("a"), ["b", "a", "unknown"])
        assert found == {key: pytest.approx(float(vector_of(key) @ vector_of("a")), abs=1e-4) for key in ("a", "b")}
        assert index.among(vector_of("a"), []) == {}

    def test_no_more_than_asked_for_is_given(self, index: VectorIndex) -> None:
        follow(index, ["a", "b", "c"])
        assert len(index.nearest(vector_of("a"), 2)) == 2
        assert index.nearest(vector_of("a"), 0) == []

    def test_an_empty_index_finds_nothing(self, index: VectorIndex) -> None:
        assert index.nearest(vector_of("a"), 5) == []
        follow(index, [])
        assert index.nearest(vector_of("a"), 5) == []

    def test_another_embedder_replaces_every_vector(self, index: VectorIndex) -> None:
        follow(index, ["a", "b"])
        turned = {"a": vector_of("b"), "b": vector_of("a")}
        index.follow(
            ["a", "b"],
            lambda keys: np.stack([turned[key] for key in keys]),
            embedder_id="other/16",
            dimension=DIMENSION,
            revision=2,
        )
        assert index.nearest(vector_of("a"), 1)[0][0] == "b"


class TestExactVectors(VectorIndexContract):
    @pytest.fixture(params=["in memory", "in a file", "by codes"])
    def index(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorIndex]:
        folder = None if request.param == "in memory" else tmp_path / "vectors"
        opened = ExactVectors(folder, all_compared=1 if request.param == "by codes" else 100_000)
        yield opened
        opened.close()


class Watched:
    """Gives vectors and remembers which were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, keys: Sequence[str]) -> Vectors:
        self.asked.extend(keys)
        return load(keys)


class TestVectorsInAFile:
    def test_a_restart_and_another_process_read_what_is_there(self, tmp_path: Path) -> None:
        keys, watched = [f"k{n}" for n in range(50)], Watched()
        first = ExactVectors(tmp_path)
        follow(first, keys)
        again = ExactVectors(tmp_path)
        again.follow(keys[:30], watched, embedder_id="test/16", dimension=DIMENSION, revision=1)
        assert watched.asked == []
        assert {key for key, _ in again.nearest(vector_of("k7"), 99)} == set(keys[:30])
        first.patch(["k1"], ["new"], load, revision=2)
        again.patch(["k2"], ["new"], watched, revision=2)
        assert watched.asked == []
        assert again.nearest(vector_of("new"), 1)[0][0] == "new"
        assert {key for key, _ in first.nearest(vector_of("new"), 99)} == {*keys, "new"} - {"k1"}

    @pytest.mark.parametrize("damage", ["cut", "zeros", "flipped", "emptied", "removed"])
    def test_what_a_crash_left_is_not_counted(self, tmp_path: Path, damage: str) -> None:
        keys = [f"k{n}" for n in range(50)]
        first = ExactVectors(tmp_path)
        follow(first, keys)
        first.close()
        file = next(tmp_path.glob("*.rows"))
        body = bytearray(file.read_bytes())
        if damage == "cut":
            body = body[:-30]
        elif damage == "zeros":
            body[-1000:] = bytes(1000)
        elif damage == "flipped":
            body[len(body) // 2] ^= 0x10
        elif damage == "emptied":
            body.clear()
        file.write_bytes(body)
        if damage == "removed":
            file.unlink()
        again = ExactVectors(tmp_path)
        follow(again, keys)
        assert {key for key, _ in again.nearest(vector_of("k3"), 99)} == set(keys)
        for key in keys:
            assert again.nearest(vector_of(key), 1)[0][1] == pytest.approx(1, abs=1e-4)

    def test_a_file_mostly_of_rows_that_nobody_needs_is_begun_anew_and_others_notice(self, tmp_path: Path) -> None:
        many, few = [f"k{n}" for n in range(12_000)], ["k1", "k2"]
        first, second = ExactVectors(tmp_path), ExactVectors(tmp_path)
        follow(first, many)
        follow(second, few)
        follow(first, few, revision=2)
        assert next(tmp_path.glob("*.rows")).stat().st_size < 1000
        for index in (second, first):
            index.patch(["k1"], ["k9"], load, revision=3)
            assert {key for key, _ in index.nearest(vector_of("k9"), 9)} == {"k2", "k9"}

    def test_a_folder_that_cannot_be_written_means_memory(self, tmp_path: Path) -> None:
        (tmp_path / "vectors").write_text("a file where a folder should be", encoding="utf-8")
        index = ExactVectors(tmp_path / "vectors")
        follow(index, ["a", "b"])
        assert index.nearest(vector_of("b"), 1)[0][0] == "b"

    def test_a_file_that_can_no_longer_be_written_loses_nothing(self, tmp_path: Path) -> None:
        index = ExactVectors(tmp_path / "vectors")
        follow(index, ["a", "b"])
        shutil.rmtree(tmp_path / "vectors")
        (tmp_path / "vectors").write_text("a file where a folder should be", encoding="utf-8")
        index.patch(["a"], ["c"], load, revision=2)
        assert {key for key, _ in index.nearest(vector_of("b"), 9)} == {"b", "c"}


def test_vectors_with_the_nearest_codes_are_the_nearest_vectors() -> None:
    chance = np.random.default_rng(5)
    centres = chance.normal(size=(200, 64))
    rows = (centres[chance.integers(0, 200, 60_000)] + chance.normal(size=(60_000, 64))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    keys = [f"{n:05}" for n in range(len(rows))]
    by_codes = ExactVectors(all_compared=1_000)
    by_codes.follow(keys, lambda wanted: rows[[int(key) for key in wanted]], embedder_id="t", dimension=64, revision=1)
    found = 0
    for row in range(0, 60_000, 3_000):
        nearest = {f"{n:05}" for n in np.argsort(-(rows @ rows[row]))[:50]}
        found += len(nearest & {key for key, _ in by_codes.nearest(rows[row], 50)})
    assert found / (20 * 50) >= 0.98


class TestChromaVectors(VectorIndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[VectorIndex]:
        opened = ChromaVectors(tmp_path / "chroma")
        yield opened
        opened.close()

    def test_a_second_opener_is_refused_while_the_first_lives(self, index: VectorIndex, tmp_path: Path) -> None:
        follow(index, ["a"])
        with pytest.raises(IndexLocked):
            ChromaVectors(tmp_path / "chroma")
        index.close()
        ChromaVectors(tmp_path / "chroma").close()

    def test_vectors_survive_a_restart_and_are_not_asked_for_again(self, index: VectorIndex, tmp_path: Path) -> None:
        keys = [f"k{n}" for n in range(50)]
        follow(index, keys)
        index.close()
        again = ChromaVectors(tmp_path / "chroma")
        asked: list[str] = []

        def watched(wanted: Sequence[str]) -> Vectors:
            asked.extend(wanted)
            return load(wanted)

        again.follow(keys, watched, embedder_id="test/16", dimension=DIMENSION, revision=1)
        assert len(asked) < 10  # the sample that is looked up, not the store
        assert again.nearest(vector_of("k7"), 1)[0][0] == "k7"
        again.close()

    @pytest.mark.parametrize("damage", ["database", "garbage", "emptied", "half written"])
    def test_a_damaged_folder_is_thrown_away_and_built_again(
        self, index: VectorIndex, tmp_path: Path, damage: str
    ) -> None:
        folder, keys = tmp_path / "chroma", [f"k{n}" for n in range(20)]
        follow(index, keys)
        index.close()
        database = next(folder.rglob("chroma.sqlite3"))
        if damage == "database":
            database.write_bytes(b"not a database at all" * 100)
        elif damage == "garbage":
            for path in folder.rglob("*.bin"):
                path.write_bytes(b"\0" * 10)
            database.write_bytes(database.read_bytes()[:5000])
        elif damage == "emptied":
            with sqlite3.connect(database) as connection:
                connection.execute("DELETE FROM embeddings")
            connection.close()
        else:
            (folder / "stamp.json").write_text('{"finished": false}', encoding="utf-8")
        again = ChromaVectors(folder)
        follow(again, keys)
        assert {key for key, _ in again.nearest(vector_of("k3"), 20)} == set(keys)
        again.close()

    def test_a_killed_writer_leaves_the_folder_to_the_next_owner(self, tmp_path: Path) -> None:
        folder, keys = tmp_path / "chroma", [f"k{n}" for n in range(30)]
        script = (
            "import sys, time; from pathlib import Path; from tests.contracts.test_vector_index import *\n"
            "index = ChromaVectors(Path(sys.argv[1])); follow(index, [f'k{n}' for n in range(3000)])\n"
            "print('written', flush=True); follow(index, [f'm{n}' for n in range(3000)])\n"
        )
        child = subprocess.Popen([sys.executable, "-c", script, str(folder)], cwd=ROOT, stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        heir = ChromaVectors(folder)
        follow(heir, keys)
        assert {key for key, _ in heir.nearest(vector_of("k3"), 30)} == set(keys)
        heir.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Chroma server on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("chroma-server")
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(folder), "--port", str(port)]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen([*command, "--host", "127.0.0.1"], stdout=log, stderr=log, cwd=folder)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        child.kill()
        child.wait()


class TestChromaServer(VectorIndexContract):
    @pytest.fixture
    def index(self, server: str) -> Iterator[VectorIndex]:
        opened = ChromaVectors(url=server)
        yield opened
        opened.close()

    def test_two_processes_may_use_one_server(self, index: VectorIndex, server: str) -> None:
        other = ChromaVectors(url=server)
        follow(index, ["a", "b"])
        follow(other, ["a", "b"])
        assert index.nearest(vector_of("b"), 1)[0][0] == "b"
        assert other.nearest(vector_of("a"), 1)[0][0] == "a"
        other.close()

    def test_a_collection_that_was_deleted_is_built_again(self, index: VectorIndex, server: str) -> None:
        follow(index, ["a", "b"])
        collections = f"{server}/api/v2/tenants/default_tenant/databases/default_database/collections"
        with urllib.request.urlopen(collections) as answer:
            names = [row["name"] for row in json.load(answer)]
        for name in names:
            urllib.request.urlopen(urllib.request.Request(f"{collections}/{name}", method="DELETE")).close()
        assert index.nearest(vector_of("b"), 1)[0][0] == "b"


def test_a_server_that_is_not_there_is_said_so() -> None:
    index = ChromaVectors(url="http://127.0.0.1:9")
    with pytest.raises(IndexUnavailable):
        follow(index, ["a"])
