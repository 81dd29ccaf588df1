"""What an agent wrote with placeholders becomes the file's own bytes, wherever its values stand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.detection import fakes
from workbench.agent.answers import splice
from workbench.agent.drafting import draft_of
from workbench.broker import Broker
from workbench.broker.examining import Examiner
from workbench.context import language_of, symbols
from workbench.core.errors import Refused
from workbench.core.records import FileContent, sha256
from workbench.policy import load

POLICY = load(None)
LANGUAGE = language_of("a.py")
assert LANGUAGE is not None
KEY = "AKIA" + fakes.text(fakes.BASE32, 16)
VALUES = ("ghp_" + fakes.text(fakes.ALPHANUMERIC, 36), KEY, fakes.private_key(), "Größe", "plain", "")

functions = st.lists(
    st.tuples(st.sampled_from(VALUES), st.booleans(), st.sampled_from(["", "    "])), min_size=1, max_size=6
)


def _source(parts: list[tuple[str, bool, str]], ending: str) -> bytes:
    text = '"""A module."""\n'
    for number, (value, comment, _) in enumerate(parts):
        note = f"# {number} é\n" if comment else ""
        text += f'{note}def f{number}(x):\n    """Say {number}."""\n    return x, r"""{value}"""\n\n\n'
    return text.replace("\n", ending).encode()


@given(functions, st.integers(0, 5), st.sampled_from(["\n", "\r\n"]))
def test_editing_the_shown_text_is_editing_the_file(
    parts: list[tuple[str, bool, str]], which: int, ending: str
) -> None:
    assert LANGUAGE is not None
    data = _source(parts, ending)
    examiner = Examiner()
    broker = cast("Broker", SimpleNamespace(examiner=examiner))
    content, _ = examiner.file(POLICY, FileContent("a.py", data, 0o644))
    for value in VALUES[:3]:
        assert value.encode() not in content.data
    shown = symbols(content.data, LANGUAGE)
    assert [one.qualified for one in shown] == [one.qualified for one in symbols(data, LANGUAGE)]
    symbol = shown[which % len(shown)]
    old = content.data[symbol.start : symbol.end].replace(b"\r\n", b"\n")
    after = splice(content.data, symbol, old.replace(b"Say", b"Tell"))
    draft = draft_of(broker, content, symbol, after, "tell")
    number = which % len(shown)
    assert draft.before == data
    assert draft.after == data.replace(f"Say {number}.".encode(), f"Tell {number}.".encode())
    assert draft.target == symbols(data, LANGUAGE)[number]
    assert content.sha256 == sha256(data)
    assert draft.kept == len(content.replacements)


def test_every_offset_outside_a_placeholder_maps_to_the_same_byte() -> None:
    data = _source([(KEY, True, ""), ("plain", False, ""), (fakes.private_key(), True, "")], "\n")
    content, _ = Examiner().file(POLICY, FileContent("a.py", data, 0o644))
    inside = {offset for each in content.replacements for offset in range(each.shown_start, each.shown_end)}
    assert len(content.replacements) == 2
    for offset in range(len(content.data)):
        if offset not in inside:
            assert data[content.on_disk(offset)] == content.data[offset]
    assert content.on_disk(len(content.data)) == len(data)


def test_a_change_to_another_version_of_the_file_is_refused() -> None:
    examiner = Examiner()
    broker = cast("Broker", SimpleNamespace(examiner=examiner))
    content, _ = examiner.file(POLICY, FileContent("a.py", f'K = "{KEY}"\n'.encode(), 0o644))
    examiner.close()
    with pytest.raises(Exception, match="session"):
        draft_of(broker, content, None, content.data, "x")


def test_a_file_without_values_may_not_receive_one() -> None:
    examiner = Examiner()
    broker = cast("Broker", SimpleNamespace(examiner=examiner))
    shown, _ = examiner.file(POLICY, FileContent("a.py", f'K = "{KEY}"\n'.encode(), 0o644))
    plain, _ = examiner.file(POLICY, FileContent("b.py", b'K = ""\n', 0o644))
    with pytest.raises(Refused, match="did not come from"):
        draft_of(broker, plain, None, shown.data, "x")
