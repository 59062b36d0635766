from knowledge.retrieval.confidence import coverage
from tests.unit.knowledge.retrieval.passages import passage


def frequency(term: str) -> int:
    return 2


def test_a_passage_that_says_it_in_other_words_covers_the_question() -> None:
    other_words = passage("a", "未到期可以提前支取，按活期计息", title="提前支取")
    foreign = passage("b", "信用卡年费按年收取", title="年费")
    said = coverage("定期急用钱", [other_words], frequency, 100)
    assert said > coverage("定期急用钱", [foreign], frequency, 100)


def test_a_slip_covers_as_the_word_that_is_meant() -> None:
    told = passage("a", "利息按日计算", title="利息")
    assert coverage("力息", [told], frequency, 100) == coverage("利息", [told], frequency, 100) == 1.0
