"""Turns a brief into the messages of a chat model: fixed instructions first, then numbered evidence and the words.

Everything that comes from people or documents stands between tags and cannot close them: `<` and `>` are widened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.drafting.brief import Brief, DraftKind
from assistant.drafting.budget import MESSAGE_OVERHEAD, TokenCounter
from assistant.drafting.chat import ChatMessage
from assistant.drafting.phrasing import Phrasing
from assistant.drafting.product_reply import ADULT, suitability_sentences
from assistant.errors import ModelUnavailable
from assistant.understanding import situations
from assistant.wording import Messages, Prompt, load_toml
from knowledge.content import Move, Transcript
from knowledge.documents import DocumentKind, Passage

POSTS = frozenset({DraftKind.MOMENTS, DraftKind.GROUP})
BOUNDARY = "\n=====\n"  # between the fixed instructions and the order; the first one in a rendered prompt is ours
ELDERLY = 65
MOST_PASSAGES = 12
MOST_SUITABLE = 5
MOST_SAID = 10
INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF, *range(0xE0000, 0xE01F0)])
WIDENED = {ord("<"): "＜", ord(">"): "＞"}


@dataclass(frozen=True, slots=True)
class Order:
    """What goes to the model; passage number n of the prompt is `passages[n - 1]`."""

    messages: tuple[ChatMessage, ...]
    passages: tuple[Passage, ...]

    @property
    def instructions(self) -> str:
        """The fixed part."""
        return self.messages[0].content


def as_data(text: str) -> str:
    """`text` without characters nobody sees and unable to open or close a tag."""
    return text.translate(INVISIBLE).translate(WIDENED)


def write_order(
    brief: Brief, prompt: Prompt, *, counter: TokenCounter, context_tokens: int, mask: Callable[[str], str]
) -> Order:
    """The messages for `brief`, within `context_tokens`.

    Args:
        mask: hides personal data; applied to every word that people wrote.
    Raises: ModelUnavailable (reason prompt_too_large) when the words alone do not fit.
    """
    wording = load_toml("model.zh")
    words_tag = "主题" if brief.kind in POSTS else "原话"
    values = {
        "task": "\n".join(_task(brief, wording)),
        "words": f"<{words_tag}>{as_data(mask(brief.words))}</{words_tag}>",
        "previous": _previous(brief, wording, mask),
    }
    bare = prompt.render(**values, evidence=wording["no_evidence"])
    left = context_tokens - counter.count(bare) - 2 * MESSAGE_OVERHEAD
    if left < 0:
        raise ModelUnavailable(reason="prompt_too_large")
    offered = offered_passages(brief)[:MOST_PASSAGES]
    blocks = [_block(number, text, passage, wording) for number, (passage, text) in enumerate(offered, 1)]
    passages = tuple(offered[index][0] for index in counter.fit(blocks, left))
    texts = {passage.passage_id: text for passage, text in offered}
    shown = [_block(n, texts[p.passage_id], p, wording) for n, p in enumerate(passages, 1)]
    rendered = prompt.render(**values, evidence="\n".join(shown) or wording["no_evidence"])
    instructions, rest = rendered.split(BOUNDARY, 1)
    return Order((ChatMessage("system", instructions), ChatMessage("user", rest)), passages)


def offered_passages(brief: Brief) -> list[tuple[Passage, str]]:
    """Passages the model may use with the text it sees, best first, each once.

    A product's passage is offered only with its typed sheet: without it nobody could judge whether it suits.
    """
    materials = brief.materials
    sheets = list(materials.sheets) or list(materials.suitable[:MOST_SUITABLE])
    known_codes = {sheet.code for sheet, _ in sheets}
    turns = {passage.passage_id: transcript for transcript, passage in materials.transcripts}
    found = [(passage, passage.text) for _, passages in materials.sheets for passage in passages]
    for evidence in materials.evidence:
        passage = evidence.passage
        if passage.kind is DocumentKind.PRODUCT and passage.product_code not in known_codes:
            continue
        text = _spoken(turns[passage.passage_id]) if passage.passage_id in turns else passage.text
        found.append((passage, text))
    if not materials.sheets and brief.kind not in POSTS:
        found += [(passages[0], passages[0].text) for _, passages in sheets if passages]
    unique: dict[str, tuple[Passage, str]] = {}
    for passage, text in found:
        if text.strip():
            unique.setdefault(passage.passage_id, (passage, text))
    return list(unique.values())


def _spoken(transcript: Transcript) -> str:
    """Only what an RM said and anybody may say again; nothing of the customer's."""
    return "".join(say for move in Move for say in transcript.reusable(move))


def _block(number: int, text: str, passage: Passage, wording: dict[str, Any]) -> str:
    title = as_data(passage.title).replace('"', "”")
    kind = wording["kind"][str(passage.kind)]
    return f'<依据 编号="{number}" 类型="{kind}" 标题="{title}">{as_data(text)}</依据>'


def _previous(brief: Brief, wording: dict[str, Any], mask: Callable[[str], str]) -> str:
    lines = []
    if brief.previous:
        lines += [f"<上一版>{as_data(mask(brief.previous))}</上一版>", wording["previous_change"]]
    if brief.said:
        used = "\n".join(as_data(mask(sentence)) for sentence in sorted(brief.said)[:MOST_SAID])
        lines += [wording["said_before"], f"<用过的话>{used}</用过的话>"]
    return "\n".join(lines) or str(wording["nothing_before"])


def _task(brief: Brief, wording: dict[str, Any]) -> Iterable[str]:
    yield wording["task"][str(brief.kind)]
    yield _filled(wording, "today", day=brief.on.isoformat())
    yield wording["length"][str(brief.length)]
    yield wording["tone"][str(brief.tone)]
    if brief.situation is not None:
        situation = situations()[brief.situation]
        yield _filled(wording, "situation", title=situation.title)
        if not situation.selling:
            yield wording["service_only"]
    if brief.kind not in POSTS:
        yield from _customer(brief, wording)
    yield from _products(brief, wording)


def _customer(brief: Brief, wording: dict[str, Any]) -> Iterable[str]:
    """Level and age only: who the customer is stays here."""
    customer = brief.customer
    known = customer.level is not None and customer.level not in ("NONE", "EXPIRED")
    yield _filled(wording, "level", level=customer.level) if known else wording["level_unknown"]
    if customer.age is not None and customer.age < ADULT:
        yield wording["minor"]
    if customer.age is not None and customer.age >= ELDERLY:
        yield wording["elderly"]
    if customer.opted_out:
        yield wording["opted_out"]


def _products(brief: Brief, wording: dict[str, Any]) -> Iterable[str]:
    sheets = brief.materials.sheets
    if sheets and brief.kind not in POSTS and suitability_sentences(brief, Phrasing(brief.seed, brief.variant)):
        sheet = sheets[0][0]
        yield _filled(wording, "barred", name=as_data(sheet.name), product_level=sheet.risk_level or "")
        return
    for sheet, _ in sheets:
        if sheet.must_say:
            yield _filled(wording, "must_say", name=as_data(sheet.name), texts=as_data("；".join(sheet.must_say)))


def _filled(wording: dict[str, Any], key: str, **values: object) -> str:
    return Messages({key: wording[key]})(key, **values)


def conversation_again(
    order: Order, answer: str, complaint: str, repair: Prompt, *, most_characters: int = 4000
) -> Sequence[ChatMessage]:
    """The same order with the unusable answer and what was wrong with it."""
    said = (ChatMessage("assistant", answer[:most_characters]),) if answer.strip() else ()
    return (*order.messages, *said, ChatMessage("user", repair.render(complaint=complaint)))
