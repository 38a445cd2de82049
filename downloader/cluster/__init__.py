"""A list that many machines share: cut into shards by its hosts, and each shard done somewhere.

``partition`` cuts the list, ``work`` is what one portion of a shard takes and gives, ``task`` does
it with a batch of its own wherever it is called, ``worker`` is what all portions of one process
share, ``executor`` is what has one done somewhere, of which ``dask`` is the one by Dask, and
``campaign`` sees the whole to its end.
"""

from downloader.cluster.cluster_run import ClusterRun
from downloader.cluster.messages import ClusterPlan

__all__ = ["ClusterPlan", "ClusterRun"]
