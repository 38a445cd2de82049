"""Names that are decided during a transfer: by the answer, or by a file system that refuses one."""

from collections.abc import Sequence
from dataclasses import replace

from downloader.core.transfer import Transfer, TransferContext
from downloader.errors import BlockedError, DiskError
from downloader.http import Response
from downloader.journal.filesystem import max_name_bytes
from downloader.journal.naming import Naming, shorter_names
from downloader.models import StorageOptions
from downloader.web.filenames import FileName
from downloader.web.path_parts import MAX_NAME_BYTES


def answer_naming(options: StorageOptions) -> Naming | None:
    """Return what names files by answers of servers; None if the options do not ask for that."""
    if not options.save or options.pack is not None or not Naming(options).needs_answer:
        return None
    folder = options.folder
    return Naming(options, MAX_NAME_BYTES if folder is None else max_name_bytes(folder))


async def take_name_of_answer(
    transfer: Transfer, response: Response, naming: Naming, context: TransferContext
) -> None:
    """Give the transfer the name that the answer asks for, before its body is saved.

    A name that it already has is kept, so that later runs agree, and resume its partial file.

    Raises:
        DiskError: the journal cannot be written.
    """
    # Imported late: most runs do not need it.
    from downloader.web.content_disposition import disposition_file_name

    target = transfer.job.target
    fields = response.header_values("Content-Disposition")
    leaf = next(filter(None, map(disposition_file_name, fields)), "")
    if not leaf or target.name is not None:
        return
    try:
        names = list(naming.candidates_for_answer(target, leaf))
    except BlockedError:
        return
    if transfer.job.name not in names:
        await _claim(transfer, names, context)


async def take_shorter_name(transfer: Transfer, context: TransferContext) -> bool:
    """Give the transfer a shorter name, because the file system refuses the one that it has.

    Returns False if there is none, or if the request must not be sent again.
    """
    request = transfer.job.target.request
    if context.options.only_name is not None or (request and not request.is_idempotent):
        return False
    names = shorter_names(transfer.job.name, transfer.job.target)
    try:
        return await _claim(transfer, names, context)
    except DiskError:
        return False


async def _claim(transfer: Transfer, names: Sequence[FileName], context: TransferContext) -> bool:
    name = await context.journal.claim_name(transfer.job, names) if names else None
    if name is None:
        return False
    transfer.job = replace(transfer.job, name=name, is_name_free=False)
    return True
