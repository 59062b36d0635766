"""What an RM typed: decisions, follow-ups and wishes in people's own forms, and questions that only look so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.reading import Command, Want, customer_hints, read, reject_reason

# Whether a draft is open, what is wanted, its detail, and messages that say so, divided by 「|」.
TABLE = [
    (
        True,
        "decision",
        "accepted",
        "1|１|1.|1。|采用|采用了|采用！|采用👌|用了|用这个|就这个|就用这个|就用这个吧|已发|已发送|"
        "发了|发出去了|好|好的|好的。|好滴|可以|可以的|行|行吧|OK|ok|Ok|ＯＫ|👌|👍|👍🏻|没问题|"
        "采纳|发给客户了|用第一个",
    ),
    (
        True,
        "decision",
        "accepted",
        "用2|用第2个|选3|要第三个|用第二条吧|采用2|第2个",
    ),
    (
        True,
        "decision",
        "edited",
        "改：三年期是1.5%，您看呢？|改:您先看看|修改：这样发|改成：好的您慢慢想|我改成了：好|"
        "我发的是：您先别急|实际发：张姐您好|最后发的：您慢慢想|改了：好的|改 ：好的|改，您先看看这份说明书再定",
    ),
    (
        True,
        "decision",
        "edit_prompt",
        "改|修改|我要改|改一下|改一下。|改吧",
    ),
    (
        True,
        "decision",
        "rejected",
        "3|３|3 太长了|3太长了|3，数字不对|不合适|不合适：太官方|不合适，产品不对|不行|不行啊|不好|"
        "不好，太生硬|不用|不用了|弃用|没用|不采用|拒绝|👎|3 答非所问|不合适 客户不喜欢这样",
    ),
    (
        True,
        "outcome",
        "replied",
        "客户回了|回了|他回复了|对方已经回复了|客户回我了。|回复了",
    ),
    (
        True,
        "outcome",
        "no_reply",
        "没回|客户没回|他一直没回|不回消息|客户没反应|还没回",
    ),
    (
        True,
        "outcome",
        "won",
        "成了|成交了|签了|办了|买了|搞定|拿下了|约上了|存了|成了！",
    ),
    (
        True,
        "outcome",
        "lost",
        "没成|黄了|不买了|流失了|客户走了",
    ),
    (
        True,
        "outcome",
        "blocked",
        "被拉黑了|我被删了|被屏蔽了|客户把我拉黑了|客户把我删了",
    ),
    (
        True,
        "follow_up",
        "another",
        "2|２|换一版|换一个|换个说法|换种说法|换一下|再来一版|重写|重写一版|另一版|不要这版|换一条吧|再换一个|换一版👌",
    ),
    (
        True,
        "follow_up",
        "shorter",
        "短一点|短点|短一些|精简一点|简短点|简洁一点|太长|太长了|再短点|缩短|压缩一下|少写点|两句话就行|"
        "一句话说完|说短点|能短一点吗|短一点吧。",
    ),
    (
        True,
        "follow_up",
        "longer",
        "长一点|详细点|详细一点|具体些|展开一点|多说点|多写一点|太短了|再详细些|展开说说|能不能详细点",
    ),
    (
        True,
        "follow_up",
        "politer",
        "客气点|客气一点|礼貌一些|正式点|委婉一点|温和点|柔和一点|软一点|太冲了|太硬了|太生硬|太直了|语气软一点",
    ),
    (
        True,
        "follow_up",
        "plainer",
        "别那么官方|别太正式|口语一点|口语化一点|随意点|自然一点|接地气点|亲切一点|活泼点|太官方了|太像公告|"
        "像人话一点|说人话|太书面了|像机器人",
    ),
    (
        True,
        "follow_up",
        "customer_says",
        "他说别家收益更高|她说再想想|客户说太低了|客户回：我考虑一下|对方问能不能保本|张姐说她女儿不同意|"
        "王先生问手续费多少|他又说利息太少|客户现在说不想买了|人家表示不需要|李总回我说下周再谈|"
        "她说：「亏了谁负责」",
    ),
    (
        False,
        "check",
        "",
        "这段能发吗：保本高收益|这段能发吗:年化5%|帮我看看这段能发吗：稳赚不赔|这条朋友圈能发吗：买理财送米|"
        "这样说可以吗：利息肯定比定期高|检查一下：零风险|合规检查：收益保证|以下内容可以发吗：本金无忧|"
        "这么说能行吗：放心买|买我行理财保证不亏，这段能发吗|这句话能发吗 年化稳稳4%",
    ),
    (
        False,
        "moments",
        "",
        "写条朋友圈，今天降准了|写一条朋友圈：黄金新高|帮我写个朋友圈，国债发行|来条朋友圈文案 开学季|"
        "发个朋友圈，中秋|朋友圈：个人养老金|今天降息了，写条朋友圈|编条朋友圈，讲讲反诈|来一条关于国债的朋友圈|"
        "降准了发个圈",
    ),
    (
        False,
        "group",
        "",
        "写个群公告，国债发行|群公告：明天停机|发条群消息：反诈提醒|群消息：降息",
    ),
    (
        False,
        "friend_request",
        "",
        "加好友怎么说|好友申请怎么写|加微信说什么|添加客户话术|验证消息写什么",
    ),
    (
        False,
        "rule",
        "",
        "能不能说保本|可不可以送礼品|能承诺收益吗|监管怎么规定录音录像|广告法第二十五条|这样违规吗|可以宣传历史业绩吗",
    ),
    (
        False,
        "playbook",
        "",
        "张姐下一步怎么跟|新客户怎么破冰|沉默客户怎么激活|刚加的客户第一句说什么|代发客户怎么维护|企业主怎么开口|"
        "到期客户的打法",
    ),
    (
        False,
        "who_next",
        "",
        "今天该跟谁|今天跟谁|今天要联系谁|今天找谁|先联系谁",
    ),
    (
        False,
        "help",
        "",
        "帮助|help|？|怎么用|你能干什么|菜单|有什么功能|你会什么",
    ),
    (
        False,
        "greeting",
        "",
        "你好|您好|在吗|hi|早|早上好！|谢谢|谢谢你|辛苦了|在吗？|你好呀",
    ),
    (
        False,
        "unreadable",
        "empty",
        "😊|👍👍|。。。|？！|　|~~",
    ),
]
QUOTED = (
    "客户问：黄金涨成这样还能买吗|客户问能不能提前取|有客户问国债什么时候发|张姐问：存单能转让吗|"
    "客户嫌利息低怎么回|客户抱怨服务差，怎么回|理财亏了怎么回"
)
ORDINARY = (
    "好的产品有哪些|不行的话怎么办|3万怎么存|1年期利率|2年期国债利率多少|3个月定期多少利息|1万块起购吗|"
    "稳盈90天起购多少|可以提前取吗|可以买黄金吗|行里有什么存款|不用交税吗|好像还有一个产品|"
    "没用过手机银行怎么操作|2万存三年|3年期大额存单|短期理财有哪些|长期存款利率|换汇怎么换|"
    "改合同要什么材料|修改密码怎么办|买了理财能退吗|办了信用卡怎么注销|成了家的年轻人买什么保险|"
    "走了流程多久放款|好客户怎么维护吗|不好意思问一下，基金手续费多少|行不行啊这个产品|1万元定投基金可以吗|"
    "不合适的客户能买R3吗|拒绝过的客户还能联系吗|可以的话给我一份国债资料|短一点的定期有吗|期限长一点的存单|"
    "多少钱起|正式合同在哪看|像机器人一样的客服怎么办|两句话说不清的产品怎么介绍|直接存可以吗|软件怎么下载|"
    "写简单点的存款产品介绍|他|改签怎么办|用3年的存单抵押|选2号还是3号产品|采用什么利率|发了工资怎么存|"
    "行业基金怎么样|可以贷多少|没问题的话什么时候到账|回复客户说亏了怎么办|不好的评价怎么处理|"
    "没用完的额度怎么办|3，5年期的利率分别多少|3.5%的利率有吗|1.5%是年化吗|1、2年期利率|"
    "不要紧的，问下国债|要2万起吗|回购金条要什么|没回款怎么贷|正式员工可以办消费贷吗|简短视频在哪看|"
    "不行就存定期，利率多少|3号发国债吗|2号线网点地址|用2万买基金"
)


def rows() -> list[tuple[bool, str, str, str]]:
    return [(has_draft, want, detail, text) for has_draft, want, detail, texts in TABLE for text in texts.split("|")]


@pytest.mark.parametrize(("has_draft", "want", "detail", "text"), rows())
def test_a_message_is_read_as_it_is_meant(has_draft: bool, want: str, detail: str, text: str) -> None:
    command = read(text, has_draft=has_draft)
    assert (command.want, command.detail) == (want, detail)


@pytest.mark.parametrize("text", QUOTED.split("|"))
def test_a_quoted_customer_is_answered(text: str) -> None:
    command = read(text)
    assert (command.want, command.detail) == (Want.REPLY, "quoted")


@pytest.mark.parametrize("text", ORDINARY.split("|"))
def test_an_ordinary_question_is_no_decision_on_the_open_draft(text: str) -> None:
    assert read(text, has_draft=True).want in (Want.REPLY, Want.RULE, Want.PLAYBOOK)


@pytest.mark.parametrize("text", ["1", "采用", "短一点", "换一版", "改：您好", "没回"])
def test_without_a_draft_nothing_is_decided(text: str) -> None:
    assert read(text).want not in (Want.DECISION, Want.FOLLOW_UP, Want.OUTCOME)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("改：三年期是 1.5%，您看呢？", Command(Want.DECISION, "三年期是 1.5%，您看呢？", "edited")),
        ("改：\n第一句。\n第二句。", Command(Want.DECISION, "第一句。\n第二句。", "edited")),
        ("我发的是：全角１２３", Command(Want.DECISION, "全角１２３", "edited")),
        ("用2", Command(Want.DECISION, "", "accepted", "2")),
        ("要第三个", Command(Want.DECISION, "", "accepted", "3")),
        ("3 太长了", Command(Want.DECISION, "", "rejected", "太长了")),
        ("3太长了！", Command(Want.DECISION, "", "rejected", "太长了")),
        ("3", Command(Want.DECISION, "", "rejected", "")),
        ("3 不合适", Command(Want.DECISION, "", "rejected", "")),
        ("不合适：太官方", Command(Want.DECISION, "", "rejected", "太官方")),
        ("他说别家更高", Command(Want.FOLLOW_UP, "别家更高", "customer_says")),
        ("她回复：再想想", Command(Want.FOLLOW_UP, "再想想", "customer_says")),
    ],
)
def test_the_words_of_a_decision_are_kept_as_typed(text: str, command: Command) -> None:
    assert read(text, has_draft=True) == command


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("客户问：黄金涨成这样还能买吗", "黄金涨成这样还能买吗"),
        ("张姐问：存单能转让吗", "存单能转让吗"),
        ("客户嫌利息低怎么回", "利息低"),
        ("这段能发吗：保本高收益", "保本高收益"),
        ("买我行理财保证不亏，这段能发吗", "买我行理财保证不亏"),
        ("写条朋友圈，今天降准了", "今天降准了"),
        ("今天降息了，写条朋友圈", "今天降息了"),
        ("群公告：明天停机", "明天停机"),
        ("稳盈90天起购多少", "稳盈90天起购多少"),
    ],
)
def test_what_a_wish_is_about_is_cut_out(text: str, rest: str) -> None:
    assert read(text).rest == rest


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("数字不对", "wrong_fact"),
        ("利率错了", "wrong_fact"),
        ("这是过时的", "outdated"),
        ("不合规吧", "non_compliant"),
        ("产品不对", "wrong_product"),
        ("太官方", "tone"),
        ("语气不像我", "tone"),
        ("太长了", "too_long"),
        ("太啰嗦", "too_long"),
        ("答非所问", "irrelevant"),
        ("客户已经走了", "other"),
    ],
)
def test_a_reason_in_free_words_gets_its_code(text: str, reason: str) -> None:
    assert reject_reason(text) == reason


@pytest.mark.parametrize(
    ("text", "level", "age", "alias"),
    [
        ("C2客户想买稳盈90天", "C2", None, None),
        ("ｃ３的张姐问", "C3", None, "张姐"),
        ("78岁的老人要买年金", None, 78, None),
        ("七十来岁的客户", None, 75, None),
        ("风评过期了还能买吗", "EXPIRED", None, None),
        ("他没做过测评", "NONE", None, None),
        ("王先生问黄金", None, None, "王先生"),
        ("黄金还能买吗", None, None, None),
        ("TCL2024年报", None, None, None),
        ("1999岁", None, None, None),
    ],
)
def test_what_the_words_say_about_the_customer(
    text: str, level: str | None, age: int | None, alias: str | None
) -> None:
    hints = customer_hints(text)
    assert (hints.level, hints.age, hints.alias) == (level, age, alias)


@given(st.text(max_size=60), st.booleans())
def test_any_text_can_be_read(text: str, has_draft: bool) -> None:
    command = read(text, has_draft=has_draft)
    assert command.want in Want
    customer_hints(text)
    reject_reason(text)


def test_ten_thousand_characters_are_read_at_once() -> None:
    assert read("客户问：" + "利率低吗，" * 2000).want is Want.REPLY
    assert read("能" * 10_000, has_draft=True).want is Want.REPLY
