from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model import gguf_files
from workbench.core.errors import ModelError
from workbench.model import GenerationRequest, Message, one_of
from workbench.model.grammar import MAX_DEPTH, check
from workbench.model.llama import LlamaEngine

GOOD = [
    'root ::= "a" | "b"',
    'root ::= item+ # a list\nitem ::= "-" [^\\n]* "\\n"',
    'root ::= [a-z0-9_-]{1,20} ("(" [^()]* ")")?',
    'root ::=\n  "x" |\n  "y"\r\n',
    'root ::= ("a" |\n "b") .*',
    'root ::= "\\x41\\u00e9\\U0001F600" [\\]\\[]',
    'root ::= ""',
    'root ::= "a"{3} "b"{2,} "c"{0,5}',
    "root ::= " + "(" * MAX_DEPTH + '"a"' + ")" * MAX_DEPTH,
]
BAD = [
    "",
    "this is not a grammar",
    'foo ::= "a"',
    "root ::= foo",
    'root ::= "a',
    'root ::= ("a"',
    'root ::= "a")',
    'root ::= "a" "\\q"',
    "root ::= [z-a]",
    "root ::= []",
    "root ::= [^]",
    "root ::= [a",
    'root ::= "a"{1000000}',
    'root ::= "a"{5,2}',
    'root ::= "a"{2}{2}',
    "root ::= *",
    "root ::= <[1]>",
    'root ::= "\\U00110000"',
    'root ::= "a"\0',
    'root ::= "\udc80"',
    'root ::= "a"\nroot ::= "b"',
    'root : "a"',
    "root ::= " + "(" * 200_000 + '"a"' + ")" * 200_000,
    'root ::= "' + "a" * 300_000 + '"',
]


@pytest.mark.parametrize("grammar", GOOD)
def test_a_sound_grammar_passes(grammar: str) -> None:
    check(grammar)


@pytest.mark.parametrize("grammar", BAD, ids=range(len(BAD)))
def test_an_unsound_grammar_is_refused_with_its_line(grammar: str) -> None:
    with pytest.raises(ModelError, match=r"line [12]"):
        check(grammar)


@settings(max_examples=300)
@given(st.text(alphabet='root:=" |()[]{}*+?.\\-abn\n#,019^', max_size=60))
def test_any_text_passes_or_is_a_model_error(tail: str) -> None:
    # Any other exception fails the test.
    with suppress(ModelError):
        check("root ::= " + tail)


def test_the_library_takes_what_passes_and_prints_nothing(tmp_path: Path) -> None:
    # In a child: a mistake here would end the process, or print over the screen.
    toy = gguf_files.toy().write(tmp_path / "toy.gguf")
    script = f"""
        import sys
        from workbench.model.engine import EngineSettings
        from workbench.model.native import NativeModel
        from workbench.model.sampling import GrammarState
        import numpy as np
        native = NativeModel({str(toy)!r}, "toy", EngineSettings(context_size=64), 1, lambda _: True)
        for grammar in {GOOD!r}:
            state = GrammarState(native.library, native.vocabulary, grammar)
            assert len(state.allowed(np.arange(native.vocabulary_size))), grammar
            state.close()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_rule_that_begins_with_itself_is_refused_and_the_engine_goes_on(toy: LlamaEngine) -> None:
    request = GenerationRequest((Message("user", "x"),), 5, grammar='root ::= root "a" | "b"')
    with pytest.raises(ModelError, match="begin with itself"):
        toy.generate(request)
    assert toy.generate(GenerationRequest((Message("user", "x"),), 5)).stop == "length"


@pytest.mark.parametrize("grammar", [text for text in BAD if text], ids=range(len(BAD) - 1))
def test_an_engine_refuses_an_unsound_grammar_and_goes_on(grammar: str, toy: LlamaEngine) -> None:
    with pytest.raises(ModelError):
        toy.generate(GenerationRequest((Message("user", "x"),), 5, grammar=grammar))
    assert len(toy.generate(GenerationRequest((Message("user", "x"),), 5)).token_ids) == 5


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_closed_list_yields_only_its_words(toy: LlamaEngine, temperature: float) -> None:
    words = ["alpha", 'quo"te', "back\\slash", "line\nend", "ümlaut [x] {y}", "al"]
    seen = set()
    for seed in range(12):
        request = GenerationRequest(
            (Message("user", f"{seed}"),), 40, temperature=temperature, seed=seed, grammar=one_of(words)
        )
        answer = toy.generate(request)
        assert answer.stop == "end"
        assert answer.text in words
        seen.add(answer.text)
    assert temperature == 0.0 or len(seen) > 1


def test_a_closed_list_has_to_be_one() -> None:
    for wrong in ([], [""], ["a", ""], [str(number) for number in range(2001)]):
        with pytest.raises(ModelError):
            one_of(wrong)
