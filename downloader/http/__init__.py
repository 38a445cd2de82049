"""HTTP: the only room that knows aiohttp.

``client`` makes one session and follows one URL through its redirects; ``faults`` translates
whatever aiohttp raises, at one point, into this project's errors.
"""

from downloader.http.client import Client, Response
from downloader.http.credentials import RedirectTrail

__all__ = ["Client", "RedirectTrail", "Response"]
