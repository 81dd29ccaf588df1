"""Only new syntax errors count: a file that was broken before may still be edited."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.context import new_faults, syntax_faults
from workbench.context.languages import LANGUAGES

LANGUAGE = {language.name: language for language in LANGUAGES}
PYTHON, C = LANGUAGE["python"], LANGUAGE["c"]

GOOD = b"def f(a):\n    return a\n\n\ndef g():\n    return 1\n"


def test_a_good_file_has_no_faults() -> None:
    assert syntax_faults(GOOD, PYTHON) == ()


def test_a_lost_bracket_is_found_with_its_line() -> None:
    faults = new_faults(GOOD, GOOD.replace(b"f(a)", b"f(a"), PYTHON)
    assert faults
    assert faults[0].line == 1
    assert str(faults[0]).startswith("line 1: ")


def test_wrong_indentation_is_found_for_python() -> None:
    assert new_faults(GOOD, GOOD.replace(b"    return 1", b"   return 1\n    return 2"), PYTHON)


def test_old_faults_are_not_counted_again() -> None:
    broken = b"#define X(\nint f(void) { return 1 }\n"
    assert syntax_faults(broken, C)
    assert new_faults(broken, broken + b"int g(void) { return 2; }\n", C) == ()


def test_a_second_fault_of_the_same_kind_is_new() -> None:
    broken = b"int f(void) { return 1 }\n"
    assert len(new_faults(broken, broken + b"int g(void) { return 2 }\n", C)) == 1


@given(st.binary(max_size=400))
def test_no_bytes_at_all_can_break_the_check(source: bytes) -> None:
    assert new_faults(source, source, PYTHON) == ()


def test_deep_nesting_is_a_fault_and_not_a_crash() -> None:
    assert syntax_faults(b"x = " + b"(" * 5000 + b")" * 5000 + b"\n", PYTHON)
