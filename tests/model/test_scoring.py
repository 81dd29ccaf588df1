from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from math import inf

import pytest

from workbench.core.errors import ModelError, PromptTooLong
from workbench.model import GenerationRequest, Message, RegisteredModel, ScoringRequest, load
from workbench.model.llama import LlamaEngine

ASKED = (Message("user", "Write a Python function that adds two numbers."),)
TEXT = 'def add(a, b):\n    """Größe."""\n    return a + b\n'


@pytest.fixture(scope="module")
def engine(smollm2_model: RegisteredModel) -> Iterator[LlamaEngine]:
    engine = load(smollm2_model)
    yield engine
    engine.close()


def asked(**more: object) -> ScoringRequest:
    return replace(ScoringRequest(ASKED, TEXT), **more)  # type: ignore[arg-type]


def test_a_likelier_version_is_rated_higher(engine: LlamaEngine) -> None:
    likely, unlikely = TEXT.replace("a + b", "a - b"), TEXT.replace("a + b", "a while b")
    found = engine.score(asked(variants=(unlikely, likely, TEXT)))
    assert found.stop == "end"
    assert found.variants[0] < found.variants[1] < 0
    assert found.variants[2] == -inf


def test_a_wrong_text_is_rated_below_the_right_one(engine: LlamaEngine) -> None:
    wrong = TEXT.replace("a + b", "a while b")
    (right,) = engine.score(asked(text=wrong, variants=(TEXT,))).variants
    assert right > 0


def test_lines_written_anew_differ_and_stand_where_they_say(engine: LlamaEngine) -> None:
    found = engine.score(asked(branches=8))
    assert 0 < len(found.branches) <= 8
    scores = [branch.score for branch in found.branches]
    assert scores == sorted(scores, reverse=True)
    assert all(score <= 0 for score in scores)
    data, lines = TEXT.encode(), set()
    for branch in found.branches:
        assert "\n" not in branch.text
        begin, end = data.rfind(b"\n", 0, branch.at) + 1, data.find(b"\n", branch.at)
        line = data[begin : branch.at].decode() + branch.text
        assert line.rstrip() != data[begin:end].decode().rstrip()
        lines.add((begin, line))
    assert len(lines) == len(found.branches)
    assert found.tokens_out > 0


def test_no_line_begins_within_a_character(engine: LlamaEngine) -> None:
    text = "names = ['漢字', '🙂🙃', 'ñandú', '한국어']\n" * 3
    found = engine.score(asked(text=text, branches=64))
    assert found.branches
    for branch in found.branches:
        (text.encode()[: branch.at] + branch.text.encode()).decode()


def test_scoring_leaves_answers_as_they_were(engine: LlamaEngine) -> None:
    request = GenerationRequest(ASKED, 12)
    before = engine.generate(request).text
    engine.score(asked(branches=4))
    assert engine.generate(request).text == before


def test_the_prompt_is_not_read_twice(engine: LlamaEngine) -> None:
    first = engine.score(asked())
    again = engine.score(asked())
    assert again.prompt_sha256 == first.prompt_sha256
    assert again.reused > 0
    assert again.prompt_tokens == first.prompt_tokens


def test_an_abort_stops_it_and_the_engine_goes_on(engine: LlamaEngine) -> None:
    request = GenerationRequest(ASKED, 8)
    before = engine.generate(request).text
    timer = threading.Timer(0.3, engine.abort)
    timer.start()
    long = "".join(f"value_{number} = {number}\n" for number in range(300))
    found = engine.score(asked(text=long, branches=64))
    timer.join()
    assert found.stop == "cancelled"
    assert engine.generate(request).text == before


def test_what_does_not_fit_is_refused(engine: LlamaEngine) -> None:
    with pytest.raises(PromptTooLong, match="context holds"):
        engine.score(asked(text="value = 1\n" * 5_000))


@pytest.mark.parametrize(
    "wrong",
    [{"text": ""}, {"branches": 65}, {"branches": -1}, {"max_line_tokens": 0}, {"variants": ("x",) * 1001}],
)
def test_impossible_requests_are_refused(engine: LlamaEngine, wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        engine.score(asked(**wrong))
