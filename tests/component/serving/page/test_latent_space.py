"""The parts of the page that decode: sliders, interpolation and samples."""

import numpy as np
import pytest
from support.served_page import Drawing

from components.artifacts.latent_map import read_map
from components.artifacts.loaded_model import LoadedModel

ONE = [(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]
ZERO = [(0.5, 0.2), (0.68, 0.35), (0.68, 0.65), (0.5, 0.8), (0.32, 0.65), (0.32, 0.35), (0.5, 0.2)]


def grey_levels(image: np.ndarray) -> np.ndarray:
    """What the page shows of an image in [0, 1]."""
    return np.round(255 * image)


def sliders(drawing: Drawing) -> list[dict[str, float]]:
    """The value and the ends of every slider."""
    return drawing.page.evaluate(
        "[...document.querySelectorAll('#sliders input')].map((i) => ({value: +i.value, min: +i.min, max: +i.max}))"
    )


def test_the_sliders_show_the_leading_dimensions_and_start_at_the_mean_code(drawing: Drawing, grey_vae, model: LoadedModel):
    latent_map = read_map(grey_vae)
    assert latent_map is not None
    leading = [dimension.index for dimension in latent_map.dimensions[:10]]
    labels = drawing.page.evaluate("[...document.querySelectorAll('#sliders label')].map((l) => l.firstChild.textContent)")
    assert labels == [f"Dimension {index}" for index in leading]
    assert drawing.text("#sliders-order").startswith("The leading 10 of 12 dimensions, by their KL divergence")

    found = sliders(drawing)
    assert [slider["value"] for slider in found] == pytest.approx([latent_map.mean[index] for index in leading], abs=0.02)
    # A standard normal prior, of which the map has samples.
    ends = np.array([(slider["min"], slider["max"]) for slider in found])
    quantiles = np.array([dimension.prior_quantiles for dimension in latent_map.dimensions[:10]])
    assert ends == pytest.approx(quantiles[:, [0, -1]], abs=0.01)
    assert ends == pytest.approx(np.tile([-3, 3], (10, 1)), abs=0.4)
    decoded = model.call("decode", latent=[latent_map.mean])["image"][0]
    np.testing.assert_allclose(drawing.pixels("#decoded")[..., :1], grey_levels(decoded), atol=1)


def test_a_slider_moved_by_a_key_decodes_the_changed_code_and_resets_to_the_drawing(drawing: Drawing, model: LoadedModel):
    drawing.draw(ZERO)
    drawing.settle()
    code = drawing.asked("decode")[-1]["latent"][0]
    before = drawing.pixels("#decoded")
    np.testing.assert_allclose(before, drawing.pixels("#reconstruction"), atol=1)
    index = int(drawing.text("#sliders label").split()[1])
    marker = drawing.page.evaluate("document.querySelector('#map circle.sliders').getAttribute('cx')")

    drawing.page.focus("#slider-0")
    drawing.page.keyboard.press("Home")
    for _ in range(5):
        drawing.page.keyboard.press("ArrowRight")
    drawing.settle()

    slider = sliders(drawing)[0]
    assert slider["value"] == pytest.approx(slider["min"] + 5 * (slider["max"] - slider["min"]) / 200)
    assert drawing.text("#slider-0-value") == f"{slider['value']:.2f}".replace("-", "\u2212")
    changed = [*code[:index], slider["value"], *code[index + 1 :]]
    assert drawing.asked("decode")[-1]["latent"][0] == pytest.approx(changed)
    expected = model.call("decode", latent=[changed])["image"][0]
    np.testing.assert_allclose(drawing.pixels("#decoded")[..., :1], grey_levels(expected), atol=1)
    assert (drawing.pixels("#decoded") != before).any()
    assert drawing.page.evaluate("document.querySelector('#map circle.sliders').getAttribute('cx')") != marker

    assert drawing.text("#reset") == "Back to the drawing"
    drawing.click("#reset")
    drawing.settle()
    np.testing.assert_array_equal(drawing.pixels("#decoded"), before)


def test_a_fast_slider_requests_its_last_position_and_not_all(drawing: Drawing):
    asked = len(drawing.asked("decode"))
    drawing.page.evaluate(
        "for (let step = 0; step < 50; step++) { const i = document.querySelector('#slider-1');"
        " i.value = -2 + step / 25; i.dispatchEvent(new Event('input')); }"
    )
    drawing.settle()

    asked_now = drawing.asked("decode")[asked:]
    assert len(asked_now) == 2
    index = int(drawing.page.evaluate("document.querySelectorAll('#sliders label')[1].textContent").split()[1])
    assert asked_now[-1]["latent"][0][index] == pytest.approx(-0.04, abs=0.02)


def test_an_interpolation_leads_from_one_kept_drawing_to_the_other(drawing: Drawing, model: LoadedModel):
    assert (
        drawing.page.evaluate("[...document.querySelectorAll('#keep-a, #keep-b')].map((button) => button.disabled)")
        == [True] * 2
    )
    seen = []
    for points, end in ((ONE, "a"), (ZERO, "b")):
        assert not drawing.is_shown("#path-figure")
        drawing.draw(points)
        seen.append(drawing.pixels("#seen")[..., :1] / 255)
        drawing.click(f"#keep-{end}")
        drawing.click("#clear")
        drawing.settle()
    drawing.settle()

    assert drawing.is_shown("#path-figure")
    expected = model.call("interpolate", start=[seen[0]], end=[seen[1]], steps=9)["image"][0]
    for step, image in enumerate(expected):
        np.testing.assert_allclose(drawing.pixels(f"#path canvas:nth-child({step + 1})")[..., :1], grey_levels(image), atol=1)
    assert np.abs(expected[0] - expected[-1]).max() > 0.2
    assert drawing.page.evaluate("[...document.querySelectorAll('#map .end')].map((letter) => letter.textContent)") == [
        "A",
        "B",
    ]


def test_samples_depend_on_their_seed(drawing: Drawing, model: LoadedModel):
    def shown() -> list[np.ndarray]:
        return [drawing.pixels(f"#samples button:nth-child({number}) canvas")[..., :1] for number in range(1, 17)]

    first = shown()
    for image, expected in zip(first, model.call("generate", count=16, seed=[0, 0])["image"], strict=True):
        np.testing.assert_allclose(image, grey_levels(expected), atol=1)

    drawing.click("#new-samples")
    drawing.settle()
    seed = int(drawing.page.evaluate("document.querySelector('#seed').value"))
    assert drawing.asked("generate")[-1] == {"count": 16, "seed": [0, seed]}
    other = shown()
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


def test_a_label_is_drawn_by_its_name_at_the_temperature_of_the_slider(drawing: Drawing, model: LoadedModel):
    assert drawing.text("#label") == "any" + "".join(model.labels.values())
    drawing.page.select_option("#label", label="seven")
    drawing.page.focus("#temperature")
    for _ in range(4):
        drawing.page.keyboard.press("ArrowLeft")
    drawing.settle()

    asked = drawing.asked("generate_labelled")[-1]
    assert asked == {"count": 16, "seed": [0, 0], "label": 7, "temperature": pytest.approx(0.8)}
    assert drawing.text("#temperature-value") == "0.80"
    assert "with the label seven" in drawing.text("#samples-source")
    expected = model.call("generate_labelled", **asked)["image"][2]
    np.testing.assert_allclose(drawing.pixels("#samples button:nth-child(3) canvas")[..., :1], grey_levels(expected), atol=1)

    drawing.page.select_option("#label", label="any")
    drawing.settle()
    assert drawing.asked("generate_at_temperature")[-1] == {"count": 16, "seed": [0, 0], "temperature": 0.8}


def test_a_sample_can_be_taken_as_the_drawing(drawing: Drawing):
    sample = drawing.pixels("#samples button:nth-child(3) canvas")

    drawing.click("#samples button:nth-child(3)")
    drawing.settle()

    np.testing.assert_array_equal(drawing.pixels("#seen"), sample)
    assert drawing.is_shown("#score")
