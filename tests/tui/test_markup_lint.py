"""Reads our own sources: untrusted text can never be taken for markup, and nothing opens a side door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import workbench.tui

SOURCES = sorted(Path(str(workbench.tui.__path__[0])).glob("*.py"))
PARSES_MARKUP = {
    "Button",
    "Collapsible",
    "DataTable",
    "DirectoryTree",
    "Header",
    "Label",
    "Link",
    "Log",
    "Markdown",
    "MarkdownViewer",
    "OptionList",
    "RichLog",
    "Select",
    "SelectionList",
    "Static",
    "TabbedContent",
    "Tabs",
    "Tree",
}
"""Textual's widgets that take a string for markup somewhere."""
CALLS = {
    "from_markup",
    "from_text",
    "render_str",
    "notify",
    "print",
    "open_url",
    "deliver_text",
    "deliver_binary",
}
"""Calls that parse markup, or that hand text to something outside."""
ASSIGNED = {"border_title", "border_subtitle", "tooltip", "title", "sub_title"}
"""Attributes whose strings Textual takes for markup, or shows in places of its own."""
MODULES = {"socket", "subprocess", "webbrowser", "urllib", "http", "ssl", "multiprocessing"}


def faults(source: str) -> list[str]:
    """Return what in `source` could let untrusted text act."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual.widgets"):
            found += [f"imports {name.name}" for name in node.names if name.name in PARSES_MARKUP]
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [name.name for name in node.names]
            )
            found += [f"imports {name}" for name in names if name.partition(".")[0] in MODULES]
        if isinstance(node, ast.Call):
            found += _call_faults(node)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [
                f"sets {t.attr}" for t in targets if isinstance(t, ast.Attribute) and t.attr in ASSIGNED
            ]
    return found


def _call_faults(node: ast.Call) -> list[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    plain = any(k.arg == "markup" and getattr(k.value, "value", None) is False for k in node.keywords)
    found = [f"calls {name}"] if name in CALLS and not plain else []
    for keyword in node.keywords:
        literal = isinstance(keyword.value, (ast.Constant, ast.Name))
        if keyword.arg in ("placeholder", "tooltip") and not literal:
            found.append(f"a {keyword.arg} that is not a literal")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_source_of_the_screen_parses_markup_or_opens_a_door(path: Path) -> None:
    assert faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "from textual.widgets import Static",
        "Text.from_markup(name)",
        "self.notify(message)",
        "self.border_title = path",
        "import socket",
        "Input(placeholder=f'{path}')",
        "self.app.open_url(address)",
    ],
)
def test_the_lint_finds_what_it_is_for(source: str) -> None:
    assert faults(source)


def test_the_lint_accepts_text_that_is_said_to_be_plain() -> None:
    assert faults("self.notify(message, markup=False)") == []
