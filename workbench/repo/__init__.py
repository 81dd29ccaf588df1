"""Reaches the worktree: reads and writes its files through a gate, and asks git with its programs off.

The only room that opens a file of the worktree or starts git. It does not decide what may be read or
written; `workbench.broker` asks policy first.
"""

from workbench.repo.diff import diff_blobs
from workbench.repo.gate import Inode, ReadGate
from workbench.repo.git import Git, Trailer
from workbench.repo.git_commit import After, CommitRefusedError, Person
from workbench.repo.git_identity import Identity
from workbench.repo.git_runner import GitError, GitTimeoutError
from workbench.repo.index_lock import IndexLockedError
from workbench.repo.merge import Merged, merge_texts
from workbench.repo.paths import Hit, PathIndex, Row
from workbench.repo.refusal import GateRefused, Reason
from workbench.repo.root import Kind, Worktree, describe
from workbench.repo.shadow import Shadow, Synced
from workbench.repo.shadow_changes import Changed, Changes
from workbench.repo.swap import Edit, Written
from workbench.repo.watch import TreeWatch
from workbench.repo.write import HalfWritten, Writer

__all__ = [
    "After",
    "Changed",
    "Changes",
    "CommitRefusedError",
    "Edit",
    "GateRefused",
    "Git",
    "GitError",
    "GitTimeoutError",
    "HalfWritten",
    "Hit",
    "Identity",
    "IndexLockedError",
    "Inode",
    "Kind",
    "Merged",
    "PathIndex",
    "Person",
    "ReadGate",
    "Reason",
    "Row",
    "Shadow",
    "Synced",
    "Trailer",
    "TreeWatch",
    "Worktree",
    "Writer",
    "Written",
    "describe",
    "diff_blobs",
    "merge_texts",
]
