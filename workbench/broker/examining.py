"""Looks for what policy protects (secrets, card numbers, identifiers of persons) before it goes anywhere.

The rules, in order:

1. A file that an agent reads is searched first. What policy says to redact is replaced by placeholders, so
   the agent never holds the value: it parses, packs and edits the text with placeholders, whose offsets are
   its own, and `original` turns the finished text back into the file's bytes, or refuses.
2. Every prompt is searched again before it is sealed and sent, and every value that is held is replaced in
   it, whichever way it got there. What commands printed and what a person typed goes the same way (`view`).
3. Values are held in this process's memory, in one vault for a session, and end with it. The ledger keeps
   rule, offsets and a keyed digest of what was found, never the value.
4. What the program keeps for itself (words for searching) has the values blanked out (`kept`).
5. What a change adds is searched before a person sees it (`added`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from workbench.core.errors import Refused
from workbench.core.records import FileContent, Json, sha256
from workbench.policy import Policy
from workbench.policy.detection import (
    ForgedPlaceholder,
    Judgement,
    Material,
    Ruling,
    Scan,
    SessionKey,
    UnknownPlaceholder,
    Vault,
    decide,
    escaped,
    holds_placeholder,
    ledger_rows,
    material_of,
    scan,
)

if TYPE_CHECKING:
    from workbench.model import GenerationRequest

MAX_ROWS = 100
"""Findings listed in one ledger row; the rest is counted. A body holds at most 64 KiB."""

_CLASSES = {"secret": "secrets", "pan": "pan", "phi": "phi"}
"""The detector's classes, and what policy calls them."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in one text, and what policy makes of it."""

    judgement: Judgement
    row: dict[str, Json]
    """For the ledger; holds no value."""

    @property
    def found(self) -> bool:
        """Whether there is anything to record."""
        return self.judgement.ruling is not Ruling.ALLOW

    @property
    def stopped(self) -> bool:
        """Whether the text may not go on, not even with placeholders."""
        ruling = self.judgement.ruling
        return ruling is Ruling.BLOCK or (ruling is Ruling.REDACT and not self.judgement.redactable)

    def refusal(self, what: str) -> Refused:
        """Return the error that says why a text was stopped."""
        return Refused(
            f"{what} is not shown to the model: {self.judgement.reasons[0]}",
            "`workbench policy show` lists the [detect] rules; take the value out, or do it by hand.",
        )

    def told(self, what: str) -> str:
        """Return what a person is told of a text that goes on; empty where nothing was found."""
        if not self.found:
            return ""
        held = "; ".join(reason.rstrip(".") for reason in self.judgement.reasons[:3])
        replaced = self.judgement.ruling is Ruling.REDACT
        then = "The model sees a placeholder in its place." if replaced else "It goes to the model as it is."
        return f"{what} holds {held}. {then}"


@dataclass(frozen=True, slots=True)
class View:
    """A text as an agent may see it, and what was found on the way."""

    data: bytes = field(repr=False)
    """Empty where the text was stopped."""
    examined: Examined


@dataclass(frozen=True, slots=True)
class Original:
    """A change to a file whose values were replaced, with the values put back on both sides."""

    before: bytes = field(repr=False)
    """The file as it is on disk."""
    after: bytes = field(repr=False)
    kept: int
    """How many protected values stand in it, unseen by the model."""


class Examiner:
    """Examines texts for one session, and holds the values it took out of them."""

    def __init__(self) -> None:
        """Make the keys under which this session's findings become digests and placeholders."""
        self._key = SessionKey()
        self._vault = Vault()
        self._encodings: dict[str, str] = {}

    def file(self, policy: Policy, content: FileContent) -> tuple[FileContent, Examined]:
        """Return a file of the worktree as an agent may see it; the same where nothing is to be hidden.

        Raises:
            ForgedPlaceholder: The file holds protected values, and text in the form of placeholders.
        """
        path, data = content.path, content.data
        found = scan(data, material_of(path))
        examined = self._examined(policy, path, data, found)
        if examined.stopped:
            return replace(content, data=b""), examined
        findings = examined.judgement.redactions
        if not findings and not self._vault.recalls(data, found.encoding):
            return content, examined
        redacted = self._vault.redact(path, data, found, findings)
        self._encodings[path] = found.encoding
        shown = replace(
            content, data=redacted.data, disk_sha256=content.sha256, replacements=redacted.replacements
        )
        return shown, replace(examined, row={**examined.row, "replaced": redacted.replaced})

    def kept(self, policy: Policy, content: FileContent) -> tuple[FileContent, Examined]:
        """Return a file as the program itself may keep its words: what is to be hidden is blanked."""
        found = scan(content.data, material_of(content.path))
        examined = self._examined(policy, content.path, content.data, found)
        if examined.stopped:
            return replace(content, data=b""), examined
        blank = self._vault.blanked(content.data, found, examined.judgement.redactions)
        return replace(content, data=blank, disk_sha256=content.sha256), examined

    def original(self, content: FileContent, after: bytes) -> Original:
        """Return the two sides of a change with the values put back that their placeholders stand for.

        Args:
            content: The file as `file` returned it.
            after: The whole new text of the file, as the agent has it.

        Raises:
            VaultError: `after` invents, changes, moves, drops or repeats a placeholder.
            Refused: The file has been read again since, and was different.
        """
        path, encoding = content.path, self._encodings.get(content.path, "utf-8")
        changed = self._vault.restore(path, shown=content.data, answer=after, encoding=encoding)
        if not content.replacements:
            return Original(content.data, changed.data, 0)
        before = self._vault.restore(path, shown=content.data, answer=content.data, encoding=encoding).data
        if sha256(before) != content.sha256:
            raise UnknownPlaceholder(
                f"The protected values of {path} are no longer those that were read.", "Run the task again."
            )
        return Original(before, changed.data, changed.restored)

    def view(self, policy: Policy, data: bytes, *, path: str | None = None) -> View:
        """Return a text that is never written back (what a command printed, what a person typed).

        Its values are replaced for good, and what only looks like a placeholder is broken up.

        Args:
            path: The file of the worktree it is about, where there is one: its labels count.
        """
        found = scan(data, Material.DATA)
        examined = self._examined(policy, path, data, found)
        if examined.stopped:
            return View(b"", examined)
        if holds_placeholder(data, found.encoding):
            data = escaped(data.decode(found.encoding, "replace")).encode(found.encoding, "replace")
            found = scan(data, Material.DATA)
            examined = self._examined(policy, path, data, found)
        return View(self._vault.cover(data, found, examined.judgement.redactions), examined)

    def task(self, policy: Policy, text: str) -> View:
        """Return a person's words as the model may see them.

        Raises:
            ForgedPlaceholder: They hold text in the form of a placeholder.
        """
        data = text.encode("utf-8", "surrogatepass")
        if holds_placeholder(data):
            raise ForgedPlaceholder(
                "The task holds text in the form of Workbench's placeholders.",
                "Say it in other words: what a placeholder stands for stays where it is by itself.",
            )
        return self.view(policy, data)

    def prompt(self, policy: Policy, request: GenerationRequest) -> tuple[GenerationRequest, Examined]:
        """Return a request as it may be sealed and sent; files in it were examined as what they are.

        Raises:
            Refused: A value that is held stands where it cannot be replaced.
        """
        texts = [self._vault.covered(message.text) for message in request.messages]
        examined = self._examined_prompt(policy, texts)
        for fixed in (request.answer_prefix, request.grammar):
            if self._vault.covered(fixed) != fixed:
                raise Refused(
                    "A protected value stands in what the model's answer is held to.", "Nothing was sent."
                )
        if examined.judgement.ruling is Ruling.REDACT:
            texts = [self._hidden(policy, text) for text in texts]
            left = self._examined_prompt(policy, texts)
            if left.judgement.redactions:
                raise left.refusal("The prompt")
        messages = tuple(
            replace(message, text=text) for message, text in zip(request.messages, texts, strict=True)
        )
        return replace(request, messages=messages), examined

    def _examined_prompt(self, policy: Policy, texts: Sequence[str]) -> Examined:
        data = "\n".join(texts).encode("utf-8", "surrogatepass")
        found = self._vault.outside(data, scan(data, Material.CODE))
        return self._examined(policy, None, data, found)

    def _hidden(self, policy: Policy, text: str) -> str:
        data = text.encode("utf-8", "surrogatepass")
        found = scan(data, Material.CODE)
        chosen = decide(found, _actions(policy, None)).redactions
        return self._vault.cover(data, found, chosen).decode("utf-8", "surrogatepass")

    def covered(self, text: str) -> str:
        """Return `text` with every value that is held replaced by its placeholder."""
        return self._vault.covered(text)

    def added(
        self, policy: Policy, path: str, before: bytes, after: bytes, classes: frozenset[str]
    ) -> Judgement:
        """Return what policy makes of the findings of some classes that a change adds."""
        material = material_of(path)
        old = {
            self._digest(each.rule_id, before[each.start : each.end])
            for each in scan(before, material).findings
        }
        fresh = scan(after, material)
        new = tuple(
            finding
            for finding in fresh.findings
            if finding.klass.value in classes
            and self._digest(finding.rule_id, after[finding.start : finding.end]) not in old
        )
        return decide(replace(fresh, findings=new, gaps=()), _actions(policy, path), policy.labels(path))

    def close(self) -> None:
        """Destroy the keys, and overwrite the values that were taken out."""
        self._key.wipe()
        self._vault.close()

    def _digest(self, rule_id: str, value: bytes) -> str:
        return self._key.digest(rule_id, value)

    def _examined(self, policy: Policy, path: str | None, data: bytes, found: Scan) -> Examined:
        labels = policy.labels(path) if path is not None else frozenset[str]()
        judgement = decide(found, _actions(policy, path), labels)
        rows = ledger_rows(found.findings[:MAX_ROWS], data, self._key)
        row: dict[str, Json] = {
            "ruling": judgement.ruling.value,
            "reasons": [*judgement.reasons[:10]],
            "count": len(found.findings),
            "findings": rows,
        }
        return Examined(judgement, row)


def _actions(policy: Policy, path: str | None) -> Mapping[str, str]:
    handling = policy.handling(path)
    return {klass: handling[name].action.value for klass, name in _CLASSES.items()}
