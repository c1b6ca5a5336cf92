from itertools import islice

from components.models.seeds import layer_seeds


def first(seed: int, part: str) -> list[int]:
    return list(islice(layer_seeds(seed, part), 50))


def test_the_same_seed_gives_the_same_sequence():
    assert first(7, "encoder") == first(7, "encoder")


def test_sequences_of_neighbouring_seeds_and_of_two_parts_have_nothing_in_common():
    seeds = [*first(0, "encoder"), *first(1, "encoder"), *first(0, "decoder"), *first(1, "decoder")]
    assert len(set(seeds)) == 200


def test_seeds_are_what_an_initializer_takes():
    assert all(0 <= seed < 2**31 for seed in first(2**31 - 1, "decoder"))
