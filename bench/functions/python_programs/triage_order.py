"""Orders the waiting room of an emergency department."""


def triage_order(patients):
    """Return the names of the patients in the order in which they are seen.

    Each patient is (name, urgency, arrived): urgency from 1 (at once) to 5, arrived in minutes of the day. The more
    urgent come first, and of equally urgent ones those who arrived earlier. Children under observation are marked
    with a fourth item, True, and count as one step more urgent, but never as more than 1.
    """
    keyed = []
    for patient in patients:
        name, urgency, arrived = patient[:3]
        if len(patient) > 3 and patient[3]:
            urgency = min(1, urgency - 1)
        keyed.append((urgency, arrived, name))
    return [name for _, _, name in sorted(keyed)]
