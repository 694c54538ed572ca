"""The page's two languages: which one a visitor reads, and the words of each.

Owns `locale/fr.json` and `locale/en.json`: flat, key → sentence with {placeholders}; a pair of keys ending in
`.one` and `.other` is a count. Does not own the names of fields, the reasons of readiness (`core/texts`) nor those
of the marketplace's options (`core/catalog`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from backend.core.listing import FIELD_NAMES
from backend.core.texts import LANGUAGES, sentences

NO_BREAK = "\u00a0"


@cache
def words(language: str) -> Mapping[str, str]:
    text = files("backend.web").joinpath("locale", f"{language}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def choose_language(asked: str | None, remembered: str | None, accepted: str, default: str) -> str:
    """The language asked for, else the one remembered, else the first of `Accept-Language` there is."""
    wishes = [asked, remembered, *_by_preference(accepted), default]
    return next((wish for wish in wishes if wish in LANGUAGES), "en")


def _by_preference(accepted: str) -> list[str]:
    """The primary tags of an `Accept-Language` header, the most wanted first."""
    wanted = []
    for part in accepted.split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if weight > 0:
            wanted.append((-weight, tag.split("-")[0].lower()))
    return [tag for _, tag in sorted(wanted, key=lambda w: w[0])]


@dataclass(frozen=True)
class Words:
    """Everything said in one language."""

    language: str

    def __call__(self, key: str, **values: Any) -> str:
        return words(self.language)[key].format(**values)

    def count(self, key: str, n: int, **values: Any) -> str:
        """The sentence for so many: French says 0 in the singular, English in the plural."""
        one = n < 2 if self.language == "fr" else n == 1
        return self(f"{key}.{'one' if one else 'other'}", n=n, **values)

    def known(self, key: str) -> str | None:
        """The sentence, or None where there is none for this key: for codes of an open set."""
        return words(self.language).get(key)

    def error(self, error: Exception) -> str:
        """What went wrong in the reader's language where the code is known, else as it was raised."""
        return self.problem(getattr(error, "code", ""), str(error), getattr(error, "retry_after", None))

    def problem(self, code: str, detail: str, wait: float | None) -> str:
        """The sentence for an error's code. `detail` is as it was raised, `wait` the seconds until it may pass."""
        sentence = self.known(f"error.{code}") or "{detail}"
        return sentence.format(detail=detail, wait=self.duration(max(60.0, wait or 0) / 60))

    def field(self, name: str) -> str:
        label: str = sentences(self.language)["fields"][name]
        return label[0].upper() + label[1:]

    def step(self, step: str) -> str:
        """A publication's step: a field being filled in, or one of the named ones."""
        if step in FIELD_NAMES or step == "photos":
            return self.field(step)
        return self.known(f"step.{step}") or step.replace("_", " ")

    def moment(self, when: datetime) -> str:
        """The day and the hour on this machine's clock."""
        return when.astimezone().strftime("%d/%m %H:%M" if self.language == "fr" else "%d %b, %H:%M")

    def day(self, when: date) -> str:
        if isinstance(when, datetime):
            when = when.astimezone().date()
        return when.strftime("%d/%m/%Y") if self.language == "fr" else f"{when.day} {when:%b %Y}"

    def chart_day(self, day: date, *, month_only: bool = False) -> str:
        """A day of a chart, or its month."""
        french, english = ("%m/%Y", "%b %Y") if month_only else ("%d/%m", "%d %b")
        return day.strftime(french if self.language == "fr" else english)

    def duration(self, minutes: float) -> str:
        """45 min, or 12 h 30."""
        hours, left = divmod(round(minutes), 60)
        return f"{hours}{NO_BREAK}h{f'{NO_BREAK}{left:02}' if left else ''}" if hours else f"{left}{NO_BREAK}min"

    def number(self, written: str) -> str:
        return written.replace(".", ",") if self.language == "fr" else written

    def percent(self, share: float) -> str:
        number = f"{round(share * 100)}"
        return f"{number}{NO_BREAK}%" if self.language == "fr" else f"{number}%"

    def money(self, amount: str) -> str:
        """Euros, which our price table is in; cents only where there are some."""
        number = amount.removesuffix(".00")
        return f"{number.replace('.', ',')}{NO_BREAK}€" if self.language == "fr" else f"€{number}"
