"""The options under "Output": where bodies are saved, and which are fetched again."""

from downloader.cli.options.common import OUTPUT_FOLDER
from downloader.cli.options.help_groups import option
from downloader.cli.options.parameter_types import (
    NameTemplateParam,
    NumberParam,
    OutputParam,
    TextFormatsParam,
)

OPTIONS = (
    option(
        "Output",
        "-o",
        "--output",
        metavar="DIR|URL|FILE|-",
        type=OutputParam(),
        default=OUTPUT_FOLDER,
        help=f"Save in this folder, object store (s3://...), file or stdout [{OUTPUT_FOLDER}].",
    ),
    option(
        "Output",
        "--name-template",
        metavar="TEMPLATE",
        type=NameTemplateParam(),
        help="Name files by this template, e.g. '{host}/{path}'.",
    ),
    option(
        "Output",
        "-nH",
        "--no-host-directories",
        is_flag=True,
        help="Do not create a folder for each host.",
    ),
    option(
        "Output",
        "--host-folders",
        is_flag=True,
        help="Save the start page of a host in its folder, as index.html.",
    ),
    option(
        "Output",
        "--cut-dirs",
        metavar="N",
        type=NumberParam(0),
        default=0,
        help="Leave out the first N folders of the path [0].",
    ),
    option(
        "Output",
        "--content-disposition",
        is_flag=True,
        help="Take file names from the servers' Content-Disposition.",
    ),
    option(
        "Output",
        "--extract",
        metavar="FORMATS",
        type=TextFormatsParam(),
        default=(),
        help="Also save pages' main content: text, markdown or text,markdown.",
    ),
    option("Output", "--no-save", is_flag=True, help="Measure sizes only; save nothing."),
    option("Output", "--force", is_flag=True, help="Fetch saved files again."),
    option(
        "Output",
        "--refresh",
        is_flag=True,
        help="Revalidate saved files and fetch only what changed.",
    ),
    option(
        "Output",
        "--verify",
        is_flag=True,
        help="Hash saved files; fetch damaged ones again.",
    ),
    option(
        "Output",
        "--no-use-server-timestamps",
        is_flag=True,
        help="Do not set file times to Last-Modified.",
    ),
)
