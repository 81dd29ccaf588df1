"""Assembles the five panes: what stands in each frame, and how its edges are worded."""

from __future__ import annotations

from textual import on
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from workbench.core.records import Risk
from workbench.core.safe_text import one_line
from workbench.session.views import FileView, Shown, Status
from workbench.tui import detail, wording
from workbench.tui.audit import AuditList
from workbench.tui.bars import Bar
from workbench.tui.code_view import CodeView
from workbench.tui.detail import Detail, Notice
from workbench.tui.diff_view import DiffView
from workbench.tui.file_view import FileViewer
from workbench.tui.flow import clip, clip_start
from workbench.tui.flow_view import Block, FlowView
from workbench.tui.frame import Pane
from workbench.tui.measured import Measured
from workbench.tui.prompt import Prompt
from workbench.tui.queue import QueueList
from workbench.tui.sheet import WHOLE_FILE
from workbench.tui.transcript import Transcript
from workbench.tui.tree import FileTree
from workbench.tui.wording import Part

EDGES = 6
"""Columns of a heading that are corners and blanks."""


class LineInput(Input):
    """A one-line input that stays closed until it is asked for."""

    def __init__(self, *, id: str, placeholder: str) -> None:  # noqa: A002
        super().__init__(id=id, placeholder=placeholder, compact=True, classes="line-input")
        self.cursor_blink = False

    def open(self, value: str = "") -> None:
        """Show it, and put the focus into it."""
        self.value = value
        self.add_class("-open")
        self.focus()

    def close(self) -> None:
        """Hide it again."""
        self.remove_class("-open")


class FilesPane(Pane):
    """Pane 1: the worktree."""

    def __init__(self) -> None:
        super().__init__(id="files", heading="1 Files")
        self.paths = FileTree(id="tree")
        self.filter = LineInput(id="filter", placeholder="parts of a path")
        self.set_reactive(Pane.rule, "filter: /")
        self.add_class("-ruled")

    def compose(self) -> list[Widget]:
        """Yield the tree and its filter."""
        return [self.paths, self.filter]

    def count(self, matches: int, total: int) -> None:
        """Say how many paths are listed."""
        filtered = self.paths.model.filter
        self.rule = f"{matches:,} of {total:,}" if filtered else f"filter: /   {total:,} files"


class DiffPane(Pane):
    """Pane 2: the item to be decided on, or a file."""

    def __init__(self) -> None:
        super().__init__(id="diff", heading="2 Diff", shares="bottom")
        self.notice = Notice(id="notice")
        self.diff = DiffView(id="diff-view")
        self.file = FileViewer(id="file-view")
        self.empty = FlowView(id="diff-empty")
        self.state = Bar(id="diff-state")
        self._decided = ""
        self._asked = ""
        self._search_keys = ""
        self.reason = LineInput(id="reason", placeholder="")
        self.command = LineInput(
            id="command", placeholder="a program and its words; enter proposes it, esc cancels"
        )

        self.seek = LineInput(id="seek", placeholder="")

    def compose(self) -> list[Widget]:
        """Yield every view of the pane; classes say which one is shown."""
        return [
            *(self.notice, self.diff, self.file, self.empty, self.state),
            *(self.reason, self.command, self.seek),
        ]

    def on_mount(self) -> None:
        """Say what the empty pane is for."""
        text = "Nothing is shown. enter on a file in 1 Files opens it; items of 3 Review are shown here too."
        self.empty.set_blocks([Block("empty", "", text, "dim")])

    @property
    def mode(self) -> str:
        """What is shown: `item`, `file` or nothing."""
        return "item" if self.has_class("-item") else "file" if self.has_class("-file") else ""

    @property
    def view(self) -> CodeView | FlowView:
        """The widget that can have the focus now."""
        return {"item": self.diff, "file": self.file}.get(self.mode, self.empty)

    def show_item(self, item: Shown) -> None:
        """Show a proposal."""
        self.diff.show(item)
        self._switch("-item")
        text = detail.notice(item)
        self.notice.set_class(bool(text), "-open")
        self.notice.set_blocks([Block("notice", "", text, "stale")] if text else [])
        self.word_rule()
        self.show_state()

    def show_file(self, file: FileView, lines: Measured) -> None:
        """Show a file; `lines` are its lines as they are painted."""
        self.file.show(file, lines)
        self._switch("-file")
        self.word_rule()

    def ask(self, words: str) -> None:
        """Open the one-line input; what it is for stands below it for as long as it is open."""
        self._asked = words
        self.reason.placeholder = words
        self.reason.open()
        self.word_rule()

    def asked_no_more(self) -> None:
        """The input is closed: the line below says again what it said before."""
        self._asked = ""
        self.word_rule()

    def word_rule(self, search_keys: str = "") -> None:
        """Word the line under what is shown, for the pane's width; while a search stands, how it stands."""
        room = self.outer_size.width - 6
        self._search_keys = search_keys or self._search_keys
        view, file = self.view, self.file.file
        if self._asked:
            self.rule = clip(self._asked, room)
        elif isinstance(view, CodeView) and view.search is not None:
            self.rule = clip(f"{view.search.words} · {self._search_keys}", room)
        elif self.mode == "item" and self.diff.item is not None:
            self.rule = detail.summary(self.diff.item, room)
        elif self.mode == "file" and file is not None:
            hidden = f", {file.hidden} hidden characters shown" if file.hidden else ""
            self.rule = f"read-only, {file.lines:,} lines{hidden}"

    def on_resize(self) -> None:
        """Word the line under the diff for the new width."""
        self.word_rule()

    def show_nothing(self) -> None:
        """Empty the pane."""
        self._switch("")
        self.rule = ""

    def show_state(self, decided: str | None = None) -> None:
        """Say which hunk is on screen and how many rows have not been.

        Args:
            decided: What was decided hunk by hunk, to be said from now on; None leaves that as it is.
        """
        self._decided = self._decided if decided is None else decided
        item = self.diff.item
        self.state.set_class(self.mode == "item", "-open")
        if item is None or self.mode != "item":
            return
        unseen = (
            f"{self.diff.unseen} of {len(item.rows)} rows unseen" if self.diff.unseen else "all rows seen"
        )
        said = [Part(self._decided, "text")] if self._decided else []
        self.state.show(
            [*said, Part(unseen, "note" if self.diff.unseen else "dim"), *self._ways()],
            Part(f"hunk {self.diff.marked_at or self.diff.hunk}/{item.hunks}", "text")
            if item.hunks
            else None,
        )

    def _ways(self) -> list[Part]:
        """Say how the rows are looked at, where it is not the ordinary way."""
        ways = ["white space set back"] if self.diff.ignores_blanks else []
        context = self.diff.sheet.context if self.diff.sheet is not None else 0
        ways += [f"+{context} lines around" if context < WHOLE_FILE else "whole file"] if context else []
        return [Part(way, "dim") for way in ways]

    def word_heading(self, place: tuple[int, int] | None, kind: str) -> None:
        """Word the top edge.

        Args:
            place: On a one-pane screen that reviews: place among those that wait, and their number.
            kind: `edit`, `new` or `delete`.
        """
        item, file = self.diff.item, self.file.file
        heading, corner = "2 Diff", ""
        if self.mode == "item" and item is not None:
            corner = f"risk: {item.risk}" + (" !" if item.risk is Risk.HIGH else "")
            waits = f"{place[0]}/{place[1]}" if place and place[0] else str(item.state)
            lead = f" Review {waits}  {kind} " if place else "2 Diff  "
            size = f"  +{item.added} -{item.removed}" if item.files else ""
            room = self.outer_size.width - len(lead) - len(size) - len(corner) - EDGES
            cut = clip_start if item.files else clip  # of a path the end matters most, of a command the start
            heading = lead + cut(item.path, max(8, room)) + size
        elif self.mode == "file" and file is not None:
            heading = "2 Diff  " + clip_start(one_line(file.path), max(8, self.outer_size.width - 8 - EDGES))
        self.heading, self.corner = heading, corner

    def _switch(self, name: str) -> None:
        for other in ("-item", "-file"):
            self.set_class(other == name, other)
        self.state.set_class(name == "-item", "-open")


class ReviewPane(Pane):
    """Pane 3: the approval queue and what is known of the item chosen."""

    def __init__(self) -> None:
        super().__init__(id="review", heading="3 Review", shares="bottom")
        self.queue = QueueList(id="queue")
        self.detail = Detail(id="detail")
        self.filter = LineInput(id="queue-filter", placeholder="words of a path, task, risk or state")

    def compose(self) -> list[Widget]:
        """Yield the queue, its filter and the details."""
        return [self.queue, self.filter, self.detail]


class AuditPane(Pane):
    """Pane 4: the ledger."""

    def __init__(self) -> None:
        super().__init__(id="audit", heading="4 Audit", shares="top")
        self.list = AuditList(id="audit-list")

    def compose(self) -> list[Widget]:
        """Yield the list."""
        return [self.list]

    def show_status(self, status: Status) -> None:
        """Say how the ledger stands."""
        self.rule = wording.ledger(status).text


class ChatPane(Pane):
    """Pane 5: the transcript and the prompt; on a one-pane screen the prompt stands below the frame."""

    def __init__(self, prompt: Prompt) -> None:
        super().__init__(id="chat", heading="5 Chat", shares="top")
        self.transcript = Transcript(id="transcript")
        self.prompt = prompt

    def compose(self) -> list[Widget]:
        """Yield the transcript and the prompt."""
        return [self.transcript, self.prompt]

    @on(Prompt.Resized)
    def _reframe(self) -> None:
        self.refresh()

    def _frame_height(self) -> int:
        screen = self.screen
        if not (screen.has_class("-narrow") or screen.has_class("-zoom")):
            return self.outer_size.height
        if not screen.has_class("-show-chat"):
            return 0
        return self.outer_size.height - self.prompt.outer_size.height


def centre(diff: DiffPane, chat: ChatPane) -> Container:
    """Return the middle of the screen, where diff and chat share an edge or stand side by side."""
    return Container(diff, chat, id="centre")
