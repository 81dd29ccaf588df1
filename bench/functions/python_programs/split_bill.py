"""Shares a bill among payers."""


def split_bill(total_cents, payers):
    """Return what each payer owes, in cents.

    The shares differ by one cent at most, add up to the total, and those who are named first pay the odd cents.
    """
    if not payers:
        raise ValueError("a bill needs at least one payer")
    share, odd = divmod(total_cents, len(payers))
    owed = {}
    for position, payer in enumerate(payers):
        owed[payer] = share + (1 if position <= odd else 0)
    return owed
