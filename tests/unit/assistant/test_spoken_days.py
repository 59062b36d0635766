from datetime import date

import pytest

from assistant.spoken_days import Days, spoken_days

TUESDAY = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("words", "since", "until"),
    [
        ("上个月的利率", date(2026, 2, 1), date(2026, 3, 1)),
        ("下个月有没有新的一期", date(2026, 4, 1), date(2026, 5, 1)),
        ("去年12月买的", date(2025, 12, 1), date(2026, 1, 1)),
        ("今年三月的业绩", date(2026, 3, 1), date(2026, 4, 1)),
        ("2025年9月1日以后", date(2025, 9, 1), date(2025, 9, 2)),
        ("去年的利率是多少", date(2025, 1, 1), date(2026, 1, 1)),
        ("下周五能到账吗", date(2026, 4, 10), date(2026, 4, 11)),
        ("上周的净值", date(2026, 3, 23), date(2026, 3, 30)),
        ("前天转的钱", date(2026, 3, 29), date(2026, 3, 30)),
        ("到年底还有多少额度", date(2026, 3, 31), date(2027, 1, 1)),
    ],
)
def test_days_are_counted_from_the_day_on_which_they_are_said(words: str, since: date, until: date) -> None:
    assert spoken_days(words, on=TUESDAY) == Days(since, until)


@pytest.mark.parametrize("words", ["存三个月多少利息", "稳盈90天", "三年期大额存单", "最近怎么样", "13月40日", ""])
def test_a_length_of_time_names_no_day(words: str) -> None:
    assert spoken_days(words, on=TUESDAY) is None
