"""The entry point of ``download``: a subcommand if the first argument names one, or a download."""

import gc
import sys
from importlib import import_module

from downloader.cli.interrupts import exit_on_interrupt


def main() -> None:
    """Run the command that the process's arguments ask for, and exit with its status."""
    exit_on_interrupt()
    # Until the run, there are only imports: to collect garbage would take a tenth of their time.
    gc.disable()
    # Imported only now, so that Ctrl-C during the imports leaves no traceback.
    from downloader.cli.streams import prepare_streams
    from downloader.cli.subcommands import SUBCOMMANDS

    prepare_streams()
    arguments = sys.argv[1:]
    name, module = "download", "downloader.cli.download_command"
    if arguments and (subcommand := SUBCOMMANDS.get(arguments[0])):
        name, module = f"download {arguments.pop(0)}", subcommand.module
    command = import_module(module).command
    # The collection at exit, as after --help, need not look at modules either.
    gc.freeze()
    try:
        command.main(arguments, prog_name=name)
    except OSError as error:
        # The text of --help or --version: what a command prints is dealt with where it runs.
        from downloader.cli.error_reporting import report_error

        sys.exit(report_error(error))
