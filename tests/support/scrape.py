"""A page of metrics, read as Prometheus reads it."""

import math
import urllib.request
from collections.abc import Callable, Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from support import waiting
from support.timeouts import scaled

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

WITHIN_S = 10.0
"""How long what has happened may take to be on the page: it is made once a second."""


class Scraped:
    """One page."""

    def __init__(self, families: Iterator[Metric]) -> None:
        self.families = {family.name: family for family in families}
        self.samples: list[Sample] = [sample for family in self.families.values() for sample in family.samples]

    def each(self, name: str, **labels: str) -> list[Sample]:
        """Return the samples of a name that have these labels."""
        return [one for one in self.samples if one.name == name and labels.items() <= one.labels.items()]

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of those samples; 0 if there is none."""
        return math.fsum(one.value for one in self.each(name, **labels))

    def has(self, name: str, **labels: str) -> bool:
        """Whether there is such a sample."""
        return bool(self.each(name, **labels))


def text(url: str, accept: str = "") -> tuple[str, str]:
    """Return the type and the text of a page."""
    request = urllib.request.Request(url, headers={"accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=scaled(10)) as answer:
        return answer.headers["content-type"], answer.read().decode()


def scrape(url: str) -> Scraped:
    """Return the page as it is, in its plain form."""
    return Scraped(iter(text_string_to_metric_families(text(url)[1])))


def scrape_openmetrics(url: str) -> Scraped:
    """Return the page as OpenMetrics, strictly read."""
    return Scraped(iter(openmetrics_parser.text_string_to_metric_families(text(url, OPENMETRICS)[1])))  # type: ignore[no-untyped-call]


def until(url: str, holds: Callable[[Scraped], bool], read: Callable[[str], Scraped] = scrape) -> Scraped:
    """Return the first page of which something holds."""

    def page() -> Scraped | None:
        found = read(url)
        return found if holds(found) else None

    found = waiting.until(page, lambda: text(url)[1], seconds=WITHIN_S)
    assert found is not None
    return found
