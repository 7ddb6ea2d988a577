# SPDX-License-Identifier: Apache-2.0
"""Which files of the tree the checks look at."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ("src", "include", "test", "example", "fuzz", "bench")


def files(suffixes=(".c", ".h"), folders=FOLDERS):
    """Paths relative to the top of the tree, sorted."""
    found = []
    for folder in folders:
        for where, dirs, names in os.walk(os.path.join(ROOT, folder)):
            dirs[:] = [d for d in dirs if not d.startswith((".", "build"))]
            found += [os.path.relpath(os.path.join(where, name), ROOT)
                      for name in names if name.endswith(suffixes)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def usage(text):
    print(text, file=sys.stderr)
    raise SystemExit(2)
