"""Safe rewrites of a text: clauses or sentences taken out, disclosures put at the end. Nothing is invented."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.compliance.clauses import Piece
from assistant.compliance.findings import Finding

SENTENCE = re.compile(r"[^。！？!?；;\n]*[。！？!?；;\n]*[”」』）)]*")
CLAUSE = re.compile(r"[^，,。！？!?；;：:\n]*[，,。！？!?；;：:\n]*[”」』）)]*")
# A clause that leans on its neighbour cannot stand when the neighbour goes.
LEANS = re.compile(r"^\s*(?:但|不过|可是|而|所以|因此|因为|虽然|如果|只要|否则|不然|并且|而且|就|也|还|又|才|都)")
MEANINGFUL = re.compile(r"[\u4e00-\u9fff]")
LEAST_LEFT = 6


def rewrites(text: str, faults: Sequence[Finding]) -> Iterator[str]:
    """Candidates without the faulty words, most of the text kept first; each must be judged again."""
    if not faults:
        yield text
        return
    faulty = bytearray(len(text))
    for fault in faults:
        faulty[fault.start : fault.end] = b"\1" * (fault.end - fault.start)
    for pattern in (CLAUSE, SENTENCE):
        pieces = [Piece(m.start(), m.end()) for m in pattern.finditer(text) if m.start() < m.end()]
        bad = [faulty.find(1, p.start, p.end) >= 0 for p in pieces]
        kept = [text[p.start : p.end] for p, is_bad in zip(pieces, bad, strict=True) if not is_bad]
        if pattern is CLAUSE and any(
            bad[i] and not bad[i + 1] and LEANS.match(text[pieces[i + 1].start :]) for i in range(len(pieces) - 1)
        ):
            continue
        left = _tidy("".join(kept))
        if len(MEANINGFUL.findall(left)) >= LEAST_LEFT:
            yield left


def with_disclosure(text: str, disclosures: Sequence[str]) -> str:
    """The text with the disclosures after it, each as a sentence of its own."""
    for disclosure in disclosures:
        body = text.rstrip()
        mark = "" if not body or body[-1] in "。！？!?；;…~～)）” \n" else "。"
        text = f"{body}{mark}{disclosure}"
    return text


def _tidy(text: str) -> str:
    text = re.sub(r"^[，,、；;。：:\s]+", "", text).rstrip()
    return re.sub(r"[，,、：:]+$", "。", text)
