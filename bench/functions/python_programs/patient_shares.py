"""Computes what an insured patient pays."""


def patient_shares(charges, deductible, rate_percent, yearly_limit):
    """Return what the patient pays of each charge of a year, in cents.

    Until the deductible is used up the patient pays all, then `rate_percent` of what is above it, rounded down. What
    a patient pays in a year is never more than `yearly_limit`.
    """
    shares = []
    paid = 0
    for charge in charges:
        own = min(charge, deductible)
        deductible -= own
        share = own + charge * rate_percent // 100
        share = min(share, yearly_limit - paid)
        paid += share
        shares.append(share)
    return shares
