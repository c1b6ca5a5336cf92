"""A hook of mkdocs (mkdocs.yml): the site has the paths of the repository, so that links between pages need no change."""

import base64
import posixpath
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import nbformat
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tfx_vae.cli import main

_PROJECT = Path(__file__).parents[1]
_NOTEBOOK = "notebooks/vae"
_CSS = """
.md-grid { max-width: 68rem; }
.md-typeset td:first-child code { white-space: nowrap; }
.md-typeset td:last-child:not(:first-child) { min-width: 14rem; }
math[display="block"] { overflow-x: auto; overflow-y: hidden; margin: 1em 0; padding: 0.3em 0; }
"""
_LINK = re.compile(r"(?P<before>\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\()(?P<target>[^)\s#]+)(?P<anchor>#[^)]*)?\)")
_MERMAID = re.compile(r"```mermaid\n.*?```", re.DOTALL)
_IMAGE = re.compile(r'(?<=<img src=")[^"]+')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """All pages of the repository, the files that they link to, and the pages that are made here."""
    listed = subprocess.run(["git", "ls-files"], cwd=_PROJECT, capture_output=True, text=True, check=True).stdout.split()
    pages = [path for path in listed if path.endswith(".md")]
    texts = {page: (_PROJECT / page).read_text(encoding="utf-8") for page in (*pages, f"{_NOTEBOOK}.ipynb")}
    linked = {target for page, text in texts.items() for target in _targets(page, text) if target in listed}
    made = {"docs/commands.md": _commands(), "site.css": _CSS}
    pictures: dict[str, bytes] = {}
    made[f"{_NOTEBOOK}.md"] = _notebook(pictures)
    theme = [file for file in files if file.src_dir != config.docs_dir]
    copied = [File.generated(config, path, abs_src_path=str(_PROJECT / path)) for path in sorted({*pages, *linked})]
    written = [File.generated(config, path, content=content) for path, content in (made | pictures).items()]
    return Files([*theme, *copied, *written])


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to the notebook lead to its page. Of links to folders the text stays. Mermaid needs a script from elsewhere."""

    def follow(match: re.Match[str]) -> str:
        target = match["target"]
        path = _resolve(page.file.src_uri, target)
        if path == f"{_NOTEBOOK}.ipynb":
            return f"{match['before']}{target.removesuffix('.ipynb')}.md{match['anchor'] or ''})"
        return match["text"] if (_PROJECT / path).is_dir() else match[0]

    return _LINK.sub(follow, _MERMAID.sub("[Data flow](docs/architecture.md#data-flow)", markdown))


def _targets(page: str, text: str) -> Iterator[str]:
    for target in [match["target"] for match in _LINK.finditer(text)] + _IMAGE.findall(text):
        yield _resolve(page, target)


def _resolve(page: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target))


def _commands() -> str:
    """The help of every command."""
    lines = ["# Commands", "Every command with its arguments and options, as `tfx-vae COMMAND --help` prints them."]
    root = click.Context(main, info_name="tfx-vae", terminal_width=100, **main.context_settings)
    for title, names in main.sections.items():
        lines.append(f"## {title}")
        for name in names:
            command = main.commands[name]
            context = click.Context(command, info_name=name, parent=root)
            children = command.commands.items() if isinstance(command, click.Group) else ()
            for each in (context, *(click.Context(child, info_name=word, parent=context) for word, child in children)):
                lines += [f"### {each.command_path}", f"```text\n{each.get_help().strip()}\n```"]
    return "\n\n".join(lines)


def _notebook(pictures: dict[str, bytes]) -> str:
    """The notebook with its outputs, in Markdown; its pictures are added to those given."""
    notebook = nbformat.read(_PROJECT / f"{_NOTEBOOK}.ipynb", as_version=4)
    blocks = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            blocks.append(_with_formulas(cell.source))
            continue
        blocks.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{len(pictures)}.png"
                pictures[f"{_NOTEBOOK}-images/{name}"] = base64.b64decode(data["image/png"])
                blocks.append(f"![]({Path(_NOTEBOOK).name}-images/{name})")
            elif "text/markdown" in data:
                blocks.append(data["text/markdown"])
            elif output.output_type == "stream":
                blocks.append(f"```text\n{output.text.strip()}\n```")
    return "\n\n".join(blocks)


def _with_formulas(text: str) -> str:
    """Formulas become MathML, which browsers draw by themselves."""

    def draw(match: re.Match[str]) -> str:
        display = "block" if match["block"] else "inline"
        return convert((match["block"] or match["inline"]).replace("\n", " "), display=display)

    return re.sub(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+)\$", draw, text, flags=re.DOTALL)
