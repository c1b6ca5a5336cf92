import pytest

from components.example_gen.dataset import RecordRange, Shard, plan_shards


def records(shards: list[Shard]) -> list[tuple[str, int]]:
    """Every record that is read, in order, as its file and its place there."""
    return [
        (part.path, place) for shard in shards for part in shard.ranges for place in range(part.skip, part.skip + part.take)
    ]


def test_deals_a_file_out_in_order_to_shards_of_nearly_the_same_size() -> None:
    assert plan_shards("train", [RecordRange("a", 0, 7)], 3) == [
        Shard("train", 0, 3, (RecordRange("a", 0, 2),)),
        Shard("train", 1, 3, (RecordRange("a", 2, 2),)),
        Shard("train", 2, 3, (RecordRange("a", 4, 3),)),
    ]


def test_a_shard_may_begin_in_one_file_and_end_in_another() -> None:
    assert plan_shards("eval", [RecordRange("a", 5, 3), RecordRange("b", 0, 3)], 2) == [
        Shard("eval", 0, 2, (RecordRange("a", 5, 3),)),
        Shard("eval", 1, 2, (RecordRange("b", 0, 3),)),
    ]
    assert plan_shards("eval", [RecordRange("a", 5, 1), RecordRange("b", 2, 3)], 2) == [
        Shard("eval", 0, 2, (RecordRange("a", 5, 1), RecordRange("b", 2, 1))),
        Shard("eval", 1, 2, (RecordRange("b", 3, 2),)),
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 100])
def test_every_record_is_read_once_and_in_order(count: int) -> None:
    ranges = [RecordRange("a", 3, 4), RecordRange("b", 0, 1), RecordRange("c", 10, 6)]
    expected = [("a", place) for place in range(3, 7)] + [("b", 0)] + [("c", place) for place in range(10, 16)]
    assert records(plan_shards("train", ranges, count)) == expected


def test_fewer_examples_than_shards_have_a_file_each() -> None:
    shards = plan_shards("test", [RecordRange("a", 0, 2)], 4)
    assert [(shard.index, shard.count) for shard in shards] == [(0, 2), (1, 2)]


def test_an_empty_split_has_one_empty_file() -> None:
    assert plan_shards("test", [], 4) == [Shard("test", 0, 1, ())]


def test_files_are_named_as_the_stock_example_gen_names_them() -> None:
    assert Shard("train", 0, 4, ()).file_name == "data_tfrecord-00000-of-00004.gz"
