import pytest
from python_programs.retry_delays import retry_delays


def test_each_wait_is_twice_the_one_before():
    assert retry_delays(4, 5, 600) == [5, 10, 20]


def test_no_wait_is_longer_than_allowed():
    assert retry_delays(5, 30, 100) == [30, 60, 100, 100]


def test_one_attempt_never_waits():
    assert retry_delays(1, 5, 600) == []
    with pytest.raises(ValueError):
        retry_delays(0, 5, 600)
