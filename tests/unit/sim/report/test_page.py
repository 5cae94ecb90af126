"""The page needs nothing but a browser, says all there is to say, and lets nobody's name break it."""

import json
import re
from html.parser import HTMLParser

import pytest

from evenhand.scheduling import TenantShare
from evenhand.sim.exhibit import REST, TENANTS_SHOWN_MAX, Exhibit, exhibit
from evenhand.sim.report.blocks import Column, Facts, Points, Section, Shown, Table, Words
from evenhand.sim.report.clock import Clock, clock_for
from evenhand.sim.report.page import page
from evenhand.sim.report.plots import unbeaten
from evenhand.sim.report.runs import Simulated, simulation_page
from evenhand.sim.run_record import Fate
from evenhand.sim.series import Series
from support.made_record import Row, made_record

EVIL = '</script><img src="http://evil.example/x">'


class Parts(HTMLParser):
    """Tags with their attributes, and the text of each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "input", "img", "link"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            continue

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data


def exhibit_of(*names: str, late_s: float = 0.0) -> Exhibit:
    rows = [
        Row(tenant=name, arrived_s=i, first_s=i + 1 + late_s, ended_s=i + 9 + late_s)
        for i, name in enumerate(names)
    ]
    series = Series([0.0, 5.0], [0, 3], [1, 2], [10, 20])
    return exhibit(made_record(rows), [share_of(*name.split("/")) for name in names], series)


def share_of(name: str, *below: str) -> TenantShare:
    """A node, and the one path below it."""
    return TenantShare(name=name, children=(share_of(*below),) if below else ())


def told(exhibits: dict[str, Exhibit]) -> str:
    return simulation_page(
        Simulated(
            title="traffic under policies",
            lead="so many requests",
            lines=["vtc instead of fcfs: 99 % of the throughput."],
            remarks=["Two rows were left out."],
            facts={"Command": "evenhand simulate", EVIL: EVIL},
            exhibits=exhibits,
            kv_tokens=100,
        )
    )


@pytest.fixture(scope="module")
def text() -> str:
    return told({"fcfs": exhibit_of("a", "b", EVIL, late_s=9), "vtc": exhibit_of("a", "b", EVIL)})


@pytest.fixture(scope="module")
def parts(text: str) -> Parts:
    return Parts(text)


def test_nothing_is_loaded_from_anywhere(parts: Parts) -> None:
    loads = {"src", "href", "srcset", "data", "action", "background", "poster"}
    assert not [found for found in parts.attributes if found[1] in loads]
    assert {tag for tag, _, _ in parts.attributes} & {"link", "iframe", "img", "object"} == set()
    assert "@import" not in parts.texts["style"]
    assert "url(" not in parts.texts["style"]


def test_the_browser_is_forbidden_to_load_anything(parts: Parts) -> None:
    policy = next(v for tag, name, v in parts.attributes if tag == "meta" and name == "content")
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_a_name_cannot_end_a_script_or_begin_a_tag(text: str, parts: Parts) -> None:
    assert EVIL not in text
    assert "\\u003c" in re.findall(r"const PLOTS = (.*);</script>", text)[0]
    assert EVIL in parts.texts["td"]
    assert EVIL in parts.texts["dd"]


def test_every_section_is_there(parts: Parts) -> None:
    for title in (
        *("Who gains, who loses", "The policies side by side", "Service over time"),
        *("Wait for the first token", "Fairness over time", "Queue and cache over time"),
        *("Every tenant", "What was run"),
    ):
        assert title in parts.texts["h2"]
    assert "99 % of the throughput" in parts.texts["li"]
    assert "Two rows were left out." in parts.texts["p"]
    assert "up and to the right is better" in parts.texts["figcaption"]


def test_a_plot_for_every_place(text: str) -> None:
    places = re.findall(r"id=plot-(\d+)", text)
    assert places == [str(number) for number in range(len(places))]
    (plots,) = re.findall(r"<script>const PLOTS = (\[.*\]);</script>", text)
    assert len(json.loads(plots)) == len(places) >= 10


def test_plotly_is_in_it_once(text: str) -> None:
    assert text.count("plotly.js v") == 1
    assert len(text) < 6_000_000


def test_equal_runs_give_equal_pages(text: str) -> None:
    again = {"fcfs": exhibit_of("a", "b", EVIL, late_s=9), "vtc": exhibit_of("a", "b", EVIL)}
    assert told(again) == text


def test_one_policy_has_no_frontier() -> None:
    assert "up and to the right" not in told({"vtc": exhibit_of("a", "b")})


def test_a_run_in_which_nothing_was_served_has_a_page() -> None:
    rows = [Row(tenant="a", ended_s=0, fate=Fate.REFUSED)]
    nothing = exhibit(made_record(rows), [TenantShare(name="a")], Series())
    assert "Every tenant" in told({"vtc": nothing, "fcfs": nothing})


def test_of_a_thousand_tenants_the_largest_are_drawn_and_the_rest_together() -> None:
    many = exhibit_of(*(f"t{number:04}" for number in range(1000)))
    assert len(many.curves) == TENANTS_SHOWN_MAX + 1
    assert list(many.curves)[-1] == REST
    text = told({"fcfs": many, "vtc": many})
    assert text.count("<tr>") == 1 + 2 + 1 + 2 * 1000
    assert "type=search" in text


def test_a_page_without_plots_is_small() -> None:
    table = Table(columns=[Column(title="a")], rows=[[Shown("1", 1)]])
    sections = [
        Section(title="One", blocks=[Words("w"), Points(["x: y"], has_leads=True), table]),
        Section(title="Two", blocks=[Facts({"k": "v"})]),
    ]
    text = page("Title", sections, lead="Lead")
    assert len(text) < 20_000
    assert "<li><b>x:</b> y</li>" in text


def test_what_none_beats() -> None:
    points = {"a": (1.0, 0.9), "b": (2.0, 0.5), "c": (1.5, 0.4), "d": (2.0, 0.5), "e": (1.0, 0.8)}
    assert unbeaten(points) == ["a", "b", "d"]


@pytest.mark.parametrize(
    ("length_s", "unit"), [(3.0, "s"), (299.0, "s"), (300.0, "min"), (18_000.0, "h"), (1e6, "days")]
)
def test_the_unit_of_time(length_s: float, unit: str) -> None:
    assert clock_for([1.0, length_s]).name == unit
    assert clock_for([]) == Clock("s", 1.0)
