"""Follows the worktree for the faces: what changes outside the program shows in the tree by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from workbench.repo import TreeWatch
from workbench.session.opening import Parts
from workbench.session.views import SessionEvent, Speaker, TreeChanged


class Following:
    """The watch on one worktree; begins with the first listing after `begin`."""

    def __init__(
        self, parts: Parts, tell: Callable[[SessionEvent], None], say: Callable[[Speaker, str], object]
    ) -> None:
        """Follow opened parts; `tell` announces that the tree changed, `say` adds to the transcript."""
        self._say = say
        git = parts.git
        # Without git nothing says cheaply whether an event matters, and each listing is on record.
        self._watch = (
            TreeWatch(parts.worktree.root, lambda: tell(TreeChanged()), git.status)
            if git is not None
            else None
        )
        self._begun = False

    def begin(self) -> None:
        """Let the next listing start the watch; commands that only list once never do."""
        self._begun = True

    def follow(self, paths: Iterable[str], states: object) -> None:
        """Watch the folders of the files that were just listed, with what git said of them."""
        if self._watch is not None and self._begun:
            notice = self._watch.follow(paths, states)
            if notice:
                self._say(Speaker.PROGRAM, notice)

    def close(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.close()
