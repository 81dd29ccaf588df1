"""Says when a payment is settled."""

from datetime import timedelta


def settlement_day(booked, lag, holidays):
    """Return the day on which a payment booked on `booked` is settled.

    That is `lag` banking days later; Saturdays, Sundays and `holidays` are none. A payment booked on a day that is
    none counts as booked on the next banking day.
    """

    def is_open(day):
        return day.weekday() < 5 or day not in holidays

    day = booked
    while not is_open(day):
        day += timedelta(days=1)
    while lag > 0:
        day += timedelta(days=1)
        if is_open(day):
            lag -= 1
    return day
