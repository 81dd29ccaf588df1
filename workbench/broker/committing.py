"""Commits what was approved and written: one commit for one decision, on record, with what was left undone.

Hooks are programs, so they do not run; the keys that sign, and the agent that holds them, lie outside the
seal, so the commit is not signed. Neither is passed over: the ledger names the hooks that did not run and
says why there is no signature, and so does the line that the person reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from workbench.core.errors import WorkbenchError
from workbench.core.ids import short
from workbench.core.records import Decision, Json, Principal, Proposal
from workbench.core.safe_text import one_line
from workbench.repo import After, Git, Person

TASK_BRANCHES = "workbench/"
NOTES_REF = "ledger"
SLUG_LENGTH = 40
"""Characters of the task's words in the name of its branch."""
_AGENT_ADDRESS = "agent@workbench.invalid"
_NOT_A_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that was made."""

    id: str
    """Empty where none was wanted."""
    branch: str = ""
    """The branch of the task; empty where it is the one that is checked out."""
    skipped_hooks: tuple[str, ...] = ()
    unsigned: bool = False
    """Whether the person's git signs commits, and this one is not signed."""

    @property
    def words(self) -> str:
        """Return it as one line for the person; empty without a commit."""
        if not self.id:
            return ""
        said = [f"Commit {self.id[:10]}" + (f" on {self.branch}" if self.branch else "")]
        if self.skipped_hooks:
            said.append(f"hooks not run: {', '.join(map(one_line, self.skipped_hooks))}")
        if self.unsigned:
            said.append("not signed: your key is outside the seal")
        return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be committed."""

    files: Mapping[str, After | None]
    """For each path its bytes and permission bits; None where it was deleted."""
    message: str
    decision: Decision
    proposal: Proposal


def branch_of(proposal: Proposal, mode: str) -> str:
    """Return the branch that commits of a task go to, or an empty string for the one checked out."""
    if mode != "task-branch":
        return ""
    words = _NOT_A_SLUG.sub("-", proposal.task.lower()).strip("-")[:SLUG_LENGTH].strip("-")
    return f"{TASK_BRANCHES}{words}-{short(proposal.task_id)}".replace("/-", "/")


def intent_fields(wanted: Wanted, branch: str, hooks: tuple[str, ...], *, signs: bool) -> dict[str, Json]:
    """Return what the ledger says of a commit before it is made."""
    settings: dict[str, Json] = {
        "branch": branch,
        "hooks": "off",
        "hooks_skipped": [*hooks],
        "signed": False,
        "signature_wanted": signs,
    }
    return {
        "obj": {"kind": "commit", "path": ", ".join(wanted.files)[:1000], "lines": len(wanted.files)},
        "proposal": {"id": wanted.proposal.id},
        "decision": {"id": wanted.decision.id},
        "commit_settings": settings,
    }


def make(git: Git, wanted: Wanted, branch: str, checkpoint: str) -> str:
    """Make the commit and return its id; the trailers name approver, proposal and checkpoint.

    Raises:
        RepositoryError: git refused; the files are written and stay written.
    """
    decision, proposal = wanted.decision, wanted.proposal
    person = _committer(git, wanted)
    trailers = [f"Approved-by: {person[0]} <{person[1]}>", f"Proposal: {proposal.id}"]
    if proposal.rolls_back:
        trailers.append(f"Rolls-back: {proposal.rolls_back}")
    trailers.append(f"Ledger-Checkpoint: {checkpoint}")
    return git.commit_file(
        wanted.files,
        message=f"{wanted.message.rstrip()}\n\n" + "\n".join(trailers) + "\n",
        author=_author(proposal.author, person),
        committer=person,
        when=decision.time,
        branch=branch,
    )


def note(git: Git, wanted: Wanted, commit: str, checkpoint: str) -> str:
    """Attach the signed checkpoint to a commit, and say how that ended; the commit stands without it."""
    try:
        by = _committer(git, wanted)
        git.add_note(commit, checkpoint, ref=NOTES_REF, by=by, when=wanted.decision.time)
    except WorkbenchError as error:
        return error.cause
    return "added"


def _committer(git: Git, wanted: Wanted) -> Person:
    known, by = git.identity(), wanted.decision.by
    return (known.name, known.email) if known else (by.name, f"{by.name}@localhost")


def _author(author: Principal, person: Person) -> Person:
    return person if author.kind == "human" else (f"Workbench {author.role}", _AGENT_ADDRESS)
