"""The table: client, version, passed, failed, excluded with the reason."""

from pathlib import Path

from .environment import COMPAT, ROOT

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


def sentence(clients) -> str:
    """Each client, and how many of its cases passed: for those who do not want to know more."""
    lines = []
    for each in clients:
        judged = each.passed + len(each.failed) + len(each.excluded)
        lines.append(f"- {each.name} {each.version}: " + ("missing" if each.missing else f"{each.passed} of {judged}"))
    return "\n".join(lines)


def write(clients):
    """Puts the table into README.md beside the cases, and a line for each client into the project's."""
    _put(COMPAT / "README.md", "table", table(clients))
    _put(ROOT / "README.md", "clients", sentence(clients))


def _put(page: Path, what: str, text: str):
    """Puts the text between the marks of that name."""
    whole, begin, end = page.read_text(), f"<!-- {what}: written by `compat/run --write-readme` -->", f"<!-- end of {what} -->"
    before, after = whole.index(begin) + len(begin), whole.index(end)
    page.write_text(f"{whole[:before]}\n\n{text}\n\n{whole[after:]}")
