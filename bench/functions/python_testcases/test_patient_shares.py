from python_programs.patient_shares import patient_shares


def test_the_deductible_is_paid_first():
    assert patient_shares([300, 700], 1000, 20, 5000) == [300, 700]


def test_above_it_a_part_is_paid():
    assert patient_shares([1500, 1000], 1000, 20, 5000) == [1100, 200]


def test_no_more_than_the_limit_of_the_year():
    assert patient_shares([1000, 10_000, 500], 1000, 20, 2500) == [1000, 1500, 0]
