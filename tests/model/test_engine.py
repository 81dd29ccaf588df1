from __future__ import annotations

import hashlib
import queue
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.model import gguf_files
from workbench.core.errors import Cancelled, ModelError, PromptTooLong
from workbench.model import (
    Engine,
    EngineSettings,
    GenerationRequest,
    LoadProgress,
    Message,
    PromptProgress,
    RegisteredModel,
    Registry,
    TextPiece,
    load,
)
from workbench.model.chat import segments
from workbench.model.engine import EngineEvent
from workbench.model.llama import LlamaEngine

CODE = "\n".join(f"def function_{number}(value):\n    return value * {number}\n" for number in range(200))


def ask(text: str, tokens: int = 20, **more: object) -> GenerationRequest:
    return replace(GenerationRequest((Message("user", text),), tokens), **more)  # type: ignore[arg-type]


def test_the_engine_keeps_the_protocol(toy: LlamaEngine) -> None:
    engine: Engine = toy
    assert engine.info.context_size == 512
    assert engine.info.library == "llama-cpp-python 0.3.36"
    assert {"n_batch", "n_ubatch", "threads"} <= set(engine.info.settings)


def test_the_pinned_version_is_the_one_the_engine_knows() -> None:
    from workbench.model.library import SUPPORTED

    pyproject = Path(__file__).parent.parent.parent / "pyproject.toml"
    assert f'"llama-cpp-python=={SUPPORTED}"' in pyproject.read_text("utf-8")


def test_counts_are_exact(toy: LlamaEngine) -> None:
    assert toy.count("abc é") == 6
    assert toy.count("") == 0
    assert toy.count("nul\0 and \udc80 surrogate") == len("nul\0 and � surrogate".encode())
    messages = (Message("system", "be brief"), Message("user", "hello"))
    answer = toy.generate(GenerationRequest(messages, 1))
    assert toy.count_messages(messages) == answer.prompt_tokens
    prefixed = toy.generate(GenerationRequest(messages, 1, answer_prefix="abcd"))
    assert prefixed.prompt_tokens == answer.prompt_tokens + 4


def test_the_answer_is_what_was_streamed_and_the_prompt_is_known_by_its_tokens(toy: LlamaEngine) -> None:
    events: list[EngineEvent] = []
    request = ask("hello", 40)
    answer = toy.generate(request, events.append)
    pieces = [event for event in events if isinstance(event, TextPiece)]
    assert "".join(piece.text for piece in pieces) == answer.text
    assert sum(piece.tokens for piece in pieces) <= len(answer.token_ids) == 40
    assert answer.stop == "length"
    tokens = toy._loaded().prompt_tokens(segments("chatml", request.messages))
    assert answer.prompt_sha256 == hashlib.sha256(struct.pack(f"<{len(tokens)}i", *tokens)).hexdigest()


def test_prompt_progress_is_told_from_what_is_reused_to_the_whole(toy_model: RegisteredModel) -> None:
    engine = load(toy_model, EngineSettings(n_batch=64, n_ubatch=32))
    events: list[EngineEvent] = []
    try:
        answer = engine.generate(ask("x" * 200, 1), events.append)
    finally:
        engine.close()
    progress = [event for event in events if isinstance(event, PromptProgress)]
    total = answer.prompt_tokens
    assert [event.done for event in progress] == [*range(0, total, 32), total]
    assert {event.total for event in progress} == {total}


def test_greedy_answers_repeat_from_an_empty_cache(toy_model: RegisteredModel) -> None:
    answers = []
    for _ in range(2):
        engine = load(toy_model)
        answers.append(engine.generate(ask("same", 60)).token_ids)
        engine.close()
    assert answers[0] == answers[1]


def test_a_seed_repeats_and_another_differs(toy: LlamaEngine) -> None:
    def drawn(seed: int) -> tuple[int, ...]:
        return toy.generate(ask("x", 20, temperature=2.0, seed=seed, top_p=1.0, top_k=0)).token_ids

    assert drawn(3) == drawn(3) != drawn(4)


def test_the_common_prefix_is_reused_and_counted_and_changes_nothing(toy_model: RegisteredModel) -> None:
    fresh, used = load(toy_model), load(toy_model)
    try:
        first = "stable prefix " * 10
        used.generate(ask(first + "one", 30))
        again = used.generate(ask(first + "two", 30))
        alone = fresh.generate(ask(first + "two", 30))
        marker, role = 1, len("user\n")
        assert again.reused == marker + role + len(first)
        assert (alone.reused, alone.text) == (0, again.text)
        repeated = used.generate(ask(first + "two", 30))
        assert repeated.reused == repeated.prompt_tokens - 1
        assert repeated.text == again.text
    finally:
        fresh.close()
        used.close()


def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers_and_nothing_is_lost(toy: LlamaEngine) -> None:
    kept = toy.generate(ask("keep this", 10))
    fixed = toy.count_messages((Message("user", ""),))
    with pytest.raises(PromptTooLong, match=r"takes 512 tokens; the context holds 512"):
        toy.generate(ask("x" * (512 - fixed)))
    again = toy.generate(ask("keep this", 10))
    assert again.reused == again.prompt_tokens - 1
    assert again.token_ids == kept.token_ids


def test_an_answer_is_clipped_to_the_room_that_is_left(toy: LlamaEngine) -> None:
    fixed = toy.count_messages((Message("user", ""),))
    answer = toy.generate(ask("x" * (500 - fixed), 1000))
    assert (answer.prompt_tokens, len(answer.token_ids), answer.stop) == (500, 12, "length")
    last = toy.generate(ask("x" * (511 - fixed), 1000))
    assert (len(last.token_ids), last.stop) == (1, "length")


def test_no_tokens_wanted_only_reads_the_prompt(toy: LlamaEngine) -> None:
    warmed = toy.generate(ask("warm", 0))
    assert (warmed.text, warmed.stop) == ("", "length")
    assert toy.generate(ask("warm", 5)).reused == warmed.prompt_tokens - 1


def test_a_stop_text_ends_the_answer_before_it(toy: LlamaEngine) -> None:
    whole = toy.generate(ask("stop", 40)).text
    stop = whole[10:12]
    answer = toy.generate(ask("stop", 40, stop=(stop,)))
    assert answer.stop == "stop-text"
    assert answer.text == whole[: whole.index(stop)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": -1},
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_p": 0.0},
        {"top_k": -1},
        {"seed": -1},
        {"messages": ()},
        {"messages": (Message("tool", "x"),)},
    ],
)
def test_an_impossible_request_is_refused_and_the_engine_goes_on(
    wrong: dict[str, object], toy: LlamaEngine
) -> None:
    with pytest.raises(ModelError):
        toy.generate(ask("x", 5, **wrong) if "max_tokens" not in wrong else replace(ask("x"), max_tokens=-1))
    assert len(toy.generate(ask("x", 5)).token_ids) == 5


@pytest.mark.parametrize(
    "wrong",
    [{"context_size": 1}, {"n_batch": 0}, {"n_ubatch": 513}, {"threads": -1}, {"context_size": 1 << 30}],
)
def test_impossible_settings_are_refused(wrong: dict[str, int], toy_model: RegisteredModel) -> None:
    with pytest.raises(ModelError, match=next(iter(wrong))):
        load(toy_model, replace(EngineSettings(), **wrong))


def test_a_listener_that_fails_stops_the_answer_and_gets_its_own_error(toy: LlamaEngine) -> None:
    def fail(event: EngineEvent) -> None:
        if isinstance(event, TextPiece):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        toy.generate(ask("x", 400), fail)
    assert len(toy.generate(ask("x", 5)).token_ids) == 5


def test_an_abort_while_idle_does_not_reach_the_next_request(toy: LlamaEngine) -> None:
    toy.abort()
    assert toy.generate(ask("x", 5)).stop == "length"


class _Noticed:
    """An inbox that says when something was put into it."""

    def __init__(self, inbox: queue.SimpleQueue[Any], put: threading.Event) -> None:
        self._inbox = inbox
        self._put = put
        self.get = inbox.get

    def put(self, item: object) -> None:
        self._inbox.put(item)
        self._put.set()


def test_an_abort_reaches_the_running_request_and_those_that_wait(tmp_path: Path) -> None:
    model = Registry(tmp_path).add(gguf_files.toy(context=8192).write(tmp_path / "toy.gguf"))
    engine = load(model)
    started, waiting = threading.Event(), threading.Event()
    stops: list[str] = []
    # Eight thousand tokens take seconds even here; the abort comes within milliseconds.
    first = threading.Thread(
        target=lambda: stops.append(engine.generate(ask("a", 8000), lambda _event: started.set()).stop)
    )
    second = threading.Thread(target=lambda: stops.append(engine.generate(ask("b", 8000)).stop))
    try:
        first.start()
        assert started.wait(10)
        engine._inbox = _Noticed(engine._inbox, waiting)  # type: ignore[assignment]
        second.start()
        assert waiting.wait(10)
        engine.abort()
        first.join(10)
        second.join(10)
        assert stops == ["cancelled", "cancelled"]
        assert engine.generate(ask("x", 5)).stop == "length"
    finally:
        engine.close()


def test_requests_from_many_threads_are_answered_one_after_the_other(toy: LlamaEngine) -> None:
    alone = {name: toy.generate(ask(name, 15)).token_ids for name in "abcdef"}
    found: dict[str, tuple[int, ...]] = {}
    threads = [
        threading.Thread(target=lambda name=name: found.update({name: toy.generate(ask(name, 15)).token_ids}))
        for name in alone
    ]
    for thread in threads:
        thread.start()
        toy.count("counted while others generate")
    for thread in threads:
        thread.join(30)
    assert found == alone


def test_a_closed_engine_says_so_and_can_be_closed_again(toy_model: RegisteredModel) -> None:
    engine = load(toy_model)
    engine.close()
    engine.close()
    engine.abort()
    for use in (lambda: engine.generate(ask("x")), lambda: engine.count("x")):
        with pytest.raises(ModelError, match="closed"):
            use()


def test_closing_ends_an_answer_in_the_making(toy_model: RegisteredModel) -> None:
    engine = load(toy_model)
    closing: list[threading.Thread] = []

    def close_at_first_piece(event: EngineEvent) -> None:
        if isinstance(event, TextPiece) and not closing:
            closing.append(threading.Thread(target=engine.close))
            closing[0].start()

    assert engine.generate(ask("x", 480), close_at_first_piece).stop in {"cancelled", "length"}
    closing[0].join(10)
    assert not engine._thread.is_alive()


def test_a_file_that_was_touched_is_not_loaded(toy_model: RegisteredModel, tmp_path: Path) -> None:
    path = tmp_path / "copy.gguf"
    path.write_bytes(toy_model.path.read_bytes())
    with pytest.raises(ModelError, match="changed since its digest was taken"):
        load(replace(toy_model, path=path))


def test_a_load_can_be_stopped_and_leaves_no_thread(toy_model: RegisteredModel) -> None:
    before = threading.active_count()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        load(toy_model, cancelled=stop)

    def fail(_progress: LoadProgress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load(toy_model, on_progress=fail)
    for thread in threading.enumerate():
        if thread.name == "model":
            thread.join(10)
    assert threading.active_count() <= before


def test_loading_and_answering_print_nothing_and_exit_is_quiet(toy_model: RegisteredModel) -> None:
    script = f"""
        from pathlib import Path
        from workbench.model import GenerationRequest, Message, load
        from workbench.model.files import FileIdentity
        from workbench.model.registry_file import RegisteredModel
        path = Path({str(toy_model.path)!r})
        with path.open("rb") as stream:
            identity = FileIdentity.of(stream)
        model = RegisteredModel("toy", path, "0" * 64, identity, "chatml", "llama", 512, "")
        engine = load(model)
        engine.generate(GenerationRequest((Message("user", "hello"),), 5))
        other = load(model)
        other.close()
        # The first is left open on purpose: the end of the program has to cope.
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def _aborted_after(
    engine: LlamaEngine, request: GenerationRequest, when: Callable[[EngineEvent], bool]
) -> float:
    """Return the seconds from an abort, posted by another thread, to the end of `generate`."""
    wanted, at = threading.Event(), 0.0

    def abort() -> None:
        nonlocal at
        wanted.wait(30)
        at = time.perf_counter()
        engine.abort()

    thread = threading.Thread(target=abort)
    thread.start()
    answer = engine.generate(request, lambda event: wanted.set() if when(event) else None)
    ended = time.perf_counter()
    thread.join()
    assert answer.stop == "cancelled"
    return ended - at


@pytest.mark.model
def test_an_abort_takes_less_than_a_fifth_of_a_second(smollm2: LlamaEngine) -> None:
    plain = smollm2.generate(ask("What is the capital of France?"))
    in_prompt = _aborted_after(
        smollm2,
        ask(CODE + "one"),
        lambda event: isinstance(event, PromptProgress) and 0 < event.done < event.total,
    )
    in_answer = _aborted_after(smollm2, ask("Tell a story.", 500), lambda event: isinstance(event, TextPiece))
    assert in_prompt < 0.2
    assert in_answer < 0.2
    assert smollm2.generate(ask("What is the capital of France?")).text == plain.text


@pytest.mark.model
def test_a_real_model_answers_counts_and_reuses(smollm2: LlamaEngine) -> None:
    messages = (
        Message("system", "You answer in one word."),
        Message("user", "What is the capital of France?"),
    )
    # def| f|():|\n   | return| |1|\n
    assert smollm2.count("def f():\n    return 1\n") == 8
    answer = smollm2.generate(GenerationRequest(messages, 30))
    assert answer.prompt_tokens == smollm2.count_messages(messages)
    assert "Paris" in answer.text
    assert answer.stop == "end"
    again = smollm2.generate(GenerationRequest(messages, 30))
    assert (again.reused, again.text) == (again.prompt_tokens - 1, answer.text)


@pytest.mark.model
def test_the_coder_model_writes_code(qwen05_path: Path, tmp_path: Path) -> None:
    engine = load(Registry(tmp_path).add(qwen05_path), EngineSettings(context_size=1024))
    try:
        request = ask("Write a Python function add(a, b) that returns their sum. Only code.", 60)
        answer = engine.generate(replace(request, answer_prefix="```python\n"))
        assert "return a + b" in answer.text
        assert engine.info.family == "chatml"
        assert engine.info.name == "qwen2.5-coder-0.5b"
    finally:
        engine.close()
