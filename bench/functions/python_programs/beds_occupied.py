"""Counts occupied beds."""


def beds_occupied(stays, first_day, last_day):
    """Return the number of occupied beds for each day from `first_day` to `last_day`, both included.

    A stay is (admitted, discharged) in days; a bed is free again on the day of discharge, and `discharged` is None
    while the patient is still there.
    """
    counts = []
    for day in range(first_day, last_day + 1):
        occupied = 0
        for admitted, discharged in stays:
            if admitted <= day and (discharged is None or day <= discharged):
                occupied += 1
        counts.append(occupied)
    return counts
