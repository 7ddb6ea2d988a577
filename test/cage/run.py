#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py SKIFF [WORD...]: run bundles in the cage of a built skiff; WORD: only tests whose name has it.

The tests are in the files imported below. guest/kit.c is the guest; box.py makes bundles with it in them and sees to it
that after each test no process, no mount, no state and no control group is left. Tests look from inside, by what the
guest prints, and from outside, at /proc.

It takes root, and the file systems of control groups where limits are tested. Prints a line for each test in the
manner of TAP, and "N passed, N failed, N skipped" at the end.
"""

import ctypes
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from box import Box, write  # noqa: E402
from tap import SkipAll, run_tests  # noqa: E402
import process  # noqa: E402,F401 pylint: disable=unused-import
import files  # noqa: E402,F401 pylint: disable=unused-import
import scratch  # noqa: E402,F401 pylint: disable=unused-import
import around  # noqa: E402,F401 pylint: disable=unused-import
import users  # noqa: E402,F401 pylint: disable=unused-import
import config  # noqa: E402,F401 pylint: disable=unused-import
import life  # noqa: E402,F401 pylint: disable=unused-import
import beside  # noqa: E402,F401 pylint: disable=unused-import
import cache  # noqa: E402,F401 pylint: disable=unused-import
import mistakes  # noqa: E402,F401 pylint: disable=unused-import
import refusals  # noqa: E402,F401 pylint: disable=unused-import


def has_landlock():
    """By number: landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)."""
    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) > 0


def node(folder):
    """The machine's own configuration is not for tests; and where there is no Landlock not every container is to say so."""
    if has_landlock():
        return ""
    return write(os.path.join(folder, "run.toml"), "[policy]\nlandlock = \"ignore\"\n")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        box = Box(sys.argv[1])
    except SkipAll as reason:
        print(reason)
        return 77
    os.environ["SKIFF_CONFIG"] = node(box.folder)
    try:
        return run_tests(box, sys.argv[2:])
    finally:
        box.close()


if __name__ == "__main__":
    sys.exit(main())
