"""A customer's words understood: situation, attributes, sums and terms, in the forms that people type."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.understanding import amount_in, attributes_in, score_situations, situations, term_in, understand

# Our own sentences, divided by 「|」; at least one for each situation that a customer can bring.
MESSAGES = {
    "opt_out": "能不能别给我发这些了|以后不要给我打电话推销|TD|再发我就拉黑了",
    "complaint": "我要打12378投诉你们|你们什么服务态度，叫你们行长来|上次扣我的钱必须给个说法，不然找媒体",
    "grief": "我爸上个月走了，他的存折怎么办|我老婆住院了，最近顾不上|我妈去世了，账户里的钱怎么取",
    "is_robot": "你这是机器人吧|是本人回的吗|你这是群发的吧",
    "fraud_worry": "有个自称公安的让我转钱到安全账户|我的卡好像被盗刷了|收到一条可疑短信让我点链接",
    "privacy_worry": "你怎么有我电话的|我的信息是不是你们泄露了",
    "want_guarantee": "这个保本吗|万一亏了算谁的|本金会不会少啊",
    "loss_redeem": "又跌了，我想赎回|买了你推荐的那个亏了三千多|天天绿，受不了了，割肉算了",
    "yield_low": "利息也太低了吧|才一点几的收益，没意思|存银行还跑不赢通胀",
    "compare_bank": "隔壁银行都两个点了|人家支付宝上的都比你们高|别的银行给我2.3",
    "gold_buy": "金子涨疯了还能上车不|现在囤金晚不晚|金价这么高还买吗",
    "fx_deposit": "手里有点美金放哪好|换汇现在划算吗|港币能存定期不",
    "treasury_bond": "国债啥时候有|下个月的国债几号买",
    "large_cd": "大额存单还有额度没|存单能转给别人吗",
    "maturity_renew": "我那笔钱快到期了怎么弄|下周到期，还续不续",
    "liquidity": "急用钱的时候拿得出来吗|随时能取的有没有|封闭期多长",
    "rate_outlook": "你说利率还会不会再降|听说又要降息了",
    "prepay_mortgage": "手里有点余钱要不要提前还房贷|我房贷利率能调低吗",
    "business_loan": "厂里进货周转差五十万|有营业执照能贷多少|我开店的，想办个经营贷",
    "consumer_loan": "想借20万装修|消费贷利率多少",
    "card_instalment": "信用卡账单太多能分期吗|分12期手续费多少",
    "education_fund": "给娃存点上大学的钱|孩子压岁钱怎么存好",
    "pension_plan": "我还有十年退休，养老的钱咋准备|个人养老金划算不",
    "tax_refund": "个税退税怎么弄|买那个能抵多少税",
    "insurance_surrender": "那个保险我想退保|保费交不动了，不想交了",
    "insurance_doubt": "保险都是骗人的吧|你们那个年金险靠谱吗",
    "elder_family": "我妈在你们那买的她自己都说不清|我得跟女儿商量一下",
    "payroll_keep": "工资一发我就转走了|我们公司代发在你们行",
    "suitability": "我评级不够买不了|我这个C2能买啥",
    "assessment": "风评怎么又过期了|测评要重新做吗",
    "gift_ask": "存十万送什么|有没有米面油啊",
    "fee_ask": "手续费怎么收|管理费是多少啊",
    "no_reply": "客户已读不回怎么办|发了好几条都不理我",
    "think_about": "我再考虑考虑|过两天再说吧",
    "not_needed": "不用了谢谢，没闲钱|暂时不需要",
    "first_contact": "你是哪位|刚加的好友第一句说啥",
    "small_talk": "中秋快乐|吃了吗您",
    "off_limits": "能帮我刷点流水吗|你替我操作一下呗|有没有内部额度",
}


def messages() -> list[tuple[str, str]]:
    return [(code, words) for code, texts in MESSAGES.items() for words in texts.split("|")]


@pytest.mark.parametrize(("code", "words"), messages())
def test_the_situation_is_among_the_two_likeliest(code: str, words: str) -> None:
    assert code in [found for found, _ in understand(words).situations[:2]]


def test_every_situation_but_the_plainest_has_a_message_here() -> None:
    assert set(situations()) - set(MESSAGES) <= {"product_ask"}


@pytest.mark.parametrize(
    "words", ["合同在哪里打印", "网点几点关门", "你们行长贵姓", "附近哪有停车场", "存折换成卡要带什么"]
)
def test_everyday_words_point_to_no_feeling(words: str) -> None:
    found = [code for code, score in understand(words).situations if score >= 3]
    assert not any(situations()[code].acknowledge for code in found)


@pytest.mark.parametrize(
    ("words", "amount"),
    [
        ("10万存三年", 100_000),
        ("十万块", 100_000),
        ("20w怎么放", 200_000),
        ("2.5万元", 25_000),
        ("手里有五十万", 500_000),
        ("三十五万", 350_000),
        ("一百万", 1_000_000),
        ("两千块", 2_000),
        ("半万", 5_000),
        ("1亿", 100_000_000),
        ("１０万", 100_000),
        ("存3年", None),
        ("利率1.55%", None),
        ("多少钱起", None),
    ],
)
def test_a_sum_is_read_in_yuan(words: str, amount: int | None) -> None:
    assert amount_in(understand(words).words) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(
    ("words", "term"),
    [
        ("存三年", "3年"),
        ("3年期的", "3年"),
        ("半年的呢", "6个月"),
        ("六个月", "6个月"),
        ("3月期", "3个月"),
        ("90天", "90天"),
        ("放30日", "30天"),
        ("十二个月", "12个月"),
        ("二十年", "20年"),
        ("随便放放", None),
    ],
)
def test_a_term_is_normalised(words: str, term: str | None) -> None:
    assert term_in(words) == term


@pytest.mark.parametrize(
    ("words", "attributes"),
    [
        ("多少钱起", ("minimum",)),
        ("门槛高不高", ("minimum",)),
        ("几个点啊", ("rate",)),
        ("利息多少，能提前取不", ("rate", "redemption")),
        ("收手续费吗", ("fees",)),
        ("会不会亏", ("risk",)),
        ("要放多久", ("term",)),
        ("是你们自己的产品吗", ("issuer",)),
        ("有案例吗", ("story",)),
        ("额度上限是多少", ("limits",)),
        ("适合老人吗", ("fit",)),
        ("早上好", ()),
    ],
)
def test_attributes_come_in_the_order_of_mention(words: str, attributes: tuple[str, ...]) -> None:
    assert attributes_in(words) == attributes


@pytest.mark.parametrize(
    ("words", "asks"),
    [("存三年利息多少", True), ("三年定期利率", True), ("存单三年能转让吗", False), ("利率多少", False)],
)
def test_a_deposit_without_a_product_is_told(words: str, asks: bool) -> None:
    assert understand(words).asks_deposit_interest is asks


@given(st.text(max_size=80))
def test_any_words_are_understood_with_falling_scores(words: str) -> None:
    scores = [score for _, score in understand(words).situations]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in score_situations(words).values())
