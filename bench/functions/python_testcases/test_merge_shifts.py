from python_programs.merge_shifts import merge_shifts


def test_overlapping_shifts_become_one():
    assert merge_shifts([(480, 720), (700, 900)]) == [(480, 900)]


def test_a_shift_within_another_adds_nothing():
    assert merge_shifts([(480, 960), (540, 600), (1000, 1100)]) == [(480, 960), (1000, 1100)]


def test_a_short_gap_is_bridged_when_asked_for():
    assert merge_shifts([(480, 720), (735, 900)]) == [(480, 720), (735, 900)]
    assert merge_shifts([(480, 720), (735, 900)], gap_minutes=15) == [(480, 900)]
