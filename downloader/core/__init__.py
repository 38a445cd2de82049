"""One list on this machine: the run, its pool of transfers, and how a body is saved.

- ``local_run``: the run: read, admit, fetch, record, report.
- ``run``, ``run_observer``, ``transfer_backend``: the protocols of a run, of what may watch it, and
  of what fetches for it.
- ``pool``: all transfers of one process; ``processes`` is the same over several.
- ``auto_backend``: one process, and several when it is saturated (``saturation``, ``cores``);
  ``host_release`` takes hosts out of a pool for them.
- ``fetch``: one attempt at one URL; ``body_reader`` decodes and limits what it receives, ``body``
  saves it, ``transfer_outcomes`` describes the result.
- ``sniffing``, ``response_filter``, ``answer_names``: what the head and the first bytes of a
  response decide: its type, whether it is saved, and its name.
- ``transfer``: the state of one URL, and what all transfers share.
- ``read_ahead`` reads the list in a thread, ``sitemap_fetcher`` the lists on the network.
"""
