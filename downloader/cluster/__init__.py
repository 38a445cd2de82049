"""One list on many machines: shards by host, fetched portion by portion on Dask workers.

``partition`` cuts the list into shards, ``cluster_run`` sends portions of them to workers through
an ``executor``, of which ``dask`` is the only one, and yields their outcomes. On a worker,
``portion_task`` runs a portion as a ``LocalRun`` on the event loop of ``worker_loop``. ``messages``
are what travels between the two.
"""

from downloader.cluster.cluster_run import ClusterRun
from downloader.cluster.messages import ClusterPlan

__all__ = ["ClusterPlan", "ClusterRun"]
