"""An inferred schema, and the file in which a person may edit it."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.schema_gen.curated import edit_digest, write_inferred
from components.schema_gen.executor import tightened
from components.validation.schema import check_schema


def statistics(low: int, high: int) -> statistics_pb2.DatasetFeatureStatisticsList:
    text = f"datasets {{ features {{ path {{ step: 'label' }} num_stats {{ min: {low} max: {high} }} }} }}"
    return text_format.Parse(text, statistics_pb2.DatasetFeatureStatisticsList())


def test_every_example_has_an_image_and_a_label_that_occurs():
    loose = text_format.Parse(
        "feature { name: 'image' type: BYTES presence { min_count: 1 } }"
        "feature { name: 'label' type: INT presence { min_count: 1 } }"
        "feature { name: 'weight' type: FLOAT }",
        schema_pb2.Schema(),
    )
    image, label, weight = tightened(loose, [statistics(0, 3), statistics(1, 6)]).feature
    assert image.presence.min_fraction == label.presence.min_fraction == 1.0
    assert image.HasField("shape")
    assert image.HasField("image_domain")
    assert (label.int_domain.min, label.int_domain.max, label.int_domain.is_categorical) == (0, 6, True)
    assert weight == loose.feature[2]


def test_an_unedited_file_has_the_cache_key_of_no_file(tmp_path: Path):
    path = tmp_path / "schemas" / "shoes.pbtxt"
    assert edit_digest(path) == ""

    write_inferred(path, 'feature {\n  name: "image"\n}\n')

    check_schema(path)
    assert edit_digest(path) == ""
    path.write_text(path.read_text().replace("image", "picture"))
    edited = edit_digest(path)
    assert len(edited) == 64
    path.write_text(path.read_text() + "# more\n")
    assert edit_digest(path) not in ("", edited)
