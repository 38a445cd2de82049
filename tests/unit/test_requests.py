"""Requests that are no plain GET: what lists say of them, and what keeps them apart."""

import csv
import io
import json
import pickle
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloader import Request, Target
from downloader.cluster.messages import decode_target, encode_entry
from downloader.core.processes.ipc import AddTransfers, FrameDecoder, encode
from downloader.core.transfer import Transfer
from downloader.journal import Job
from downloader.models import MAX_REQUEST_BODY_BYTES, Failed
from downloader.sources import ListSettings
from downloader.web.filenames import ExtensionRule, FileName
from downloader.web.url_names import candidates
from downloader.web.urls import Url
from tests.support.lists import entries, failed, target

URL = Url("https://h.example/api?a=b")
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "X_1"])
REQUESTS = st.builds(Request.of, METHODS, st.none() | st.binary(max_size=40))
#: Any text, but for what a list cannot hold: lone surrogates, and NUL in CSV.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
HEADER_NAMES = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=20)
HEADER_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(
    str.strip
)


# --- a request ------------------------------------------------------------------------------------


@given(st.text(max_size=50))
def test_a_method_is_a_token_in_upper_case(text: str) -> None:
    allowed = set(string.ascii_uppercase + string.digits + "!#$%&'*+-.^_`|~")
    if text and len(text) <= 40 and set(text) <= allowed and text != "CONNECT":
        assert Request(text).method == text
    else:
        with pytest.raises(ValueError, match=r"method|tunnel"):
            Request(text)


def test_a_body_has_a_limit_and_is_in_no_repr() -> None:
    assert "secret" not in repr(Target(url=URL, request=Request("POST", b"secret")))
    Request("POST", bytes(MAX_REQUEST_BODY_BYTES))
    with pytest.raises(ValueError, match="longer than 64 MiB"):
        Request("POST", bytes(MAX_REQUEST_BODY_BYTES + 1))


@given(REQUESTS, REQUESTS)
def test_requests_for_a_url_differ_in_identity_and_name(
    one: Request | None, other: Request | None
) -> None:
    identities, names = [], []
    for request in (one, other):
        identities.append(Target(url=URL, request=request).identity)
        names.append(set(candidates(URL, request.identity if request else "")))
    assert (identities[0] == identities[1]) == (one == other)
    assert names[0].isdisjoint(names[1]) == (one != other)


@given(REQUESTS)
def test_a_name_is_stable_and_a_plain_get_has_the_plain_one(request: Request | None) -> None:
    identity = request.identity if request else ""
    assert list(candidates(URL, identity)) == list(candidates(URL, identity))
    plain = next(candidates(URL))
    assert (plain in set(candidates(URL, identity))) == (request is None)


def test_the_name_of_a_known_request_does_not_change() -> None:
    name = next(candidates(URL, Request("POST", b"a=1").identity))
    assert name == FileName("h.example/api@a=b~7utwjyldqo", ExtensionRule.ALWAYS)


# --- on its way to other processes ----------------------------------------------------------------


@given(REQUESTS)
def test_other_processes_and_machines_get_the_same_request(request: Request | None) -> None:
    sent = Target(url=URL, request=request, headers=(("X-A", "1"),))
    assert decode_target(encode_entry(sent)) == sent
    transfer = Transfer(Job(sent, FileName("name", ExtensionRule.NEVER), 1), None)
    (frame,) = FrameDecoder().feed(encode(AddTransfers([transfer])))
    assert isinstance(frame, AddTransfers)
    assert frame.transfers[0].job.target == sent
    assert pickle.loads(pickle.dumps(sent)) == sent


def test_a_plain_get_takes_no_more_room_on_its_way() -> None:
    row = json.loads(encode_entry(Target(url=URL)))
    assert row == [0, "", URL, None, None, [], None, None]


def test_lines_with_one_body_share_it_in_another_process() -> None:
    transfers = [
        Transfer(
            Job(
                Target(url=URL, request=Request("POST", bytes(1000))),
                FileName("name", ExtensionRule.NEVER),
                number,
            ),
            None,
        )
        for number in range(2)
    ]
    (frame,) = FrameDecoder().feed(encode(AddTransfers(transfers)))
    assert isinstance(frame, AddTransfers)
    one, other = frame.transfers
    assert one.job.target.request is other.job.target.request


# --- columns of lists -----------------------------------------------------------------------------


@given(
    st.lists(st.tuples(METHODS, TEXTS, st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=3)))
)
def test_csv_and_json_lists_give_the_requests_that_were_written(
    rows: list[tuple[str, str, dict[str, str]]],
) -> None:
    expected = [
        Target(
            url=URL,
            index=index,
            origin="",
            request=Request.of(method, body.encode() if body else None),
            headers=tuple(headers.items()),
        )
        for index, (method, body, headers) in enumerate(rows)
    ]
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["url", "method", "body", "headers"])
    writer.writerows([URL, method, body, json.dumps(headers)] for method, body, headers in rows)
    lines = [
        json.dumps({"url": URL, "method": method, "body": body or None, "headers": headers})
        for method, body, headers in rows
    ]
    # A list of tables has line feeds only, as csv reads it.
    as_csv = [
        Target(
            url=each.url,
            index=each.index,
            request=each.request and Request(each.request.method, _csv_body(each.request.body)),
            headers=each.headers,
        )
        for each in expected
    ]
    assert [_placeless(each) for each in entries(table.getvalue(), "list.csv")] == as_csv
    assert [_placeless(each) for each in entries("\n".join(lines), "list.jsonl")] == expected
    assert [_placeless(each) for each in entries(f"[{','.join(lines)}]", "list.json")] == expected


def _csv_body(body: bytes | None) -> bytes | None:
    """Return a body as a cell of a table has it: its lines end with LF."""
    return body and body.replace(b"\r\n", b"\n")


def _placeless(entry: Target | Failed) -> Target:
    found = target(entry)
    return Target(url=found.url, index=found.index, request=found.request, headers=found.headers)


@given(
    st.recursive(
        st.none() | st.integers() | TEXTS,
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
        max_leaves=6,
    )
)
def test_any_json_in_the_columns_is_a_request_or_the_failure_of_its_line(value: object) -> None:
    rows = [
        {"url": URL, "method": "POST", "headers": value},
        {"url": URL, "method": "POST", "body": value},
        {"url": URL, "method": value},
        {"url": URL},
    ]
    found = entries("\n".join(map(json.dumps, rows)), "list.jsonl")
    assert len(found) == len(rows)
    for entry in found[:3]:
        if isinstance(entry, Target):
            assert all("\n" not in f"{name}{text}" for name, text in entry.headers)
    assert target(found[3]).request is None


@given(TEXTS)
def test_a_header_cell_has_no_line_break(text: str) -> None:
    (entry,) = entries(json.dumps({"url": URL, "method": "GET", "headers": text}), "list.jsonl")
    if set("\r\n") & set(text):
        assert "line break" in failed(entry).message or "JSON" in failed(entry).message


def test_a_request_of_the_options_is_for_lines_without_one() -> None:
    assert ListSettings(request=Request("PUT")).request == Request("PUT")
    assert Request.of(None, None) is Request.of("GET", None) is None
    assert Request.of(None, b"") == Request("POST", b"")


def test_headers_and_body_need_a_method_beside_them() -> None:
    notes: list[str] = []
    settings = ListSettings(note=notes.append)
    (entry,) = entries(f"url,body,headers\n{URL},text,X: y\n", "list.csv", settings=settings)
    assert target(entry).request is None
    assert target(entry).headers == ()
    assert notes == [
        "list.csv: headers and body not sent; a column method makes them parts of requests"
    ]
