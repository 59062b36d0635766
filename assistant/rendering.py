"""Lays out the second message under a draft: sources, what the gate changed, and what to do now."""

from __future__ import annotations

from typing import Any

from assistant.asking import Answer
from assistant.compliance.findings import Finding, Verdict
from assistant.masking import mask
from assistant.wording import Messages

MOST_SOURCES = 3
MOST_FINDINGS = 5
QUOTE_CHARACTERS = 40
PRIVACY = "PRIVACY_LEAK"


def short_code(draft_id: str) -> str:
    """The last four characters of a draft's id, as people refer to it."""
    return draft_id[-4:].upper()


def basis_message(answer: Answer, messages: Messages, *, same_as_before: bool = False) -> str:
    """The message that begins with 依据."""
    lines = [_sources(answer, messages), _verdict_line(answer, messages)]
    lines += [f"{messages('gate_advice')}：{note}" for note in answer.notes]
    if same_as_before:
        lines.append(messages("same_as_before"))
    if answer.question_back:
        lines.append(answer.question_back)
    if answer.alternatives:
        lines += ["", messages("alternatives")]
    lines += ["", f"{messages('actions')}（草稿 {short_code(answer.draft_id)}）"]
    return "\n".join(lines)


def basis_card(answer: Answer, basis: str, messages: Messages) -> dict[str, Any]:
    """The same as a WeCom button card; one press is one decision. Field limits: see the template card's page."""
    buttons = [("card_accept", "accepted", 1), ("card_another", "another", 3), ("card_edit", "edit", 3)]
    return {
        "card_type": "button_interaction",
        "main_title": {"title": messages("card_title", short=short_code(answer.draft_id))},
        "sub_title_text": basis.split(f"\n\n{messages('actions')}")[0],
        "task_id": f"draft-{answer.draft_id}",
        "button_list": [
            {"text": messages(name), "style": style, "key": f"{action}:{answer.draft_id}"}
            for name, action, style in [*buttons, ("card_reject", "rejected", 2)]
        ],
    }


def _sources(answer: Answer, messages: Messages) -> str:
    if not answer.citations:
        return messages("basis_none")
    seen: dict[str, str] = {}
    for citation in answer.citations:
        seen.setdefault(f"《{citation['title']}》第{citation['version']}版", _short(str(citation["quote"])))
    listed = [
        f"{number}. {title}：{quote}" for number, (title, quote) in enumerate(list(seen.items())[:MOST_SOURCES], 1)
    ]
    return "\n".join([messages("basis"), *listed])


def _verdict_line(answer: Answer, messages: Messages) -> str:
    if answer.verdict == Verdict.REVISED:
        titles = "、".join(dict.fromkeys(f.title for f in answer.findings if f.severity != "W"))
        return f"{messages('gate_revised')}" + (f"（{titles}）" if titles else "")
    return messages("gate_pass")


def blocked_message(answer: Answer, messages: Messages) -> str:
    """Why there is no draft, and what may be done instead."""
    hard = [f for f in answer.findings if f.severity != "W"]
    reasons = "；".join(dict.fromkeys(f"{f.title}（{f.basis}）" for f in hard)) or "未通过合规闸门"
    advice = next((f.advice for f in hard if f.advice), "")
    return messages("blocked", reasons=reasons, advice=advice)


def unknown_message(answer: Answer, messages: Messages, *, hours: int) -> str:
    """No source: the safe holding reply and the ticket; or only the question back."""
    if answer.question_back and not answer.ticket_id:
        return answer.question_back
    return messages(
        "no_evidence", holding=answer.holding_reply or "", ticket=short_code(answer.ticket_id or ""), hours=hours
    )


def check_message(answer: Answer, messages: Messages) -> str:
    """The result of 「这段能发吗」: the words, why, the article, and a version that may be sent."""
    hard = [finding for finding in answer.findings if finding.severity != "W"]
    if not hard:
        return messages("check_pass")
    lines = [messages("check_blocked", count=len(hard))]
    lines += [_finding_line(number, f, answer, messages) for number, f in enumerate(hard[:MOST_FINDINGS], 1)]
    if not answer.suggestion:
        lines.append(messages("check_no_suggestion"))
    return "\n".join(lines)


def _hidden(words: str) -> str:
    """Somebody's data, recognisable for who wrote it and for nobody else: what is found is not sent once more."""
    masked = mask(words)
    return masked if masked != words else f"{words[:1]}＊＊"


def _finding_line(number: int, finding: Finding, answer: Answer, messages: Messages) -> str:
    words = answer.checked_text[finding.start : finding.end] or answer.checked_text[:12]
    words = _short(_hidden(words) if finding.code == PRIVACY else words)
    return messages(
        "check_finding", number=number, words=words, title=finding.title, basis=finding.basis, advice=finding.advice
    )


def _short(text: str) -> str:
    return f"{text[:QUOTE_CHARACTERS]}…" if len(text) > QUOTE_CHARACTERS else text
