from python_programs.unmatched_entries import unmatched_entries


def test_each_side_names_what_the_other_lacks():
    assert unmatched_entries({"A1": 10, "A2": 20}, {"A2": 20, "A3": 30}) == (["A1"], ["A3"])


def test_another_amount_is_missing_on_both_sides():
    assert unmatched_entries({"A1": 10}, {"A1": 11}) == (["A1"], ["A1"])


def test_equal_sides_have_nothing_unmatched():
    assert unmatched_entries({"A1": 10}, {"A1": 10}) == ([], [])
