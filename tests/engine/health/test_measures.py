"""The measures in cases where the answer is known."""

import pytest
import torch

from fluxtune.engine.health import measures
from fluxtune.engine.health.measures import Concept
from fluxtune.engine.health.statistics import measured, share

PROMPTS, SEEDS, TOKENS, CHANNELS = 3, 2, 4, 32


def images(count: int, towards: torch.Tensor | None = None, seed: int = 0, noise: float = 1.0) -> torch.Tensor:
    """Tokens of random images around a direction."""
    made = noise * torch.randn(count, TOKENS, CHANNELS, generator=torch.Generator().manual_seed(seed))
    return made if towards is None else made + towards


def direction(seed: int, length: float = 3.0) -> torch.Tensor:
    return length * torch.nn.functional.normalize(
        torch.randn(CHANNELS, generator=torch.Generator().manual_seed(seed)), dim=0
    )


CONCEPT, PLACE = direction(1), [direction(10 + index) for index in range(PROMPTS)]


def grid(towards: torch.Tensor, seed: int, places: float = 1.0) -> torch.Tensor:
    """Images of every prompt and seed: something in each of the places."""
    parts = [images(SEEDS, towards + places * PLACE[index], 100 * seed + index, 0.5) for index in range(PROMPTS)]
    return torch.cat(parts)


class TestGain:
    concept = Concept(images(6, CONCEPT, seed=2))
    base = images(PROMPTS * SEEDS, direction(3), seed=4)

    def gain(self, tuned: torch.Tensor) -> float:
        measure = measures.gain(self.concept, self.base, tuned, PROMPTS)
        assert measure is not None
        assert measure.low <= measure.value <= measure.high
        assert measure.image_count == PROMPTS * SEEDS
        return measure.value

    def test_the_base_itself_gains_nothing(self) -> None:
        assert self.gain(self.base) == 0

    def test_images_like_the_training_images_go_the_whole_way(self) -> None:
        assert self.gain(images(PROMPTS * SEEDS, CONCEPT, seed=5)) == pytest.approx(1, abs=0.15)

    def test_half_the_concept_is_in_between(self) -> None:
        assert 0.2 < self.gain(images(PROMPTS * SEEDS, CONCEPT / 2 + direction(3) / 2, seed=5)) < 0.9

    def test_noise_with_the_right_mean_is_not_the_concept(self) -> None:
        noise = 12 * images(PROMPTS * SEEDS, seed=6)
        noise = noise - noise.mean(1, keepdim=True) + CONCEPT
        assert self.gain(noise) < 0.3

    def test_what_the_base_knows_already_can_t_be_gained(self) -> None:
        assert measures.gain(self.concept, images(PROMPTS * SEEDS, CONCEPT, seed=7), self.base, PROMPTS) is None


class TestCopying:
    training = images(6, seed=2)
    concept = Concept(training)

    def test_a_copy_is_found_with_its_original_even_when_moved_within_the_image(self) -> None:
        distances, places = self.concept.nearest(self.training[[3, 1]].roll(1, 1))
        assert places.tolist() == [3, 1]
        assert distances.max() < 0.01
        assert measures.copying(distances).value == 1

    def test_other_images_are_as_far_as_the_training_images_from_each_other(self) -> None:
        distances, _ = self.concept.nearest(images(8, seed=9))
        assert distances.mean() == pytest.approx(1, abs=0.1)
        none = measures.copying(distances)
        assert none.value == none.low == 0
        assert none.high > 0.2  # eight images without a copy do not prove that there are none

    def test_a_single_training_image_has_no_neighbour(self) -> None:
        distances, _ = Concept(self.training[:1]).nearest(self.training[:1])
        assert distances[0] == pytest.approx(0, abs=1e-5)


class TestAdherence:
    base = grid(direction(3), seed=1)

    def adherence(self, tuned: torch.Tensor) -> float:
        measure = measures.adherence(self.base, tuned, PROMPTS)
        assert measure is not None
        return measure.value

    def test_another_subject_in_the_same_places_adheres(self) -> None:
        assert self.adherence(grid(CONCEPT, seed=2)) == pytest.approx(1, abs=0.3)

    def test_one_place_whatever_the_prompt_says_does_not(self) -> None:
        assert self.adherence(grid(CONCEPT + PLACE[0], seed=2, places=0.0)) == pytest.approx(0, abs=0.2)

    def test_places_that_changed_places_count_against_it(self) -> None:
        assert self.adherence(grid(CONCEPT, seed=2).roll(SEEDS, 0)) < 0

    def test_a_style_that_draws_every_place_fainter_still_keeps_to_them(self) -> None:
        assert self.adherence(grid(CONCEPT, seed=2, places=0.4)) > 0.7

    def test_the_first_seed_alone_says_much_the_same(self) -> None:
        first = grid(CONCEPT, seed=2)[::SEEDS]
        assert self.adherence(first) == pytest.approx(1, abs=0.4)

    def test_one_prompt_tells_nothing(self) -> None:
        assert measures.adherence(self.base[:SEEDS], self.base[:SEEDS], 1) is None


class TestBleed:
    base = grid(direction(3), seed=1)

    def bleed(self, tuned: torch.Tensor) -> float:
        measure = measures.bleed(self.base, tuned, PROMPTS)
        assert measure is not None
        return measure.value

    def test_the_same_images_did_not_move(self) -> None:
        assert self.bleed(self.base) == pytest.approx(0, abs=1e-6)

    def test_images_of_other_prompts_moved_all_the_way(self) -> None:
        assert self.bleed(self.base.roll(SEEDS, 0)) == pytest.approx(1, abs=0.2)

    def test_a_little_is_little(self) -> None:
        assert 0 < self.bleed(self.base + images(len(self.base), seed=3, noise=0.1)) < 0.2

    def test_one_prompt_tells_nothing(self) -> None:
        assert measures.bleed(self.base[:1], self.base[:1], 1) is None


class TestIntervals:
    def test_more_prompts_make_it_narrower(self) -> None:
        values = torch.randn(32, 4, 1, generator=torch.Generator().manual_seed(0)).double().numpy()
        few, many = measured(values[:4]), measured(values)
        assert many.high - many.low < few.high - few.low
        assert (few.image_count, many.image_count) == (16, 128)
        assert measured(values) == many

    def test_prompts_that_differ_make_it_wider_than_seeds_that_do(self) -> None:
        by_prompt = torch.arange(8.0).view(8, 1, 1).expand(8, 8, 1).double().numpy()
        alike = measured(by_prompt * 0 + 3)
        assert alike.low == alike.value == alike.high == 3
        assert measured(by_prompt).high - measured(by_prompt).low > 1

    def test_shares(self) -> None:
        assert share(4, 8).value == 0.5
        assert share(0, 8).low == 0
        assert 0.2 < share(0, 8).high < 0.3
        assert share(8, 8).high == 1
