"""Lists of pages, decided by a few numbers alone, so that every run and every tool gets the same.

How long the server waits before it answers, and what it answers with, stand in the address:
`page-000123-w80-r17.html` waits 80 ms and is the file `r17.html`.
"""

import math
import random
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from statistics import NormalDist

from benchmarks.data import Page, Work

MEDIAN_WAIT = 80  # milliseconds
WAIT_SPREAD = 0.5  # of the logarithm
MEDIAN_SIZE = 25_000
SIZE_SPREAD = 1.0
LARGEST = 2_000_000
REALISTIC = tuple(f"r{number}.html" for number in range(64))
FIXED = ("fixed.html",)
TINY = ("tiny.html",)
"""One byte, which the server sends without a file."""
WORDS = ("the", "sea", "at", "noon", "is", "calm", "and", "grey", "a", "café", "by", "harbours")


def hosts(count: int) -> list[str]:
    """Return addresses of this machine: on Linux all of 127/8 works without being set up."""
    return [f"127.20.{number // 250}.{number % 250 + 1}" for number in range(count)]


def chance(text: str) -> float:
    """Return a number between 0 and 1, evenly spread, that *text* decides."""
    digest = blake2b(text.encode(), digest_size=6).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**48


def log_normal(place: float, middle: float, spread: float) -> float:
    """Return the value below which the share *place* of a log-normal distribution lies."""
    return middle * math.exp(spread * NormalDist().inv_cdf(place))


def page(origin: str, number: int, *, bodies: Sequence[str], slow: bool, mark: str = "") -> Page:
    """Return page *number* of a host; *mark* is what the server's configuration knows it by."""
    stem = f"page-{number:06}"
    body = bodies[int(chance(f"body {origin} {stem}") * len(bodies))]
    wait = round(log_normal(chance(f"wait {origin} {stem}"), MEDIAN_WAIT, WAIT_SPREAD)) * slow
    name = f"{stem}-w{wait}-{mark}{body}" if slow else f"{stem}-{body}"
    return Page(f"{origin}/{name}", name, body, wait)


def even(
    origins: Sequence[str], count: int, *, bodies: Sequence[str] = REALISTIC, slow: bool = True
) -> list[Page]:
    """Return pages spread evenly over hosts, shuffled."""
    pages = [
        page(origins[number % len(origins)], number, bodies=bodies, slow=slow)
        for number in range(count)
    ]
    random.Random("even").shuffle(pages)
    return pages


def uneven(origins: Sequence[str], count: int) -> list[Page]:
    """Return pages of hosts of which the n-th largest has 1/n of the largest's, sorted by host."""
    order = random.Random("uneven").sample(list(origins), len(origins))
    weights = [1 / rank for rank in range(1, len(order) + 1)]
    drawn = random.Random("pages").choices(order, weights, k=count)
    pages = [
        page(origin, number, bodies=REALISTIC, slow=True) for number, origin in enumerate(drawn)
    ]
    return sorted(pages, key=lambda page: page.url)


def write_work(folder: Path, bodies: Path, sizes: dict[str, int], pages: Iterable[Page]) -> Work:
    """Write the list for the tools to read."""
    work = Work(tuple(pages), sizes, bodies, folder / "list.txt", folder / "list.curl")
    work.urls.write_text("".join(f"{page.url}\n" for page in work.pages))
    work.curl.write_text("".join(f'url = "{page.url}"\n' for page in work.pages))
    return work


def binary(origin: str, number: int, size: int) -> Page:
    """Return large body *number* of a host."""
    body = f"large{size}.bin"
    return Page(f"{origin}/part-{number:02}-{body}", f"part-{number:02}-{body}", body, 0)


def write_bodies(folder: Path, large: int) -> dict[str, int]:
    """Write what the server sends, and a body of *large* bytes unless 0; return the sizes."""
    places = [(number + 0.5) / len(REALISTIC) for number in range(len(REALISTIC))]
    sizes = {
        name: min(round(log_normal(place, MEDIAN_SIZE, SIZE_SPREAD)), LARGEST)
        for name, place in zip(REALISTIC, places, strict=True)
    }
    sizes |= dict.fromkeys(FIXED, MEDIAN_SIZE)
    for name, size in sizes.items():
        (folder / name).write_bytes(text(name, size))
    for name in TINY:
        (folder / name).write_bytes(b"x")
        sizes[name] = 1
    if large:
        sizes[f"large{large}.bin"] = large
        write_large(folder / f"large{large}.bin", large)
    return sizes


def text(seed: str, size: int) -> bytes:
    """Return an HTML page of *size* bytes."""
    chosen = random.Random(seed).choices(WORDS, k=size // 4 + 64)
    lines = [" ".join(chosen[start : start + 12]) for start in range(0, len(chosen), 12)]
    page = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Page</title>\n<p>'
    encoded = (page + "\n<p>".join(lines)).encode()[: size - 1]
    # A cut through the middle of a letter would make it a page that no one publishes.
    whole = encoded.decode(errors="ignore").encode()
    return whole + b"\n" * (size - len(whole))


def write_large(file: Path, size: int) -> None:
    """Write *size* bytes that do not compress."""
    block = random.Random("large").randbytes(1 << 20)
    with file.open("wb") as out:
        for start in range(0, size, len(block)):
            out.write(block[: size - start])
