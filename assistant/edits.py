"""What an RM changed in a draft: sentence by sentence, each change with its category.

Categories: fact (figures, dates, products), compliance (risk wording and disclosures), stage (the question or next
step), length (said shorter or longer), tone (the same said otherwise), other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from assistant.drafting.likeness import likeness

SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;~…]*\s*|[\n。！？!?；;]+")
FIGURE = re.compile(
    r"\d+(?:[.,]\d+)*\s*(?:%|％|bp|BP|元|万|亿|年|个月|月|天|日|岁|点|倍|折|期|克)?|[零一二两三四五六七八九十百千万]+(?:个点|万|元|年|个月|天|成|折|倍)"
    r"|(?<![A-Za-z])[RrCc][1-5]|(?<![A-Za-z])[A-Z]{2,}[-A-Z0-9]*"
)
COMPLIANCE = re.compile(
    r"风险|非存款|不是存款|不代表|不等于|不预示|不构成|以.{0,12}为准|谨慎|保本|承诺|保证|基准|代销|代理销售|犹豫期|测评|匹配|收益不|不保|波动|亏损|可能亏|如实告知|审批"
)
STEP = re.compile(
    r"[?？]|吗|方便|要不要|您看|约|见面|来(?:网点|行里|一趟)|过来|打(?:个)?电话|发(?:给)?您|给您发|帮您|回复我|告诉我|聊聊|下周|周[一二三四五六日末]|明天|下午|上午"
)
SAME_THOUGHT = 0.3
MUCH_SHORTER = 0.7


@dataclass(frozen=True, slots=True)
class Edit:
    """One change. `op`: insert, delete or replace; `before` is "" for an insert, `after` is "" for a delete."""

    op: str
    before: str
    after: str
    category: str

    def as_dict(self) -> dict[str, str]:
        """JSON-ready, keys as exported."""
        return {"op": self.op, "before": self.before, "after": self.after, "category": self.category}


def sentences(text: str) -> list[str]:
    """The sentences of `text` without surrounding white space; line breaks end a sentence."""
    found = (match.group().strip() for match in SENTENCE.finditer(text))
    return [sentence for sentence in found if sentence]


def diff(before: str, after: str) -> tuple[Edit, ...]:
    """The changes that turn `before` into `after`, in order; () when both say the same."""
    old, new = sentences(before), sentences(after)
    edits: list[Edit] = []
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag != "equal":
            edits += _paired(old[start:end], new[new_start:new_end])
    return tuple(edits)


def _paired(old: list[str], new: list[str]) -> list[Edit]:
    """Pair each old sentence with the new one most like it, in order; the rest is deleted or inserted."""
    edits: list[Edit] = []
    position = 0
    for sentence in old:
        best = max(range(position, len(new)), key=lambda i: likeness(sentence, new[i]), default=None)
        alone = len(old) == 1 and len(new) == 1
        if best is None or (likeness(sentence, new[best]) < SAME_THOUGHT and not alone):
            edits.append(Edit("delete", sentence, "", categorise(sentence, "")))
            continue
        edits += [Edit("insert", "", text, categorise("", text)) for text in new[position:best]]
        edits.append(Edit("replace", sentence, new[best], categorise(sentence, new[best])))
        position = best + 1
    return edits + [Edit("insert", "", text, categorise("", text)) for text in new[position:]]


def _figures(text: str) -> list[str]:
    return sorted(re.sub(r"\s", "", figure) for figure in FIGURE.findall(text))


def categorise(before: str, after: str) -> str:
    """The category of one change; "" stands for nothing."""
    if _figures(before) != _figures(after):
        return "length" if not after and not COMPLIANCE.search(before) and len(before) > 25 else "fact"
    cautions = [sorted(COMPLIANCE.findall(text)) for text in (before, after)]
    if cautions[0] != cautions[1]:
        return "compliance"
    if not before or not after:
        return _added_or_removed(before or after, added=not before)
    alike = likeness(before, after)
    if alike >= SAME_THOUGHT:
        ratio = len(after) / len(before)
        return "length" if ratio < MUCH_SHORTER or ratio > 1 / MUCH_SHORTER else "tone"
    if STEP.search(before) and STEP.search(after):
        return "stage"
    return "other"


def _added_or_removed(text: str, *, added: bool) -> str:
    if len(text) <= 8:
        return "tone"
    if STEP.search(text):
        return "stage"
    return "other" if added else "length"


def summary_category(edits: tuple[Edit, ...]) -> str:
    """The weightiest category among `edits`: what the middle office should hear first."""
    order = ("fact", "compliance", "stage", "tone", "length", "other")
    found = {edit.category for edit in edits}
    return next((category for category in order if category in found), "other")
