"""Ships the second verifier: `verify.py`, one file that an auditor carries away and runs without us."""

from pathlib import Path


def second_verifier() -> bytes:
    """Return the file's bytes."""
    return Path(__file__).with_name("verify.py").read_bytes()
