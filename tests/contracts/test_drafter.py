"""What every drafter promises, with a model or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from assistant.drafting.brief import Drafter
from assistant.drafting.chat import ChatMessage, Completion
from assistant.drafting.composer import OfflineComposer
from assistant.drafting.llm import llm_drafter
from tests.model_world import brief
from tests.openai_server import drafts


class DrafterContract:
    """Promises of the Drafter port; subclasses give the `drafter` fixture."""

    def test_a_question_with_an_approved_answer_gets_a_text(self, drafter: Drafter) -> None:
        drafted = drafter.draft(brief())
        assert drafted
        assert all(draft.text for draft in drafted)

    def test_every_cited_passage_was_in_the_brief(self, drafter: Drafter) -> None:
        order = brief(sheets=True)
        given = {evidence.passage.passage_id for evidence in order.materials.evidence}
        given |= {passage.passage_id for _, passages in order.materials.sheets for passage in passages}
        for draft in drafter.draft(order):
            assert set(draft.passage_ids) <= given

    def test_it_names_itself_and_its_prompt(self, drafter: Drafter) -> None:
        for draft in drafter.draft(brief()):
            assert draft.drafter in ("composer", "llm")
            assert "@" in draft.prompt_id

    def test_the_product_asked_about_reaches_the_gate(self, drafter: Drafter) -> None:
        (draft, *_) = drafter.draft(brief("安心定期存款利率多少", sheets=True))
        assert draft.sheet is not None
        assert draft.sheet.code == "CK-1"

    def test_a_situation_without_selling_is_no_promotion(self, drafter: Drafter) -> None:
        for draft in drafter.draft(brief("我要投诉", situation="complaint")):
            assert draft.promotes is False


class TestOfflineComposer(DrafterContract):
    @pytest.fixture
    def drafter(self) -> Drafter:
        return OfflineComposer()


class TestLlmDrafter(DrafterContract):
    @pytest.fixture
    def drafter(self) -> Drafter:
        return llm_drafter(_Obliging(), context_tokens=6000, timeout_s=5)


class _Obliging:
    """Cites whatever stands first."""

    def complete(self, messages: Sequence[ChatMessage], *, schema: Mapping[str, Any], timeout_s: float) -> Completion:
        return Completion(drafts([("能取，按活期计息。", [1])]), "m-1")
