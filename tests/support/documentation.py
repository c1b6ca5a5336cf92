"""The commands in the code blocks of README, CONTRIBUTING and docs: which a test can run as they are printed, and which not."""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from PIL import Image

PROJECT = Path(__file__).parents[2]
_WORDS = (
    "tfx-vae", "make", "tfx", "docker", "curl", "kubectl", "sudo", "python", "pip", "scripts/", "serving/", "export", "client/",
    ".venv/", ". ", "git", "MODEL=", "TF_CONFIG=", "tensorboard",
)  # fmt: skip
"""How a line begins that is a command, where a block has no language."""

INSTEAD = {
    "diff 7 8": "diff 1 2",
    "diff 2 4": "diff 1 2",
    "IMAGE...": "serving/images/7.png",
}
"""What a reader replaces: the numbers of their own runs, and names."""

NOT_RUN = {
    r"make (run|smoke)\b": "hours, or minutes; tests/e2e/test_smoke.py runs what it runs",
    r"make (setup|test)": "makes the environment that this test runs in, and runs this test",
    r"make doctor": "calls tfx-vae doctor, which is run, in an environment of its own",
    r"\. \.venv/bin/activate": "the test has its own PATH",
    r"tfx-vae run\b": "trains; tests/e2e runs the pipelines of all kinds",
    r"tfx-vae (tune|sweep)\b": "trains; tests/component/tuner and tests/e2e/test_smoke.py run them on less",
    r"tfx-vae compare\b": "draws for seconds; tests/e2e/test_smoke.py compares two runs",
    r"tfx-vae serve\b": "serves until it is stopped; tests/component/serving/server",
    r"tfx-vae ui\b": "serves until it is stopped; tests/component/ui",
    r"tfx-vae (rollback|promote)\b": "needs a pushed model before the champion; tests/component/metadata/test_decisions.py",
    r"tfx-vae infer\b.* runtime\.beam\.runner=flink": "needs a Flink cluster; tests/component/serving/commands/test_infer.py",
    r"tfx (pipeline|run) create": "tests/e2e/test_smoke.py runs both",
    r"tfx-vae data split\b|mkdir /tmp|mv /tmp": "tests/unit/tfx_vae/data and tests/e2e/test_spans.py, elsewhere than in /tmp",
    r"docker\b|.*serving/rest/predict\.sh|.*serving/grpc_client\.py|curl": "needs Docker; tests/component/serving/examples",
    r"kubectl\b|.*\bkubectl\b|sh -c|--from-literal|--docker-server": "needs a cluster; tests/component/kubeflow",
    r"export (PATH|KF_|NEW_)|.*tfx-vae kubeflow\b": "needs Kubeflow; tests/component/kubeflow, tests/e2e/test_kubeflow.py",
    r"scripts/setup\.sh|python3\.11 -m venv|(client/bin/)?pip install": "needs packages from the network",
    r"TF_CONFIG=": "needs several machines; tests/component/trainer/test_distribution.py",
    r"export AWS_|.*s3://BUCKET": "needs a bucket; tests/component/bucket, tests/component/kubeflow/test_s3.py",
    r"scripts/(flink|spark)\.sh": "needs Java and jars from the network; tests/component/test_engines.py",
    r"sudo |systemctl |journalctl ": "changes the machine",
}
"""How a command begins that the test does not run, and why not, or which test runs what it runs."""


class Command(NamedTuple):
    """One command.

    Attributes:
      page: The name of the file.
      text: As printed, in one line.
    """

    page: str
    text: str

    @property
    def reason(self) -> str | None:
        """Why it is not run."""
        return next((reason for start, reason in NOT_RUN.items() if re.match(start, self.text)), None)

    @property
    def runnable(self) -> str:
        """With what a reader has in place of names."""
        text = self.text.partition("  #")[0].strip()
        for printed, replaced in INSTEAD.items():
            text = text.replace(printed, replaced)
        return text


def commands() -> Iterator[Command]:
    """All commands, page by page."""
    for page in (PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))):
        text = page.read_text().replace("\\\n", " ")
        for language, block in _blocks(text):
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield Command(page.name, line[2:].strip())
                elif (language == "sh" and line.strip() and not line.startswith("#")) or line.startswith(_WORDS):
                    yield Command(page.name, line.strip())


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The language, empty if there is none, and the content of each block, indented or between fences."""
    fence = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
    for indent, language, block in fence.findall(text):
        yield language, re.sub(rf"^{indent}", "", block, flags=re.MULTILINE)
    for block in re.findall(r"(?:^ {4}.*\n)+", fence.sub("", text), re.MULTILINE):
        yield "", re.sub(r"^ {4}", "", block, flags=re.MULTILINE)


def prepare(root: Path, names: dict[str, str], directory: Path) -> None:
    """Makes a directory in which the commands can be run: the runs of a root under the names of the pages, and images.

    Args:
      root: Of the runs; it stays as it is.
      names: Of pipelines: in the root, and on the pages.
      directory: Is made.
    """
    shutil.copytree(root, directory / "runs", symlinks=True)
    with closing(sqlite3.connect(directory / "runs" / "metadata.sqlite")) as database, database:
        for name, printed in names.items():
            database.execute("UPDATE Context SET name = ? WHERE name = ?", (printed, name))
    for name, printed in names.items():
        (directory / "runs" / "serving" / name).rename(directory / "runs" / "serving" / printed)
    for name in ("pipelines", "serving"):
        (directory / name).symlink_to(PROJECT / name)
    shutil.copytree(PROJECT / "serving" / "images", directory / "new")
    (directory / "digits").mkdir()
    for number in range(30):
        shutil.copy(PROJECT / "serving" / "images" / "7.png", directory / "digits" / f"{number}.png")
    Image.new("RGB", (600, 800), "white").save(directory / "new" / "paper.jpg")
