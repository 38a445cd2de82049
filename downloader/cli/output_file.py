"""Whether ``-o`` names a folder, a file, or a stream, as curl's ``-o`` and wget's ``-O`` do."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from downloader import sources
from downloader.cli.options import Given
from downloader.cli.options.parameter_types import Output
from downloader.errors import BadUrlError
from downloader.web import urls
from downloader.web.media_types import media_type_table
from downloader.web.path_parts import split_extension

#: Options with which there is more than one file.
_FOLDER_OPTIONS = (
    "mirror",
    "recursive",
    "level",
    "single_file",
    "pack",
    "sitemap",
    "demo",
    "locked",
)
#: Standard output, under the names that it has on Unix.
_STDOUT = ("-", "/dev/stdout", "/dev/fd/1")


@dataclass(frozen=True, slots=True)
class OutputTarget:
    """The destination of bodies on this machine.

    Attributes:
        folder: the output folder.
        file: the name of the only file in it, or None.
        stream: the pipe or device that the only body goes to, ``-`` for standard output; or None.
    """

    folder: Path
    file: str | None = None
    stream: Path | None = None


def output_target(source: Sequence[str], given: Given) -> OutputTarget:
    """Return what ``--output`` names.

    It can be a file only if exactly one URL is given as SOURCE. It is one if it exists and is no
    folder, or if it has a common extension, or that of the URL, and is not named like the host.
    """
    destination: Output = given["output"]
    folder = destination.folder
    text = destination.text
    if text in _STDOUT:
        return OutputTarget(Path(), stream=Path("-"))
    is_folder = destination.remote is not None or text.endswith(("/", os.sep)) or folder.is_dir()
    if is_folder or not takes_one_url(source, given):
        return OutputTarget(folder)
    if folder.exists() and not folder.is_file():
        return OutputTarget(folder.parent, stream=folder)
    if folder.is_file() or _is_named_like_a_file(folder.name, source[0]):
        return OutputTarget(folder.parent, file=folder.name)
    return OutputTarget(folder)


def takes_one_url(source: Sequence[str], given: Given) -> bool:
    """Return whether exactly one URL is fetched, and not more because of it."""
    # A level of 0 means any depth.
    makes_more = given["engine"] != "local" or any(
        given[name] not in (None, False, ()) for name in _FOLDER_OPTIONS
    )
    return len(source) == 1 and sources.is_url(source[0]) and not makes_more


def is_stdout(destination: Output) -> bool:
    """Return whether ``--output`` names standard output."""
    return destination.text in _STDOUT


def _is_named_like_a_file(name: str, url: str) -> bool:
    extension = split_extension(name)[1].lower()
    if not extension:
        return False
    try:
        parsed = urls.parse(url)
    except BadUrlError:
        return False
    host = urls.hostname(parsed)
    if host == name.lower() or host.endswith(f".{name.lower()}"):
        return False
    same = split_extension(urls.split(parsed)[1])[1].lower()
    # Names of sites end in .com more often than programs for DOS do.
    return extension == same or (extension in media_type_table().types and extension != ".com")
