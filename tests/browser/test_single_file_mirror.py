"""Pages saved as single files open in a browser, and look as online."""

from pathlib import Path

import pytest

from tests.support.browser import (
    assert_looks_alike,
    chromium,
    needs_browser,
    visit_both,
    waits_for_browser,
)
from tests.support.command import Command
from tests.support.files import saved_files
from tests.support.mirror_site import PAGES, mirror_site


@pytest.mark.slow
@needs_browser
@waits_for_browser
async def test_single_files_load_nothing_and_show_what_the_site_does(command: Command) -> None:
    async with mirror_site() as mirrored:
        await command("--single-file", *map(mirrored.url, PAGES), "-o", "out")
        folder = command.folder / "out"
        assert len(saved_files(folder)) == len(PAGES)
        async with chromium() as browser:
            for path in ("/sub/page.html", "/latin.html", "/sjis.html", "/frames.html"):
                host = mirrored.url("").removeprefix("http://").replace(":", "_")
                file = Path(folder, host, path[1:]).as_uri()
                online, offline = await visit_both(
                    browser, (mirrored.url(path), lambda _: True), (file, file.__eq__)
                )
                assert (offline.failed, offline.title) == (online.failed, online.title), path
                assert_looks_alike(offline, online)
