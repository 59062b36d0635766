"""The command that adapts the embedder to the bank's own knowledge, and takes a step back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from connectors.cli.door import Door
from connectors.cli.options import AsJson
from connectors.cli.output import emit, remark, show, words

EMBEDDER_FOLDER = "embedder"


@dataclass(frozen=True)
class _Trained:
    """What the command reports; shares are 0 to 1."""

    taken: bool
    before: float
    after: float
    pairs: int
    aside: int
    passages: int


def train(
    ctx: typer.Context,
    back: Annotated[bool, typer.Option("--back", help="Use the embedder from before the last training again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Adapt the embedder to titles, texts and known questions in force; kept only if it finds more."""
    from knowledge.retrieval.embedder.adapting import adapt
    from knowledge.retrieval.embedder.own import SHIPPED, Shelf
    from knowledge.retrieval.embedder.static_model import StaticModel

    door: Door = ctx.obj
    with door.open_services() as services:
        shelf = Shelf(services.home / EMBEDDER_FOLDER)
        if back:
            in_use = shelf.back().name
            emit({"active": in_use}) if as_json else show(words("train.back", active=in_use))
            return
        today = services.today()
        served = [
            passage
            for passage in services.store.passages()
            if passage.effective_from <= today and (passage.effective_until is None or today < passage.effective_until)
        ]
        found = adapt(StaticModel.load(SHIPPED), served)
        if found.taken:
            shelf.put(found.model, words("train.card", before=f"{found.before:.3f}", after=f"{found.after:.3f}"))
    told = _Trained(found.taken, round(found.before, 4), round(found.after, 4), found.pairs, found.aside, len(served))
    if as_json:
        emit(asdict(told))
        return
    key = "train.taken" if told.taken else "train.left" if told.aside else "train.few"
    show(words(key, before=f"{told.before:.1%}", after=f"{told.after:.1%}", aside=told.aside, passages=told.passages))
    if told.taken:
        remark(words("train.restart"))
