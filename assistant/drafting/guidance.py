"""Answers 「下一步怎么跟」 from a playbook: the words first, then why, how long to wait and when to stop."""

from __future__ import annotations

from assistant.drafting.brief import Brief, Draft, Sentence
from assistant.drafting.likeness import bigrams
from assistant.wording import Messages
from knowledge.content import Move

DRAFTER = "composer"
PROMPT = "playbook@1"
PLACEHOLDERS = ("〔姓名〕", "〔客户经理〕", "〔经理姓名〕")


def playbook_guidance(brief: Brief, messages: Messages) -> Draft | None:
    """The playbook that fits best, as advice to the RM; None when it has no words to offer."""
    _, sections, passage = max(
        brief.materials.playbooks,
        key=lambda item: max(
            (len(bigrams(brief.words) & bigrams(text)) for text in (item[0].title, *item[0].questions)), default=0
        ),
    )
    lines = [line.removeprefix("- ").strip() for line in sections.get("先说什么", "").splitlines() if line.strip()]
    if not lines:
        return None
    words = lines[brief.variant % len(lines)]
    for placeholder in PLACEHOLDERS:
        words = words.replace(placeholder, brief.writer.name or "客户经理")
    ids = (passage.passage_id,)
    sentences = [Sentence(Move.ANSWER, messages("playbook_opening", words=words), ids)]
    for key, heading in (
        ("playbook_why", "为什么"),
        ("playbook_wait", "等多久"),
        ("playbook_stop", "什么时候停"),
        ("playbook_avoid", "不要做"),
    ):
        if text := sections.get(heading, "").strip():
            flat = "；".join(line.removeprefix("- ").strip().rstrip("。") for line in text.splitlines() if line.strip())
            sentences.append(Sentence(Move.REASON, f"\n{messages(key, text=flat)}。", ids))
    return Draft(tuple(sentences), DRAFTER, PROMPT, promotes=False)
