"""Lists of pages and their bodies, made from fixed seeds: the same in every run, for every tool.

The URL of a page contains the latency and the file of its body: the server answers
``page-000123-w80-r17.html`` after 80 ms with the file ``r17.html``.
"""

import math
import random
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from statistics import NormalDist

from benchmarks.model import Page, UrlList

MEDIAN_WAIT_MS = 80
WAIT_SIGMA = 0.5  # of the logarithm
MEDIAN_BYTES = 25_000
SIZE_SIGMA = 1.0  # of the logarithm
MAX_BYTES = 2_000_000
REALISTIC = tuple(f"r{number}.html" for number in range(64))
FIXED = ("fixed.html",)
#: One byte, which nginx sends without opening a file.
TINY = ("tiny.html",)
WORDS = ("the", "sea", "at", "noon", "is", "calm", "and", "grey", "a", "café", "by", "harbours")


def hosts(count: int) -> list[str]:
    """Return loopback addresses; on Linux all of 127/8 works without configuration."""
    return [f"127.20.{number // 250}.{number % 250 + 1}" for number in range(count)]


def uniform(text: str) -> float:
    """Return a number between 0 and 1, uniformly distributed, as a hash of *text*."""
    digest = blake2b(text.encode(), digest_size=6).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**48


def log_normal(quantile: float, median: float, sigma: float) -> float:
    """Return a quantile of a log-normal distribution."""
    return median * math.exp(sigma * NormalDist().inv_cdf(quantile))


def make_page(
    origin: str, number: int, *, bodies: Sequence[str], slow: bool, mark: str = ""
) -> Page:
    """Return page *number* of a host; the configuration of the server treats a *mark* specially."""
    stem = f"page-{number:06}"
    body = bodies[int(uniform(f"body {origin} {stem}") * len(bodies))]
    wait = round(log_normal(uniform(f"wait {origin} {stem}"), MEDIAN_WAIT_MS, WAIT_SIGMA)) * slow
    name = f"{stem}-w{wait}-{mark}{body}" if slow else f"{stem}-{body}"
    return Page(f"{origin}/{name}", name, body, wait)


def evenly_distributed(
    origins: Sequence[str], count: int, *, bodies: Sequence[str] = REALISTIC, slow: bool = True
) -> list[Page]:
    """Return pages that are distributed evenly over hosts, shuffled."""
    pages = [
        make_page(origins[number % len(origins)], number, bodies=bodies, slow=slow)
        for number in range(count)
    ]
    random.Random("even").shuffle(pages)
    return pages


def zipf_distributed(origins: Sequence[str], count: int) -> list[Page]:
    """Return pages sorted by host; the n-th largest host has 1/n of the pages of the largest."""
    order = random.Random("uneven").sample(list(origins), len(origins))
    weights = [1 / rank for rank in range(1, len(order) + 1)]
    drawn = random.Random("pages").choices(order, weights, k=count)
    pages = [
        make_page(origin, number, bodies=REALISTIC, slow=True)
        for number, origin in enumerate(drawn)
    ]
    return sorted(pages, key=lambda page: page.url)


def write_url_list(
    folder: Path, bodies: Path, sizes: dict[str, int], pages: Iterable[Page]
) -> UrlList:
    """Write a list in the formats that the tools read."""
    url_list = UrlList(tuple(pages), sizes, bodies, folder / "list.txt", folder / "list.curl")
    url_list.urls.write_text("".join(f"{page.url}\n" for page in url_list.pages))
    url_list.curl.write_text("".join(f'url = "{page.url}"\n' for page in url_list.pages))
    return url_list


def large_body(origin: str, number: int, size: int) -> Page:
    """Return the page of large body *number* of a host."""
    body = f"large{size}.bin"
    return Page(f"{origin}/part-{number:02}-{body}", f"part-{number:02}-{body}", body, 0)


def write_bodies(folder: Path, large: int) -> dict[str, int]:
    """Write the bodies, with one of *large* bytes unless it is 0; return the size of each."""
    quantiles = [(number + 0.5) / len(REALISTIC) for number in range(len(REALISTIC))]
    sizes = {
        name: min(round(log_normal(quantile, MEDIAN_BYTES, SIZE_SIGMA)), MAX_BYTES)
        for name, quantile in zip(REALISTIC, quantiles, strict=True)
    }
    sizes |= dict.fromkeys(FIXED, MEDIAN_BYTES)
    for name, size in sizes.items():
        (folder / name).write_bytes(html_page(name, size))
    for name in TINY:
        (folder / name).write_bytes(b"x")
        sizes[name] = 1
    if large:
        sizes[f"large{large}.bin"] = large
        write_large(folder / f"large{large}.bin", large)
    return sizes


def html_page(seed: str, size: int) -> bytes:
    """Return an HTML page of *size* bytes."""
    chosen = random.Random(seed).choices(WORDS, k=size // 4 + 64)
    lines = [" ".join(chosen[start : start + 12]) for start in range(0, len(chosen), 12)]
    page = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Page</title>\n<p>'
    encoded = (page + "\n<p>".join(lines)).encode()[: size - 1]
    # The cut may be within a character, and a page must be valid UTF-8.
    whole = encoded.decode(errors="ignore").encode()
    return whole + b"\n" * (size - len(whole))


def write_large(file: Path, size: int) -> None:
    """Write *size* bytes that cannot be compressed."""
    block = random.Random("large").randbytes(1 << 20)
    with file.open("wb") as out:
        for start in range(0, size, len(block)):
            out.write(block[: size - start])
