"""Mutants are faults that people make: each parses, means something else, and follows from the seed."""

from __future__ import annotations

import ast
import difflib
from itertools import islice

from workbench.bench.mutants import KINDS, Mutant, definitions, mutants

SOURCE = b'''"""Wards."""
from typing import overload


def free(beds: int, taken: int = 0, *, spare: bool = False) -> int:
    """Return how many beds are free (never < 0)."""
    left = beds - taken  # 1 < 2
    if not spare and left < 0:
        return 0
    left += 1 if spare else 0
    return max(left, min(0, beds))


def names(wards, limit):
    found = []
    for ward in wards[1:]:
        if ward is None:
            continue
        if f"{ward} < {limit}" in found:
            break
        found.append(ward.lower())
        limit -= 1
    return sorted(found)


class Ward:
    @property
    def size(self):
        """Return the size."""
        first = self.beds
        return first + 1

    @size.setter
    def size(self, value):
        checked = int(value)
        self.beds = checked
        return None

    def full(self, extra):
        total = self.beds + extra
        return total >= self.limit


def short(a):
    return a + 1
'''


def made(count: int, seed: int = 1) -> list[Mutant]:
    return list(islice(mutants({"wards.py": SOURCE}, seed), count))


def changed_lines(mutant: Mutant) -> list[str]:
    before, after = SOURCE.decode().splitlines(), mutant.after.decode().splitlines()
    return [line for line in difflib.ndiff(before, after) if line[:2] in ("- ", "+ ")]


def test_the_same_seed_makes_the_same_mutants_and_another_others() -> None:
    assert made(24) == made(24)
    assert made(24) != made(24, seed=2)


def test_each_parses_means_something_else_and_comes_once() -> None:
    found = made(60)
    for mutant in found:
        assert ast.dump(ast.parse(mutant.after)) != ast.dump(ast.parse(SOURCE)), mutant
    assert len({mutant.after for mutant in found}) == len(found) == 60


def test_the_kinds_take_turns_and_are_what_they_say() -> None:
    found = made(40)
    assert [mutant.kind for mutant in found[:8]] == [*KINDS, *KINDS]
    for mutant in found:
        removed = [line for line in changed_lines(mutant) if line.startswith("- ")]
        added = [line for line in changed_lines(mutant) if line.startswith("+ ")]
        if mutant.kind == "missing":
            assert removed, mutant
            assert not added, mutant
        else:
            assert len(removed) == len(added) == (2 if mutant.kind == "two" else 1), mutant


def test_every_operator_is_used_and_what_is_no_code_stays() -> None:
    found = made(250)
    done = {each.split(" in line")[0] for mutant in found for each in mutant.what.split(", ")}
    assert done >= {
        "comparison",
        "operator",
        "boolean operator",
        "dropped not",
        "constant",
        "other name",
        "swapped arguments",
        "dropped bound",
        "confused call",
        "confused jump",
        "missing statement",
        "missing condition",
    }
    for mutant in found:
        text = "".join(changed_lines(mutant))
        assert not any(each in text for each in ('"""', "def ", "@")), mutant
        assert text.count("# 1 < 2") in (0, 2), mutant
        assert text.count('f"{ward} < {limit}"') != 1 or mutant.kind == "missing", mutant


def test_a_name_that_two_definitions_share_and_what_is_too_short_are_left_alone() -> None:
    assert [each.name for each in definitions(SOURCE)] == ["free", "names"]
    long = SOURCE.replace(b"        return total", b"        total += 0\n        return total")
    assert [each.name for each in definitions(long)] == ["free", "names", "Ward.full"]


def test_where_there_is_nothing_to_do_there_is_an_end() -> None:
    assert list(mutants({}, 1)) == []
    assert list(mutants({"broken.py": b"def f(:\n", "nul.py": b"\0"}, 1)) == []
    assert list(mutants({"plain.py": b"def f():\n    pass\n    pass\n    pass\n"}, 1)) == []
    few = list(mutants({"few.py": b"def f(a):\n    b = a\n    c = b\n    return c < 1\n"}, 1))
    assert 0 < len(few) < 100
