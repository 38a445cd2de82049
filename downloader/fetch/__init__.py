"""HTTP: the only room that knows aiohttp.

``client`` makes one session and follows one URL through its redirects; ``faults`` translates
whatever aiohttp raises, at one point, into this project's errors.
"""

from downloader.fetch.client import Client, Response
from downloader.fetch.secrets import Trail

__all__ = ["Client", "Response", "Trail"]
