"""Measure ``--engine dask`` on this machine, and extrapolate to larger clusters.

    python -m benchmarks.scaling kills [--runs N] [--lines N] [--hosts N]
    python -m benchmarks.scaling cost [--runs N] [--lines N]
    python -m benchmarks.scaling parts [--lines N]
    python -m benchmarks.scaling plan
    python -m benchmarks.scaling skew [--lines N] [--hosts N]

``kills`` kills workers during runs and checks that nothing is lost. ``cost`` compares a cluster
with the command alone. ``parts`` measures the partitioning of a list. ``plan`` calculates machines,
hours and money from these figures. ``skew`` simulates hosts of unequal size.
"""

import argparse
import asyncio
import sys

from benchmarks.scaling import cost, counting_server, kills, parts, plan, skew


def main() -> int:
    """Run one of the benchmarks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("what", choices=["kills", "cost", "parts", "plan", "skew", "serve"])
    parser.add_argument("port", nargs="?", type=int, default=0)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--lines", type=int)
    parser.add_argument("--hosts", type=int)
    arguments = parser.parse_args()
    match arguments.what:
        case "serve":
            asyncio.run(counting_server.serve(arguments.port))
            return 0
        case "kills":
            return kills.main(arguments.runs or 20, arguments.lines or 1500, arguments.hosts or 100)
        case "cost":
            return cost.main(arguments.runs or 3, arguments.lines or 80_000)
        case "parts":
            return parts.main(arguments.lines or 1_000_000)
        case "plan":
            return plan.main()
        case _:
            return skew.main(arguments.lines or 10_000_000, arguments.hosts or 100_000)


if __name__ == "__main__":
    sys.exit(main())
