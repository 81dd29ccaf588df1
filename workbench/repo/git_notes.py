"""Attaches notes to commits, and reads them back.

A note is another object under a ref of its own: the commit, its id and the branch stay as they are. Source:
git-notes(1).
"""

from __future__ import annotations

from workbench.core.safe_text import decode
from workbench.repo.git_commit import Person, people_of
from workbench.repo.git_runner import GitRunner

MAX_BYTES = 64 << 20
"""Bytes read of all notes together."""


def add(runner: GitRunner, commit: str, text: str, *, ref: str, by: Person, when: str) -> None:
    """Attach a note; see `workbench.repo.git.Git.add_note`."""
    who = people_of(by, by, when)
    runner.run("notes", f"--ref={ref}", "add", "-f", "-F", "-", commit, given=text.encode(), extra=who)


def read(runner: GitRunner, ref: str, limit: int) -> list[tuple[str, str]]:
    """Return `(commit, text)` of the notes under a ref."""
    listed = runner.run("notes", f"--ref={ref}", "list", codes=(0, 1, 128))
    if listed.code != 0:
        return []  # no such ref, or no commit yet
    pairs = [line.split(" ") for line in decode(listed.output).splitlines()][:limit]
    given = "".join(f"{blob}\n" for blob, _ in pairs).encode()
    raw = runner.run("cat-file", "--batch", given=given, max_bytes=MAX_BYTES).output if given else b""
    found = []
    for _, commit in pairs:
        # "<id> <type> <size>", the bytes, a newline (git-cat-file(1)).
        header, _, rest = raw.partition(b"\n")
        size = int(header.rsplit(b" ", 1)[-1])
        found.append((commit, decode(rest[:size])))
        raw = rest[size + 1 :]
    return found
