"""Scores repository text that reads like instructions to a model: a hint for the person, never a defence.

What protects is that nothing happens without a decision; this only makes sure that a decision on a turn
whose context tried to give orders is taken with care. The signals are cheap, literal and listed here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workbench.core.safe_text import safe_text

MAX_CHARACTERS = 256 * 1024
"""What is looked at of one text; the prompt holds less."""

_SIGNALS = {
    "tells the model to ignore instructions": re.compile(
        r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|all|any|your|system)\b"
        r"[^.\n]{0,30}\b(?:instruction|prompt|rule|direction|message|context|guideline)",
        re.IGNORECASE,
    ),
    "speaks of a system prompt": re.compile(
        r"\b(?:system prompt|system message|developer message|hidden prompt)\b", re.IGNORECASE
    ),
    "addresses an AI assistant": re.compile(
        r"\b(?:AI|LLM|language model|coding|code) (?:assistants?|agents?|models?)\b[^.\n]{0,60}"
        r"\b(?:must|should|shall|please|need to|are required)\b",
        re.IGNORECASE,
    ),
    "asks to keep something from the user": re.compile(
        r"\b(?:do not|don't|never|without) (?:tell|inform|mention|show|alert|notify)\w*\b"
        r"[^.\n]{0,30}\b(?:user|human|reviewer|developer|anyone)",
        re.IGNORECASE,
    ),
    "gives a new role": re.compile(
        r"\b(?:you are now|from now on,? you|act as|pretend to be)\b[^.\n]{0,60}"
        r"\b(?:assistant|agent|admin|root|model|DAN)\b",
        re.IGNORECASE,
    ),
    "holds chat control tokens": re.compile(
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>|\[/?INST\]|<<SYS>>|"
        r"<(?:start|end)_of_turn>|</?(?:system|assistant)>",
        re.IGNORECASE,
    ),
    "pipes a download into a shell": re.compile(
        r"\b(?:curl|wget)\b[^\n|]{0,200}\|\s*(?:sudo\s+)?(?:ba|z)?sh\b"
    ),
    "hides data in an image link": re.compile(
        r"!\[[^\]\n]{0,100}\]\(https?://[^)\s]{1,200}\?[^)\s]+=", re.IGNORECASE
    ),
    "decodes a long base64 text": re.compile(
        r"\b(?:b64decode|base64\s+(?:-d|--decode)|atob)\b[^\n]{0,80}[A-Za-z0-9+/]{80,}"
    ),
}
HIDDEN_LIMIT = 8
"""More hidden characters than a stray mark or two explains."""


@dataclass(frozen=True, slots=True)
class Taint:
    """What in a text looks like orders to the model."""

    reasons: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.reasons)


def taint_of(text: str) -> Taint:
    """Return which signals a text gives; none for ordinary code and prose."""
    looked_at = text[:MAX_CHARACTERS]
    reasons = [reason for reason, pattern in _SIGNALS.items() if pattern.search(looked_at)]
    tags = sum(count for name, count in safe_text(looked_at).findings.items() if _hides(name))
    if tags >= HIDDEN_LIMIT:
        reasons.append(f"hides text in {tags} invisible characters")
    return Taint(tuple(reasons))


def _hides(finding: str) -> bool:
    return not finding.endswith("CONTROL")
