"""What a store refuses, as errors of ours; the one place where they are translated."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from downloader.errors import DownloadError, StoreError

#: The system's way to say that no file descriptor is free.
_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE)
_CREDENTIALS = "set its credentials, as docs/cloud.md tells"
#: By the name of the exception, because the packages that have them need not be there.
_HINTS = {
    "FileNotFoundError": "make the bucket first",
    "PermissionError": _CREDENTIALS,
    "NoCredentialsError": _CREDENTIALS,
    "PartialCredentialsError": _CREDENTIALS,
    "ProfileNotFound": _CREDENTIALS,
    "EndpointConnectionError": "see AWS_ENDPOINT_URL, and the network",
    "ConnectTimeoutError": "see AWS_ENDPOINT_URL, and the network",
    "ReadTimeoutError": "the store does not answer; run it again to go on",
}


def first_line(error: BaseException) -> str:
    """Return what an exception says, on one line."""
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Turn whatever a store and its packages raise into an error of ours.

    Each store has exceptions of its own, with no ancestor in common but Exception. That no file
    descriptor is free passes unchanged, because it passes by itself.

    Raises:
        StoreError: the store refuses.
    """
    try:
        yield
    except DownloadError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_DESCRIPTOR:
            raise
        names = [kind.__name__ for kind in type(error).__mro__]
        hint = next((_HINTS[name] for name in names if name in _HINTS), "")
        raise StoreError(f"cannot use {shown}: {first_line(error)}", hint=hint) from error
