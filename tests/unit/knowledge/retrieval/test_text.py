from hypothesis import given
from hypothesis import strategies as st

from knowledge.retrieval.text import fold, informative_terms, question_terms, tokens


def test_traditional_full_width_and_look_alike_writing_fold_to_one_form() -> None:
    assert fold("這款產品贖回要收費嗎？ＡＢＣ１２") == fold("这款产品赎回要收费吗?abc12")
    assert fold("⻛险等级⼾口") == "风险等级户口"
    assert fold("帳單與賬戶") == "账单与账户"


def test_chinese_gives_characters_and_neighbouring_pairs() -> None:
    assert sorted(tokens("能赎回")) == sorted(["能", "赎", "回", "能赎", "赎回"])


def test_pairs_do_not_reach_across_punctuation() -> None:
    assert "回吗" in tokens("赎回吗")
    assert "回吗" not in tokens("赎回，吗")


def test_figures_stay_whole_and_carry_their_unit() -> None:
    found = tokens("稳盈90天，年化1.45%，起点10,000元")
    assert {"90", "90天", "1.45%", "10000", "10000元"} <= set(found)
    assert "9" not in found


def test_codes_are_found_whole_and_in_parts() -> None:
    assert {"sl-wy90", "sl", "wy", "90"} <= set(tokens("SL-WY90"))
    assert {"a", "a类"} <= set(tokens("A类份额"))


@given(st.text())
def test_no_term_holds_white_space_or_is_empty(text: str) -> None:
    assert all(term and not any(map(str.isspace, term)) for term in tokens(text))


@given(st.text())
def test_folding_twice_changes_nothing_that_matters(text: str) -> None:
    assert tokens(fold(text)) == tokens(text)


def test_grammar_weighs_less_than_subject() -> None:
    weights = question_terms("可以赎回吗", at_most=100)
    assert weights["可以"] < weights["赎回"]


def test_a_pasted_page_keeps_pairs_and_figures_before_single_characters() -> None:
    weights = question_terms("赎回费率一点四五九十天到账时间", at_most=5)
    assert len(weights) == 5
    assert all(len(term) > 1 for term in weights)


def test_idle_words_carry_no_subject() -> None:
    assert informative_terms("请问这个怎么赎回呢") == {"赎回"}
