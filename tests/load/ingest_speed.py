"""How fast files become something that can be found, beside langchain's own loaders on the same files in one run.

    python -m tests.load.ingest_speed FOLDER... [--peers FOLDER_WITH_LANGCHAIN_PACKAGES]

Ours: `Ingestor` into a new SQLite home, approved, then embedded into Chroma and indexed by the retriever. Theirs: the
light loaders of langchain-community, RecursiveCharacterTextSplitter and langchain-chroma over the same embedder. Each
side runs in a process of its own, one after the other; formats for which langchain has no loader without a further
service or heavy package are counted as not loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPLIT_AT, OVERLAP = 400, 50


@dataclass(frozen=True)
class Speed:
    """One side's figures; `peak_mb` is that of the process and, apart, of its largest child."""

    side: str
    files: int
    loaded: int
    passages: int
    mb: float
    seconds: float
    peak_mb: float
    child_peak_mb: float

    @property
    def line(self) -> str:
        """A row of the table."""
        return (
            f"| {self.side} | {self.loaded} / {self.files} | {self.passages} | {self.seconds:.1f} "
            f"| {self.passages / self.seconds:.0f} | {self.mb / self.seconds:.2f} "
            f"| {self.peak_mb:.0f} + {self.child_peak_mb:.0f} |"
        )


def files_of(folders: Sequence[Path]) -> list[Path]:
    """All files below, by name."""
    found = [path for folder in folders for path in ([folder] if folder.is_file() else folder.rglob("*"))]
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def ours(files: Sequence[Path]) -> Speed:
    """Through the product's own road."""
    from assistant.masking import mask
    from assistant.records.migrate import upgrade
    from knowledge.documents import WHOLE_BANK
    from knowledge.ingestion.ingest import Ingestor, Outcome, Upload
    from knowledge.retrieval.search import KnowledgeRetriever
    from knowledge.stores.chroma import ChromaVectors
    from knowledge.stores.database import Database
    from knowledge.stores.repository import KnowledgeStore

    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        database = Database(f"sqlite:///{home}/wainao.db", checkpoints=True)
        upgrade(database)
        store = KnowledgeStore(database)
        upload = Upload(date(2026, 1, 1), "cli", approve_as="curator1", now=datetime(2026, 1, 1, tzinfo=UTC))
        outcomes = list(Ingestor(store, mask=mask).ingest_paths(files, upload))
        retriever = KnowledgeRetriever(store, folder=Path(home, "index"), vectors=ChromaVectors(Path(home, "chroma")))
        retriever.search("起点金额", scope=WHOLE_BANK, on=date(2026, 6, 1))
        seconds = time.perf_counter() - start
        passages = sum(file.passages for file in outcomes)
        loaded = sum(file.outcome is not Outcome.REFUSED for file in outcomes)
        retriever.close()
        database.close()
    return _speed("外脑", files, loaded, passages, seconds)


def theirs(files: Sequence[Path]) -> Speed:
    """langchain's loaders, splitter and Chroma, with our embedder so that only the road differs."""
    import importlib

    loaders = importlib.import_module("langchain_community.document_loaders")
    splitters = importlib.import_module("langchain_text_splitters")
    chroma = importlib.import_module("langchain_chroma")
    from knowledge.retrieval.embedding import HashEmbedder

    class Embeddings:
        def __init__(self) -> None:
            self._inner = HashEmbedder()

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [[float(value) for value in row] for row in self._inner.embed(texts)]

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    by_suffix = {
        ".pdf": lambda path: loaders.PyPDFLoader(path),
        ".docx": lambda path: loaders.Docx2txtLoader(path),
        ".csv": lambda path: loaders.CSVLoader(path, autodetect_encoding=True),
        ".html": lambda path: loaders.BSHTMLLoader(path),
        ".md": lambda path: loaders.TextLoader(path, autodetect_encoding=True),
        ".txt": lambda path: loaders.TextLoader(path, autodetect_encoding=True),
        ".json": lambda path: loaders.TextLoader(path, autodetect_encoding=True),
        ".jsonl": lambda path: loaders.TextLoader(path, autodetect_encoding=True),
    }
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        splitter = splitters.RecursiveCharacterTextSplitter(chunk_size=SPLIT_AT, chunk_overlap=OVERLAP)
        store = chroma.Chroma("peer", Embeddings(), persist_directory=home)
        loaded = passages = 0
        for path in files:
            make = by_suffix.get(path.suffix.lower())
            if make is None:
                continue
            try:
                pieces = splitter.split_documents(make(str(path)).load())
                for at in range(0, len(pieces), 5000):
                    store.add_documents(pieces[at : at + 5000])
            except Exception as exc:  # noqa: BLE001 - a peer's failure is a result
                sys.stderr.write(f"{path.name}: {type(exc).__name__}\n")
                continue
            loaded += bool(pieces)
            passages += len(pieces)
        seconds = time.perf_counter() - start
    return _speed("langchain loaders + splitter + Chroma", files, loaded, passages, seconds)


def _speed(side: str, files: Sequence[Path], loaded: int, passages: int, seconds: float) -> Speed:
    mb = sum(path.stat().st_size for path in files) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return Speed(side, len(files), loaded, passages, mb, seconds, peak, child)


def main() -> None:
    """Measure both sides and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--peers", type=Path, help="folder with langchain-community, -text-splitters, -chroma")
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    files = files_of(args.folders)
    if args.side:
        speed = ours(files) if args.side == "ours" else theirs(files)
        sys.stdout.write(json.dumps(asdict(speed), ensure_ascii=False) + "\n")
        return
    print("| side | files loaded | passages | seconds | passages/s | MB/s | peak MB (process + child) |")  # noqa: T201
    print("|---|---|---|---|---|---|---|")  # noqa: T201
    for side in ["ours", "theirs"] if args.peers else ["ours"]:
        print(_in_process(side, args).line)  # noqa: T201


def _in_process(side: str, args: argparse.Namespace) -> Speed:
    path = os.pathsep.join([*([str(args.peers)] if side == "theirs" else []), str(ROOT)])
    command = [sys.executable, "-m", "tests.load.ingest_speed", *map(str, args.folders), "--side", side]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return Speed(**json.loads(done.stdout.strip().splitlines()[-1]))


if __name__ == "__main__":
    main()
