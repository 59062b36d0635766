import pytest

from knowledge.retrieval.pinyin import Spelling, initials, spelled
from knowledge.retrieval.synonyms import corrected, other_words, searched_terms
from knowledge.retrieval.text import question_terms


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("力息怎么算", "利息怎么算"),
        ("起够金额", "起购金额"),
        ("书回要几天", "赎回要几天"),
        ("lilv duoshao", "利率 多少"),
        ("180tian", "180天"),
    ],
)
def test_a_slip_and_pinyin_become_the_word_that_sounds_so(typed: str, meant: str) -> None:
    assert corrected(typed) == meant


@pytest.mark.parametrize("said", ["我想问下你们", "起立鼓掌", "open the app", "sl-wy90", "上线时间", ""])
def test_what_is_a_word_itself_stays(said: str) -> None:
    assert corrected(said) == said


def test_a_thing_is_searched_for_by_its_other_names_too_which_weigh_less() -> None:
    assert "赎回" in other_words("怎么取出来")
    own, all_terms = question_terms("怎么取出来", at_most=400), searched_terms("怎么取出来", at_most=400)
    assert own.items() <= all_terms.items()
    assert 0 < all_terms["赎回"] < own["取出"]


def test_a_question_keeps_its_limit_of_terms() -> None:
    assert len(searched_terms("赎回到账手续费利息存款贷款", at_most=20)) <= 20


def test_letters_are_cut_into_syllables_only_when_all_of_them_are_pinyin() -> None:
    assert spelled("wenying") == ("wen", "ying")
    assert spelled("jicunjin") == ("ji", "cun", "jin")
    assert spelled("etf") == ()
    assert initials("稳盈90") == "wy90"


def test_a_figure_is_not_cut_out_of_a_longer_one() -> None:
    spelling = Spelling(["稳盈90"])
    assert spelling.corrected("wenying90怎么样") == "稳盈90怎么样"
    assert spelling.corrected("wenying900怎么样") == "wenying900怎么样"
