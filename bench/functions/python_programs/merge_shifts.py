"""Joins the shifts of one nurse."""


def merge_shifts(shifts, gap_minutes=0):
    """Return shifts joined where they overlap or are at most `gap_minutes` apart.

    A shift is (start, end) in minutes; the result is sorted by start.
    """
    merged = []
    for start, end in sorted(shifts):
        if merged and start - merged[-1][1] <= gap_minutes:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged
