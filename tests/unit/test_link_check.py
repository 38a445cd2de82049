"""Parts of a check of links: options, fragments, and the order in which targets are asked."""

from collections.abc import Iterator

import pytest

from downloader.link_check import parse_host_rule, parse_status_set
from downloader.link_check.document_links import (
    DocumentLinks,
    FoundLink,
    FragmentTargets,
    document_links,
    hashes_of,
)
from downloader.link_check.link_policy import LAST_RANK, LinkPolicy
from downloader.link_check.link_recorder import LinkRecorder
from downloader.link_check.link_table import Answer, LinkTable, QueuedTarget, State
from downloader.link_check.options import LinkCheckOptions
from downloader.links import Document, LinkKind
from downloader.models import Options
from downloader.web.urls import Url

PAGE, OTHER = Url("http://a.test/"), Url("http://b.test/")


@pytest.mark.parametrize("text", ["200..299,403", "200-299, 403", "200..=299,403..403"])
def test_statuses_are_numbers_and_ranges_with_both_ends(text: str) -> None:
    statuses = parse_status_set(text)
    assert [each in statuses for each in (199, 200, 299, 300, 403)] == [
        *(False, True, True, False, True)
    ]


@pytest.mark.parametrize("text", ["", "x", "20", "200..", "299..200", "200,,201"])
def test_what_is_no_status_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"status|range"):
        parse_status_set(text)


def test_the_rule_of_the_longest_name_holds_for_a_host_and_its_subdomains() -> None:
    rules = tuple(map(parse_host_rule, ("a.test: exclude", "*.b.A.test: get; delay=2m")))
    options = LinkCheckOptions(host_rules=rules)
    assert [options.rule_for(host) for host in ("a.test", "x.a.test", "x.b.a.test", "ba.test")] == [
        *(rules[0], rules[0], rules[1], None)
    ]
    assert (rules[1].uses_get, rules[1].delay) == (True, 120.0)


@pytest.mark.parametrize(
    ("fragment", "is_found"),
    [
        *(("part", True), ("PART", False), ("caf%C3%A9", True), ("café", True), ("caf%E9", False)),
        *(("Top", True), ("100%", True), ("readme", True), ("", False)),
    ],
)
def test_fragments_are_compared_as_they_are_written_and_decoded(
    fragment: str, is_found: bool
) -> None:
    targets = FragmentTargets(hashes_of(["part", "café", "100%", "user-content-readme"]))
    assert targets.has(fragment) is is_found


def test_fragments_of_a_page_are_ids_and_names_of_anchors_and_no_text() -> None:
    body = b"<!-- id=a --><p id=b>id=c</p><a name=d></a><img name=e><script>id='f'</script>"
    links = document_links(Document(body, "text/html", PAGE))
    assert links.targets is not None
    targets = FragmentTargets(links.targets)
    assert [each for each in "abcdef" if targets.has(each)] == ["b", "d"]


@pytest.fixture
def table() -> Iterator[LinkTable]:
    table = LinkTable()
    yield table
    table.close()


def _take(table: LinkTable, rank: int) -> dict[Url, QueuedTarget]:
    return {each.url: each for each in table.take(rank, 100)}


def _link(url: Url) -> FoundLink:
    return FoundLink(url, "", LinkKind.ANCHOR, 1, "a[href]", nofollow=False)


@pytest.mark.parametrize("state", [State.BROKEN, State.WORKS])
def test_the_last_targets_start_although_a_link_in_flight_became_a_source(
    table: LinkTable, state: State
) -> None:
    recorder = LinkRecorder(table, LinkPolicy(Options(), LinkCheckOptions()), None)
    recorder.add_listed(PAGE, "list", 1)
    page = _take(table, recorder.startable_rank(list_has_ended=False))[PAGE]
    document = DocumentLinks(PAGE, [_link(OTHER), _link(Url("http://a.test/x"))], [], None, ())
    recorder.record_document(page, document)
    recorder.record_answer(page, Answer(State.WORKS))
    link = _take(table, recorder.startable_rank(list_has_ended=False))[OTHER]
    recorder.add_listed(OTHER, "list", 2)
    recorder.record_answer(link, Answer(state))
    assert recorder.startable_rank(list_has_ended=True) == (
        LAST_RANK if state is State.BROKEN else 0
    )
    for target in _take(table, 0).values():
        # What works is asked again, because now it has to be read.
        recorder.record_answer(target, Answer(State.WORKS))
    assert recorder.startable_rank(list_has_ended=True) == LAST_RANK
    assert list(_take(table, LAST_RANK)) == ["http://a.test/x"]
    assert (recorder.found, recorder.answered) == (3, 2)
