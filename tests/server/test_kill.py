"""Killed at any moment, the same command ends as if nothing had happened."""

import asyncio
import random
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.command import Command, finished
from tests.support.files import saved_files
from tests.support.resumable_pages import LARGE, ResumablePages, SentResponse
from tests.support.web_server import Site

ROUNDS = 20
AT_ONCE = 8


@dataclass
class Figures:
    """What the rounds came to.

    Attributes:
        in_flight: pages asked for by both runs of a round, one number for each round.
        refetched: bytes sent more than once, one number for each round.
        continued: large bodies of which the second run asked for the rest alone.
        saved: files that the kill left whole, over all rounds.
    """

    in_flight: list[int] = field(default_factory=list)
    refetched: list[int] = field(default_factory=list)
    continued: int = 0
    saved: int = 0


def tree(folder: Path) -> dict[str, tuple[bytes, float]]:
    """Return bytes and time of every file, but for the program's own."""
    return {
        path: ((folder / path).read_bytes(), (folder / path).stat().st_mtime)
        for path in saved_files(folder)
    }


async def kill_at_some_moment(
    command: Command, site: Site, pages: ResumablePages, chance: random.Random
) -> None:
    """Run the command and kill it, often while it fetches and sometimes while it starts."""
    pages.hurry.clear()
    site.requests.clear()
    process = await command.start("list", "-j", str(AT_ONCE))
    if chance.random() < 0.15:
        await asyncio.sleep(chance.uniform(0, 0.35))
    else:
        await site.asked(chance.randrange(1, len(pages.bodies)))
        await asyncio.sleep(chance.uniform(0, 0.05))
    process.kill()
    await finished(process)
    assert process.returncode == -signal.SIGKILL, "it was done before it could be killed"
    pages.hurry.set()


@pytest.mark.slow
async def test_after_a_kill_the_same_command_ends_with_the_tree_of_an_undisturbed_run(
    site: Site, command: Command
) -> None:
    pages = ResumablePages.made()
    site.pages = dict.fromkeys(pages.bodies, pages.answer)
    (command.folder / "list").write_text("\n".join(map(site.url, pages.bodies)))
    output = command.folder / "downloaded_sites"

    async def run(name: str) -> list[SentResponse]:
        """Run the command to its end; return what was sent to it."""
        command.environment["DOWNLOAD_USER_AGENT"] = name
        ran = await command("list", "-j", str(AT_ONCE))
        assert (ran.status, ran.err) == (0, [])
        return pages.to(name)

    pages.hurry.set()
    assert paths(await run("undisturbed")) == sorted(pages.bodies)
    undisturbed = tree(output)
    assert sorted(body for body, _ in undisturbed.values()) == sorted(pages.bodies.values())
    file_of = {body: path for path, (body, _) in undisturbed.items()}
    files = {path: file_of[body] for path, body in pages.bodies.items()}

    figures = Figures()
    # With a new interpreter, because some are killed while it starts.
    killed = Command(command.folder, forks=False)
    killed.environment["DOWNLOAD_USER_AGENT"] = "killed"
    for seed in range(ROUNDS):
        shutil.rmtree(output)
        pages.sent.clear()
        await kill_at_some_moment(killed, site, pages, random.Random(seed))
        left = tree(output) if output.exists() else {}
        parts = {path: body for path, (body, _) in left.items() if path.endswith(".part")}
        whole = {path: both for path, both in left.items() if path not in parts}
        assert whole.items() <= undisturbed.items(), "a name means a whole file, now as ever"

        second = await run("second")
        assert tree(output) == undisturbed, seed
        missing = {path for path, file in files.items() if file not in whole}
        # One that was killed between its last byte and its name: nobody has a rest of it.
        complete = {p for p in LARGE if parts.get(f"{files[p]}.part") == pages.bodies[p]}
        assert paths(second) == sorted([*missing, *complete]), "what was not there, and once"
        first = pages.to("killed")
        again = {sent.path for sent in first} & missing
        assert len(again) <= AT_ONCE, "no more than were in flight"
        for sent in second:
            part = parts.get(f"{files[sent.path]}.part", b"")
            assert pages.bodies[sent.path].startswith(part)
            kept = len(part) if sent.path in LARGE else 0
            assert sent.start == kept or sent.path in complete, (
                "what was kept of a large body is gone on from"
            )
            figures.continued += sent.start > 0
        figures.in_flight.append(len(again))
        figures.saved += len(whole)
        figures.refetched.append(sum(sent.size for sent in [*first, *second]) - pages.size)

    assert await run("third") == []
    tell(figures, pages.size)


def paths(sent: list[SentResponse]) -> list[str]:
    return sorted(one.path for one in sent)


def tell(figures: Figures, size: int) -> None:
    """Print what the documentation quotes; ``pytest -s`` shows it."""
    rounds, refetched = len(figures.refetched), sum(figures.refetched)
    print(  # noqa: T201 - figures that are read by a person
        f"\nkill -9: {rounds} rounds, {figures.saved} files whole at the kill, "
        f"{sum(figures.in_flight)} pages in flight (at most {max(figures.in_flight)} of {AT_ONCE}),"
        f" {figures.continued} large bodies continued; {refetched} bytes sent again, "
        f"{refetched / rounds / size:.1%} of the site a round, at most {max(figures.refetched)}"
    )
