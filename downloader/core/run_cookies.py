"""The cookies of a run: read before its first request, and written at its end."""

import asyncio

from downloader.http import CookieJar
from downloader.http.cookie_file import check_cookie_file, read_cookie_file, write_cookie_file
from downloader.models import NetworkOptions


async def load_cookies(options: NetworkOptions, jar: CookieJar | None) -> None:
    """Read cookies from the browser and the file that *options* name; check the one to write.

    Raises:
        RunError: a file cannot be read or written.
    """
    if options.save_cookies is not None:
        check_cookie_file(options.save_cookies)
    if jar is None:
        return
    if options.cookies_from_browser is not None:
        # Imported only for this, because it takes a while.
        from downloader.http.firefox import read_firefox_cookies

        profile = options.cookies_from_browser.partition(":")[2]
        jar.give(await asyncio.to_thread(read_firefox_cookies, profile))
    # The first of several runs that share a file has to make it.
    makes_file = options.cookies == options.save_cookies
    if options.cookies is not None and (options.cookies.exists() or not makes_file):
        jar.give(await asyncio.to_thread(read_cookie_file, options.cookies))


async def save_cookies(options: NetworkOptions, jar: CookieJar | None) -> None:
    """Write the cookies of a run, if a file for them is named."""
    if options.save_cookies is not None and jar is not None:
        await asyncio.to_thread(write_cookie_file, options.save_cookies, list(jar))
