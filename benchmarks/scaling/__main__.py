"""Measure ``--engine dask`` on this machine, and work out what larger clusters would need.

    python -m benchmarks.scaling kills [--runs N] [--lines N] [--hosts N]
    python -m benchmarks.scaling cost [--runs N] [--lines N]
    python -m benchmarks.scaling parts [--lines N]
    python -m benchmarks.scaling plan
    python -m benchmarks.scaling skew [--lines N] [--hosts N]

``kills`` kills workers in mid-run and checks that nothing is lost; ``cost`` measures what a cluster
takes beside the command alone; ``parts`` measures cutting a list and what a journal weighs;
``plan`` works out machines, hours and money from such figures; ``skew`` simulates unequal hosts.
"""

import argparse
import asyncio
import sys

from benchmarks.scaling import cost, kills, origin, parts, plan, skew


def main() -> int:
    """Do what is asked for; the exit status says whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("what", choices=["kills", "cost", "parts", "plan", "skew", "serve"])
    parser.add_argument("port", nargs="?", type=int, default=0)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--lines", type=int)
    parser.add_argument("--hosts", type=int)
    given = parser.parse_args()
    match given.what:
        case "serve":
            asyncio.run(origin.serve(given.port))
            return 0
        case "kills":
            return kills.main(given.runs or 20, given.lines or 1500, given.hosts or 100)
        case "cost":
            return cost.main(given.runs or 3, given.lines or 80_000)
        case "parts":
            return parts.main(given.lines or 1_000_000)
        case "plan":
            return plan.main()
        case _:
            return skew.main(given.lines or 10_000_000, given.hosts or 100_000)


if __name__ == "__main__":
    sys.exit(main())
