"""Charges for invoices that are paid late."""


def late_fee(amount_cents, days_late, grace_days=5):
    """Return the fee for an invoice, in cents.

    Nothing within the days of grace. After them 50 cents a day, counted from the due day, but at most a tenth of
    the amount, and never less than 200 cents. An invoice below 1000 cents is never charged.
    """
    if amount_cents < 1000 or days_late <= grace_days:
        return 0
    fee = 50 * (days_late - grace_days)
    cap = amount_cents // 10
    return max(200, min(fee, cap))
