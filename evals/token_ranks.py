"""Trains the token ranks that `assistant/drafting/budget.py` counts with: `python -m evals.token_ranks`.

Byte-level BPE over the sample bank and the prompts, exported in tiktoken's format. The same texts give the same file.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from assistant.drafting.budget import PATTERN, RANKS

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("knowledge/samples", "prompts")
ENDINGS = frozenset({".md", ".yaml", ".toml"})
VOCABULARY = 14_000
LEAST_COUNT = 3
LONGEST_TOKEN = 6  # bytes, two Chinese characters: longer ones learn our own sentences by heart and undercount


def texts(root: Path = ROOT) -> Iterator[str]:
    """The texts to train on, in the order of their paths."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in ENDINGS:
                yield path.read_text(encoding="utf-8")


def train(lines: Iterable[str], *, vocabulary: int = VOCABULARY, least_count: int = LEAST_COUNT) -> bytes:
    """Ranks in tiktoken's format: one `base64 rank` a line, all 256 bytes first."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=least_count,
        max_token_length=LONGEST_TOKEN,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(lines, trainer)
    return _exported(tokenizer.get_vocab())


def _exported(vocabulary: dict[str, int]) -> bytes:
    to_byte = _bytes_by_character()
    tokens = [token for token, _ in sorted(vocabulary.items(), key=lambda item: item[1])]
    merged = [bytes(to_byte[c] for c in token) for token in tokens]
    ordered = [bytes([value]) for value in range(256)] + [token for token in merged if len(token) > 1]
    return b"".join(base64.b64encode(token) + f" {rank}\n".encode() for rank, token in enumerate(ordered))


def _bytes_by_character() -> dict[str, int]:
    """The byte behind each character of byte-level BPE: printable ones are themselves, the others follow from 256."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(value): value for value in printable}
    others = (value for value in range(256) if value not in printable)
    table.update({chr(256 + position): value for position, value in enumerate(others)})
    return table


def main() -> None:
    """Write the ranks into the package."""
    ranks = train(texts())
    RANKS.write_bytes(ranks)
    sys.stderr.write(f"{RANKS.name}: {len(ranks.splitlines())} tokens, {len(ranks)} bytes\n")


if __name__ == "__main__":
    main()
