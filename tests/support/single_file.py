"""What a page as one file is made from."""

from collections.abc import Callable

Files = dict[str, str | bytes]


def reader(files: Files) -> Callable[[str], bytes | None]:
    def read(path: str) -> bytes | None:
        body = files.get(path)
        return body.encode() if isinstance(body, str) else body

    return read


FRAME = "<!doctype html><meta charset=utf-8>"
