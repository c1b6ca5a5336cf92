"""Images that come to the page and go from it: chosen, dropped, pasted, downloaded."""

import io
from base64 import b64encode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.served_page import Drawing

DIGIT = Path("serving/images/7.png")


def bring(drawing: Drawing, how: str, content: bytes, name: str = "7.png") -> None:
    """Gives a file to the page as a user does."""
    if how == "choose":
        drawing.page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": content})
    else:
        drawing.page.evaluate(
            """([how, text, name]) => {
                const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                const files = new DataTransfer();
                files.items.add(new File([bytes], name, {type: "image/png"}));
                const event = how === "drop" ? new DragEvent("drop", {dataTransfer: files, bubbles: true, cancelable: true})
                    : new ClipboardEvent("paste", {clipboardData: files, bubbles: true});
                (how === "drop" ? document.querySelector("#pad") : document).dispatchEvent(event);
            }""",
            [how, b64encode(content).decode(), name],
        )
    drawing.page.wait_for_selector("#seen:not(.empty)")
    drawing.settle()


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("how", ["choose", "drop", "paste"])
def test_an_image_of_the_models_size_is_taken_as_it_is(drawing: Drawing, how: str):
    bring(drawing, how, DIGIT.read_bytes())

    np.testing.assert_array_equal(drawing.pixels("#seen")[..., 0], np.asarray(Image.open(DIGIT).convert("L")))
    assert drawing.is_shown("#score")


def test_a_wide_photograph_is_scaled_padded_and_inverted(drawing: Drawing):
    wide = np.full((280, 560, 3), 255, np.uint8)
    wide[:, 280:] = (255, 0, 0)
    bring(drawing, "choose", png(wide))

    seen = drawing.pixels("#seen")[..., 0]
    assert seen[:7].max() == seen[21:].max() == 0
    assert (seen[8:20, 2:12] == 255).all()
    assert (seen[8:20, 16:26] == 76).all()  # 0.299 of 255, as in Pillow
    drawing.click("#invert")
    np.testing.assert_array_equal(drawing.pixels("#seen")[..., 0], 255 - seen)


def test_what_is_no_image_is_refused_in_a_sentence(drawing: Drawing):
    drawing.page.set_input_files("#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"seven"})

    drawing.page.wait_for_selector("#file-problem:not(:empty)")
    assert drawing.text("#file-problem") == "notes.txt is not an image that this browser can read."
    assert not drawing.is_shown("#score")


def test_a_download_has_the_pixels_of_the_images(drawing: Drawing, tmp_path: Path):
    with drawing.page.expect_download() as download:
        drawing.page.click("[data-save='#samples canvas']")

    assert download.value.suggested_filename == "samples.png"
    download.value.save_as(tmp_path / "samples.png")
    sheet = np.asarray(Image.open(tmp_path / "samples.png").convert("RGB"))
    assert sheet.shape == (118, 118, 3)  # 4 by 4 of 28 pixels, 2 between them
    np.testing.assert_array_equal(sheet[30:58, 60:88], drawing.pixels("#samples button:nth-child(7) canvas"))


def test_the_point_under_the_pointer_is_shown_as_a_digit(drawing: Drawing, model):
    drawing.page.locator("#map").scroll_into_view_if_needed()
    number = 11
    circle = drawing.page.locator(f".cloud circle:nth-child({number + 1})")
    box = circle.bounding_box()
    assert box is not None
    drawing.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    drawing.page.wait_for_selector("#map-digit:not([hidden])")
    drawing.settle()

    [pointed] = drawing.page.eval_on_selector_all(
        ".cloud circle", "(all) => all.flatMap((c, place) => c.classList.contains('pointed') ? [place] : [])"
    )
    code = drawing.page.evaluate(
        f"fetch('/page/model.json').then((answer) => answer.json()).then((model) => model.latent_map.codes[{pointed}])"
    )
    assert drawing.asked("decode")[-1]["latent"] == [code]
    decoded = np.round(255 * model.call("decode", latent=[code])["image"][0])
    np.testing.assert_allclose(drawing.pixels("#map-digit canvas")[..., :1], decoded, atol=1)
    assert drawing.text("#map-digit-name") in model.labels.values()

    drawing.page.mouse.move(2, 2)
    drawing.page.wait_for_selector("#map-digit", state="hidden")


def test_an_interpolation_has_as_many_steps_as_one_picks(drawing: Drawing):
    bring(drawing, "choose", DIGIT.read_bytes())
    drawing.click("#keep-a")
    drawing.click("#invert")
    drawing.click("#keep-b")
    drawing.page.fill("#steps", "5")
    drawing.settle()

    assert drawing.asked("interpolate")[-1]["steps"] == 5
    assert drawing.page.locator("#path canvas").count() == 5
