"""Opens the windows above the panes; each is imported when it is first wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp


def open_help(app: WorkbenchApp) -> None:
    """Show the keys of this pane and all others."""
    from workbench.tui.help_sheet import HelpSheet

    app.push_screen(HelpSheet(app.main.where, app.keymap))


def open_provenance(app: WorkbenchApp) -> None:
    """Show where the item shown comes from."""
    from workbench.tui.provenance import ProvenanceSheet

    item = app.desk.shown
    if item is not None:
        app.push_screen(ProvenanceSheet(item, app.main.diff.diff.hunk))


def open_palette(app: WorkbenchApp) -> None:
    """List every action."""
    from workbench.tui.palette import palette

    app.push_screen(palette())


def open_finder(app: WorkbenchApp) -> None:
    """Find a file by parts of its path, and open it in pane 2."""
    from workbench.tui.finder import Finder

    tree = app.main.files.paths

    def found(path: str | None) -> None:
        if path is not None:
            tree.reveal(path)
            tree.open_row()

    app.push_screen(Finder(tree.model.paths), found)


def open_entry(app: WorkbenchApp, index: int, lines: tuple[str, ...]) -> None:
    """Show one entry of the ledger."""
    from workbench.tui.entry_sheet import EntrySheet

    app.push_screen(EntrySheet(index, lines))
