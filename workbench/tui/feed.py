"""Feeds the panes: reads the session beside the loop and hands snapshots to the widgets.

One owner for everything but the review: status, transcript, tree, files and ledger.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from workbench.core.errors import WorkbenchError
from workbench.core.ids import uuid7
from workbench.core.safe_text import safe_text
from workbench.session.views import AuditRow, FileView, Speaker, Status, Utterance
from workbench.tui.audit import PAGE
from workbench.tui.inbox import FLUSH, Inbox
from workbench.tui.measured import Measured
from workbench.tui.situation import Where
from workbench.tui.states import banner
from workbench.tui.syntax import Spans, colour, laid_out
from workbench.tui.tree_rows import Listing
from workbench.tui.windows import open_entry

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

POLL = 0.25
"""Seconds between two readings of the status, for figures that move by themselves."""


class Feed:
    """What comes from the session."""

    def __init__(self, app: WorkbenchApp) -> None:
        self._app = app
        self.inbox = Inbox(lambda: app.post_message(app.MailCame()))
        self.status: Status | None = None
        self._examples: tuple[str, ...] = ()
        self._told = ""
        """The task about which the person was told what is in it."""
        self._auditing = False
        """Whether the person is in the audit pane, which is on record."""

    def begin(self, notices: Sequence[str]) -> None:
        """Start the session's work and ask for everything once; the first frame is painted already."""
        app, session = self._app, self._app.session
        try:
            session.start(self.inbox.put)
        except WorkbenchError as error:
            app.show_error(error)
        self.poll()
        app.set_interval(POLL, self.poll)
        for text in (*session.notices, *notices):
            self.say(text)
        # The files first: what is not seen yet can wait for them.
        self._read_tree()
        app.beside("transcript", session.transcript, self._transcript_came)
        app.beside("audit-size", session.audit_size, app.main.audit.list.grow)
        app.desk.refresh()

    def mail_came(self) -> None:
        """Wait a moment for more, then hand it all on."""
        self._app.set_timer(FLUSH, self.flush)

    def flush(self) -> None:
        """Hand on everything that has come since the last time."""
        app, batch = self._app, self.inbox.take()
        transcript = app.main.chat.transcript
        was_silent = transcript.silent
        for speech in batch.speech:
            if isinstance(speech, Utterance):
                transcript.say(speech)
            else:
                transcript.grow(*speech)
        if batch.ledger_size >= 0:
            app.main.audit.list.grow(batch.ledger_size)
        if batch.tree:
            self._read_tree()
        if batch.queue:
            app.desk.refresh()
        if batch.status or (was_silent and not transcript.silent):
            self.poll()
        if batch.wanted:
            app.releases.refused(batch.wanted)

    def read_status(self) -> Status:
        """Read the status, for a key that must not be judged by an old one."""
        self.status = self._app.session.status()
        return self.status

    def poll(self) -> None:
        """Read the status and show it."""
        status = self.read_status()
        self._app.rearranged()
        main = self._app.main
        main.audit.show_status(status)
        if self._auditing and self._app.screen is main and main.where is not Where.AUDIT:
            self._auditing = False
        transcript = main.chat.transcript
        transcript.show_banner(banner(status, self._examples, silent=transcript.silent))

    def say(self, text: str, speaker: Speaker = Speaker.PROGRAM) -> None:
        """Put a fact of this program's own into the transcript."""
        if text:
            self._app.main.chat.transcript.say(Utterance(uuid7(), speaker, safe_text(text).text))

    def _transcript_came(self, utterances: tuple[Utterance, ...]) -> None:
        self._app.main.chat.transcript.catch_up(utterances)

    def _examples_came(self, examples: tuple[str, ...]) -> None:
        self._examples = examples
        self.poll()

    def _read_tree(self) -> None:
        def work() -> Listing:
            return Listing.of(self._app.session.tree())

        self._app.beside("tree", work, self._tree_came, self._no_tree)

    def _tree_came(self, listing: Listing) -> None:
        files = self._app.main.files.paths
        first = not files.listed
        files.load(listing)
        self._behind_the_tree(first)

    def _no_tree(self, error: WorkbenchError) -> None:
        self._app.show_error(error)
        self._behind_the_tree(not self._app.main.files.paths.listed)

    def _behind_the_tree(self, first: bool) -> None:
        session = self._app.session
        if first:
            self._app.beside("examples", session.examples, self._examples_came)
        session.begin_index()

    # -- files ------------------------------------------------------------------------------------

    def open_file(self, path: str) -> None:
        """Read a file through the gate and show it in pane 2."""

        def work() -> tuple[FileView, Measured]:
            file = self._app.session.file(path)
            return file, Measured(laid_out(file.text.removesuffix("\n")))

        self._app.beside("file", work, self._file_came)

    def _file_came(self, came: tuple[FileView, Measured]) -> None:
        app, file = self._app, came[0]
        app.main.diff.show_file(*came)
        app.main.item_shown()
        if app.main.one_pane:
            app.main.go_to(Where.DIFF)
        app.desk.look()

        def done(spans: Spans) -> None:
            if app.main.diff.file.file is file:
                app.main.diff.file.colour(spans)

        app.beside("colour-file", partial(colour, file.text, file.language), done)

    # -- ledger -----------------------------------------------------------------------------------

    def read_page(self, page: int, size: int) -> None:
        """Ask for a page of the ledger."""
        rows = self._app.main.audit.list

        def done(entries: tuple[AuditRow, ...]) -> None:
            rows.take(page, entries)

        def failed(error: WorkbenchError) -> None:
            rows.page_failed(page)
            self._app.show_error(error)

        stop = min((page + 1) * PAGE, size)
        self._app.beside(f"audit-{page}", partial(self._app.session.audit, page * PAGE, stop), done, failed)

    def audit_opened(self) -> None:
        """Have it recorded that the person looks through the ledger: once until they have gone elsewhere."""
        if not self._auditing:
            self._auditing = True
            self._app.beside("audit-opened", self._app.session.audit_opened, lambda _done: None)

    def open_entry(self) -> None:
        """Show the entry under the cursor with all its fields and its proof."""
        index = self._app.main.audit.list.index_at_cursor()
        if index is None:
            return

        def done(lines: tuple[str, ...]) -> None:
            open_entry(self._app, index, lines)

        self._app.beside("entry", partial(self._app.session.audit_entry, index), done)

    def verify(self) -> None:
        """Verify the ledger beside the loop, and show what was found in the transcript."""
        self._app.flash("Verifying the record …")
        self._app.beside("verify", self._app.session.verify, self._verified)

    def _verified(self, found: str) -> None:
        self.say(found)
        self._app.flash(found.rpartition("\n")[2], stay=True)

    # -- tasks ------------------------------------------------------------------------------------

    def submit(self, task: str) -> None:
        """Start a task; when it cannot start, the prompt keeps its text.

        What is found in the task is said first, and the same text must be sent again.
        """
        field = self._app.main.prompt.field
        try:
            found = self._app.session.foresee(task)
            if found and task != self._told:
                self._told = task
                self.say(f"{found} Nothing was sent yet.", Speaker.PROGRAM)
                self._app.flash(f"Not sent yet; send it again to go on. {found}", stay=True)
                return
            self._app.session.submit(task)
        except WorkbenchError as error:
            self._app.show_error(error)
        else:
            field.accepted(task)
            self.poll()

    def propose_command(self, line: str) -> None:
        """Propose a command, its words split as a shell would, and show it; a refusal keeps the line."""
        app = self._app

        def done(proposal_id: str) -> None:
            app.leave_line_input(app.main.diff.command)
            if proposal_id:
                app.desk.choose(proposal_id)
                app.main.go_to(Where.REVIEW)
                app.flash("Nothing runs yet: each row is one word of the command.")
            else:
                app.flash("Policy grants it: it runs, and its output is in 5 Chat.")

        try:
            words = shlex.split(line)
        except ValueError as error:
            app.flash(f"The line cannot be split into words: {error}. Close the quotes.", "bad")
            return
        app.beside("propose-command", partial(app.session.propose_command, words), done)

    def measure(self) -> None:
        """Measure the boundary again and show what was found in the transcript."""
        self._app.flash("Measuring the boundary …")
        self._app.beside("measure", self._app.session.measure, self.say)
