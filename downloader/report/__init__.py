"""Reports of a run: records in several formats, comparisons, size budgets and locks.

``models.url_record`` declares the fields that every report has of a URL, and ``run_record`` those
of the run as a whole.
``formats`` write records, ``report_reader`` reads them back; ``compare``, ``budget`` and
``lock_file`` check them; ``diagnostics`` are what fails, as CI systems show it, and
``github_actions`` shows it there; ``summary`` and ``findings`` add records up. ``reporter`` joins
all of these for a run, which knows them by ``interface``.
"""
