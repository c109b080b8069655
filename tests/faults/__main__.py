"""The long form: `python -m tests.faults [--times N] [--only WORDS]` prints a Markdown table.

Standard error has the row so far after each try, and what a failed one showed last. Exits with 1
where something was lost or went wrong in another way.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections import Counter

from tests.faults.harness import HEAD, Row, Skipped, faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--times", type=int, help="tries of each fault, instead of its own number")
    parser.add_argument("--only", default="", help="those with these words in their name")
    parser.add_argument("--seed", type=int, default=0, help="what is left to chance")
    chosen = parser.parse_args()
    failed = False
    print(HEAD, flush=True)
    for fault in faults():
        if chosen.only not in f"{fault.kind}: {fault.name}":
            continue
        row = Row(fault, Counter())
        for number in range(chosen.times or fault.long):
            try:
                row.add(fault.attempt_at(chosen.seed, number))
            except Skipped as reason:
                row.seen[f"not tried: {reason}"] += 1
                break
            except Exception as error:  # the other tries are still worth making
                failed = True
                row.seen[f"FAILED: {' '.join(str(error).split())[:80]}"] += 1
                traceback.print_exception(error)
            print(number + 1, row, file=sys.stderr, flush=True)
        print(row, flush=True)
        failed |= row.lost > 0
    return int(failed)


sys.exit(main())
