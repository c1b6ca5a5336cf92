"""The page of `tfx-vae ui`, driven as a person does."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, expect
from support.history import History
from support.many_runs import copy_last_run
from support.servable import ServableHistory
from support.ui_page import Window, new_window, serving_runs

from pipelines.config import load_config
from pipelines.mlmd.lock import try_lock
from pipelines.mlmd.record import finish_record
from tfx_vae.cli import main
from tfx_vae.ui.actions import Actions

expect.set_options(timeout=30_000)
PROJECT = Path(__file__).parents[3]
SMOKE = PROJECT / "pipelines" / "configs" / "smoke.yaml"
WITHOUT_A_NAME = """() => [...document.querySelectorAll('a, button, input, select, iframe, svg[tabindex], table')]
  .filter((each) => !(each.ariaLabel || each.title || each.labels?.length || each.innerText?.trim() || each.textContent.trim()
    || each.getAttribute('aria-label'))).map((each) => each.outerHTML)"""


def rows(window: Window) -> list[str]:
    return window.texts("table.runs tbody tr td[data-name=Run]")


def test_runs_are_filtered_sorted_followed_and_compared(past, window: Window):
    page = window.page
    window.open("/runs")
    expect(page.locator("table.runs tbody tr")).to_have_count(7)
    assert rows(window) == ["7", "6", "5", "4", "3", "2", "1"]

    page.get_by_label("Pipeline").select_option("mnist-vae")
    page.get_by_role("combobox", name="State").select_option("complete")
    assert rows(window) == ["6", "3", "2", "1"]
    page.get_by_role("button", name="negative ELBO").press("Enter")  # the largest first
    assert rows(window) == ["1", "3", "2", "6"]
    page.keyboard.press("Enter")  # the button has kept the focus
    assert rows(window) == ["6", "3", "2", "1"]
    assert page.locator("th[aria-sort=ascending]").inner_text().split() == ["negative", "ELBO", "▲"]
    page.get_by_label("Filter").fill(past.first.id)
    assert rows(window) == ["1"]

    window.open("/runs")
    page.reload()
    running = page.locator("tr", has=page.get_by_role("link", name="7", exact=True))
    expect(running).to_contain_text("● running")
    finish_record(past.history.store, past.running.id, "canceled")
    expect(running).to_contain_text("⊘ canceled")  # by itself

    for number in (1, 2):
        page.get_by_label(f"Compare run {number}").check()
    page.get_by_role("button", name="Compare 2 runs").click()
    expect(page.get_by_role("heading", name="Comparison of runs 1, 2")).to_be_focused()
    assert "reconstruction loss 81.50 79.25" in window.texts("#content tr")
    assert "model.kind" not in page.locator("#content").inner_text()
    assert window.texts(".series-names li") == ["run 1 train", "run 1 eval", "run 2 train", "run 2 eval"]
    page.locator(".chart svg").press("End")
    expect(page.locator(".spoken")).to_have_text("run 2 eval: epoch 2, 105.00")
    page.locator(".chart svg").press("Home")
    expect(page.locator(".spoken")).to_have_text("run 1 train: epoch 1, 220.00")


def test_a_run_has_its_components_parameters_log_report_and_what_differs(past, window: Window):
    page = window.page
    window.open(f"/run/{past.second.id}")
    expect(page).to_have_title("Run 2 of mnist-vae · tfx-vae")
    expect(page.locator(".node.complete")).to_have_count(9)
    trainer = page.locator(".graph").get_by_role("link", name=re.compile("Trainer"))
    trainer.press("Enter")
    expect(page.locator(f"#run-component-{past.second.executions['Trainer']}")).to_be_focused()
    assert page.locator(".edge").count() > 5
    page.get_by_text("Parameters of Trainer").click()
    expect(page.get_by_text('"epochs":6')).to_be_visible()
    expect(page.locator("pre.log")).to_have_text("as it went")
    expect(page.get_by_label("Another run")).to_have_value(past.first.id)
    expect(page.locator("section", has=page.get_by_role("heading", name="What differs"))).to_contain_text("99.25")
    page.locator("iframe").scroll_into_view_if_needed()
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("What it has learnt")
    [refused] = window.problems
    assert refused.startswith("Blocked script execution")
    window.problems.clear()

    window.open(f"/run/{past.cached.id}")
    expect(page.locator(".node.cached")).to_have_count(7)
    window.open(f"/run/{past.failed.id}")
    expect(page.locator(".node.failed")).to_contain_text("Trainer")
    expect(page.get_by_role("alert")).to_have_text("train-images-idx3-ubyte.gz is truncated: get it again.")
    expect(page.locator("pre.log")).to_contain_text("Trainer started")


def test_a_chart_marks_champions_drift_and_decisions(past, window: Window):
    page = window.page
    window.open("/chart")
    page.get_by_label("Metric").select_option("negative_elbo")
    expect(page.locator(".chart svg")).to_have_attribute("aria-label", re.compile("negative ELBO of each run, lower is better"))
    assert window.texts(".series-names li") == ["mnist-ae", "mnist-vae"]
    assert window.texts(".sign") == ["☆", "☆", "★▲"]
    page.get_by_label("Pipeline").select_option("mnist-vae")
    width = page.locator(".chart svg").get_attribute("width")
    page.locator(".chart svg").press("Home")
    expect(page.locator(".spoken")).to_have_text("mnist-vae: run 1, 101.50 nats, was the champion")
    page.set_viewport_size({"width": 700, "height": 800})  # drawn again, for another width
    expect(page.locator(".chart svg")).not_to_have_attribute("width", width)
    expect(page.locator(".ring")).to_be_visible()
    expect(page.locator(".chart svg")).to_be_focused()
    window.changes_the_runs(lambda runs: [{**run, "drifted": False} for run in runs])
    expect(page.locator(".sign")).to_have_text(["☆", "☆", "★"])
    expect(page.locator(".ring")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Run 1 of mnist-vae")).to_be_visible()


def test_lineage_is_walked_in_both_directions(past, window: Window):
    page = window.page
    window.open("/artifacts")
    page.get_by_label("Type").select_option("Model")
    expect(page.get_by_text("1 to 4 of 4 artifacts")).to_be_visible()
    page.get_by_label("Filter").fill(f"trainer/model/{past.first.executions['Trainer']}")
    expect(page.get_by_text("1 to 1 of 1 artifacts")).to_be_visible()
    model, examples = past.first.artifacts["model"], past.first.artifacts["examples"]
    page.get_by_role("link", name=f"Model {model}", exact=True).click()
    expect(page.get_by_role("heading", name=f"Model {model}")).to_be_focused()
    graph = page.locator(".graph")
    graph.get_by_role("link", name=re.compile("Transform,")).wait_for()
    graph.get_by_role("link", name=re.compile(f"PushedModel {past.first.artifacts['pushed_model']},")).press("Enter")
    expect(page.get_by_role("heading", name="PushedModel")).to_be_focused()
    graph.get_by_role("link", name=re.compile(f"Model {model},")).press("Enter")
    graph.get_by_role("link", name=re.compile("Examples")).press("Enter")
    graph.get_by_role("link", name=re.compile(f"Examples {examples},")).press("Enter")
    expect(page.get_by_text("Made from (2)")).to_be_visible()  # a TfdsExampleGen, and what it read
    graph.get_by_role("link", name=re.compile("TfdsExampleGen")).press("Enter")
    expect(page.get_by_role("heading", name="Run 1 of mnist-vae")).to_be_visible()


def test_a_pushed_version_has_samples_and_reconstructions(past, window: Window):
    page = window.page
    window.open(f"/run/{past.second.id}")
    page.locator(".facts a").click()
    expect(page.get_by_role("heading", name="Pushed models")).to_be_focused()
    expect(page.get_by_label("Version").locator("option")).to_have_count(3)
    for picture in ("Reconstructions", "Samples"):
        image = page.get_by_role("img", name=picture)
        image.scroll_into_view_if_needed()
        page.wait_for_function("(image) => image.complete && image.naturalWidth === 28", arg=image.element_handle())
    page.get_by_label("Version").select_option(index=2)
    expect(page.get_by_text("has no such picture")).to_have_count(2)
    expect(page.get_by_text("tfx-vae serve --set name=mnist-vae --version")).to_be_visible()
    window.problems.clear()  # the browser tells of the missing pictures


def test_what_gc_would_delete_is_what_the_command_says(past, window: Window):
    plan = CliRunner().invoke(main, ["gc", "--dry-run", "--json", "--metadata", f"sqlite:///{past.history.location.path}"])
    expected = json.loads(plan.stdout)
    window.open("/garbage")
    table = window.page.get_by_role("table", name="What would be deleted").locator("tbody tr")
    expect(table).to_have_count(len(expected["artifacts"]) + len(expected["leftovers"]))
    for artifact in expected["artifacts"]:
        window.page.get_by_role("link", name=f"{artifact['type']} {artifact['id']}", exact=True).wait_for()
    window.page.get_by_label("Only what was not used for").fill("soon")
    window.page.get_by_role("button", name="Look again").click()
    expect(window.page.get_by_role("alert")).to_contain_text("'soon' is not an age")
    window.problems.clear()  # the browser tells of the refusal


@pytest.mark.parametrize(("width", "scheme"), [(400, "dark"), (1280, "light")])
def test_pages_fit_and_everything_has_a_name(past, browser: Browser, address: str, width: int, scheme: str):
    window = new_window(browser, address, width, scheme)
    pages = {
        "/runs": "table.runs",
        f"/run/{past.second.id}": "iframe",
        f"/compare/{past.first.id},{past.second.id},{past.other.id}": ".chart svg",
        "/chart": ".chart svg",
        "/models": ".facts",
        "/artifacts": "table",
        f"/artifact/{past.first.artifacts['model']}": ".node",
        "/garbage": "table",
    }
    for where, is_there in pages.items():
        window.open(where)
        window.page.wait_for_selector(is_there)
        assert window.page.evaluate("document.documentElement.scrollWidth") == width, where
        assert window.page.evaluate(WITHOUT_A_NAME) == [], where
    dark = window.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(18, 22, 28)") == (scheme == "dark")
    window.page.close()


def test_actions_are_for_the_page_with_the_token_only(in_memory: Path, address: str, browser: Browser):
    root = in_memory / "served"
    history = ServableHistory(root)
    first, second = history.run(), history.run(elbo=99, baseline=None)
    actions = Actions(load_config(SMOKE, [f"runtime.root={root}", "name=mnist-vae"]), history.location)
    with serving_runs(root, actions) as allowed:

        def status(server: str, token: str, origin: str, kind: str = "tag", body: object = None) -> int:
            headers = {"X-Tfx-Vae-Token": token} | ({"Origin": origin} if origin else {})
            return httpx.post(
                f"{server}/api/actions/{kind}", json=body or {"run": first.id, "tag": "x"}, headers=headers
            ).status_code

        assert status(address, actions.token, address) == 403  # it only reads
        assert status(allowed, "", allowed) == status(allowed, "guessed", allowed) == 403
        assert status(allowed, actions.token, "http://evil.example") == status(allowed, actions.token, "") == 403
        assert status(allowed, actions.token, allowed, "format") == 400
        assert status(allowed, actions.token, allowed, body={"run": first.id, "tag": 5}) == 400
        with try_lock(root / "metadata.sqlite.lock", "a run"):
            assert status(allowed, actions.token, allowed) == 409

        window = new_window(browser, allowed)
        page = window.page
        page.goto(f"{allowed}/#token={actions.token}")
        page.wait_for_selector("table.runs")
        assert actions.token not in page.url
        page.get_by_role("link", name="1", exact=True).click()
        confirm(window, "Tag", "sharp sevens", "is 'sharp sevens'")
        confirm(window, "Promote", "", "--why needs a reason", "Cancel")
        confirm(window, "Promote", "sharper", "is the champion")
        confirm(window, "Roll back to this version", "again", "is the model that is served now", "Cancel")
        window.open("/runs")
        expect(page.locator("table.runs")).to_contain_text("⚑ promote")
        expect(page.locator(".tag")).to_have_text("sharp sevens")
        window.open("/garbage")
        page.get_by_label("Keep the newest runs").fill("0")
        page.get_by_role("button", name="Look again").click()
        expect(page.get_by_role("table", name="What would be deleted")).to_be_visible()
        confirm(window, "Delete", None, "artifacts were deleted")
        assert second.uris["model"].is_dir()  # it is pushed
        window.page.close()


def confirm(window: Window, name: str, text: str | None, said: str, leave: str = "Close") -> None:
    window.page.get_by_role("button", name=name, exact=True).click()
    dialog = window.page.get_by_role("dialog", name=name)
    if text is not None:
        dialog.get_by_role("searchbox").fill(text)
    dialog.get_by_role("button", name=name, exact=True).click()
    expect(dialog.get_by_role("status")).to_contain_text(said)
    dialog.get_by_role("button", name=leave, exact=True).click()
    expect(dialog).to_have_count(0)


FIRST_ANSWERS = """
import sys, time
from pathlib import Path
from pipelines.mlmd.location import DATABASE_NAME, sqlite_location
from tfx_vae.ui.answers import Answers
root = Path(sys.argv[1])
answers = Answers(sqlite_location(root / DATABASE_NAME), root)
for ask in (
    lambda: answers.runs(100),
    lambda: answers.run("latest"),
    lambda: answers.artifacts(None, "", 0),
    lambda: answers.artifact(1),
):
    before = time.process_time()
    ask()
    print(time.process_time() - before)
"""


def test_many_runs_are_shown_in_under_a_second(in_memory: Path, browser: Browser):
    root = in_memory / "many"
    History(root).run(refusal="")
    copy_last_run(root / "metadata.sqlite", 1700)  # of 12 artifacts each
    # In a process of its own: here others' threads and garbage would count.
    done = subprocess.run(
        [sys.executable, "-c", FIRST_ANSWERS, str(root)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert max(map(float, done.stdout.split())) < 1, done.stdout
    with serving_runs(root) as address:
        window = new_window(browser, address)
        window.open("/runs")
        window.page.wait_for_selector("table.runs tbody tr:nth-child(100)")
        expect(window.page.get_by_text("1701 of 1701 runs")).to_be_visible()
        for where, is_there in (("/run/latest", ".node"), ("/artifacts", "td"), ("/artifact/1", ".node")):
            window.open(where)
            window.page.wait_for_selector(is_there)
        window.open("/runs")
        window.page.get_by_label("Filter").fill("000042")
        expect(window.page.get_by_text("1 of 1701 runs")).to_be_visible()
        window.page.close()


def test_nobody_else_can_ask(past, address: str):
    def status(path: str, **named: Any) -> int:
        return httpx.get(f"{address}{path}", **named).status_code

    assert status("/api/runs") == 200
    assert status("/api/runs", headers={"Host": "evil.example"}) == 400
    assert status("/api/runs/9") == 400
    assert status(f"/report/{past.second.id}/..%2F..%2Findex.html") == 404
    assert status(f"/report/{past.second.id}/secret.txt") == 400
    answer = httpx.get(f"{address}/report/{past.second.id}/index.html")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox allow-popups; default-src 'none';")
    tag = httpx.get(f"{address}/api/runs").headers["ETag"]
    assert status("/api/runs", headers={"If-None-Match": tag}) == 304


def test_it_starts_without_tensorflow_and_tfx():
    program = "import sys, tfx_vae.ui.application; print(*{'tensorflow', 'tfx', 'apache_beam'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
