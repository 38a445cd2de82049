"""Maps the exceptions of fsspec and its backends to ``StoreError``."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from downloader.errors import DownloadError, StoreError

_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
_CREDENTIALS = "set its credentials, as docs/how-to/save-to-object-storage.md describes"
#: Hints by the name of the exception class, because botocore need not be installed.
_HINTS = {
    "FileNotFoundError": "create the bucket first",
    "PermissionError": _CREDENTIALS,
    "NoCredentialsError": _CREDENTIALS,
    "PartialCredentialsError": _CREDENTIALS,
    "ProfileNotFound": _CREDENTIALS,
    "EndpointConnectionError": "check AWS_ENDPOINT_URL and the network",
    "ConnectTimeoutError": "check AWS_ENDPOINT_URL and the network",
    "ReadTimeoutError": "the store does not respond; run the command again to continue",
}


def first_line(error: BaseException) -> str:
    """Return the first line of an exception's message, or else the name of its class."""
    message = str(error).strip()
    return message.splitlines()[0] if message else type(error).__name__


@contextmanager
def map_store_errors(display_url: str) -> Iterator[None]:
    """Raise ``StoreError`` for whatever a store raises.

    The backends' exceptions have no common base class but Exception. A lack of file descriptors
    passes unchanged: the caller waits for a free one.

    Raises:
        StoreError: the store failed or refused.
    """
    try:
        yield
    except DownloadError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OUT_OF_DESCRIPTORS:
            raise
        names = [base.__name__ for base in type(error).__mro__]
        hint = next((_HINTS[name] for name in names if name in _HINTS), "")
        raise StoreError(f"cannot use {display_url}: {first_line(error)}", hint=hint) from error
