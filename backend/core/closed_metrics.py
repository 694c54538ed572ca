"""Counters and histograms whose label values form a closed set, whatever the code that counts hands them.

A label value that came from outside would make a new series each time it changes, until Prometheus and this process
run out of memory. So a value beyond the set becomes "other" where the set has that, and is an error of ours where it
has not. Owns the registry and the rule. Owns no metric (`metrics.py`, `operator_metrics.py`).
"""

import re
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any, Self

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

OTHER = "other"

registry = CollectorRegistry()
"""Our own, so that what is exposed is what docs/metrics.md lists, whatever else the process imports."""


class _AtScrape(Collector):
    """Asked before anything else of a scrape is collected: registered first."""

    def __init__(self) -> None:
        self.ask: Callable[[], Iterable[Metric]] = tuple

    def collect(self) -> Iterable[Metric]:
        return self.ask()


at_scrape = _AtScrape()
registry.register(at_scrape)

Values = Iterable[str] | re.Pattern[str]


class _Closed(MetricWrapperBase):
    """`limited` says which values each label may have."""

    _sets: dict[str, frozenset[str] | re.Pattern[str]]

    def limited(self, *, shown: bool = True, **sets: Values) -> Self:
        """Closes the labels. With `shown` those of listed values are there at 0 from the start: the rate of a series
        that begins with its first event misses that event."""
        self._sets = {name: v if isinstance(v, re.Pattern) else frozenset(map(str, v)) for name, v in sets.items()}
        assert set(self._sets) == set(self._labelnames), "every label is closed"
        listed = [values for values in self._sets.values() if isinstance(values, frozenset)]
        if shown and len(listed) == len(self._sets):
            for values in product(*(sorted(one) for one in listed)):
                self.labels(**dict(zip(self._sets, values, strict=True)))
        return self

    def labels(self, *values: Any, **named: Any) -> Self:
        """As the client's, within the sets. Raises ValueError for a value that is in none and can't be "other"."""
        given = {**dict(zip(self._labelnames, values, strict=False)), **named}
        return super().labels(**{name: self._within(name, str(value)) for name, value in given.items()})

    def _within(self, label: str, value: str) -> str:
        allowed = self._sets.get(label, frozenset())
        if allowed.fullmatch(value) if isinstance(allowed, re.Pattern) else value in allowed:
            return value
        if isinstance(allowed, re.Pattern) or OTHER in allowed:
            return OTHER
        raise ValueError(f"{value!r} is no {label} that {self._name} counts.")


class ClosedCounter(_Closed, Counter):
    """A counter with closed labels."""


class ClosedHistogram(_Closed, Histogram):
    """A histogram with closed labels."""
