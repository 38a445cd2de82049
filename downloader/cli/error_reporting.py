"""How a command ends: with an exit status, and one line for the error that ended it."""

import gc
import logging
import sys
from collections.abc import Callable
from typing import NoReturn

import click

from downloader.cli.interrupts import keyboard_interrupts
from downloader.cli.streams import silence_stdout
from downloader.errors import DiskError, DownloadError
from downloader.models import ExitStatus
from downloader.web.text import printable


def run_and_exit(run: Callable[[], ExitStatus], *, debug: bool) -> NoReturn:
    """Exit with the status of *run*; an error that ends it becomes one line on stderr.

    With *debug*, everything is logged to stderr, tracebacks included.
    """
    gc.enable()  # main() disables it during the imports
    if debug:
        from downloader.core.event_loop import log_everything

        log_everything()
    sys.exit(exit_status_of(run, debug=debug))


def exit_status_of(run: Callable[[], ExitStatus], *, debug: bool) -> ExitStatus:
    """Return the status of *run*, as for :func:`run_and_exit`."""
    try:
        with keyboard_interrupts():
            return run()
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # Nobody reads the output any more, as after "| head".
        silence_stdout()
        return ExitStatus.INTERRUPTED
    except Exception as error:
        if debug:
            logging.exception("the run ended")
        return report_error(error)


def report_error(error: Exception) -> ExitStatus:
    """Print one line about *error*, which ended the command, and return the exit status."""
    match error:
        case DownloadError():
            hint = f"; {error.hint}" if error.hint else ""
            line = f"{error.message}{hint}"
            status = ExitStatus.DISK_FAILED if isinstance(error, DiskError) else ExitStatus.USAGE
        case OSError():
            silence_stdout()
            line = f"cannot write the output: {error.strerror}"
            status = ExitStatus.DISK_FAILED
        case _:
            text = f"{type(error).__name__}: {error}"
            line = f"internal error: {text} (please report it; --debug shows more)"
            status = ExitStatus.SOME_FAILED
    click.echo(printable(f"download: {line}"), err=True)
    return status
