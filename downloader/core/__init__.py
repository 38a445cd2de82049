"""One list on this machine: the run, the pool of transfers, one transfer, one body."""
