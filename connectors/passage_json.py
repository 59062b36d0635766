"""A passage as other programs read it; the keys are those of `wainao search --json`."""

from __future__ import annotations

from typing import Any

from knowledge.documents import Evidence, Passage, SearchResult


def passage_json(passage: Passage) -> dict[str, Any]:
    """What a citation needs: ids, title, days as YYYY-MM-DD, and where in the file it stands."""
    source, until = passage.source, passage.effective_until
    return {
        "passage_id": passage.passage_id,
        "document_id": passage.document_id,
        "title": passage.title,
        "version": passage.version,
        "kind": passage.kind.value,
        "product_code": passage.product_code,
        "effective_from": passage.effective_from.isoformat(),
        "effective_until": until.isoformat() if until else None,
        "text": passage.text,
        "source": {
            "file": source.file,
            "page": source.page,
            "sheet": source.sheet,
            "cells": source.cells,
            "heading": source.heading,
        },
    }


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """A passage with the score that ranked it and those of the stages."""
    scores = {stage: round(score, 6) for stage, score in evidence.scores.items()}
    return {**passage_json(evidence.passage), "score": round(evidence.score, 6), "scores": scores}


def result_json(question: str, on: str, found: SearchResult) -> dict[str, Any]:
    """A whole search; passages stand there also when it abstained."""
    return {
        "query": question,
        "on": on,
        "product": found.product_code,
        "candidates": list(found.candidates),
        "abstained": found.abstained,
        "passages": [evidence_json(evidence) for evidence in found.evidence],
    }
