"""Checks what a change is a change of: its target, its base, its scope and its size."""

from __future__ import annotations

from workbench.broker import Broker
from workbench.checks.draft import Draft
from workbench.checks.found import FAIL, PASS, SKIPPED, Found, Work, listed
from workbench.core.errors import Refused, WorkbenchError
from workbench.core.records import Effect, sha256
from workbench.core.safe_text import one_line
from workbench.review.diff import hunks


def target(draft: Draft, _broker: Broker) -> Found:
    """Say whether there is a change, and of what it was asked for."""
    if draft.deleted:
        return (PASS, "the file goes") if draft.before is not None else (FAIL, "there is no file to delete")
    if draft.before == draft.after:
        return FAIL, "nothing changes"
    if draft.target is None:
        return PASS, "the whole file" if draft.before is not None else "a new file"
    names = [symbol.qualified for symbol in draft.symbols_after]
    if draft.target.qualified in names:
        return PASS, f"{draft.target.kind} {draft.target.qualified}"
    return FAIL, f"{draft.target.qualified} is gone after the change"


def base(work: Work) -> Found:
    """Say whether the files on disk are still those that the change starts from."""
    moved, unread = [], []
    for draft in work.drafts:
        expected = None if draft.before is None else sha256(draft.before)
        try:
            if work.broker.digest_on_disk(draft.path, actor=work.actor) != expected:
                moved.append(one_line(draft.path))
        except Refused:
            unread.append(one_line(draft.path))
        except WorkbenchError as error:
            return FAIL, error.cause
    if moved:
        return FAIL, f"changed on disk since it was read: {listed(moved)}"
    if unread:
        return SKIPPED, f"may not be read again now; compared when it is approved: {listed(unread)}"
    return PASS, f"as read: {len(work.drafts)} of {len(work.drafts)} files"


def scope(draft: Draft, broker: Broker) -> Found:
    """Say whether policy lets the file be edited, and whether nothing outside the target changes."""
    verdict = broker.policy.edit(draft.path)
    if verdict.effect is Effect.DENY:
        return FAIL, f"policy does not let {one_line(draft.path)} be edited: {verdict.rule.name}"
    wanted = draft.target
    if wanted is not None and draft.before is not None and not draft.deleted:
        places = [each for each in draft.symbols_after if each.start == wanted.start]
        tails = [draft.after[each.end :] for each in places if each.qualified == wanted.qualified]
        kept = draft.after[: wanted.start] == draft.before[: wanted.start]
        if not kept or draft.before[wanted.end :] not in tails:
            return FAIL, f"something outside {wanted.qualified} changes"
    return PASS, verdict.rule.name


def budget(work: Work) -> Found:
    """Say whether the change is within the files and lines that policy allows: lines added and removed."""
    settings = work.broker.policy.settings
    found = [
        hunk for draft in work.drafts for hunk in hunks(draft.before or b"", draft.after, work.broker.diff)
    ]
    added, removed = sum(hunk.added for hunk in found), sum(hunk.removed for hunk in found)
    lines, files = settings.lines_per_proposal, settings.files_per_proposal
    if added + removed > lines:
        return FAIL, f"+{added} -{removed} lines, policy allows {lines}"
    if len(work.drafts) > files:
        return FAIL, f"{len(work.drafts)} files, policy allows {files}"
    return PASS, f"+{added} -{removed} of {lines} lines, {len(work.drafts)} of {files} files"
