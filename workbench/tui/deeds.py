"""Says what each action of the registry does; one entry an id, checked by a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from textual.widgets import Input, TextArea

from workbench.tui.desk import Asked
from workbench.tui.line_view import LineView
from workbench.tui.panes import LineInput
from workbench.tui.situation import PANES, Where
from workbench.tui.windows import open_finder, open_help, open_palette, open_provenance

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

Deed = Callable[[], None]


def deeds(app: WorkbenchApp) -> Mapping[str, Deed]:
    """Return what each action does in `app`."""
    main, desk, tree = app.main, app.desk, app.main.files.paths
    table: dict[str, Deed] = {f"pane.{where}": _go(app, where) for where in PANES}
    table |= {
        "pane.next": lambda: main.go_by(1),
        "pane.previous": lambda: main.go_by(-1),
        "pane.zoom": lambda: main.zoom(on=not main.has_class("-zoom")),
        "move.down": lambda: _moved(app, lambda view: view.move(1)),
        "move.up": lambda: _moved(app, lambda view: view.move(-1)),
        "move.top": lambda: _moved(app, lambda view: view.go_top()),
        "move.bottom": lambda: _moved(app, lambda view: view.go_bottom()),
        "move.page_down": lambda: _moved(app, lambda view: view.move_page(1)),
        "move.page_up": lambda: _moved(app, lambda view: view.move_page(-1)),
        "tree.unfold": tree.unfold,
        "tree.fold": tree.fold,
        "list.search": app.looking.begin,
        "view.line": app.looking.ask_number,
        "list.open": lambda: _open(app),
        "diff.down": lambda: main.diff.diff.move(1),
        "diff.up": lambda: main.diff.diff.move(-1),
        "diff.next_hunk": lambda: _to_hunk(app, 1),
        "diff.previous_hunk": lambda: _to_hunk(app, -1),
        "diff.split": lambda: _say(app, main.diff.diff.toggle_split()),
        "diff.more": lambda: _say(app, main.diff.diff.change_context(1)),
        "diff.less": lambda: _say(app, main.diff.diff.change_context(-1)),
        "diff.blanks": lambda: _say(app, main.diff.diff.toggle_blanks()),
        "review.next_waiting": lambda: _to_waiting(app),
        "review.next_item": lambda: _to_file(app, 1),
        "review.previous_item": lambda: _to_file(app, -1),
        "review.acknowledge": lambda: desk.press("acknowledge", app.pressed_at),
        "review.approve": lambda: desk.decide("approve", app.pressed_at),
        "review.confirm": lambda: desk.press("confirm", app.pressed_at),
        "review.reject": lambda: desk.decide("reject", app.pressed_at),
        "review.reject_reason": lambda: desk.ask(Asked.REJECT),
        "review.hunks": desk.hunks.begin,
        "review.split_hunk": desk.hunks.split_hunk,
        "review.take_rest": desk.hunks.take_rest,
        "review.leave_rest": desk.hunks.leave_rest,
        "review.undo": desk.undo,
        "review.roll_back": lambda: desk.ask(Asked.ROLL_BACK),
        "review.approve_together": lambda: desk.ask(Asked.COUNT),
        "review.edit": desk.edit,
        "review.filter": lambda: _filter_queue(app),
        "review.provenance": lambda: open_provenance(app),
        "release.file": app.releases.ask_at_cursor,
        "release.wanted": app.releases.ask_for_wanted,
        "release.list": app.releases.list,
        "app.stop": lambda: _stop(app),
        "app.back": lambda: _back(app),
        "app.find": lambda: open_finder(app),
        "app.help": lambda: open_help(app),
        "app.palette": lambda: open_palette(app),
        "app.quit": app.quitting.ask,
        "app.measure": app.feed.measure,
        "app.verify": app.feed.verify,
        "command.propose": lambda: _ask_command(app),
    }
    return table


def _go(app: WorkbenchApp, where: Where) -> Deed:
    return lambda: app.main.go_to(where)


def _moved(app: WorkbenchApp, move: Callable[[LineView], None]) -> None:
    view = app.main.mover()
    if view is not None:
        move(view)


def _open(app: WorkbenchApp) -> None:
    main = app.main
    if main.where is Where.FILES:
        main.files.paths.open_row()
        return
    if main.where is Where.AUDIT:
        app.feed.open_entry()
        return
    if main.where is Where.CHAT:
        main.prompt.field.focus()
        return
    item = main.review.queue.item_at(main.review.queue.cursor)
    if item is not None and main.focused is main.review.queue:
        app.desk.choose(item.id)
        main.listing = False
        if main.one_pane:
            main.go_to(Where.REVIEW)


def _say(app: WorkbenchApp, notice: str) -> None:
    if notice:
        app.flash(notice)


def _to_file(app: WorkbenchApp, direction: int) -> None:
    if not (app.desk.on_screen and app.main.diff.diff.go_file(direction)):
        app.desk.choose_by(direction)


def _to_waiting(app: WorkbenchApp) -> None:
    wanted = app.desk.next_waiting()
    if wanted and (wanted != app.desk.chosen or not app.desk.on_screen):
        app.desk.choose(wanted)
    app.main.go_to(Where.REVIEW)


def _stop(app: WorkbenchApp) -> None:
    focused = app.main.focused
    selected = focused.selected_text if isinstance(focused, (TextArea, Input)) else ""
    if selected:
        app.copy_to_clipboard(selected)
    elif app.session.cancel():
        app.flash("Stopping.")
    else:
        app.flash("Nothing runs.")


def _ask_command(app: WorkbenchApp) -> None:
    app.main.go_to(Where.DIFF)
    app.main.diff.command.open()


def _to_hunk(app: WorkbenchApp, step: int) -> None:
    if app.desk.hunks.choices is not None:
        app.desk.hunks.go(step)
    else:
        app.main.diff.diff.go_hunk(step)


def _filter_queue(app: WorkbenchApp) -> None:
    main = app.main
    if main.one_pane:
        main.go_to(Where.REVIEW, listing=True)
    main.review.filter.open(main.review.queue.filter)


def _back(app: WorkbenchApp) -> None:
    main = app.main
    focused = main.focused
    if isinstance(focused, LineInput):
        app.leave_line_input(focused)
    elif isinstance(focused, TextArea):
        main.leave_prompt()
    elif app.looking.end():
        pass
    elif app.desk.hunks.choices is not None:
        app.desk.hunks.end()
    elif main.has_class("-zoom"):
        main.zoom(on=False)
    elif main.where is Where.REVIEW and main.one_pane and not main.listing:
        main.go_to(Where.REVIEW, listing=True)
    elif main.files.paths.model.filter:
        main.files.paths.set_filter("")
    elif main.review.queue.filter:
        main.review.queue.set_filter("")
    elif main.diff.mode == "file":
        app.show_item_again()
