"""Compares a ledger with a bank statement."""


def unmatched_entries(ledger, statement):
    """Return what stands on one side only: (missing in the bank, missing in the ledger), each sorted.

    Both map a reference to an amount. A reference on both sides with different amounts is missing on both.
    """
    missing_in_bank = []
    missing_in_ledger = []
    for reference, amount in ledger.items():
        if statement.get(reference) != amount:
            missing_in_bank.append(reference)
    for reference, amount in statement.items():
        if statement.get(reference) != amount:
            missing_in_ledger.append(reference)
    return sorted(missing_in_bank), sorted(missing_in_ledger)
