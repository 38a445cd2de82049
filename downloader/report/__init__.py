"""What a run says about itself: lines, records, pages, and what it is held against.

``record`` is what a report says of one URL, and everything else takes records: ``data`` and
``html`` write them, ``summary``, ``findings`` and ``sizes`` add them up, ``compare``, ``budget``
and ``lock`` hold them against something. ``desk`` is all of them to a run; ``lines`` are for the
terminal.
"""
