"""Runs the full screen over one session: keys in, snapshots out; holds no rule.

Blocking calls go beside the loop (`aside`), what the session says comes in batches (`feed`), decisions
pass the guard (`desk`), every painted line passes the wall (`wall`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input

from workbench.core import pace
from workbench.core.errors import WorkbenchError
from workbench.core.safe_text import one_line
from workbench.session.views import Speaker
from workbench.tui import heartbeat, tidying
from workbench.tui.actions import ACTIONS, BY_ID
from workbench.tui.aside import Aside
from workbench.tui.audit import AuditList
from workbench.tui.clock import Clock
from workbench.tui.deeds import deeds
from workbench.tui.desk import ReviewDesk
from workbench.tui.diff_view import DiffView
from workbench.tui.face import SessionFace
from workbench.tui.feed import Feed
from workbench.tui.inks import inks_of, theme_of, variables_of
from workbench.tui.keymap import Keymap, shown_key
from workbench.tui.line_view import CursorView
from workbench.tui.looking import Looking
from workbench.tui.main_screen import MainScreen
from workbench.tui.notices import NoticeBoard
from workbench.tui.panes import LineInput
from workbench.tui.prompt import PromptText
from workbench.tui.quitting import Quitting
from workbench.tui.releasing import ReleaseWay
from workbench.tui.situation import PANES, Situation
from workbench.tui.themes import Shelf
from workbench.tui.tree import FileTree
from workbench.tui.wall import TerminalWall

Answer = TypeVar("Answer")


class WorkbenchApp(App[int], inherit_bindings=False):
    """The full screen."""

    TITLE = "Workbench"
    CSS_PATH = "workbench.tcss"
    ENABLE_COMMAND_PALETTE = False
    PAUSE_GC_ON_SCROLL = True
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.keys, f"act('{action.id}')", action.title, id=action.id, show=False, priority=True)
        for action in ACTIONS
        if action.keys
    ]

    class Resumed(Message):
        """A call beside the loop has ended."""

        def __init__(self, resume: Callable[[], None]) -> None:
            super().__init__()
            self.resume = resume

    class MailCame(Message):
        """The inbox has its first event since the last flush."""

    def __init__(
        self, session: SessionFace, shelf: Shelf, keymap: Keymap, clock: Clock | None = None
    ) -> None:
        """Make the screen over `session`.

        Args:
            session: What it shows.
            shelf: The themes found.
            keymap: The keys in force.
            clock: Only for tests; otherwise keys carry the time they were pressed at.
        """
        self.session = session
        self.shelf = shelf
        self.keymap = keymap
        self.clock = clock or Clock()
        self._clock_given = clock is not None
        self.theme_in_use = shelf.pick("")
        self.inks = inks_of(self.theme_in_use)
        super().__init__()
        self.animation_level = "none"
        self.main = MainScreen(self.clock)
        self.desk = ReviewDesk(self)
        self.feed = Feed(self)
        self.board = NoticeBoard(self)
        self.quitting = Quitting(self)
        self.releases = ReleaseWay(self)
        self.looking = Looking(self)
        self.pressed_at = float("-inf")
        """When the present key was pressed."""
        self._aside = Aside(lambda resume: self.post_message(self.Resumed(resume)))
        self._deeds = deeds(self)
        self._wall = TerminalWall()
        self.main.diff.diff.beside = lambda make, done: self.beside("sheet", make, done)
        for palette in shelf.palettes.values():
            self.register_theme(theme_of(palette))
        self.use_theme(self.theme_in_use.name)
        self.set_keymap(dict(keymap.changed))

    def get_default_screen(self) -> Screen[None]:
        """Return the main screen."""
        return self.main

    def on_mount(self) -> None:
        """Paint first; everything of the session comes after the first frame."""
        if (path := heartbeat.wanted()) is not None:
            self._heart = asyncio.create_task(heartbeat.beat(path))
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.feed.begin((*self.shelf.refused, self.keymap.notice))
        tidying.take_over()
        self.set_interval(tidying.EVERY_SECONDS, tidying.tidy)

    @property
    def fault(self) -> Exception | None:
        """What ended the program from inside; None when it ended well."""
        return self._exception

    def _fatal_error(self) -> None:
        # Textual's own prints every local variable, source among them, on a terminal that may be logged.
        self._close_messages_no_wait()

    # -- the wall, and what may not leave ---------------------------------------------------------

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Put the wall behind every other filter."""
        return [*super().get_line_filters(), self._wall]

    def copy_to_clipboard(self, text: str) -> None:
        """Keep `text` for pasting here; OSC 52, which would take it off this host, is not sent."""
        self._clipboard = text
        self.flash("Copying to the terminal's clipboard is off: the text can be pasted here with ctrl+v.")

    def open_url(self, url: str, *, new_tab: bool = True) -> None:  # noqa: ARG002
        """Open nothing: an address in untrusted text must not reach a browser."""
        self.flash("Opening addresses is off.")

    # -- themes -----------------------------------------------------------------------------------

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give every theme our variables, so that the style sheet always parses."""
        return variables_of(self.theme_in_use)

    def use_theme(self, name: str) -> None:
        """Paint with another theme of the shelf."""
        palette = self.shelf.pick(name)
        self.theme_in_use = palette
        self.inks = inks_of(palette, no_color=self.no_color)
        self.main.diff.diff.set_syntax_on_changes(on=palette.syntax_on_changes)
        self.theme = palette.name

    # -- calls beside the loop --------------------------------------------------------------------

    def beside(
        self,
        kind: str,
        work: Callable[[], Answer],
        done: Callable[[Answer], None],
        failed: Callable[[WorkbenchError], None] | None = None,
    ) -> None:
        """Run `work` beside the loop, then `done` with its answer, or `failed` (else the error is shown)."""
        self._aside.run(kind, work, done, failed or self.show_error)

    @property
    def under_way(self) -> frozenset[str]:
        """The kinds of calls beside the loop that have not ended."""
        return self._aside.under_way

    @on(Resumed)
    def _resume(self, message: Resumed) -> None:
        if self.main.is_running:
            message.resume()

    @on(MailCame)
    def _mail_came(self) -> None:
        self.feed.mail_came()

    # -- keys -------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Note every key, paste and mouse button before anything acts on it."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._note(event.key, event)
            if self.quitting.answered_by(event.key) or self.looking.answered_by(event.key):
                return
        elif isinstance(event, events.Paste) and not event.is_forwarded:
            self._note("paste", event)
        elif isinstance(event, events.MouseDown) and not event.is_forwarded:
            self._note("mouse", event)
        await super().on_event(event)

    def _note(self, key: str, event: events.Event) -> None:
        self.pressed_at = self.clock.monotonic() if self._clock_given else event.time
        pace.pressed()
        self.main.prompt.field.noticed(self.pressed_at)
        self.board.end()
        self.main.release_place()
        confirm = self.keymap.keys(BY_ID["review.confirm"])
        if self.desk.guard.noticed(key, self.pressed_at, confirm_keys=confirm):
            self.flash("Not confirmed: nothing was approved.")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let an action act only where it belongs; elsewhere its key is free for what has the focus."""
        if action != "act":
            return super().check_action(action, parameters)
        chosen = BY_ID[str(parameters[0])]
        if self.screen is not self.main:
            return chosen.id == "app.quit"
        where = self.main.where
        return where in chosen.where if where is not None else len(chosen.where) > len(PANES)

    def action_act(self, action_id: str) -> None:
        """Do what a key asks for, or say why it cannot be done."""
        self.act(action_id)

    def act(self, action_id: str, *, listed: bool = False) -> None:
        """Do an action; `listed` when it was picked from a list and not by its own key."""
        action = BY_ID[action_id]
        keys = self.keymap.keys(action)
        self.feed.read_status()
        if action.by_key_only and (listed or self.desk.guard.last_key not in keys):
            self.flash(f"Only its own key does this: {shown_key(keys[0])}, in Review or Diff.")
        elif reason := action.reason(self.situation()):
            self.flash(reason)
        elif action_id in self._deeds:
            self._deeds[action_id]()
        else:
            self.flash(f"{shown_key(keys[0])} does this in the prompt.")

    def key_of(self, action_id: str) -> str:
        """Return the first key of an action as a person reads it."""
        return shown_key(self.keymap.keys(BY_ID[action_id])[0])

    def situation(self) -> Situation:
        """Return what availability depends on now."""
        item = self.desk.shown
        return Situation(
            status=self.feed.status,
            where=self.main.where,
            item=item,
            item_on_screen=self.desk.on_screen,
            unseen=self.main.diff.diff.unseen,
            rows=len(item.rows) if item is not None else 0,
            deciding=self.desk.deciding,
            confirming=self.desk.guard.confirming,
            hunks=self.desk.hunks.choices,
            together=len(self.desk.together()),
            asked=self.desk.guard.asked,
            acknowledged=self.desk.acknowledged,
            file_asks=self.main.files.paths.asks_at_cursor,
            release_wanted=bool(self.releases.wanted),
            selection=bool(getattr(self.main.focused, "selected_text", "")),
        )

    # -- notices ----------------------------------------------------------------------------------

    def flash(self, text: str, ink: str = "note", *, stay: bool = False) -> None:
        """Show a notice in the key line until the next key, or for some seconds."""
        self.board.flash(text, ink, stay=stay)

    def show_error(self, error: WorkbenchError) -> None:
        """Show what went wrong and what to do: briefly in the key line, and in the transcript to stay."""
        self.flash(f"{error.cause} {error.next_step}".strip(), "bad")
        self.feed.say(error.diagnostics(), Speaker.ERROR)

    def rearranged(self) -> None:
        """Word the bars and the edges again."""
        self.board.word()

    # -- what widgets announce --------------------------------------------------------------------

    @on(MainScreen.Rearranged)
    def _layout_changed(self) -> None:
        self.desk.look()
        self.looking.moved()
        self.rearranged()

    @on(DiffView.Seen)
    def _rows_seen(self) -> None:
        self.main.diff.show_state()
        self.desk.note_seen()
        self.rearranged()

    @on(CursorView.Moved, "#queue")
    def _queue_moved(self, message: CursorView.Moved) -> None:
        item = self.main.review.queue.item_at(message.view.cursor)
        if item is not None and item.id != self.desk.chosen:
            self.desk.choose(item.id)

    @on(FileTree.FileChosen)
    def _file_chosen(self, message: FileTree.FileChosen) -> None:
        self.feed.open_file(message.path)

    @on(FileTree.DeniedChosen)
    def _denied_chosen(self, message: FileTree.DeniedChosen) -> None:
        self.flash(f"Policy denies reading {one_line(message.path)}.")

    @on(FileTree.Counted)
    def _tree_counted(self, message: FileTree.Counted) -> None:
        self.main.files.count(message.matches, message.total)

    @on(AuditList.Opened)
    def _audit_opened(self) -> None:
        self.feed.audit_opened()

    @on(AuditList.PageWanted)
    def _page_wanted(self, message: AuditList.PageWanted) -> None:
        self.feed.read_page(message.page, message.size)

    @on(PromptText.Sent)
    def _task_written(self, message: PromptText.Sent) -> None:
        self.feed.submit(message.text)

    @on(Input.Changed, "#filter")
    def _filter_changed(self, message: Input.Changed) -> None:
        self.main.files.paths.set_filter(message.value)

    @on(Input.Submitted, "#filter")
    def _filter_entered(self) -> None:
        self.main.files.filter.close()
        self.main.files.paths.focus()

    @on(Input.Changed, "#seek")
    def _seek_changed(self, message: Input.Changed) -> None:
        self.looking.typed(message.value)

    @on(Input.Submitted, "#seek")
    def _seek_entered(self, message: Input.Submitted) -> None:
        self.looking.entered(message.value)

    @on(Input.Submitted, "#reason")
    def _reason_entered(self, message: Input.Submitted) -> None:
        if message.value.strip():
            self.leave_line_input(self.main.diff.reason)
            self.desk.answered(message.value.strip())

    @on(Input.Changed, "#queue-filter")
    def _queue_filter_changed(self, message: Input.Changed) -> None:
        self.main.review.queue.set_filter(message.value)

    @on(Input.Submitted, "#queue-filter")
    def _queue_filter_entered(self) -> None:
        self.main.review.filter.close()
        self.main.review.queue.focus()

    @on(Input.Submitted, "#command")
    def _command_entered(self, message: Input.Submitted) -> None:
        if message.value.strip():
            self.feed.propose_command(message.value)

    def leave_line_input(self, field: LineInput) -> None:
        """Close a one-line input and go back to its pane; nothing is sent."""
        main = self.main
        field.close()
        if field is main.files.filter:
            main.files.paths.set_filter("")
            main.files.paths.focus()
        elif field is main.review.filter:
            main.review.queue.set_filter("")
            main.review.queue.focus()
        else:
            if field is main.diff.reason:
                main.diff.asked_no_more()
            if field is main.diff.seek:
                self.looking.end()
            main.go_to(main.current)

    def show_item_again(self) -> None:
        """Put the chosen item back into pane 2, or empty it."""
        main = self.main
        if self.desk.shown is not None:
            main.diff.show_item(self.desk.shown)
        else:
            main.diff.show_nothing()
        main.item_shown()
