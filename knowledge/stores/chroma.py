"""Vectors in Chroma: a derived index with one owner, thrown away and rebuilt whenever it does not behave.

Chroma's embedded store survives neither `kill -9` in the middle of a write nor a second writing process, and its own
metadata filters are slow. So the folder is locked by its owner, only servable texts are in the collection, callers
over-fetch and filter, and nothing is kept here that the database cannot give again.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from knowledge.errors import IndexLocked, IndexUnavailable
from knowledge.retrieval.embedding import Vectors
from knowledge.retrieval.locking import FolderLock
from knowledge.retrieval.vectors import LoadVectors

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection as ChromaCollection

log = logging.getLogger(__name__)

CHUNKER = "1"  # raise it when the texts that are embedded are cut or joined in another way
_COLLECTION = "passages"
_BATCH = 2_000
_SAMPLE = 8  # vectors looked at after a change
_SERVER_TIMEOUT_S = 10.0
_Result = TypeVar("_Result")


@dataclass
class _Wanted:
    """What the store has to hold, so that it can be built again at any time."""

    keys: set[str]
    load: LoadVectors
    stamp: dict[str, Any]


class ChromaVectors:
    """A `VectorIndex` in a folder of its own (one owner) or on a Chroma server (many clients)."""

    def __init__(self, folder: Path | None = None, *, url: str | None = None) -> None:
        """Opens nothing yet but takes the folder's lock.

        Raises: IndexLocked when another process owns the folder; ValueError unless one of folder and url is given.
        """
        if (folder is None) == (url is None):
            raise ValueError("give either a folder or a url")
        self._folder, self._url = folder, url
        self._lock = threading.RLock()
        self._owner = FolderLock(folder.with_name(folder.name + ".lock")) if folder else None
        if self._owner and not self._owner.acquire():
            raise IndexLocked(folder=str(folder))
        self._client: ClientAPI | None = None
        self._collection: ChromaCollection | None = None
        self._store = ""
        self._wanted: _Wanted | None = None

    def follow(
        self, keys: Collection[str], load: LoadVectors, *, embedder_id: str, dimension: int, revision: int
    ) -> None:
        """Hold exactly the vectors of `keys`; a store that fails or was built for other vectors is built anew."""
        with self._lock:
            stamp = {"embedder": embedder_id, "dimension": dimension, "chunker": CHUNKER, "revision": revision}
            self._wanted = _Wanted(set(keys), load, stamp)
            self._or_rebuild(self._bring_up_to_date)

    def patch(self, gone: Collection[str], new: Collection[str], load: LoadVectors, *, revision: int) -> None:
        """Drop `gone` and hold `new` without looking at all the others. Raises: IndexUnavailable."""
        with self._lock:
            if self._wanted is None:
                raise IndexUnavailable(index="chroma", cause="nothing followed")
            wanted = self._wanted
            wanted.keys.difference_update(gone)
            wanted.keys.update(new)
            wanted.load, wanted.stamp = load, {**wanted.stamp, "revision": revision}
            self._or_rebuild(lambda: self._patched(sorted(set(gone)), sorted(set(new))))

    def nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """At most `limit` (key, cosine), best first. Raises: IndexUnavailable when even a new store fails."""
        with self._lock:
            if self._wanted is None or not self._wanted.keys or limit < 1:
                return []
            return self._or_rebuild(lambda: self._query(vector, limit))

    def among(self, vector: Vectors, keys: Collection[str]) -> dict[str, float]:
        """The cosine of each of these keys that is held. Raises: IndexUnavailable when even a new store fails."""
        with self._lock:
            held = [key for key in dict.fromkeys(keys) if self._wanted is not None and key in self._wanted.keys]
            return self._or_rebuild(lambda: self._compare(vector, held)) if held else {}

    def close(self) -> None:
        """Let go of client and lock."""
        with self._lock:
            self._disconnect()
            self._wanted = None
            if self._owner:
                self._owner.release()

    # -- one try, one rebuild

    def _or_rebuild(self, work: Callable[[], _Result]) -> _Result:
        """Chroma fails in many ways (own errors, pickle, SQLite, a panic of its Rust core): all mean a new store."""
        try:
            return work()
        # any failure of a derived index is answered by building it again; a panic is not even an Exception
        except BaseException as exc:
            if not isinstance(exc, Exception) and type(exc).__name__ != "PanicException":
                raise
            log.warning("vector_index_rebuilt", extra={"cause": type(exc).__name__})
            wrong = isinstance(exc, IndexUnavailable)  # it answered, and not with what it should hold
        try:
            self._throw_away(on_server=wrong)
            self._bring_up_to_date()
            return work()
        except Exception as exc:
            raise IndexUnavailable(index="chroma", cause=type(exc).__name__) from exc

    def _bring_up_to_date(self) -> None:
        if self._wanted is None:
            return
        keys, load, stamp = sorted(self._wanted.keys), self._wanted.load, self._wanted.stamp
        collection = self._opened(stamp)
        held = set(collection.get(include=[])["ids"])
        gone, new = sorted(held - self._wanted.keys), [key for key in keys if key not in held]
        self._write(collection, gone, new)
        count = collection.count()
        if count < len(keys) or (count > len(keys) and self._url is None):  # a server may serve a slower process too
            raise IndexUnavailable(index="chroma", cause="count")
        self._check_self_found(collection, keys, load)
        self._mark(stamp, finished=True)

    def _patched(self, gone: Sequence[str], new: Sequence[str]) -> None:
        if self._wanted is None:
            return
        collection, stamp = self._collection or self._opened(self._wanted.stamp), self._wanted.stamp
        self._write(collection, gone, new)
        if self._url is None and collection.count() != len(self._wanted.keys):
            raise IndexUnavailable(index="chroma", cause="count")
        self._check_stored(collection, new[:_SAMPLE], self._wanted.load)
        self._mark(stamp, finished=True)

    @staticmethod
    def _check_stored(collection: ChromaCollection, keys: Sequence[str], load: LoadVectors) -> None:
        """By reading back: the approximate search may miss one of a few new vectors among many without any damage."""
        if not keys:
            return
        rows = collection.get(ids=list(keys), include=["embeddings"])
        held = dict(zip(rows["ids"], np.asarray(rows["embeddings"], dtype=np.float32), strict=True))
        for key, vector in zip(keys, load(keys), strict=True):
            if key not in held or not np.allclose(held[key], vector, atol=1e-3):
                raise IndexUnavailable(index="chroma", cause="read_back")

    def _write(self, collection: ChromaCollection, gone: Sequence[str], new: Sequence[str]) -> None:
        if self._wanted is None or not (gone or new):
            return
        self._mark(self._wanted.stamp, finished=False)
        for part in _parts(gone):
            collection.delete(ids=list(part))
        for part in _parts(new):
            collection.upsert(ids=list(part), embeddings=self._wanted.load(part))

    @staticmethod
    def _check_self_found(collection: ChromaCollection, keys: Sequence[str], load: LoadVectors) -> None:
        """A store that lost vectors still counts them: a sample must find itself."""
        for key in keys[:: max(1, len(keys) // 4)][:4]:
            vector = load([key])
            if not vector.any():
                continue
            found = collection.query(query_embeddings=vector, n_results=1, include=["distances"])
            distances = found["distances"]
            if not distances or not distances[0] or distances[0][0] > 0.01:
                raise IndexUnavailable(index="chroma", cause="self_query")

    def _query(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        if self._wanted is None:
            return []
        collection = self._collection or self._opened(self._wanted.stamp)
        count = min(limit, len(self._wanted.keys))
        found = collection.query(query_embeddings=vector.reshape(1, -1), n_results=count, include=["distances"])
        distances = found["distances"]
        if not distances or len(found["ids"][0]) < min(count, 1):
            raise IndexUnavailable(index="chroma", cause="empty")
        pairs = [(key, 1.0 - float(distance)) for key, distance in zip(found["ids"][0], distances[0], strict=True)]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))

    def _compare(self, vector: Vectors, keys: Sequence[str]) -> dict[str, float]:
        if self._wanted is None:
            return {}
        collection, found = self._collection or self._opened(self._wanted.stamp), {}
        for part in _parts(keys):
            rows = collection.get(ids=list(part), include=["embeddings"])
            if len(rows["ids"]) < len(part) and self._url is None:
                raise IndexUnavailable(index="chroma", cause="lost")
            scores = np.asarray(rows["embeddings"], dtype=np.float32) @ vector
            found.update({key: float(score) for key, score in zip(rows["ids"], scores, strict=True)})
        return found

    # -- client, collection, stamp

    def _opened(self, stamp: dict[str, Any]) -> ChromaCollection:
        client = self._client or self._connect()
        name = self._name(stamp)
        metadata = {key: stamp[key] for key in ("embedder", "dimension", "chunker")}
        collection = client.get_or_create_collection(
            name, metadata=metadata, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )
        space = (collection.configuration_json.get("hnsw") or {}).get("space")
        if dict(collection.metadata or {}) != metadata or space != "cosine" or self._half_written(stamp):
            client.delete_collection(name)
            collection = client.create_collection(
                name, metadata=metadata, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
            )
        self._collection = collection
        return collection

    def _name(self, stamp: dict[str, Any]) -> str:
        """On a server, which processes set to different embedders may share, each embedder has its own collection."""
        safe = re.sub(r"[^a-zA-Z0-9]+", "-", stamp["embedder"]).strip("-")
        return f"{_COLLECTION}-{safe}"[:200].rstrip("-") if self._url else _COLLECTION

    def _connect(self) -> ClientAPI:
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        if self._folder is not None:
            self._client = chromadb.PersistentClient(path=str(self._store_folder(self._folder)), settings=settings)
        else:
            host, port, secure = _address(self._url or "")
            self._client = chromadb.HttpClient(host=host, port=port, ssl=secure, settings=settings)
            for session in _sessions(self._client):
                session.timeout = _SERVER_TIMEOUT_S  # chromadb sets none, so a hanging server would hang every question
        return self._client

    def _store_folder(self, folder: Path) -> Path:
        """The store that the stamp names, or a new one; what is left of others is removed.

        Each store has a name of its own, because chromadb keeps a client that failed to open for as long as the process
        lives and gives it out again for the same path.
        """
        held = self._read_stamp().get("store")
        self._store = held if isinstance(held, str) and (folder / held).is_dir() else f"store-{token_hex(4)}"
        for path in folder.glob("store-*"):
            if path.name != self._store:
                shutil.rmtree(path, ignore_errors=True)
        (folder / self._store).mkdir(parents=True, exist_ok=True)
        return folder / self._store

    def _disconnect(self) -> None:
        client, self._client, self._collection = self._client, None, None
        if client is not None:
            for session in _sessions(client):
                session.close()  # chromadb leaves its connections open
            client.close()

    def _throw_away(self, *, on_server: bool) -> None:
        """The folder always; a server's collection only when it is known to be wrong, not for a cut connection."""
        self._disconnect()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        elif self._wanted is not None and on_server:
            self._connect().delete_collection(self._name(self._wanted.stamp))

    @property
    def _stamp_file(self) -> Path | None:
        return self._folder / "stamp.json" if self._folder else None

    def _mark(self, stamp: dict[str, Any], *, finished: bool) -> None:
        if self._stamp_file is not None:
            body = {**stamp, "store": self._store, "finished": finished}
            self._stamp_file.write_text(json.dumps(body), encoding="utf-8")

    def _read_stamp(self) -> dict[str, Any]:
        """What stands in the stamp file; empty when there is none or it cannot be read."""
        try:
            body = json.loads(self._stamp_file.read_text(encoding="utf-8")) if self._stamp_file else {}
        except (OSError, ValueError):
            return {}
        return body if isinstance(body, dict) else {}

    def _half_written(self, stamp: dict[str, Any]) -> bool:
        """Whether the last write into the folder was cut off, or was of other vectors than these."""
        if self._stamp_file is None or self._collection is not None:
            return False
        held = self._read_stamp()
        same = all(held.get(key) == stamp[key] for key in ("embedder", "dimension", "chunker"))
        return not (same and held.get("finished") is True)


def _sessions(client: ClientAPI) -> list[Any]:
    """The HTTP sessions of a client and of the administrator that it carries; none for a local store."""
    servers = (getattr(part, "_server", None) for part in (client, getattr(client, "_admin_client", None)))
    sessions = (getattr(server, "_session", None) for server in servers)
    return [session for session in sessions if session is not None]


def _parts(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH)]


def _address(url: str) -> tuple[str, int, bool]:
    from urllib.parse import urlsplit

    parts = urlsplit(url if "//" in url else f"http://{url}")
    secure = parts.scheme == "https"
    return parts.hostname or "localhost", parts.port or (443 if secure else 8000), secure
