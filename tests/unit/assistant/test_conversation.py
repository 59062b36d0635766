"""Whole talks: one message in, its answers out, everything kept in a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from assistant.records.records import Records
from tests.house import Bank, Chat, talk_of

GOLD = "客户问：黄金涨成这样还能买吗"


def status(chat: Chat, draft_id: str) -> str:
    return chat.records.drafts.get(draft_id).status


def decisions(chat: Chat, draft_id: str) -> list[tuple[str, str | None]]:
    return [(kept.decision, kept.reason) for kept in chat.records.decisions.of_draft(draft_id)]


def test_the_draft_is_a_message_of_its_own_and_the_sources_come_after_it(chat: Chat) -> None:
    turn = chat.turn(kind="text", text=GOLD)
    draft, basis = turn.messages
    assert draft.draft
    assert draft.text == chat.records.drafts.get(chat.draft_id).text
    assert basis.text.startswith("依据")
    assert "1 采用 · 2 换一版 · 3 不合适" in basis.text
    queued = chat.records.outbox.of_draft(chat.draft_id)
    assert [message.body["content"] for message in queued] == [draft.text, basis.text]


@pytest.mark.parametrize("words", ["1", "采用", "用了", "发出去了", "👌", "好的！"])
def test_a_draft_is_accepted_in_the_words_people_type(chat: Chat, words: str) -> None:
    chat.says(GOLD)
    [told] = chat.says(words)
    assert told.startswith("记下了：采用")
    assert chat.draft_id[-4:].upper() in told
    assert status(chat, chat.draft_id) == "accepted"


def test_an_edited_text_is_kept_with_its_difference(chat: Chat) -> None:
    chat.says(GOLD)
    before = chat.records.drafts.get(chat.draft_id).text
    assert before is not None
    told = chat.says(f"改：{before}周四下午您方便来网点吗？")
    [kept] = chat.records.decisions.of_draft(chat.draft_id)
    assert told[0].startswith("记下了您的版本（改了步骤）")
    assert (kept.decision, [(edit["op"], edit["category"]) for edit in kept.edits]) == (
        "edited",
        [("insert", "stage")],
    )
    assert status(chat, chat.draft_id) == "edited"


def test_an_edit_that_the_gate_would_stop_is_kept_and_warned_of(chat: Chat) -> None:
    chat.says(GOLD)
    told = chat.says("改：您放心买，保本保收益，稳赚不赔。")
    assert len(told) == 2
    assert "过不了合规闸门" in told[1]
    assert status(chat, chat.draft_id) == "edited"


def test_a_bare_change_asks_for_the_final_text(chat: Chat) -> None:
    chat.says(GOLD)
    assert "改：" in chat.says("改一下")[0]
    assert status(chat, chat.draft_id) == "open"


def test_a_rejection_with_its_reason_is_one_message(chat: Chat) -> None:
    chat.says(GOLD)
    assert "太长" in chat.says("3 太长了")[0]
    assert decisions(chat, chat.draft_id) == [("rejected", "too_long: 太长了")]


@pytest.mark.parametrize("reason", ["数字不对", "语气不对", "太长", "答非所问"])
def test_the_reason_may_come_after_the_rejection(chat: Chat, reason: str) -> None:
    chat.says(GOLD)
    rejected = chat.draft_id
    assert "哪里不对" in chat.says("3")[0]
    assert chat.says(reason)[0].startswith("记下了：不合适")
    assert chat.draft_id == rejected
    last = decisions(chat, rejected)[-1]
    assert last[0] == "rejected"
    assert last[1] is not None
    assert last[1].endswith(reason)


def test_after_a_rejection_a_new_question_is_still_a_question(chat: Chat) -> None:
    chat.says(GOLD)
    rejected = chat.draft_id
    chat.says("3")
    chat.says("客户说利息太低了")
    assert chat.draft_id != rejected
    assert "没有等您处理" not in "".join(chat.says("1"))


def test_a_second_decision_on_one_draft_is_refused(chat: Chat) -> None:
    chat.says(GOLD)
    chat.says("1")
    assert "已经处理过了（已采用）" in chat.says("1")[0]
    assert "已经处理过了（已采用）" in chat.says("3 太长了")[0]
    assert decisions(chat, chat.draft_id) == [("accepted", None)]


@pytest.mark.parametrize("words", ["1", "采用", "换一版", "短一点", "3 太长了", "改：您好", "改", "用2"])
def test_without_a_draft_a_decision_makes_neither_draft_nor_ticket(chat: Chat, words: str) -> None:
    [told] = chat.says(words)
    assert "没有等您处理的草稿" in told
    assert chat.records.drafts.last_of(chat.userid) is None


def test_follow_ups_change_the_last_draft_and_keep_its_line(chat: Chat) -> None:
    first = chat.says(GOLD)[0]
    first_id = chat.draft_id
    shorter = chat.says("短一点")[0]
    assert 0 < len(shorter) < len(first)
    other = chat.says("换一版")[0]
    assert other not in (first, shorter)
    polite = chat.says("客气点")[0]
    assert polite.startswith("您好")
    line = chat.records.drafts.lineage(chat.draft_id)
    assert line[0].draft_id == first_id
    assert len(line) == 4


def test_what_the_customer_says_next_is_answered_as_a_follow_up(chat: Chat) -> None:
    chat.says(GOLD)
    first_id = chat.draft_id
    answer = chat.says("他说别家收益更高")[0]
    kept = chat.records.drafts.get(chat.draft_id)
    assert kept.text == answer
    assert kept.parent_draft_id == first_id
    assert kept.details["situation"] == "compare_bank"


def test_a_message_about_another_customer_carries_nothing_over(chat: Chat) -> None:
    chat.says("李姐说：稳盈90天起购多少")
    chat.says("孙伯说他想买稳盈90天")
    kept = chat.records.drafts.get(chat.draft_id)
    assert kept.parent_draft_id is None
    assert (kept.customer_id, kept.details["customer_level"]) == ("C0010", "C1")


def test_a_known_customer_keeps_level_and_age_in_follow_ups(chat: Chat) -> None:
    chat.says("孙伯问：有什么理财能买")
    chat.says("他说稳盈90天怎么样")
    kept = chat.records.drafts.get(chat.draft_id)
    assert (kept.details["customer_level"], kept.details["customer_age"]) == ("C1", 78)


def test_a_new_question_in_the_form_we_teach_carries_nothing_over(chat: Chat) -> None:
    chat.says("孙伯问：稳盈90天怎么样")
    chat.says(GOLD)
    kept = chat.records.drafts.get(chat.draft_id)
    assert (kept.parent_draft_id, kept.customer_id, kept.details["customer_level"]) == (None, None, None)
    assert kept.details["product"] != "SL-WY90"


def test_another_angle_is_accepted_by_its_number_and_a_missing_one_is_not(chat: Chat) -> None:
    posts = chat.says("写条朋友圈，今天降准了")
    second = posts[1]
    chat.says("用2")
    [kept] = chat.records.decisions.of_draft(chat.draft_id)
    assert (kept.decision, kept.final_text) == ("accepted", second)
    chat.says(GOLD)
    assert "没有第 3 个" in chat.says("用3")[0]
    assert status(chat, chat.draft_id) == "open"


def test_an_identical_draft_is_told_in_the_second_message(chat: Chat) -> None:
    first, basis = chat.says(GOLD)
    again, second_basis = chat.says(GOLD.replace("客户问", "有客户问"))
    assert "完全相同" not in basis
    assert (again == first) is ("完全相同" in second_basis)
    assert again == first


def test_short_answers_are_never_the_same_text_twice_within_the_interval(chat: Chat) -> None:
    queued = []
    for _ in range(2):
        chat.says("你好")
        [message] = chat.records.outbox.claim(5, timedelta(minutes=1), now=chat.now)
        chat.records.outbox.sent(message, msgid=None, now=chat.now)
        queued.append(message.body["content"])
    assert queued[0] != queued[1]


def test_answers_of_one_second_are_told_apart_too(chat: Chat) -> None:
    queued = []
    for _ in range(4):
        chat.says("你好")
        chat.now -= timedelta(seconds=20)
        [message] = chat.records.outbox.claim(5, timedelta(minutes=1), now=chat.now + timedelta(seconds=30))
        chat.records.outbox.sent(message, msgid=None, now=chat.now)
        queued.append(message.body["content"])
    assert len(set(queued)) == 4


def test_a_text_that_may_be_sent_instead_is_announced_when_it_repeats(chat: Chat) -> None:
    words = "这段能发吗：这款产品稳赚不赔。投资需谨慎，欢迎来网点了解。"
    first, second = chat.says(words), chat.says(words)
    assert first[2] == second[2]
    assert "完全相同" not in first[1]
    assert "完全相同" in second[1]


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ({"kind": "image"}, "图片"),
        ({"kind": "voice"}, "语音"),
        ({"kind": "file"}, "文件"),
        ({"kind": "hologram"}, "类型"),
        ({"kind": "text", "text": "😊😊"}, "没有文字"),
        ({"kind": "text", "text": ""}, "没有文字"),
        ({"kind": "text", "text": "   \n "}, "没有文字"),
        ({"kind": "text", "text": "Could you tell me the current deposit rates please"}, "中文"),
        ({"kind": "text", "text": "帮助"}, "客户问"),
        ({"kind": "text", "text": "你好"}, "客户的话"),
        ({"kind": "text", "text": "今天该跟谁"}, "客户"),
        ({"kind": "text", "text": "这段能发吗"}, "一起发来"),
    ],
)
def test_what_cannot_be_drafted_gets_a_helpful_reply_and_no_draft(
    chat: Chat, message: dict[str, str], hint: str
) -> None:
    [told] = chat.sends(**message)
    assert hint in told
    assert chat.records.drafts.last_of(chat.userid) is None


def test_ten_thousand_characters_are_cut_and_said_so(chat: Chat) -> None:
    told = chat.says("客户问：" + "黄金涨成这样还能不能买，" * 830)
    assert "太长" in told[0]
    assert len(told) >= 2


def test_what_nobody_knows_gets_a_holding_reply_and_a_ticket(chat: Chat) -> None:
    [told] = chat.says("客户问：下一届世界杯冠军是谁")
    draft = chat.records.drafts.last_of(chat.userid)
    assert draft is not None
    assert "求助单" in told
    assert draft.text is None
    assert draft.ticket_id is not None
    assert "没有等您处理" in chat.says("1")[0]


def test_a_text_to_check_shows_its_words_its_article_and_a_better_version(chat: Chat) -> None:
    told = chat.says("这段能发吗：这款理财保本，年化稳稳4%，赶紧买")
    assert told[0].startswith("先别发")
    assert "保本" in told[0]
    assert "依据" in told[0]
    assert chat.says("这段能发吗：明天网点九点开门，欢迎您来办业务。")[0].startswith("可以发")


def test_checking_a_text_leaves_the_open_draft_open(chat: Chat) -> None:
    chat.says(GOLD)
    draft = chat.draft_id
    chat.says("这段能发吗：明天网点九点开门，欢迎您来办业务。")
    chat.says("1")
    assert status(chat, draft) == "accepted"


@pytest.mark.parametrize(
    ("words", "kind"),
    [("客户回了", "replied"), ("没回", "no_reply"), ("成了", "won"), ("没成", "lost"), ("被拉黑了", "blocked")],
)
def test_outcomes_are_kept_with_their_draft(chat: Chat, words: str, kind: str) -> None:
    chat.says(GOLD)
    chat.says("1")
    chat.says(words)
    assert [outcome.kind for outcome in chat.records.decisions.outcomes_of(chat.draft_id)] == [kind]


def test_a_customer_who_blocked_the_rm_gets_no_more_marketing(chat: Chat) -> None:
    chat.says("李姐问：稳盈90天怎么样")
    chat.says("她把我拉黑了")
    [customer] = chat.records.customers.called(chat.userid, "李姐")
    assert customer.opt_out
    chat.says("李姐问：有什么理财推荐")
    assert chat.records.drafts.get(chat.draft_id).details["situation"] == "opt_out"


# -- cards


@pytest.fixture
def card_chat(bank: Bank, bank_records: Records) -> Chat:
    return Chat(bank_records, talk_of(bank, bank_records, cards=True))


def test_with_cards_the_second_message_is_a_card_with_four_buttons(card_chat: Chat) -> None:
    turn = card_chat.turn(kind="text", text=GOLD)
    queued = card_chat.records.outbox.of_draft(card_chat.draft_id)
    assert [message.msgtype for message in queued] == ["text", "template_card"]
    assert turn.messages[1].card is not None
    keys = [button["key"] for button in turn.messages[1].card["button_list"]]
    assert keys == [f"{action}:{card_chat.draft_id}" for action in ("accepted", "another", "edit", "rejected")]


def test_buttons_decide_once(card_chat: Chat) -> None:
    card_chat.says(GOLD)
    draft = card_chat.draft_id
    assert card_chat.presses("accepted", draft)[0].startswith("记下了：采用")
    assert "已经处理过了" in card_chat.presses("accepted", draft)[0]
    assert [kept.how for kept in card_chat.records.decisions.of_draft(draft)] == ["card"]


def test_the_button_of_an_older_draft_is_about_that_draft(card_chat: Chat) -> None:
    card_chat.says(GOLD)
    older = card_chat.draft_id
    card_chat.says("客户说利息太低了")
    newer = card_chat.draft_id
    card_chat.presses("edit", older)
    card_chat.says("改：金子的事咱们慢慢看，不着急。")
    assert (status(card_chat, older), status(card_chat, newer)) == ("edited", "open")


def test_a_rejection_by_button_asks_why_and_keeps_the_reason(card_chat: Chat) -> None:
    card_chat.says(GOLD)
    draft = card_chat.draft_id
    assert "哪里不对" in card_chat.presses("rejected", draft)[0]
    card_chat.says("太官方")
    assert decisions(card_chat, draft)[-1] == ("rejected", "tone: 太官方")


def test_another_version_by_button_is_another_draft(card_chat: Chat) -> None:
    first = card_chat.says(GOLD)[0]
    assert card_chat.presses("another", card_chat.draft_id)[0] != first


@pytest.mark.parametrize("action", ["accepted", "rejected"])
def test_a_button_of_nobodys_or_somebody_elses_draft_decides_nothing(bank: Bank, card_chat: Chat, action: str) -> None:
    other = Chat(card_chat.records, card_chat.talk, userid="rm001")
    other.says(GOLD)
    assert "没有等您处理" in card_chat.presses(action, other.draft_id)[0]
    assert "没有等您处理" in card_chat.presses(action, "d-unknown")[0]
    assert status(other, other.draft_id) == "open"


def test_unknown_events_are_silent_and_the_welcome_comes_once(chat: Chat) -> None:
    assert chat.sends(kind="event", event="location") == []
    assert chat.sends(kind="event", event="template_card_event", event_key="nonsense") == []
    assert "外脑" in chat.sends(kind="event", event="enter_agent")[0]
    assert chat.sends(kind="event", event="enter_agent") == []


def test_a_known_customer_who_refuses_marketing_gets_no_more_of_it(chat: Chat) -> None:
    draft, *_ = chat.says("陈先生说别再给我发了")
    assert "不再发" in draft or "不再" in draft
    [chen] = chat.records.customers.called(chat.userid, "陈先生")
    assert chen.opt_out
    assert chen.opt_out_at is not None
    assert [entry.event for entry in chat.records.audit.of_subject(chen.customer_id)] == ["customer_opted_out"]
    later, *_ = chat.says("陈先生问稳盈90天怎么样")
    assert "稳盈" not in later


def test_a_refusal_of_nobody_known_is_not_said_to_be_kept(chat: Chat) -> None:
    _, basis = chat.says("客户问：别再给我发了")
    assert "拒收还没有登记" in basis


def test_a_wish_about_the_form_of_messages_refuses_nothing(chat: Chat) -> None:
    chat.says("陈先生说别发那么长的语音")
    [chen] = chat.records.customers.called(chat.userid, "陈先生")
    assert not chen.opt_out


def test_a_question_that_leans_on_the_last_one_is_about_the_product_named_there(chat: Chat) -> None:
    chat.says("稳盈90天多少钱起购")
    chat.says("那180的呢")
    assert "180" in (chat.records.drafts.get(chat.draft_id).text or "")


def test_a_quoted_customer_begins_a_new_matter(chat: Chat) -> None:
    chat.says("稳盈90天多少钱起购")
    turn = chat.turn(kind="text", text="客户问：那180的呢")
    assert turn.state["words"] == "那180的呢"
