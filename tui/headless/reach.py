"""A short-lived child process: `python -P -m tui.headless.reach URL` exits 0 when URL answers.

It exists so that no long-lived process of tsuzuki ever has a network.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

TIMEOUT_S = 10.0


def main() -> int:
    """Ask for the address that is the only argument; print the reason where it fails."""
    try:
        request = urllib.request.Request(sys.argv[1], method="HEAD")
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):
            return 0
    except urllib.error.HTTPError as error:
        # A server without such a page is a server that answers.
        if error.code < 500:
            return 0
        failure = str(error)
    except urllib.error.URLError as error:
        failure = str(error.reason)
    except (OSError, ValueError) as error:
        failure = str(error)
    sys.stdout.write(f"{failure}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
