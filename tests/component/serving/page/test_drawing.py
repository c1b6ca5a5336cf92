"""Drawing on the page: what the model is sent, and what is shown of its answer."""

import io
import json
import urllib.request
from base64 import b64decode

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from support.local_server import PREDICT
from support.served_page import NARROW, WIDE, Drawing

from components.artifacts.latent_map import read_map
from components.artifacts.loaded_model import LoadedModel

SEVEN = [(0.3, 0.25), (0.45, 0.25), (0.68, 0.25), (0.6, 0.42), (0.5, 0.6), (0.44, 0.8)]
"""A digit, as points in [0, 1] of the pad."""

SMALL_LINE = [(0.1, 0.8), (0.13, 0.82), (0.16, 0.84)]


def sent_png(drawing: Drawing) -> bytes:
    """The image of the last request for a score."""
    [example] = drawing.asked("serving_default")[-1]["examples"]
    parsed = tf.train.Example.FromString(b64decode(example["b64"]))
    assert set(parsed.features.feature) == {"image"}
    [png] = parsed.features.feature["image"].bytes_list.value
    return png


@pytest.mark.parametrize("drawing", [WIDE, NARROW], indirect=True, ids=["mouse", "finger"])
def test_the_drawing_is_sent_as_it_is_shown_in_a_png_of_the_models_shape(drawing: Drawing):
    drawing.draw(SEVEN)

    image = Image.open(io.BytesIO(sent_png(drawing)))
    assert (image.format, image.mode, image.size) == ("PNG", "L", (28, 28))
    np.testing.assert_array_equal(drawing.pixels("#seen"), np.repeat(np.asarray(image)[..., np.newaxis], 3, axis=2))


@pytest.mark.parametrize("points", [SEVEN, SMALL_LINE], ids=["seven", "small line"])
def test_a_drawing_is_brought_to_the_size_and_place_of_mnists_digits(drawing: Drawing, points):
    drawing.draw(points)

    seen = drawing.pixels("#seen")[..., 0] / 255.0
    rows, columns = (np.flatnonzero(seen.max(axis=axis) > 0.02) for axis in (1, 0))
    largest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    # A box of 20 pixels, up to half a pixel at either end that is not wholly covered; small lines do not become large ones.
    assert 20 <= largest <= 21 if points is SEVEN else largest < 15
    assert seen.max() == 1
    for axis in (0, 1):
        along = seen.sum(axis=1 - axis)
        assert (along * (np.arange(28) + 0.5)).sum() / along.sum() == pytest.approx(14.5, abs=0.1)


def test_the_score_and_the_reconstruction_are_what_the_rest_api_answers(drawing: Drawing, model: LoadedModel):
    drawing.draw(SEVEN)
    body = {"signature_name": "serving_default", "inputs": drawing.asked("serving_default")[-1]}
    request = urllib.request.Request(f"{drawing.address}{PREDICT}", json.dumps(body).encode())
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)["outputs"]

    assert drawing.text("#score-value") == f"{answer['score'][0]:.2f} nats"
    expected = np.round(255 * np.array(answer["reconstruction"][0]))
    assert expected.max() - expected.min() > 30
    np.testing.assert_array_equal(drawing.pixels("#reconstruction")[..., :1], expected)


def test_a_score_is_ranked_among_those_of_the_eval_split(drawing: Drawing, grey_vae):
    latent_map = read_map(grey_vae)
    assert latent_map is not None
    drawing.draw(SEVEN)

    score = float(drawing.text("#score-value").removesuffix(" nats"))
    higher = np.mean(np.array(latent_map.score_percentiles) > score) * 100
    assert drawing.text("#score-rank").endswith(f"of the {len(latent_map.points)} eval images.")
    shown = drawing.page.evaluate(
        f"import('/score.js').then((score) => 100 - score.percentileOf({score}, {list(latent_map.score_percentiles)}))"
    )
    assert shown == pytest.approx(higher, abs=1)


@pytest.mark.parametrize(
    ("score", "percentile", "words"),
    [
        (5, 0, "Lower than all of the 2 eval images."),
        (14, 0.2, "Lower than 99.8 % of the 2 eval images."),
        (60, 2.5, "Lower than 98 % of the 2 eval images."),
        (1009, 49.95, "Lower than 50 % of the 2 eval images."),
        (1410, 70, "Higher than 70 % of the 2 eval images."),
        (2009.9, 99.995, "Higher than 99.9 % of the 2 eval images."),
        (2011, 100, "Higher than all of the 2 eval images: it is unlike the training data."),
    ],
)
def test_percentiles_of_scores_are_interpolated(drawing: Drawing, score, percentile, words):
    latent_map = {"score_percentiles": list(range(10, 2011, 20)), "points": [[0, 0], [1, 1]]}

    found = drawing.page.evaluate(
        f"import('/score.js').then((s) => [s.percentileOf({score}, {latent_map['score_percentiles']}),"
        f" s.rank({score}, {json.dumps(latent_map)})])"
    )

    assert found == [pytest.approx(percentile), words]


def test_undo_removes_the_last_stroke_and_clear_removes_all(drawing: Drawing):
    assert (
        drawing.page.evaluate("[...document.querySelectorAll('#undo, #clear')].map((button) => button.disabled)") == [True] * 2
    )
    drawing.draw(SEVEN)
    one = drawing.pixels("#seen")
    drawing.draw([(0.35, 0.5), (0.65, 0.5)])
    both = drawing.pixels("#seen")
    assert (one != both).any()

    drawing.click("#undo")
    drawing.settle()
    np.testing.assert_array_equal(drawing.pixels("#seen"), one)

    drawing.click("#clear")
    drawing.settle()
    assert drawing.page.evaluate("document.querySelector('#seen').classList.contains('empty')")
    assert not drawing.is_shown("#score")

    drawing.page.keyboard.press("Control+z")
    drawing.settle()
    np.testing.assert_array_equal(drawing.pixels("#seen"), one)
    assert drawing.is_shown("#score")


def test_the_drawing_is_marked_at_its_code_on_the_map(drawing: Drawing, grey_vae, model: LoadedModel):
    latent_map = read_map(grey_vae)
    assert latent_map is not None
    drawing.draw(SEVEN)
    drawing.settle()

    seen = drawing.pixels("#seen")[np.newaxis, ..., :1] / 255.0
    code = model.call("encode", image=seen)["latent_mean"][0]
    point = (code - np.array(latent_map.mean)) @ np.array(latent_map.components).T
    # How the plot scales is read off the points that it shows.
    circles = drawing.page.evaluate(
        "[...document.querySelectorAll('.cloud circle')].map((c) => [+c.getAttribute('cx'), +c.getAttribute('cy')])"
    )
    x, y = (np.polyfit(np.array(latent_map.points)[:, axis], np.array(circles)[:, axis], 1) for axis in (0, 1))
    assert len(circles) == 60
    assert x[0] == pytest.approx(-y[0], rel=0.01)
    marker = drawing.page.evaluate("document.querySelector('#map path.drawing').getAttribute('d')")
    place = [float(part) for part in marker.removeprefix("M").split()[0].split(",")]
    low, high = np.array(circles).min(axis=0) - 30, np.array(circles).max(axis=0) + 30
    if (low < place).all() and (place < high).all():
        assert place == pytest.approx([np.polyval(x, point[0]), np.polyval(y, point[1])], abs=1)
    nearest = min(latent_map.centers, key=lambda center: np.linalg.norm(code - center.mean))
    assert drawing.text("#map-nearest").endswith(f"nearest to the mean code of {model.labels[nearest.label]}.")
    assert drawing.text("#map-legend") == "".join(model.labels.values())
    names = drawing.page.evaluate("[...document.querySelectorAll('#map .center text')].map((text) => text.textContent)")
    assert names == list(model.labels.values())


def test_one_label_can_be_shown_alone_on_the_map(drawing: Drawing):
    drawing.click("#map-legend button:nth-child(4)")

    assert drawing.page.evaluate("document.querySelectorAll('.cloud circle:not(.dim)').length") == 6
    assert drawing.page.evaluate("document.querySelectorAll('.cloud circle.color-3:not(.dim)').length") == 6
    drawing.click("#map-legend button:nth-child(4)")
    assert drawing.page.evaluate("document.querySelectorAll('.cloud circle:not(.dim)').length") == 60
