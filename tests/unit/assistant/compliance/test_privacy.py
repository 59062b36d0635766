"""Personal data: found, masked, put back; look-alikes left alone. All numbers are made up."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.compliance.privacy import PersonalDataFinder, is_id_number, mask, passes_luhn, pseudonymise

FINDER = PersonalDataFinder.load()
ROOT = Path(__file__).parents[4]
CASES = [json.loads(line) for line in (ROOT / "tests/data/privacy_cases.jsonl").read_text("utf-8").splitlines()]
# What customers ask every day; nothing in it is anybody's data.
EVERYDAY = """
收益多少啊 亏了咋办 别家3个点 我考虑考虑 提前还贷划算吗 积存金和金条哪个好 公司代发一定要用你们卡吗 我妈的钱放哪
美元存款还有吗 国债哪天卖 大额存单转让 保险退保扣多少 这个年金30年后真有这么多? 有个电话说我账户异常让我转账
"""


def kinds(text: str) -> list[tuple[str, str]]:
    return [(span.kind.value, text[span.start : span.end]) for span in FINDER.find(text)]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("电话13812345678谢谢", "PHONE", "13812345678"),
        ("电话138-1234-5678", "PHONE", "138-1234-5678"),
        ("电话１３８１２３４５６７８", "PHONE", "１３８１２３４５６７８"),
        ("打一三八一二三四五六七八", "PHONE", "一三八一二三四五六七八"),
        ("打+86 138 1234 5678", "PHONE", "+86 138 1234 5678"),
        ("身份证11010519491231002X", "ID_CARD", "11010519491231002X"),
        ("证件 110105 19491231 002x 已核", "ID_CARD", "110105 19491231 002x"),
        ("卡号6222 0212 3456 7890 128", "BANK_CARD", "6222 0212 3456 7890 128"),
        ("邮箱zhang.san@example.com收", "EMAIL", "zhang.san@example.com"),
        ("车牌浙A·12B45停在门口", "PLATE", "浙A·12B45"),
        ("护照号E12345678", "PASSPORT", "E12345678"),
        ("验证码是 482913", "OTP", "482913"),
        ("482913是您的验证码", "OTP", "482913"),
        ("加微信：lucky_bank88", "WECHAT", "lucky_bank88"),
        ("微信号wxid_ab12cd34ef", "WECHAT", "wxid_ab12cd34ef"),
        ("家住幸福路18号3单元502", "ADDRESS", "幸福路18号3单元502"),
        ("您账户余额43,210.55元", "BALANCE", "43,210.55元"),
        ("客户张伟的手机13812345678", "NAME", "张伟"),
        ("欧阳娜娜名下有理财", "NAME", "欧阳娜娜"),
    ],
)
def test_personal_data_is_found_where_it_stands(text: str, kind: str, words: str) -> None:
    assert (kind, words) in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "请拨打95588或400-820-8888",
        "订单号6222021234567890124",
        "申请编号20261122000135",
        "统一社会信用代码91330100MA27XXXX1X",
        "尾号0915的卡",
        "王先生您好，李姐也在",
        "三年期1.55%，20万起",
        "2026年11月22日14:30",
        "产品代码SY90D02",
        "R2级，T+1",
        "基金代码000123",
        "5万元起存",
        "请勿透露验证码",
    ],
)
def test_look_alikes_are_left_alone(text: str) -> None:
    assert kinds(text) == []


def test_masking_leaves_no_trace_and_pseudonyms_come_back() -> None:
    text = "张伟的手机13812345678，也可打13812345678"
    spans = FINDER.find(text)
    assert "1381234" not in mask(text, spans)
    replaced = pseudonymise(text, spans)
    assert replaced.text.count("[电话1]") == 2
    assert replaced.restore(replaced.text) == text


@settings(deadline=None)
@given(st.text(alphabet="张伟王的手机卡号0123456789一三八 -，。x@a.com身份证路号室", max_size=60))
def test_spans_are_ordered_disjoint_and_reversible(text: str) -> None:
    spans = FINDER.find(text)
    assert all(0 <= s.start < s.end <= len(text) for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    replaced = pseudonymise(text, spans)
    assert replaced.restore(replaced.text) == text


def test_a_known_name_is_hidden_wherever_it_stands() -> None:
    text = "老朋友林小满你好"
    assert [text[s.start : s.end] for s in FINDER.find(text, known_names=["林小满"])] == ["林小满"]


def test_check_digits() -> None:
    assert is_id_number("11010519491231002x")
    assert not is_id_number("110105194912310021")
    assert passes_luhn("6222021234567890128")


def test_nearly_all_personal_data_is_found_and_look_alikes_are_left_alone() -> None:
    wanted = [(case, span) for case in CASES for span in case["spans"]]
    found = [
        (case, span)
        for case, span in wanted
        if (span["type"], case["text"][span["start"] : span["end"]]) in kinds(case["text"])
    ]
    innocent = [case for case in CASES if not case["spans"]]
    masked = [case["text"] for case in innocent if kinds(case["text"])]
    assert len(found) >= 0.95 * len(wanted), [case["text"] for case, span in wanted if (case, span) not in found]
    assert len(masked) <= 0.02 * len(innocent), masked


def test_nothing_a_sample_customer_asks_is_masked() -> None:
    talks = [yaml.safe_load(p.read_text("utf-8")) for p in (ROOT / "knowledge/samples/transcripts").glob("*.yaml")]
    words = [turn["text"] for talk in talks for turn in talk["turns"] if turn["role"] == "customer"]
    masked = {text: kinds(text) for text in [*words, *EVERYDAY.split()] if kinds(text)}
    assert len(words) > 100
    assert not masked
