import pytest

from knowledge.retrieval.products import ProductNames
from tests.unit.knowledge.retrieval.passages import sheet

NAMES = ProductNames(
    [
        sheet("SL-WY90", "示例理财稳盈90天持有期", "稳盈90天", "稳盈90", risk_level="R2"),
        sheet("SL-WY180", "示例理财稳盈180天持有期", "稳盈180天", "稳盈半年", risk_level="R3"),
        sheet("990025", "示范沪深300指数A", "沪深300A", risk_level="R4"),
        sheet("990026", "示范沪深300指数C", "沪深300C", risk_level="R4"),
        sheet("CD-1Y", "大额存单1年期", "大额存单一年"),
        sheet("CD-3Y", "大额存单3年期", "大额存单三年"),
        sheet("SF-RY30", "示范理财如意30天持有期", "如意30天"),
        sheet("LD-R2", "灵动鑫选R2", risk_level="R2"),
        sheet("LD-R3", "灵动鑫选R3", risk_level="R3"),
        sheet("CK-DQ", "整存整取定期存款", "定期"),
    ]
)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("SL-WY90什么时候到账", "SL-WY90"),
        ("sl wy90 怎么样", "SL-WY90"),
        ("ＳＬ－ＷＹ９０", "SL-WY90"),
        ("稳盈 180 天收益多少", "SL-WY180"),
        ("穩盈90天能贖回嗎", "SL-WY90"),
        ("稳盈九十天好吗", "SL-WY90"),
        ("90天的稳盈", "SL-WY90"),
        ("稳盈R3那只", "SL-WY180"),
        ("示例理材稳盈90天持有期", "SL-WY90"),
        ("示例理财稳盈90天持有", "SL-WY90"),
        ("沪深300C费率", "990026"),
        ("示范沪深300指数 A 类", "990025"),
        ("大额存单三年利率", "CD-3Y"),
        ("灵动鑫选r3", "LD-R3"),
        ("定期三年利率", "CK-DQ"),
        ("稳赢180天几天到账", "SL-WY180"),
        ("wenying90 qidian", "SL-WY90"),
        ("wy180起购", "SL-WY180"),
        ("dae cundan 3年利率", "CD-3Y"),
        ("存单三年那期利率", "CD-3Y"),
        ("稳盈半年的呢", "SL-WY180"),
        ("沪深三百C费率", "990026"),
        ("不是那个90天的稳盈，是180天的", "SL-WY180"),
        ("沪深300除了A类，另外那类申购费", "990026"),
        ("大额存单我不要三年的，另外一期利率", "CD-1Y"),
        ("不问稳盈，问如意30天", "SF-RY30"),
    ],
)
def test_a_product_is_found_however_it_is_written(question: str, code: str) -> None:
    assert NAMES.resolve(question).code == code


@pytest.mark.parametrize(
    "question",
    [
        "稳盈45天怎么样",
        "沪深300D",
        "大额存单10年",
        "灵动鑫选R5",
        "如意60天",
        "示例理财稳盈91天持有期",
        "代码 880077 是什么产品",
        "wenying45天",
    ],
)
def test_a_near_miss_is_no_product_rather_than_the_nearest(question: str) -> None:
    found = NAMES.resolve(question)
    assert not found.codes
    assert found.unknown


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("稳盈收益怎么样", {"SL-WY90", "SL-WY180"}),
        ("稳盈90天和180天哪个好", {"SL-WY90", "SL-WY180"}),
        ("沪深300C和A有什么区别", {"990025", "990026"}),
        ("大额存单起点多少", {"CD-1Y", "CD-3Y"}),
        ("灵动鑫选", {"LD-R2", "LD-R3"}),
    ],
)
def test_what_the_question_leaves_open_stays_open(question: str, codes: set[str]) -> None:
    found = NAMES.resolve(question)
    assert found.code is None
    assert found.codes == codes


@pytest.mark.parametrize(
    "question",
    [
        "今天天气怎么样",
        "祝您万事如意",
        "沪深两市今天跌了",
        "WMR-99",
        "",
        "SL-WY900",
        "不是说好了吗",
        "我的存单",
        "下载app",
    ],
)
def test_no_product_is_read_into_other_words(question: str) -> None:
    found = NAMES.resolve(question)
    assert not found.codes
    assert not found.unknown
