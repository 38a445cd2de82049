"""Texts of pages (``--extract``): files beside them, columns of reports, and what later runs do."""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aiohttp import web

from downloader import Downloaded, Options, RunError, Skipped, TextFormat, download_sites
from downloader.cli.merge_folders import run_merge_folders
from downloader.core.extraction_process import ExtractionProcesses
from downloader.core.page_extractor import MAX_OUTCOME_CHARACTERS, MAX_PAGE_BYTES
from downloader.extract.protocol import ExtractionFailure, PageTask
from downloader.models import Pack
from tests.support.command import Command
from tests.support.files import contents, saved_files
from tests.support.handlers import keeps, sends, typed
from tests.support.library import downloaded
from tests.support.web_server import Site

TEXT = "The bridge over the old harbour opened to traffic again on Monday, three weeks late."
PAGE = f"<title>Bridge</title><main><h1>News</h1><p>{TEXT} <a href=/more>More</a></p></main>"
CONTENT = f"News\n\n{TEXT} More"
OTHER = PAGE.replace("Monday", "Tuesday")
BOTH = (TextFormat.TEXT, TextFormat.MARKDOWN)
TASK = PageTask(PAGE.encode(), "", "text/html", "http://h/", markdown=False, signature=False)


def records(command: Command, name: str = "r.jsonl") -> dict[str, dict[str, Any]]:
    lines = (command.folder / name).read_text().splitlines()
    found = map(json.loads, lines)
    return {
        record["url"].partition("/")[2].partition("/")[2].partition("/")[2]: record
        for record in found
    }


async def test_texts_are_saved_beside_pages_and_reported_and_a_second_run_extracts_nothing(
    site: Site, command: Command
) -> None:
    site.pages = {
        "/": PAGE,
        "/a": OTHER,
        "/a.html.txt": typed(b"a file of its own", "text/plain"),
        "/logo.png": typed(b"\x89PNG\r\n\x1a\n"),
        "/big": f"<main><p>{TEXT}</p>{'<p>x' * (MAX_PAGE_BYTES // 4)}",
        "/lost": sends(status=404),
    }
    urls = [site.url(path) for path in site.pages]
    reports = [f"--report=r{ending}" for ending in (".jsonl", ".parquet", ".csv", ".html")]
    options = ["-o", "out", "--extract", "text,markdown", "--near-duplicates"]
    ran = await command(*urls, *options, *reports)
    assert ran.status == 1
    assert len(ran.err) == 1
    assert any(line.endswith("(text not extracted: larger than 8.0 MiB)") for line in ran.out)

    folder = site.folder
    files = saved_files(command.folder / "out")
    [own] = [name for name in files if name.startswith(f"{folder}/a.html~")]
    pages = (f"{folder}.html", f"{folder}/a.html")
    texts = {f"{page}{suffix}" for page in pages for suffix in (".txt", ".md")}
    assert files == {*pages, *texts, own, f"{folder}/logo.png", f"{folder}/big.html"}
    saved = contents(command.folder / "out")
    assert saved[own] == b"a file of its own"
    assert saved[f"{folder}.html.txt"].decode() == f"{CONTENT}\n"
    markdown = f"# News\n\n{TEXT} [More]({site.url('/more')})\n"
    assert saved[f"{folder}.html.md"].decode() == markdown

    found = records(command)
    first = found[""]
    assert (first["title"], first["language"], first["markdown"]) == (
        "Bridge",
        "en",
        markdown.strip(),
    )
    assert (first["text"], first["near_duplicate_of"]) == (CONTENT, None)
    assert "larger than" in found["big"]["message"]
    assert found["logo.png"]["title"] is None
    table = {row["url"]: row for row in pq.read_table(command.folder / "r.parquet").to_pylist()}
    assert table[site.url("/")]["text"] == first["text"]
    rows = list(csv.DictReader((command.folder / "r.csv").read_text().splitlines()))
    assert {row["title"] for row in rows} == {"Bridge", ""}
    assert "text" not in rows[0]
    assert TEXT not in (command.folder / "r.html").read_text()

    # A text that is gone is made again from the saved page; all others stay as they are.
    (command.folder / "out" / f"{folder}.html.md").unlink()
    times = {
        name: (command.folder / "out" / name).stat().st_mtime_ns
        for name in files - {f"{folder}.html.md"}
    }
    requests = len(site.requests)
    again = await command(*urls[:-1], *options, "--report=again.jsonl")
    assert again.status == 0
    assert len(site.requests) == requests
    assert f"Skipped {site.url()}: already saved as {folder}.html; text extracted now" in again.out
    assert contents(command.folder / "out") == saved
    for name, time in times.items():
        assert (command.folder / "out" / name).stat().st_mtime_ns == time
    assert records(command, "again.jsonl")[""]["markdown"] == markdown.strip()
    assert records(command, "again.jsonl")["a"]["title"] is None


async def test_near_duplicates_are_named_and_several_processes_extract_without_saving(
    site: Site, command: Command
) -> None:
    long = " ".join(f"word{n}" for n in range(200))
    site.pages = {f"/{n}": f"<main><p>{long} {n}</p></main>" for n in range(3)}
    site.pages["/other"] = PAGE
    options = ["--extract", "text", "--near-duplicates", "--no-save", "--report=r.jsonl", "-j1"]
    ran = await command(*map(site.url, site.pages), *options, "--processes", "2")
    assert (ran.status, ran.err) == (0, [])
    found = records(command)
    named = [
        record["near_duplicate_of"] for record in found.values() if record["near_duplicate_of"]
    ]
    assert len(named) == 2
    assert len(set(named)) == 1
    assert found["other"]["near_duplicate_of"] is None
    assert found["other"]["text"] == CONTENT
    assert found["other"]["markdown"] is None
    assert not (command.folder / "downloaded_sites").exists()


async def test_a_text_goes_and_is_renewed_with_its_page(site: Site, tmp_path: Path) -> None:
    old, new = (
        keeps(page.encode(), typed_page(tag)) for page, tag in ((PAGE, '"1"'), (OTHER, '"2"'))
    )
    site.pages = {"/a": old}
    text = tmp_path / site.folder / "a.html.txt"
    extracting = Options(extract=(TextFormat.TEXT,))
    refreshing = replace(extracting, refresh=True)

    async def fetch(options: Options) -> Any:
        [outcome] = await download_sites([site.url("/a")], tmp_path, options=options)
        return outcome

    await fetch(extracting)
    assert "Monday" in text.read_text()
    text.write_text("old")
    await fetch(replace(extracting, force=True))
    assert "Monday" in text.read_text()
    text.unlink()
    unchanged = await fetch(refreshing)
    assert (unchanged.status, unchanged.page.title) == (304, "Bridge")
    assert "Monday" in text.read_text()
    site.pages["/a"] = new
    # Without the option, the text of a page that has changed is removed.
    assert isinstance(await fetch(Options(refresh=True)), Downloaded)
    assert saved_files(tmp_path) == {f"{site.folder}/a.html"}
    # Files of others are kept.
    text.write_text("mine")
    skipped = await fetch(extracting)
    assert isinstance(skipped, Skipped)
    assert "Tuesday" in text.read_text()
    assert text.with_name("a.html.txt.~1~").read_text() == "mine"


def typed_page(tag: str) -> dict[str, str]:
    return {"Content-Type": "text/html", "ETag": tag}


async def test_outcomes_have_texts_unless_only_files_are_wanted(site: Site, tmp_path: Path) -> None:
    long = "x " * MAX_OUTCOME_CHARACTERS
    site.pages = {"/a": PAGE, "/long": f"<main><p>{TEXT}</p><pre>{long}</pre></main>"}
    urls = [site.url(path) for path in site.pages]
    page, long_page = map(
        downloaded, await download_sites(urls, tmp_path / "1", options=Options(extract=BOTH))
    )
    assert page.page is not None
    assert page.page.text == CONTENT
    assert long_page.page is not None
    assert len(long_page.page.text or "") == MAX_OUTCOME_CHARACTERS
    file = tmp_path / "1" / site.folder / "long.html.txt"
    assert file.stat().st_size > len(long)
    options = Options(extract=BOTH, keep_texts=False)
    [only_title] = await download_sites(urls[:1], tmp_path / "2", options=options)
    extracted = downloaded(only_title).page
    assert extracted is not None
    assert (extracted.title, extracted.text, extracted.markdown) == ("Bridge", None, None)
    packed = Options(extract=BOTH, pack=Pack.WARC)
    [outcome] = await download_sites(urls[:1], tmp_path / "3", options=packed)
    assert downloaded(outcome).page == replace(page.page, saved=())
    assert not [name for name in saved_files(tmp_path / "3") if name.endswith((".txt", ".md"))]


async def test_mirrors_extract_what_was_received_and_withdraw_texts_with_their_pages(
    site: Site, command: Command
) -> None:
    site.pages = {
        "/": f"<main><p>{TEXT} <a href=/linked>next</a></p></main>",
        "/linked": f"<main><p>{TEXT} <a href=/f.pdf>file</a></p></main>",
        "/f.pdf": typed(b"%PDF-", "application/pdf"),
    }
    ran = await command(site.url(), "-r", "--extract", "markdown")
    assert ran.status == 0
    text = f"{site.folder}/linked.html.md"
    folder = command.folder / "downloaded_sites"
    assert f"[file]({site.url('/f.pdf')})" in (folder / text).read_text()
    assert "127.0.0.1" not in (folder / site.folder / "linked.html").read_text()
    await command(site.url(), "-r", "--extract", "markdown", "--accept", "*.pdf")
    assert text not in saved_files(folder)
    assert (folder / ".download/originals" / text).is_file()
    (folder / ".download/originals" / text).write_text("kept")
    again = await command(site.url(), "-r", "--extract", "markdown")
    assert again.status == 0
    assert (folder / text).read_text() == "kept"
    checked = await command("check", folder)
    assert checked.status == 0


async def test_merged_folders_have_the_texts_of_both(site: Site, tmp_path: Path) -> None:
    site.pages = {"/a": PAGE, "/b": OTHER}
    options = Options(extract=BOTH)
    for path in site.pages:
        await download_sites([site.url(path)], tmp_path / path[1:], options=options)
    run_merge_folders([tmp_path / "a", tmp_path / "b"], tmp_path / "merged", quiet=True)
    merged = tmp_path / "merged"
    expected = contents(tmp_path / "a") | contents(tmp_path / "b")
    assert contents(merged) == expected
    outcomes = await download_sites(map(site.url, site.pages), merged, options=options)
    assert [getattr(outcome, "page", None) for outcome in outcomes] == [None, None]


async def test_a_page_that_breaks_the_extractor_has_a_note_and_the_run_goes_on(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = ExtractionProcesses(max_seconds=0.01)
    assert await processes.extract(TASK) == ExtractionFailure("it took longer than 0.01 s")
    await processes.close()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    site.pages = {"/a": PAGE}
    [outcome] = await download_sites([site.url("/a")], tmp_path, options=Options(extract=BOTH))
    assert downloaded(outcome).note == "text not extracted: the extractor crashed"
    monkeypatch.setattr(sys, "executable", "/no/such/file")
    [outcome] = await download_sites([site.url("/a")], tmp_path, options=Options(extract=BOTH))
    assert isinstance(outcome, Skipped)
    assert outcome.detail.endswith("no process can be started: No such file or directory")
    (tmp_path / site.folder / "a.html.txt").mkdir()
    monkeypatch.undo()
    [outcome] = await download_sites([site.url("/a")], tmp_path, options=Options(extract=BOTH))
    assert isinstance(outcome, Skipped)
    assert "text not extracted: " in outcome.detail


async def test_a_large_page_is_resumed_and_extracted_whole(site: Site, tmp_path: Path) -> None:
    body = f"<main><p>{TEXT}</p>{'<p>x</p>' * 200_000}<p>The end of the page.</p>".encode()
    headers = typed_page('"1"')
    cut, whole = keeps(body, headers, cut=len(body) // 2), keeps(body, headers)
    handlers = [cut, whole]

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handlers[min(len(site.requests) - 1, 1)](request)

    site.pages = {"/a": answer}
    options = Options(extract=(TextFormat.TEXT,), retries=1)
    [outcome] = await download_sites([site.url("/a")], tmp_path, options=options)
    page = downloaded(outcome).page
    assert downloaded(outcome).resumed_at
    assert page is not None
    assert page.text is not None
    assert page.text.startswith(TEXT)
    assert page.text.endswith("The end of the page.")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--extract", "html"], "'html' is neither text nor markdown"),
        (["--near-duplicates"], "--near-duplicates needs --extract"),
        (["--extract", "text", "-o", "-"], "--extract saves files beside pages"),
        (["--extract", "text", "--no-save", "--report", "r.csv"], "needs a --report in .jsonl"),
    ],
)
async def test_options_that_have_no_effect_are_usage_errors(
    command: Command, options: Sequence[str], problem: str
) -> None:
    ran = await command("http://127.0.0.1:9/", *options)
    assert ran.status == 2
    assert problem in ran.err[-1]


async def test_a_missing_library_is_one_error_before_any_request(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RunError, match="texts of pages need trafilatura") as caught:
        await download_sites([site.url()], tmp_path, options=Options(extract=BOTH))
    assert "download-sites[extract]" in caught.value.hint
    assert site.requests == []


def test_the_library_refuses_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="extract must be"):
        Options(extract="text")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="near_duplicates needs extract"):
        Options(near_duplicates=True)
    with pytest.raises(ValueError, match="texts are files of their own"):
        Options(extract=BOTH, stream=Path("-"))
