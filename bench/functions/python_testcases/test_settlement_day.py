from datetime import date

from python_programs.settlement_day import settlement_day


def test_a_weekend_lies_between():
    assert settlement_day(date(2026, 11, 26), 2, set()) == date(2026, 11, 30)


def test_a_holiday_lies_between():
    assert settlement_day(date(2026, 12, 23), 2, {date(2026, 12, 25)}) == date(2026, 12, 28)


def test_booked_on_a_sunday():
    assert settlement_day(date(2026, 11, 29), 1, set()) == date(2026, 12, 1)


def test_the_same_day():
    assert settlement_day(date(2026, 11, 26), 0, set()) == date(2026, 11, 26)
