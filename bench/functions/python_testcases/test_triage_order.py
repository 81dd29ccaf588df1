from python_programs.triage_order import triage_order


def test_urgency_comes_before_arrival():
    assert triage_order([("ida", 3, 600), ("jon", 2, 640), ("kim", 3, 590)]) == ["jon", "kim", "ida"]


def test_a_watched_child_counts_one_step_more():
    waiting = [("ida", 3, 600), ("jon", 2, 640), ("kim", 4, 590, True)]
    assert triage_order(waiting) == ["jon", "kim", "ida"]


def test_nobody_is_more_urgent_than_at_once():
    assert triage_order([("ida", 1, 600), ("kim", 1, 610, True)]) == ["ida", "kim"]
