"""The sender against a running local WeCom, in good days and bad."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.outgoing import DirectoryUnavailable, Member, SendOutcome, SendResult
from assistant.records.records import Records
from connectors.wecom.client import WorkClient
from connectors.wecom.local_state import FaultKind, LocalWeCom
from connectors.wecom.sending import WeComDirectory, WeComSender
from tests.unit.connectors.wecom.conftest import AGENT, CORP, SECRET, MemoryTokens, MovableClock

SEND = "message/send"


@pytest.fixture
def sender(client: WorkClient) -> WeComSender:
    return WeComSender(client, AGENT, duplicate_check_s=120)


def say(sender: WeComSender, words: str = "您好", userid: str = "rm001") -> SendResult:
    return sender.send(userid, "text", {"content": words})


def test_a_message_reaches_its_member_once(sender: WeComSender, wecom: LocalWeCom) -> None:
    result = say(sender)
    assert result.outcome is SendOutcome.SENT
    assert result.msgid
    assert [(each.userid, each.body) for each in wecom.received()] == [("rm001", {"content": "您好"})]


def test_the_token_is_fetched_once_for_many_threads(sender: WeComSender, wecom: LocalWeCom) -> None:
    threads = [threading.Thread(target=say, args=(sender, f"第{n}条")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wecom.received()) == 8
    assert wecom.token_fetches == 1


def test_a_token_that_was_ended_early_is_renewed_once_and_the_message_goes_out(
    sender: WeComSender, wecom: LocalWeCom
) -> None:
    say(sender, "一")
    wecom.revoke_token()
    assert say(sender, "二").outcome is SendOutcome.SENT
    assert wecom.token_fetches == 2


def test_a_token_near_its_end_is_replaced_before_it_is_used(
    sender: WeComSender, wecom: LocalWeCom, clock: MovableClock, tokens: MemoryTokens
) -> None:
    say(sender, "一")
    clock.forward(7200 - 60)
    wecom.revoke_token()
    assert say(sender, "二").outcome is SendOutcome.SENT
    assert wecom.token_fetches == 2
    assert list(tokens.rows) == [f"{CORP}/{AGENT}"]


def test_a_server_that_refuses_every_token_is_asked_for_one_new_token_only(
    sender: WeComSender, wecom: LocalWeCom
) -> None:
    wecom.fail_next(SEND, FaultKind.ERRCODE, number=40014, times=50)
    result = say(sender)
    assert (result.outcome, result.errcode, result.detail) == (SendOutcome.RETRY, 40014, "configuration")
    assert wecom.token_fetches == 2


def test_a_wrong_secret_is_a_configuration_matter_and_is_not_tried_again_at_once(
    api_base: str, wecom: LocalWeCom, tokens: MemoryTokens, clock: MovableClock
) -> None:
    client = WorkClient(CORP, "wrong", agent_id=AGENT, api_base=api_base, tokens=tokens, clock=clock)
    sender = WeComSender(client, AGENT)
    wecom.fail_next("gettoken", FaultKind.ERRCODE, number=40001, times=1)
    results = [say(sender, f"第{n}条") for n in range(5)]
    assert {result.detail for result in results} == {"configuration"}
    assert all(result.retry_after_s >= 30 for result in results)
    assert wecom.next_fault("gettoken") is None
    assert wecom.token_fetches == 0


@pytest.mark.parametrize(
    ("errcode", "outcome", "at_least_s"),
    [
        (-1, SendOutcome.RETRY, 1),
        (6000, SendOutcome.RETRY, 1),
        (45009, SendOutcome.RETRY, 60),
        (45033, SendOutcome.RETRY, 1),
        (60020, SendOutcome.RETRY, 30),
        (40003, SendOutcome.REFUSED, 0),
        (81013, SendOutcome.REFUSED, 0),
        (45002, SendOutcome.REFUSED, 0),
        (99999, SendOutcome.REFUSED, 0),
    ],
)
def test_each_error_code_has_its_consequence(
    sender: WeComSender, wecom: LocalWeCom, errcode: int, outcome: SendOutcome, at_least_s: float
) -> None:
    wecom.fail_next(SEND, FaultKind.ERRCODE, number=errcode)
    result = say(sender)
    assert (result.outcome, result.errcode) == (outcome, errcode)
    assert result.retry_after_s >= at_least_s


@pytest.mark.parametrize("kind", [FaultKind.LOST_ANSWER, FaultKind.GARBAGE, FaultKind.EMPTY])
def test_a_lost_answer_is_unknown_and_a_repeat_does_not_double_the_message(
    sender: WeComSender, wecom: LocalWeCom, kind: FaultKind
) -> None:
    wecom.fail_next(SEND, kind)
    assert say(sender).outcome is SendOutcome.UNKNOWN
    assert say(sender).outcome is SendOutcome.SENT
    assert [each.fate for each in wecom.deliveries] == ["delivered", "duplicate"]


def test_a_slow_server_ends_in_time_and_is_unknown(sender: WeComSender, wecom: LocalWeCom) -> None:
    wecom.fail_next(SEND, FaultKind.SLOW, number=0.8)
    assert say(sender).outcome is SendOutcome.UNKNOWN


@pytest.mark.parametrize(("status", "outcome"), [(502, SendOutcome.UNKNOWN), (403, SendOutcome.RETRY)])
def test_an_http_status_is_trouble_of_transport(
    sender: WeComSender, wecom: LocalWeCom, status: int, outcome: SendOutcome
) -> None:
    wecom.fail_next(SEND, FaultKind.HTTP, number=status)
    assert say(sender).outcome is outcome


def test_a_server_that_is_not_there_is_retried(tokens: MemoryTokens, clock: MovableClock) -> None:
    nowhere = "http://127.0.0.1:9/cgi-bin/"
    client = WorkClient(CORP, SECRET, agent_id=AGENT, api_base=nowhere, tokens=tokens, clock=clock)
    tokens.put(f"{CORP}/{AGENT}", "stored", clock() + timedelta(hours=1))
    assert say(WeComSender(client, AGENT)).outcome is SendOutcome.RETRY


def test_a_token_server_that_hangs_leaves_the_message_unsent_and_retried(
    sender: WeComSender, wecom: LocalWeCom
) -> None:
    wecom.fail_next("gettoken", FaultKind.SLOW, number=0.8)
    assert say(sender).outcome is SendOutcome.RETRY
    assert wecom.received() == []


FAULTS = st.sampled_from(
    [
        (FaultKind.LOST_ANSWER, 0),
        (FaultKind.GARBAGE, 0),
        (FaultKind.EMPTY, 0),
        (FaultKind.HTTP, 502),
        (FaultKind.ERRCODE, -1),
        (FaultKind.ERRCODE, 40014),
        (FaultKind.ERRCODE, 45009),
    ]
)


@given(faults=st.lists(FAULTS, max_size=6), token_faults=st.lists(st.sampled_from([-1, 45009]), max_size=1))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
def test_a_message_sent_until_it_is_taken_arrives_exactly_once_whatever_fails(
    api_base: str, wecom: LocalWeCom, clock: MovableClock, faults: list[tuple[FaultKind, int]], token_faults: list[int]
) -> None:
    clock.forward(3600)  # away from the last example's minute and duplicates
    before = len(wecom.received())
    for errcode in token_faults:
        wecom.fail_next("gettoken", FaultKind.ERRCODE, number=errcode)
    for kind, number in faults:
        wecom.fail_next(SEND, kind, number=number)
    outcomes: list[SendOutcome] = []
    while not outcomes or outcomes[-1] is not SendOutcome.SENT:
        # A client of its own each time, as after a restart; the worst case for the token, too.
        client = WorkClient(CORP, SECRET, agent_id=AGENT, api_base=api_base, tokens=MemoryTokens(), clock=clock)
        outcomes.append(say(WeComSender(client, AGENT)).outcome)
        assert len(outcomes) <= 10
    assert SendOutcome.REFUSED not in outcomes
    assert len(wecom.received()) == before + 1


def test_errcode_zero_with_the_receiver_among_the_invalid_is_refused(sender: WeComSender) -> None:
    assert say(sender, userid="nobody").outcome is SendOutcome.REFUSED


@pytest.mark.parametrize("userid", ["@all", "rm001|rm002", ""])
def test_a_message_is_never_addressed_to_many(sender: WeComSender, wecom: LocalWeCom, userid: str) -> None:
    assert say(sender, userid=userid).outcome is SendOutcome.REFUSED
    assert wecom.token_fetches == 0


def test_a_text_that_wecom_would_cut_is_not_sent(sender: WeComSender, wecom: LocalWeCom) -> None:
    assert say(sender, "险" * 683).detail == "content_too_long"
    assert say(sender, "险" * 682).outcome is SendOutcome.SENT


def test_neither_secret_nor_token_nor_text_is_logged(
    sender: WeComSender, wecom: LocalWeCom, tokens: MemoryTokens, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wecom.fail_next(SEND, FaultKind.ERRCODE, number=45009)
    say(sender, "张三的余额")
    say(sender, "张三的余额")
    told = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    token = next(iter(tokens.rows.values()))[0]
    for hidden in (SECRET, token, "张三"):
        assert hidden not in told


def test_the_directory_knows_members_and_strangers(client: WorkClient) -> None:
    directory = WeComDirectory(client)
    assert directory.look_up("rm001") == Member("rm001", "李经理", (1,))
    assert directory.look_up("stranger") is None


def test_a_directory_in_trouble_says_so(client: WorkClient, wecom: LocalWeCom) -> None:
    wecom.fail_next("user/get", FaultKind.ERRCODE, number=-1)
    with pytest.raises(DirectoryUnavailable):
        WeComDirectory(client).look_up("rm001")


def test_the_thirty_first_message_of_a_minute_is_dropped_without_an_error(
    sender: WeComSender, wecom: LocalWeCom, clock: MovableClock
) -> None:
    results = [say(sender, f"第{n}条") for n in range(32)]
    assert {result.outcome for result in results} == {SendOutcome.SENT}
    assert len(wecom.received("rm001")) == 30
    clock.forward(61)
    say(sender, "下一分钟")
    assert len(wecom.received("rm001")) == 31


def test_the_library_s_own_groups_use_the_same_host_and_token(client: WorkClient, wecom: LocalWeCom) -> None:
    assert client.user.get("rm001")["name"] == "李经理"
    assert wecom.token_fetches == 1


def test_two_workers_share_one_token_through_the_database(
    api_base: str, wecom: LocalWeCom, records: Records, clock: MovableClock
) -> None:
    for words in ("一", "二"):
        client = WorkClient(CORP, SECRET, agent_id=AGENT, api_base=api_base, tokens=records.wecom_tokens, clock=clock)
        assert say(WeComSender(client, AGENT), words).outcome is SendOutcome.SENT
    wecom.revoke_token()
    assert say(WeComSender(client, AGENT), "三").outcome is SendOutcome.SENT
    assert wecom.token_fetches == 2
