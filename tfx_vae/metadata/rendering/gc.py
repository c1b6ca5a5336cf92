"""`tfx-vae gc` for a person."""

from collections import defaultdict

from rich.console import Console
from rich.text import Text

from tfx_vae.metadata.gc.plan import Plan
from tfx_vae.metadata.rendering.columns import Cell, Column, print_columns
from tfx_vae.metadata.rendering.words import describe_size

_COLUMNS = (Column("FREED"), Column("NUMBER", is_number=True), Column("SIZE", is_number=True))


def print_plan(plan: Plan, dry_run: bool, console: Console) -> None:
    """Prints what was freed, or would be, and why the rest stayed."""
    groups: dict[str, list[int]] = defaultdict(list)
    for freed in plan.artifacts:
        groups[freed.artifact.type].append(freed.size)
    for leftover in plan.leftovers:
        groups[leftover.kind.value].append(leftover.size)
    if groups:
        rows = [[Cell(name), Cell(str(len(sizes))), Cell(describe_size(sum(sizes)))] for name, sizes in groups.items()]
        print_columns(console, _COLUMNS, rows)
    for reason, count in sorted(plan.kept.items(), key=lambda item: -item[1]):
        console.print(Text(f"{count} kept: {reason}", "dim"), soft_wrap=True)
    if plan.elsewhere:
        console.print(Text(f"{plan.elsewhere} left alone: {plan.root.describe_elsewhere()}", "dim"), soft_wrap=True)
    if plan.restored:
        console.print(
            Text(f"{len(plan.restored)} that an interrupted gc had marked are in use, and live again"), soft_wrap=True
        )
    verdict = f"{describe_size(plan.size)} would be freed." if dry_run else f"{describe_size(plan.size)} freed."
    console.print(Text(verdict if groups else "Nothing to free.", "bold"))
