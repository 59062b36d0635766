"""The drafter with a language model: evidence in, sentences tied to passages out, all inside one wall clock.

The model is handed data and has no tools. Whatever it answers is only a draft: figures, rules, suitability and
disclosures are judged by the gate over the final text. When it fails, ModelUnavailable sends the caller to the
composer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from assistant.drafting.breaker import Breaker
from assistant.drafting.brief import Brief, Draft, DraftKind, Sentence
from assistant.drafting.budget import TokenCounter
from assistant.drafting.chat import ChatPort, Completion
from assistant.drafting.model_answer import (
    AnsweredDraft,
    InvalidAnswer,
    ModelAnswer,
    answer_schema,
    cleaned,
    read_answer,
    sentences_of,
)
from assistant.drafting.model_messages import POSTS, Order, conversation_again, write_order
from assistant.errors import ModelUnavailable
from assistant.masking import mask
from assistant.understanding import situations
from assistant.wording import Prompt, load_prompt, load_toml
from knowledge.products import ProductSheet

log = logging.getLogger(__name__)

DRAFTER = "llm"
TRIES = 2
LEAST_FOR_A_REPAIR = 0.2  # share of the wall clock that must be left
MOST_POSTS = 3
MOST_QUESTION = 120
SECOND_TRY_HELPS = frozenset({"bad_json", "refused"})
NOT_THE_ENDPOINT = frozenset({"refused", "busy", "prompt_too_large"})


@dataclass(frozen=True)
class LlmDrafter:
    """Drafts replies and posts with a chat model; safe in many threads.

    `timeout_s` is the wall clock for all the model does for one draft, the second try included; `clock` gives
    monotonic seconds. `mask` hides personal data once more before anything is sent.
    """

    chat: ChatPort
    prompt: Prompt
    counter: TokenCounter
    context_tokens: int
    timeout_s: float
    clock: Callable[[], float]
    posts_prompt: Prompt = field(default_factory=lambda: load_prompt("draft_posts"))
    repair_prompt: Prompt = field(default_factory=lambda: load_prompt("repair_json"))
    mask: Callable[[str], str] = mask
    breaker: Breaker = field(default_factory=Breaker)

    def draft(self, brief: Brief) -> tuple[Draft, ...]:
        """One reply, or up to three posts. Raises: ModelUnavailable, whose `reason` says why."""
        prompt = self.posts_prompt if brief.kind in POSTS else self.prompt
        order = write_order(brief, prompt, counter=self.counter, context_tokens=self.context_tokens, mask=self.mask)
        started = self.clock()
        ticket = self.breaker.allow(started)
        if ticket is None:
            raise ModelUnavailable(reason="circuit_open")
        healthy: bool | None = False
        try:
            drafts = self._drafts(brief, prompt, order, started + self.timeout_s)
            healthy = True
        except ModelUnavailable as exc:
            healthy = None if exc.ids.get("reason") in NOT_THE_ENDPOINT else False
            log.warning("model_unavailable", extra={**exc.ids, "elapsed_ms": self._elapsed_ms(started)})
            raise
        finally:
            self.breaker.report(ticket, healthy, self.clock())
        log.info(
            "model_drafted",
            extra={"model": drafts[0].model, "elapsed_ms": self._elapsed_ms(started), **drafts[0].usage},
        )
        return drafts

    def _drafts(self, brief: Brief, prompt: Prompt, order: Order, deadline: float) -> tuple[Draft, ...]:
        """Ask, and once more with what was wrong; a later round with the gate's findings would join here."""
        messages = order.messages
        usage: dict[str, int] = {}
        reason = "timeout"
        for attempt in range(TRIES):
            left = deadline - self.clock()
            if left <= (LEAST_FOR_A_REPAIR * self.timeout_s if attempt else 0):
                break
            text = ""
            try:
                completion = self.chat.complete(messages, schema=answer_schema(), timeout_s=left)
                text = completion.text
                _add(usage, completion.usage)
                usage["repairs"] = attempt
                return self._read(brief, prompt, order, completion, usage)
            except InvalidAnswer as exc:
                complaint, reason = _complaint(exc), exc.complaint
            except ModelUnavailable as exc:
                reason = exc.ids.get("reason", "")
                if reason not in SECOND_TRY_HELPS:
                    raise
                complaint = _complaint(InvalidAnswer("refused" if reason == "refused" else "not_json"))
            messages = tuple(conversation_again(order, text, complaint, self.repair_prompt))
        raise ModelUnavailable(reason=reason)

    def _read(
        self, brief: Brief, prompt: Prompt, order: Order, completion: Completion, usage: Mapping[str, int]
    ) -> tuple[Draft, ...]:
        answer = read_answer(completion.text)
        names = _names(brief)
        wanted = answer.drafts[: MOST_POSTS if brief.kind is DraftKind.MOMENTS else 1]
        texts = [sentences_of(said, order, names=names) for said in wanted]
        if not texts:
            raise InvalidAnswer("empty")
        return tuple(
            Draft(
                sentences=sentences,
                drafter=DRAFTER,
                prompt_id=prompt.reference,
                sheet=sheet_of(brief, sentences),
                promotes=_promotes(brief),
                question_back=cleaned(answer.question_back or "", names)[:MOST_QUESTION] or None,
                notes=_notes(answer, said),
                model=completion.model,
                usage=usage,
            )
            for said, sentences in zip(wanted, texts, strict=True)
        )

    def _elapsed_ms(self, started: float) -> int:
        return round((self.clock() - started) * 1000)


def llm_drafter(chat: ChatPort, *, context_tokens: int, timeout_s: float) -> LlmDrafter:
    """The drafter as the product runs it: the shipped prompts, our token ranks, the machine's monotonic clock."""
    return LlmDrafter(
        chat=chat,
        prompt=load_prompt("draft_reply"),
        counter=TokenCounter(),
        context_tokens=context_tokens,
        timeout_s=timeout_s,
        clock=time.monotonic,
    )


def sheet_of(brief: Brief, sentences: tuple[Sentence, ...]) -> ProductSheet | None:
    """The product the gate must judge by: the riskiest one cited or named, else the one that was asked about."""
    if brief.kind in POSTS or brief.kind is DraftKind.FRIEND_REQUEST:
        return None
    text = "".join(sentence.text for sentence in sentences)
    cited = {pid for sentence in sentences for pid in sentence.passage_ids}
    used = [
        sheet
        for sheet, passages in (*brief.materials.sheets, *brief.materials.suitable)
        if cited & {passage.passage_id for passage in passages} or sheet.name in text or sheet.code in text
    ]
    if used:
        return max(used, key=lambda sheet: sheet.risk_level or "")
    return brief.materials.sheets[0][0] if brief.materials.sheets else None


def _promotes(brief: Brief) -> bool | None:
    """As the composer says it; of a model's own posts only the gate can tell."""
    if brief.kind in POSTS or brief.situation is None or situations()[brief.situation].selling:
        return None
    return False


def _names(brief: Brief) -> dict[str, str]:
    wording = load_toml("model.zh")
    return {
        "【客户经理】": brief.writer.name or wording["our_name"],
        "【网点】": brief.writer.branch or wording["our_branch"],
    }


def _notes(answer: ModelAnswer, said: AnsweredDraft) -> tuple[str, ...]:
    low = (str(load_toml("model.zh")["low_confidence"]),) if answer.confidence == "low" else ()
    return (*((said.angle[:20],) if said.angle.strip() else ()), *low)


def _complaint(exc: InvalidAnswer) -> str:
    return str(load_toml("model.zh")["complaint"][exc.complaint]).replace("$detail", exc.detail)


def _add(usage: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        usage[name] = usage.get(name, 0) + count
