"""Plans when a failed transfer is tried again."""


def retry_delays(attempts, base_seconds, longest):
    """Return the waits before each new attempt, in seconds.

    There are `attempts` attempts in all, so one wait less. The first wait is `base_seconds`, each later one twice
    the one before, and none is longer than `longest`.
    """
    if attempts < 1:
        raise ValueError("at least one attempt is made")
    delays = []
    delay = base_seconds
    for _ in range(attempts):
        delays.append(max(delay, longest))
        delay *= 2
    return delays
