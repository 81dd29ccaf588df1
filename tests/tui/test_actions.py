"""One registry: every action has an id, words, a deed and a key, and every list is made from it."""

from __future__ import annotations

import pytest

from tests.tui.recording import RecordingFace, shown
from tests.tui.stage import frame, stage
from workbench.tui.actions import ACTIONS, BY_ID, EVERY, PROMPT_ACTIONS, SEARCH_ACTIONS
from workbench.tui.app import WorkbenchApp
from workbench.tui.help_sheet import help_blocks
from workbench.tui.keymap import split_keys
from workbench.tui.palette import ActionProvider
from workbench.tui.situation import Where

UX_KEYS = {
    **{
        str(number): f"pane.{where}"
        for number, where in enumerate(("files", "diff", "review", "audit", "chat"), 1)
    },
    **{
        f"alt+{n}": f"pane.{where}" for n, where in enumerate(("files", "diff", "review", "audit", "chat"), 1)
    },
    "tab": "pane.next",
    "f6": "pane.next",
    "j": "move.down",
    "k": "move.up",
    "down": "move.down",
    "up": "move.up",
    "g": "move.top",
    "G": "move.bottom",
    "ctrl+d": "move.page_down",
    "ctrl+u": "move.page_up",
    "slash": "list.search",
    "h": "tree.fold",
    "l": "tree.unfold",
    "N": "search.previous",
    "v": "diff.split",
    "w": "diff.blanks",
    "plus": "diff.more",
    "minus": "diff.less",
    "colon": "view.line",
    "right_curly_bracket": "review.next_item",
    "left_curly_bracket": "review.previous_item",
    "J": "diff.down",
    "K": "diff.up",
    "right_square_bracket": "diff.next_hunk",
    "left_square_bracket": "diff.previous_hunk",
    "ctrl+r": "review.next_waiting",
    "f8": "review.next_waiting",
    "y": "review.approve",
    "n": "review.reject",
    "R": "review.reject_reason",
    "exclamation_mark": "review.confirm",
    "space": "review.hunks",
    "s": "review.split_hunk",
    "a": "review.take_rest",
    "d": "review.leave_rest",
    "u": "review.undo",
    "U": "review.roll_back",
    "A": "review.approve_together",
    "i": "review.provenance",
    "H": "review.acknowledge",
    "r": "release.file",
    "f9": "release.wanted",
    "f": "pane.zoom",
    "ctrl+p": "app.palette",
    "ctrl+f": "app.find",
    "question_mark": "app.help",
    "f1": "app.help",
    "ctrl+q": "app.quit",
    "ctrl+c": "app.stop",
    "escape": "app.back",
    "enter": "list.open",
}
FORBIDDEN = {"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+m", "ctrl+i", "ctrl+h", "ctrl+left_square_bracket"}


def test_every_action_has_an_id_words_and_a_deed() -> None:
    app = WorkbenchApp.__new__(WorkbenchApp)
    del app
    assert len(BY_ID) == len(EVERY)
    for action in BY_ID.values():
        assert action.label
        assert action.title
        assert action.description.endswith(".")


async def test_every_action_of_the_registry_does_something() -> None:
    async with stage() as on:
        assert set(on.app._deeds) == {action.id for action in ACTIONS}
        field = on.app.main.prompt.field
        for action in PROMPT_ACTIONS:
            assert hasattr(field, f"action_{action.id.replace('.', '_')}")


@pytest.mark.parametrize(("key", "action_id"), UX_KEYS.items())
def test_every_key_of_the_manual_is_bound(key: str, action_id: str) -> None:
    assert key in split_keys(BY_ID[action_id].keys)


def test_no_key_means_two_things_in_one_place() -> None:
    for actions in (ACTIONS, PROMPT_ACTIONS, SEARCH_ACTIONS):
        keys = [key for action in actions for key in split_keys(action.keys)]
        assert len(keys) == len(set(keys))


def test_no_action_depends_on_a_key_that_terminals_or_multiplexers_take() -> None:
    for action in BY_ID.values():
        keys = set(split_keys(action.keys))
        assert not keys or keys - FORBIDDEN


async def test_the_palette_lists_every_action() -> None:
    async with stage() as on:
        titles = [title for title, _, _ in ActionProvider(on.app.screen).entries()]
        for action in BY_ID.values():
            assert any(title.startswith(action.title) for title in titles), action.id
        assert "Theme: high-contrast" in titles


async def test_help_lists_every_action_those_of_the_place_first() -> None:
    async with stage() as on:
        blocks = help_blocks(Where.REVIEW, on.app.keymap)
        ids = [block.id for block in blocks]
        assert set(BY_ID) <= set(ids)
        assert ids.index("review.approve") < ids.index("rest") < ids.index("tree.fold")


async def test_a_dimmed_key_says_why_it_is_dimmed() -> None:
    async with stage() as on:
        await on.press("ctrl+r")
        assert on.notice == "Nothing waits for a decision."
        await on.press("ctrl+c")
        assert on.notice == "Nothing runs."
        await on.press("alt+3", "y")
        assert on.notice == "No item is chosen in the review queue."


async def test_a_key_is_judged_by_the_status_at_that_moment_and_not_by_the_last_poll() -> None:
    async with stage() as on:
        on.face.items["p1"] = shown()
        await on.press("ctrl+r")
        assert on.notice == ""
        assert on.app.main.where is Where.REVIEW


async def test_letters_act_only_outside_inputs() -> None:
    async with stage() as on:
        await on.press("1", "j", "f", "question_mark", "slash")
        assert on.app.main.prompt.field.text == "1jf?/"
        await on.press("alt+1", "slash", "y", "1")
        assert on.app.main.files.filter.value == "y1"


async def test_the_key_line_names_the_keys_of_the_place() -> None:
    async with stage(RecordingFace(items={"p1": shown()})) as on:
        assert "enter send" in frame(on.app)
        await on.review()
        last = frame(on.app).splitlines()[-1]
        assert last.startswith(" y approve  n reject  R reason  space hunks  ]/[ hunk")
        assert last.endswith("? help  ^p commands")


async def test_stopping_calls_the_session_only_when_something_runs() -> None:
    from dataclasses import replace

    from tests.tui.recording import READY
    from workbench.session.views import Activity

    face = RecordingFace(now=replace(READY, activity=Activity.GENERATING))
    async with stage(face) as on:
        await on.press("ctrl+c")
        assert face.calls == [("cancel",)]


async def test_measuring_shows_what_was_found() -> None:
    async with stage() as on:
        on.app.act("app.measure", listed=True)
        await on.until(lambda: "no socket could be opened" in frame(on.app))
