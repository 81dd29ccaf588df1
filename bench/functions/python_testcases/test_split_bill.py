import pytest
from python_programs.split_bill import split_bill


def test_odd_cents_fall_to_the_first():
    assert split_bill(1000, ["ana", "ben", "cleo"]) == {"ana": 334, "ben": 333, "cleo": 333}
    assert split_bill(1001, ["ana", "ben", "cleo"]) == {"ana": 334, "ben": 334, "cleo": 333}


def test_an_even_bill_is_shared_evenly():
    assert split_bill(900, ["ana", "ben", "cleo"]) == {"ana": 300, "ben": 300, "cleo": 300}


def test_somebody_has_to_pay():
    with pytest.raises(ValueError):
        split_bill(900, [])
