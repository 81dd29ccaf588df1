from __future__ import annotations

import numpy as np
import pytest

from workbench.core.errors import ModelError
from workbench.model import GenerationRequest, Message
from workbench.model.sampling import Sampler, Scores


def sampler(temperature: float = 0.0, seed: int = 0, top_p: float = 1.0, top_k: int = 0) -> Sampler:
    request = GenerationRequest(
        (Message("user", "x"),), 1, temperature=temperature, seed=seed, top_p=top_p, top_k=top_k
    )
    return Sampler(None, None, request)


def scores(*values: float) -> Scores:
    return np.array(values, dtype=np.float32)


def test_temperature_zero_takes_the_best_and_the_first_of_equals() -> None:
    assert sampler().choose(scores(1, 5, 3, 5)) == 1


def test_a_seed_repeats_its_choices_and_another_makes_others() -> None:
    flat = scores(*[0.0] * 50)

    def drawn(seed: int) -> list[int]:
        once = sampler(1.0, seed)
        return [once.choose(flat) for _ in range(30)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_top_k_leaves_only_so_many() -> None:
    once = sampler(5.0, top_k=2)
    assert {once.choose(scores(0, 1, 2, 3)) for _ in range(200)} == {2, 3}


def test_top_p_leaves_the_smallest_set_that_reaches_it() -> None:
    # Probabilities 0.7, 0.2, 0.1.
    once = sampler(1.0, top_p=0.8)
    assert {once.choose(np.log(scores(0.7, 0.2, 0.1))) for _ in range(300)} == {0, 1}
    only = sampler(1.0, top_p=0.1)
    assert {only.choose(np.log(scores(0.7, 0.2, 0.1))) for _ in range(50)} == {0}


def test_frequencies_follow_the_probabilities() -> None:
    once = sampler(1.0)
    drawn = [once.choose(np.log(scores(0.6, 0.4))) for _ in range(4000)]
    assert 0.56 < drawn.count(0) / 4000 < 0.64


def test_a_vanishing_temperature_is_greedy_and_not_a_division_by_nothing() -> None:
    assert sampler(1e-320).choose(scores(1, 2)) == 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_an_error(bad: float) -> None:
    with pytest.raises(ModelError, match="not numbers"):
        sampler().choose(scores(1, bad))
