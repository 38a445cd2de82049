"""The main content of pages as text and Markdown, their languages and near-duplicates; no I/O.

``page_content`` finds the main content of a page, ``language`` its language, and
``near_duplicates`` pages with nearly the same text. ``worker`` is the process that does this, apart
from the event loop; ``protocol`` is what it exchanges with its parent.
"""
