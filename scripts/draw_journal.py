"""Draws the transition table of publications into docs/journal.md: `python -m scripts.draw_journal`.

Owns the drawing. The table is `backend/publications/journal.py`'s; a test keeps the page in step with it.
"""

from pathlib import Path

from backend.publications.journal import ENDED, TRANSITIONS, State

PAGE = Path(__file__).parents[1] / "docs" / "journal.md"
BEGIN, END = "<!-- drawn: begin -->", "<!-- drawn: end -->"


def drawing() -> str:
    """The table as a Mermaid diagram and as rows."""
    arrows = [f"    {before} --> {to}" for before in State for to in State if to in TRANSITIONS[before]]
    ends = [f"    {state} --> [*]" for state in State if state in ENDED]
    rows = [f"| `{before}` | {_names(before) or 'ended'} |" for before in State]
    return "\n".join(
        ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.QUEUED}", *arrows, *ends, "```", "",
         "| from | may become |", "|---|---|", *rows]
    )  # fmt: skip


def _names(before: State) -> str:
    return ", ".join(f"`{to}`" for to in State if to in TRANSITIONS[before])


def main() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{drawing()}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    print(f"{PAGE} is in step with the code.")


if __name__ == "__main__":
    main()
