"""A site that was archived opens in a browser through pywb, with all that it needs."""

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession
from aiohttp.test_utils import unused_port

from downloader import Options
from tests.support.handlers import sends
from tests.support.library import fetch
from tests.support.web_server import Site

#: pywb cannot share an environment with this package: what it needs has the name of another
#: package that is needed here. PYWB names its folder of programs.
PROGRAMS = Path(os.environ.get("PYWB", "/nonexistent"))
WAYBACK = shutil.which("wayback", path=f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}")
MANAGER = shutil.which("wb-manager", path=f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}")
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(
        WAYBACK is None or MANAGER is None,
        reason="pywb is not installed: PYWB=DIR names the folder of its programs",
    ),
    pytest.mark.skipif(sys.platform == "win32", reason="pywb runs on POSIX systems"),
]
PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>Harbour</title>
<link rel="stylesheet" href="style.css"><script src="/code.js" defer></script></head>
<body><img src="lamp.svg?size=2" alt="lamp"><img src="/old.svg" alt="moved">
<p id="said">caf\xe9</p></body></html>"""
CODE = """
addEventListener("load", async () => {
  const text = await (await fetch("/data.json?b=2&a=1")).json();
  const loaded = [...document.images].filter((image) => image.naturalWidth > 0).length;
  const colour = getComputedStyle(document.getElementById("said")).color;
  document.getElementById("said").textContent =
    `images ${loaded} colour ${colour} data ${text.word}`;
});
"""
LAMP = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9"/></svg>'
SVG = {"Content-Type": "image/svg+xml"}


@asynccontextmanager
async def replaying(folder: Path, *archives: Path) -> AsyncIterator[str]:
    """Run pywb with these archives; give where they are replayed."""
    for arguments in (["init", "kept"], ["add", "kept", *map(str, archives)]):
        made = await asyncio.create_subprocess_exec(
            str(MANAGER), *arguments, cwd=folder, stdout=-3, stderr=-3
        )
        assert await made.wait() == 0
    (folder / "config.yaml").write_text("framed_replay: false\n")
    port = unused_port()
    process = await asyncio.create_subprocess_exec(
        *(str(WAYBACK), "-b", "127.0.0.1", "-p", str(port)), cwd=folder, stdout=-3, stderr=-3
    )
    where = f"http://127.0.0.1:{port}/kept/"
    try:
        async with ClientSession() as session, asyncio.timeout(60):
            while True:
                try:
                    async with session.get(where):
                        break
                except ClientError:
                    await asyncio.sleep(0.1)
        yield where
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def shown(address: str, profile: Path) -> str:
    """Return the document as Chromium has it, once its scripts have run."""
    if BROWSER is None:
        pytest.skip("Chromium is not installed")
    process = await asyncio.create_subprocess_exec(
        *(BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--dump-dom"),
        *("--virtual-time-budget=15000", f"--user-data-dir={profile}", address),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    return out.decode()


async def test_an_archived_site_opens_in_a_browser_with_all_that_it_needs(
    site: Site, tmp_path: Path
) -> None:
    site.pages = {
        "/": PAGE,
        "/style.css": sends(b"p { color: rgb(1, 2, 3) }", {"Content-Type": "text/css"}),
        "/code.js": sends(CODE.encode(), {"Content-Type": "text/javascript"}),
        "/lamp.svg?size=2": sends(LAMP.encode(), SVG),
        "/old.svg": sends(headers={"Location": "/new.svg"}, status=301),
        "/new.svg": sends(LAMP.encode(), SVG),
        "/data.json?b=2&a=1": sends(b'{"word": "tide"}', {"Content-Type": "application/json"}),
    }
    everything = list(map(site.url, site.pages))
    addresses = [url for url in everything if not url.endswith("/new.svg")]
    options = Options(warc=tmp_path / "a.warc.gz", concurrency=1)
    await fetch(addresses, tmp_path / "out", options)
    await site.server.close()
    async with replaying(tmp_path, tmp_path / "a.warc.gz") as where, ClientSession() as session:
        for url in everything:
            # "id_": as it was archived, without the changes that replay makes.
            async with session.get(f"{where}id_/{url}", allow_redirects=False) as response:
                assert response.status == (301 if "old" in url else 200), url
        document = await shown(f"{where}{everything[0]}", tmp_path / "profile")
    said = re.search(r'<p id="said">(.*?)</p>', document)
    assert said is not None, document
    assert said[1] == "images 2 colour rgb(1, 2, 3) data tide"
