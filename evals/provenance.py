"""Where results come from: everything that two runs must share to be the same, as hashes and names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from assistant.wording import PROMPTS, load_prompt
from evals.house import House
from evals.statistics import RESAMPLES, SEED

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("assistant", "knowledge", "prompts", "connectors", "evals")
CODE = frozenset({".py", ".toml", ".yaml", ".md", ".txt", ".tiktoken"})


def provenance(house: House, *, commit: str) -> dict[str, Any]:
    """JSON-ready; holds no time, path or machine."""
    return {
        "commit": commit,
        "code": folder_hash(ROOT, ROOMS),
        "rules": house.gate.packs.fingerprint,
        "embedder": house.embedder_id,
        "prompts": prompt_ids(),
        "settings": dict(sorted(house.settings.items())),
        "seed": SEED,
        "resamples": RESAMPLES,
        "track": "llm" if house.settings.get("llm_base_url") else "embedded",
    }


def prompt_ids(folder: Path = PROMPTS) -> dict[str, str]:
    """`id@version` of each prompt, and a short hash of each table of words."""
    found = {path.stem: load_prompt(path.stem).reference for path in folder.glob("*.md")}
    found |= {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in folder.glob("*.toml")}
    return dict(sorted(found.items()))


def folder_hash(root: Path, folders: Iterable[str]) -> str:
    """One hash over names and contents of the code below `folders`; data sets have hashes of their own."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root).as_posix()
            if path.suffix in CODE and path.is_file() and not inside.startswith("evals/datasets/"):
                digest.update(inside.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def commit_of(root: Path = ROOT) -> str:
    """The commit of the checkout, "" outside of one; read from its files, no program needed."""
    git = root / ".git"
    if git.is_file():
        git = Path(git.read_text(encoding="utf-8").removeprefix("gitdir:").strip())
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        ref = head.removeprefix("ref: ")
        if (git / ref).is_file():
            return (git / ref).read_text(encoding="utf-8").strip()
        packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.split()[0] for line in packed if line.endswith(f" {ref}")), "")
