from __future__ import annotations

import threading

import pytest

from tests.model.scripted import ScriptedEngine
from workbench.core.errors import ModelError, PromptTooLong
from workbench.model import GenerationRequest, Message, PromptProgress, TextPiece
from workbench.model.engine import EngineEvent


def request(text: str = "hello", tokens: int = 100, stop: tuple[str, ...] = ()) -> GenerationRequest:
    return GenerationRequest((Message("user", text),), tokens, stop=stop)


def test_answers_come_in_the_order_of_the_script_and_stream_whole_characters() -> None:
    engine = ScriptedEngine(["first äöü answer", "second"])
    events: list[EngineEvent] = []
    answer = engine.generate(request(), events.append)
    pieces = [event for event in events if isinstance(event, TextPiece)]
    assert "".join(piece.text for piece in pieces) == answer.text == "first äöü answer"
    assert isinstance(events[0], PromptProgress)
    assert engine.generate(request()).text == "second"
    with pytest.raises(ModelError, match="no further answer"):
        engine.generate(request())


def test_an_abort_ends_an_answer_that_waits_at_its_gate() -> None:
    engine = ScriptedEngine(["never seen", "fine"], gate=threading.Event())
    begun = threading.Event()
    results: list[str] = []
    thread = threading.Thread(
        target=lambda: results.append(engine.generate(request(), lambda _event: begun.set()).stop)
    )
    thread.start()
    assert begun.wait(10)
    engine.abort()
    thread.join(10)
    assert results == ["cancelled"]


def test_an_abort_while_idle_does_not_reach_the_next_request() -> None:
    engine = ScriptedEngine(["fine"])
    engine.abort()
    assert engine.generate(request()).stop == "end"


def test_limits_and_stop_texts_are_kept() -> None:
    engine = ScriptedEngine(["abcdefghij", "one STOP two"], context_size=100)
    assert engine.generate(request(tokens=2)).stop == "length"
    stopped = engine.generate(request(stop=("STOP",)))
    assert (stopped.stop, stopped.text) == ("stop-text", "one ")
    with pytest.raises(PromptTooLong):
        engine.generate(request("x" * 400))
