"""Look at saved sites in a browser: a local web server for output folders, archives and reports.

``saved_folder`` and ``saved_archive`` know what is saved and open it; ``saved_report`` is a folder
that a report describes. What they list goes into the ``catalogue``, a temporary database. The
``server`` answers requests: for its own host with the ``home_page`` and the ``report_page``, and
for the host of a site, as ``site_names`` tells them apart, with what was saved. ``responses`` sends
bodies, and ``titles`` reads the titles of pages in the background.
"""

from downloader.serve.catalogue import Catalogue
from downloader.serve.saved_archive import SavedArchive
from downloader.serve.saved_content import SavedContent
from downloader.serve.saved_folder import SavedFolder
from downloader.serve.saved_report import SavedReport
from downloader.serve.server import ServeOptions, SiteServer

__all__ = [
    "Catalogue",
    "SavedArchive",
    "SavedContent",
    "SavedFolder",
    "SavedReport",
    "ServeOptions",
    "SiteServer",
]
