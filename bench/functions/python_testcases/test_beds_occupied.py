from python_programs.beds_occupied import beds_occupied


def test_a_bed_is_free_on_the_day_of_discharge():
    assert beds_occupied([(2, 4)], 1, 5) == [0, 1, 1, 0, 0]


def test_who_is_still_there_counts_to_the_end():
    assert beds_occupied([(3, None), (1, 3)], 1, 4) == [1, 1, 1, 1]


def test_days_without_anybody():
    assert beds_occupied([], 7, 8) == [0, 0]
