from python_programs.allocate_payment import allocate_payment

OPEN = [("R3", "2026-03-01", 500), ("R1", "2026-01-01", 300), ("R2", "2026-02-01", 400)]


def test_the_oldest_is_paid_first():
    assert allocate_payment(OPEN, 350) == ({"R1": 300, "R2": 50}, 0)


def test_what_is_too_much_is_left_over():
    assert allocate_payment(OPEN, 1500) == ({"R1": 300, "R2": 400, "R3": 500}, 300)


def test_nothing_comes_from_nothing():
    assert allocate_payment(OPEN, 0) == ({}, 0)
    assert allocate_payment([], 80) == ({}, 80)
