"""Pages that open offline: what they need is fetched as well, then their links lead there.

``finding`` says what a document refers to, ``scope`` which pages are followed, ``relative`` how
one file names another: all pure. ``site`` reads what has been saved and has what it refers to
fetched; ``rewriting`` gives each document its new links, when all is there.
"""

from downloader.mirror.mirror import Mirror

__all__ = ["Mirror"]
