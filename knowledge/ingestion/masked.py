"""Take personal data out of what was read, before it is cut and before anything is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from knowledge.ingestion.extracted import Block, Cell, Doubt, ExtractedText, joined

Mask = Callable[[str], str]
_SHOWN = 60  # characters of hidden text that a curator is shown; cut after masking, so that no half of a number stays


def unmasked(text: str) -> str:
    """The mask that changes nothing."""
    return text


def masked_text(extracted: ExtractedText, mask: Mask) -> tuple[ExtractedText, int]:
    """The text with every block masked and all offsets anew, and how many blocks changed.

    Text that needs no mask comes back as the same object.
    """
    if mask is unmasked:
        return extracted, 0
    blocks = [_masked_block(block, mask) for block in extracted.blocks]
    changed = sum(block is not before for block, before in zip(blocks, extracted.blocks, strict=True))
    doubts = tuple(_masked_doubt(doubt, mask) for doubt in extracted.warnings)
    if not changed and doubts == extracted.warnings:
        return extracted, 0
    return joined(blocks, doubts), changed


def masked_value(value: Any, mask: Mask) -> Any:
    """JSON-ready data with every string in it masked; keys stay."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {name: masked_value(item, mask) for name, item in value.items()}
    return [masked_value(item, mask) for item in value] if isinstance(value, list) else value


def stacked(parts: Iterable[ExtractedText]) -> ExtractedText:
    """Several texts one under the other, as one; each begins one character after the end of the one before."""
    kept = tuple(parts)
    return joined(
        (block for part in kept for block in part.blocks), (doubt for part in kept for doubt in part.warnings)
    )


def _masked_block(block: Block, mask: Mask) -> Block:
    text, lead = mask(block.text), mask(block.lead) if block.lead else ""
    row = block.row
    if row and text != block.text:  # a row's text holds all its cells, and says more about each
        row = tuple(Cell(mask(cell.name), mask(cell.value), cell.ref, tuple(map(mask, cell.lines))) for cell in row)
    if (text, lead, row) == (block.text, block.lead, block.row):
        return block
    return replace(block, text=text, lead=lead, row=row)


def _masked_doubt(doubt: Doubt, mask: Mask) -> Doubt:
    return Doubt(
        doubt.code,
        tuple((name, mask(value)[:_SHOWN] if name == "sample" else mask(value)) for name, value in doubt.slots),
    )
