"""Saving: whole files only, and never outside the folder."""

import asyncio
import errno
import gc
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from downloader.errors import BlockedError
from downloader.storage import LocalStorage, PublishOptions
from downloader.storage.null_storage import NullStorage
from downloader.storage.part_file import (
    ALL_BUFFERS_BYTES,
    MAX_BUFFER_BYTES,
    MIN_BUFFER_BYTES,
    WriteBuffers,
)
from downloader.web.filenames import SafePath


async def test_a_file_appears_under_its_name_only_when_it_is_committed(tmp_path: Path) -> None:
    async with LocalStorage(tmp_path) as storage, storage.open_part(SafePath("a/b.html")) as part:
        await part.write(b"one")
        await part.write(b"two")
        assert sorted(p.name for p in tmp_path.rglob("*.*")) == ["b.html.part"]
        await part.commit(PublishOptions())
    assert [p.read_bytes() for p in tmp_path.rglob("*.*")] == [b"onetwo"]


async def test_a_file_that_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    async with LocalStorage(tmp_path) as storage:
        with pytest.raises(asyncio.CancelledError):
            async with storage.open_part(SafePath("a.html")) as part:
                await part.write(b"one")
                raise asyncio.CancelledError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("planted", ["folder", "file", "file.part", "loop"])
async def test_a_planted_symbolic_link_is_never_followed(tmp_path: Path, planted: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("mine")
    root = tmp_path / "root"
    root.mkdir()
    path = SafePath("site/file")
    if planted == "folder":
        (root / "site").symlink_to(outside)
    elif planted == "loop":
        (root / "site").symlink_to(root / "site")
    else:
        (root / "site").mkdir()
        (root / "site" / planted).symlink_to(outside / "secret")
    async with LocalStorage(root) as storage:
        if planted in ("folder", "loop"):
            with pytest.raises(BlockedError, match="site/file cannot be saved"):
                await storage.save(path, b"theirs", PublishOptions())
            with pytest.raises(BlockedError):
                async with storage.open_part(path):
                    pass
        else:
            await storage.save(path, b"theirs", PublishOptions())
            async with storage.open_part(path) as part:
                await part.commit(PublishOptions())
            assert not (root / path).is_symlink()
    assert [p.name for p in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "mine"


async def test_without_folder_descriptors_links_are_refused_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("downloader.storage.output_folder._HAS_DIR_FD", False)
    root = tmp_path / "root"
    root.mkdir()
    (root / "site").symlink_to(tmp_path)
    async with LocalStorage(root) as storage:
        with pytest.raises(BlockedError):
            await storage.save(SafePath("site/file"), b"theirs", PublishOptions())
        await storage.save(SafePath("a/b/file"), b"ours", PublishOptions())
    assert (root / "a/b/file").read_bytes() == b"ours"
    assert not (tmp_path / "file").exists()


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="no links that could be refused")
@pytest.mark.parametrize("swapped", ["h", "h/x"])
async def test_a_folder_above_that_is_swapped_for_a_link_is_not_entered(
    tmp_path: Path, swapped: str
) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    async with LocalStorage(root) as storage:
        await storage.save(SafePath("h/x/one"), b"one", PublishOptions())
        (root / swapped).rename(elsewhere)
        (root / swapped).symlink_to(elsewhere)
        with pytest.raises(BlockedError):
            await storage.save(SafePath("h/x/two"), b"two", PublishOptions())
    assert [path.name for path in elsewhere.rglob("*") if path.is_file()] == ["one"]


async def test_a_file_gets_a_second_name_in_place_of_what_had_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    root = tmp_path / "root"
    async with LocalStorage(root) as storage:
        for name in ("a", "copies/b", "copies/c"):
            await storage.save(SafePath(name), name.encode(), PublishOptions())
        (root / "copies/d").symlink_to(secret)
        (root / "copies/e").mkdir()
        for copy in ("copies/b", "copies/c", "copies/d", "new/f"):
            assert await storage.link(SafePath("a"), SafePath(copy))
            assert not (root / copy).is_symlink()
            assert (root / copy).samefile(root / "a")
        with pytest.raises(BlockedError):
            await storage.link(SafePath("a"), SafePath("copies/e"))
        # A name that is replaced leaves the other one as it is.
        await storage.save(SafePath("a"), b"new", PublishOptions(overwrite=True))
        assert (root / "copies/b").read_bytes() == b"a"
        # A move to the other name of the same file leaves one name.
        assert await storage.move(SafePath("copies/b"), SafePath("copies/c"))
        assert not (root / "copies/b").exists()
        assert (root / "copies/c").read_bytes() == b"a"
    assert secret.read_text() == "mine"


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EMLINK])
async def test_without_hard_links_there_is_no_second_name(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    async with LocalStorage(tmp_path) as storage:
        await storage.save(SafePath("a"), b"a", PublishOptions())
        assert not await storage.link(SafePath("a"), SafePath("b"))
    assert not (tmp_path / "b").exists()


async def test_who_gives_up_saving_leaves_no_error_behind(tmp_path: Path) -> None:
    async with LocalStorage(tmp_path) as storage:
        saves = [
            asyncio.create_task(storage.save(SafePath(f"f/{n}"), b"data", PublishOptions()))
            for n in range(300)
        ]
        await asyncio.sleep(0)
        for save in saves:
            save.cancel()
        await asyncio.gather(*saves, return_exceptions=True)
    assert not list(tmp_path.rglob("*.part"))
    gc.collect()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc to look at")
@pytest.mark.parametrize("turns", range(4))
async def test_a_file_that_is_being_opened_when_its_transfer_is_cancelled_is_closed(
    tmp_path: Path, turns: int
) -> None:
    async def begin(storage: LocalStorage) -> None:
        async with storage.open_part(SafePath("a/large")) as part:
            await part.write(b"x" * 3_000_000)
            await asyncio.Event().wait()

    before = len(list(Path("/proc/self/fd").iterdir()))
    async with LocalStorage(tmp_path) as storage:
        beginning = asyncio.create_task(begin(storage))
        for _ in range(turns):
            await asyncio.sleep(0)
        beginning.cancel()
        await asyncio.sleep(0)
        beginning.cancel()
        await asyncio.gather(beginning, return_exceptions=True)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.skipif(not hasattr(os, "writev"), reason="no writev to cut short")
@pytest.mark.parametrize("cut", [0, 1, 4, 5, 9])
async def test_a_write_that_the_system_cuts_short_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    def writev(fd: int, pieces: Sequence[bytes]) -> int:
        return os.write(fd, b"".join(pieces)[:cut])

    monkeypatch.setattr(os, "writev", writev)
    async with LocalStorage(tmp_path) as storage, storage.open_part(SafePath("a")) as part:
        for piece in (b"1234", b"5", b"6789"):
            await part.write(piece)
        await part.commit(PublishOptions())
    assert (tmp_path / "a").read_bytes() == b"123456789"


async def test_a_file_in_very_many_pieces_is_written_whole(tmp_path: Path) -> None:
    seen: list[bytes] = []
    async with LocalStorage(tmp_path) as storage, storage.open_part(SafePath("a")) as part:
        part.set_observer(seen.append)
        for number in range(5000):
            await part.write(b"%d," % number)
        await part.commit(PublishOptions())
    expected = b"".join(b"%d," % number for number in range(5000))
    assert (tmp_path / "a").read_bytes() == b"".join(seen) == expected


async def test_what_is_written_is_observed_whole_and_in_order_beside_other_files(
    tmp_path: Path,
) -> None:
    observed: dict[str, list[bytes]] = {name: [] for name in "abc"}

    async def write(storage: LocalStorage, name: str) -> None:
        async with storage.open_part(SafePath(name)) as part:
            part.set_observer(observed[name].append)
            for number in range(40):
                await part.write(name.encode() * 100_000 + b"%d" % number)
            await part.commit(PublishOptions())

    async with LocalStorage(tmp_path) as storage:
        await asyncio.gather(*(write(storage, name) for name in observed))
    for name, pieces in observed.items():
        expected = b"".join(name.encode() * 100_000 + b"%d" % number for number in range(40))
        assert (tmp_path / name).read_bytes() == b"".join(pieces) == expected


async def test_what_is_not_saved_is_observed_whole_and_in_order() -> None:
    pieces, observed = [b"%d" % number * 100_000 for number in range(40)], list[bytes]()
    async with NullStorage() as storage, storage.open_part(SafePath("a")) as part:
        part.set_observer(observed.append)
        for piece in pieces:
            await part.write(piece)
        assert await part.commit(PublishOptions(), lambda: observed.append(b"end")) == ""
    assert observed == [*pieces, b"end"]


async def test_an_observer_that_fails_ends_the_file(tmp_path: Path) -> None:
    def refuse(_: bytes) -> None:
        raise ValueError("not these bytes")

    async with LocalStorage(tmp_path) as storage:
        with pytest.raises(ValueError, match="not these bytes"):
            async with storage.open_part(SafePath("a")) as part:
                part.set_observer(refuse)
                await part.write(b"x" * 3_000_000)
                await part.commit(PublishOptions())
    assert list(tmp_path.iterdir()) == []


def test_the_buffers_of_all_files_together_stay_below_a_limit() -> None:
    sizes = {files: WriteBuffers(files).size for files in (1, 4, 8, 64, 1000)}
    assert sizes[1] == sizes[4] == MAX_BUFFER_BYTES
    assert 8 * sizes[8] == 64 * sizes[64] == ALL_BUFFERS_BYTES
    assert sizes[1000] == MIN_BUFFER_BYTES
