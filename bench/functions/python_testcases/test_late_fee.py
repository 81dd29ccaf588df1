from python_programs.late_fee import late_fee


def test_within_grace_nothing_is_due():
    assert late_fee(20_000, 0) == late_fee(20_000, 5) == 0


def test_days_count_from_the_due_day():
    assert late_fee(20_000, 6) == 300
    assert late_fee(20_000, 20) == 1000


def test_the_fee_has_a_cap_and_a_floor():
    assert late_fee(5_000, 90) == 500
    assert late_fee(1_500, 90) == 200


def test_small_invoices_are_spared():
    assert late_fee(999, 90) == 0
