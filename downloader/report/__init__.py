"""Reports of a run: records in several formats, comparisons, size budgets and locks.

``record`` declares the fields that every report has of a URL, and ``outcome_record`` fills them
from an outcome. ``formats`` write records, ``report_reader`` reads them back; ``compare``,
``budget`` and ``lock`` check them; ``summary`` and ``findings`` add them up. ``reporter`` joins all
of these for a run, which knows them by ``interface``.
"""
