"""Applies a payment to open invoices."""


def allocate_payment(invoices, amount):
    """Return how much of a payment goes to which invoice, and what is left over.

    `invoices` are (number, due, open_cents). The one that is due first is paid first, in full if the payment
    suffices; invoices that get nothing are not in the result.
    """
    paid = {}
    for number, _, open_cents in sorted(invoices, key=lambda invoice: invoice[1]):
        if amount == 0:
            break
        part = min(open_cents, amount)
        if part > 0:
            paid[number] = part
    return paid, amount
