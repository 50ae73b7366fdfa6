"""The table: client, version, passed, failed, excluded with the reason."""

from .environment import COMPAT

README = COMPAT / "README.md"
BEGIN, END = "<!-- table: written by `compat/run --write-readme` -->", "<!-- end of table -->"
TITLES = ["client", "version", "passed", "failed", "excluded"]


def table(clients) -> str:
    """A Markdown table, and below it each exclusion and each missing client."""
    rows = [[each.name, each.version, str(each.passed), str(len(each.failed)), str(len(each.excluded))] for each in clients
            if not each.missing]
    rows += [[each.name, "missing", "-", "-", "-"] for each in clients if each.missing]
    widths = [max(len(row[column]) for row in [TITLES, *rows]) for column in range(len(TITLES))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in [TITLES, *rows]]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    notes = [f"- {each.name}: excluded {excluded}" for each in clients for excluded in each.excluded]
    notes += [f"- {each.name}: {len(each.waiting)} cases wait for an API that the broker does not serve" for each in clients
              if each.waiting]
    notes += [f"- {each.name}: FAILED {failed}" for each in clients for failed in each.failed]
    notes += [f"- {each.name}: MISSING, this would bring it: {each.missing}" for each in clients if each.missing]
    return "\n".join(lines + ([""] + notes if notes else []))


def write(clients):
    """Puts the table between its marks in README.md."""
    text = README.read_text()
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    README.write_text(f"{text[:before]}\n\n{table(clients)}\n\n{text[after:]}")
