"""Makes the proposals that a person has part in: an edited one, and the one that takes an approval back.

Both are new proposals with digests of their own, go through the same checks as the agent's, and wait for a
decision like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.broker import NewContent
from workbench.checks import Draft, risk_of, run_checks
from workbench.core.clock import utc_now
from workbench.core.errors import Refused, UsageError
from workbench.core.ids import short, uuid7
from workbench.core.records import CheckVerdict, Effect, Proposal, Risk, sha256
from workbench.core.safe_text import one_line
from workbench.review import Decided
from workbench.session.opening import Parts

MAX_EDITED_BYTES = 16 << 20
"""What a person writes is shown hunk by hunk; larger files are edited outside and proposed anew."""


def rollback_of(parts: Parts, decided: Decided, back: Sequence[NewContent], reason: str) -> Proposal:
    """Return the proposal that takes an approval back.

    Args:
        parts: The open session.
        decided: The approval.
        back: The change that takes it back.
        reason: The person's words.
    """
    original = parts.queue.get(decided.decision.proposal_id).proposal
    made = replace(
        original,
        id=uuid7(),
        created=utc_now(),
        author=parts.person,
        task=f"Roll back {short(decided.decision.id)}: {original.task}",
        justification=reason,
        changes=tuple(content.change for content in back),
        spans=(),
        inferences=(),
        policy_sha256=parts.policy.sha256,
        attempts=1,
        amends="",
        amended_by="",
        rolls_back=decided.decision.id,
    )
    return _checked(parts, made, back)


def amendment_of(
    parts: Parts, original: Proposal, edited: Mapping[str, bytes]
) -> tuple[Proposal, list[bytes]]:
    """Return what a person made of a proposal, and the bytes it stands for.

    Args:
        parts: The open session.
        original: The proposal that was edited.
        edited: What files are to hold, by path; an empty path means the first that is not deleted.

    Raises:
        UsageError: It has no such file, nothing was changed, or nothing is left of the change.
        Refused: A file is too large.
    """
    written = [change.path for change in original.changes if change.after_sha256 is not None]
    texts = {path or written[0]: data for path, data in edited.items()} if written else {}
    if not texts or not texts.keys() <= set(written):
        raise UsageError("The proposal writes no such file.", "`workbench queue show ID` names its files.")
    contents = []
    for change in original.changes:
        if change.after_sha256 is None:
            contents.append(NewContent(change, b""))
            continue
        after = texts.get(change.path)
        if after is None:
            contents.append(NewContent(change, parts.queue.content(change.after_sha256)))
            continue
        if len(after) > MAX_EDITED_BYTES:
            raise Refused(f"{one_line(change.path)} is larger than can be reviewed.", "Nothing was changed.")
        now = replace(change, after_sha256=sha256(after))
        if now.kind != "mode" or now.mode_before is not None:
            contents.append(NewContent(now, after))
    changes = tuple(content.change for content in contents)
    if changes == original.changes:
        raise UsageError("You changed nothing.", "The item waits as it was.")
    if not changes:
        raise UsageError("Nothing is left of the change.", "Reject the item instead.")
    made = replace(
        original,
        id=uuid7(),
        created=utc_now(),
        changes=changes,
        justification=f"Edited by {parts.person.name}: {original.justification}",
        policy_sha256=parts.policy.sha256,
        amends=original.id,
        amended_by=parts.person.id,
    )
    return _checked(parts, made, contents), [content.after for content in contents]


def _checked(parts: Parts, proposal: Proposal, contents: Sequence[NewContent]) -> Proposal:
    """Put a person's change through the checks; what fails is shown, and makes it high risk."""
    drafts = [_draft(parts, content, proposal.task) for content in contents]
    results = run_checks(drafts, parts.broker, actor=parts.person)
    failed = any(result.verdict is CheckVerdict.FAIL for result in results)
    risk = Risk.HIGH if failed else risk_of(drafts, results, parts.broker)
    return replace(proposal, checks=results, risk=risk)


def _draft(parts: Parts, content: NewContent, task: str) -> Draft:
    change = content.change
    verdict = parts.policy.edit(change.path)
    if verdict.effect is Effect.DENY:
        path = one_line(change.path)
        raise Refused(
            f"Policy does not let {path} be changed: {verdict.rule.name}.",
            f"`workbench policy explain {path}` shows the rule.",
        )
    before = parts.desk.content(change.renamed_from or change.path)
    gone = change.after_sha256 is None
    return Draft(change.path, before, content.after, None, task, mode=change.mode, deleted=gone)
