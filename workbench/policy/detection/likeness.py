"""Tells a real credential from a placeholder, an identifier or an example, by the value alone.

Entropy by itself does not: `getElementById` and `correct-horse` have as much of it as a short password. What
does is how the characters are ordered. In names, letters come in runs of one case (`get`, `Element`, `By`,
`Id`); in random text the average run is shorter than two characters.
"""

from __future__ import annotations

import math
import re
from collections import Counter

_PLACEHOLDER = re.compile(
    rb"example|placeholder|change[-_ ]?me|replace[-_ ]?(?:me|this|with)|your|dummy|redacted|removed"
    rb"|insert|secret_here|_here\b"
    rb"|here$|sample|xxxx|(?:-|^)xxx(?:-|$)|\*{3}|\.{3}|#{4}|aaaaa|00000000|fixme|todo|foobar|lorem"
    rb"|undefined|unknown"
    rb"|my[-_]?(?:secret|password|passwd|token|key)|not[-_]?a[-_]?(?:real|secret)|null\b|n/a"
    rb"|^(?:pass(?:word|wd|phrase)?|secret|token|test(?:ing|er|test)?|user(?:name)?|admin|root|none"
    rb"|true|false|default"
    rb"|string|required|optional|basic|bearer|abc123|[a-z]?_?pass(?:word)?\d?|credential|hunter)$"
)
"""Lower-case texts that stand where a value should be put."""
_TOKEN_PLACEHOLDER = re.compile(
    rb"example|placeholder|change[-_]?me|your[-_]|dummy|redacted|xxxx|\*{4}|#{4}|\.{3}|aaaaaa|000000000"
    rb"|abcdefgh|<|\$\{|\{\{"
    rb"|here$|random|token(?:here)?$"
)
_CODE = re.compile(
    rb"[${}<>()\[\]|\\]|%[(sd{]|%\w{2,40}%|^[@&:/~!?#=+.,*%-]|://|\b(?:os|env|process|self|this|config"
    rb"|settings|args|options|params"
    rb"|request|req|system|secrets|vars|var|data|local|each|module|context|ctx|props|state|store)\.|\s"
    rb"|::|->|=>"
)
"""Marks of an expression, a template or a path where a literal should be."""
_DOTTED = re.compile(rb"^[A-Za-z_][\w-]*+(?:\.[A-Za-z_][\w-]*+)++$")
_FILE = re.compile(
    rb"\.(?:pem|key|crt|cer|json|ya?ml|txt|py|js|ts|go|rb|java|html?|xml|com|org|net|io|p12|jks|cfg"
    rb"|conf|ini|png|svg|jpg)$"
)
_RUN = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^A-Za-z0-9]+")
_NUMBER = re.compile(rb"[0-9]+")
_VERSION = re.compile(rb"^v?\d+(?:\.\d+)+|^\d{4}-\d\d-\d\d|SNAPSHOT", re.IGNORECASE)
_SEQUENCE = b"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"
_ALPHABET = re.compile(rb"abcdefghijk|0123456789abc|qwertyuiop|bcdfghjklm|23456789a")


def entropy(value: bytes) -> float:
    """Return the Shannon entropy of `value`, in bits for each byte."""
    size = len(value)
    return -sum(count / size * math.log2(count / size) for count in Counter(value).values()) if size else 0.0


def lively(value: bytes) -> bool:
    """Say whether a value with a vendor's prefix looks issued, not written as an example.

    Only what no issued token holds is turned away: few distinct characters, or the words of a placeholder.
    """
    return len(set(value)) >= 9 and entropy(value) > 2.8 and not _TOKEN_PLACEHOLDER.search(value.lower())


def random_looking(value: bytes) -> bool:
    """Say whether `value` has the look of a generated key: no words, mixed characters, enough entropy."""
    if len(value) < 10 or not re.search(rb"[0-9]", value) or not re.search(rb"[A-Za-z]", value):
        return False
    folded = value.lower()
    if (
        _PLACEHOLDER.search(folded)
        or _ALPHABET.search(folded)
        or _CODE.search(value)
        or _VERSION.search(value)
    ):
        return False
    if _DOTTED.search(value) and average_run(value) > 2.2:
        return False
    if _FILE.search(folded):
        return False
    # Letters of one case make longer runs by chance; digits in many places of one long word are no name.
    scattered = value.isalnum() and len(value) >= 24 and len(_NUMBER.findall(value)) >= 4
    return average_run(value) < (4.2 if scattered else 2.9) and entropy(value) >= 2.9


def password_like(value: bytes) -> bool:
    """Say whether `value` can be somebody's password: more than one kind of character, no placeholder."""
    if not 6 <= len(value) <= 128 or entropy(value) < 2.3:
        return False
    folded = value.lower()
    if _PLACEHOLDER.search(folded) or _CODE.search(value) or _DOTTED.search(value) or _FILE.search(folded):
        return False
    letters = re.search(rb"[A-Za-z]", value) is not None
    others = re.search(rb"[0-9!@#%^&*?+=~;$]", value) is not None
    return letters and others


def average_run(value: bytes) -> float:
    """Return the mean length of runs of one kind of character: above 3 for words, below 2 for random "
    "text."""
    runs = _RUN.findall(value)
    return len(value) / len(runs) if runs else 0.0
