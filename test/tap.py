# SPDX-License-Identifier: Apache-2.0
"""What all test drivers in Python share: the list of tests, and running them with a line each in the manner of TAP."""

import os
import signal
import subprocess
import sys
import time
import traceback

TESTS = []
SKIPPED = 77
MISTAKES = (AssertionError, OSError, ValueError, KeyError, AttributeError, IndexError,
            subprocess.SubprocessError)


class Skip(Exception):
    pass


class SkipAll(Skip):
    """None of the tests that follow can be run either."""


def test(work):
    TESTS.append((work.__name__.replace("_", " "), work))
    return work


def patiently(work):
    """work(scale), of what measures time: it is to be right once, where need be with more of it, as a busy machine takes."""
    for scale in (1, 4, 16):
        try:
            return work(scale)
        except AssertionError:
            if scale == 16:
                raise


def test_of_time(work):
    """A test(b, scale): tried again, with times multiplied by `scale`."""
    def patient(b):
        patiently(lambda scale: work(b, scale))
    patient.__name__ = work.__name__
    return test(patient)


def is_taken(port):
    """Has who listens here accepted all who have come, and read all they have sent. (Of who listens, the kernel says there how
    many wait.)"""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        with open(table, encoding="ascii") as file:
            rows = [line.split() for line in file.read().strip().split("\n")[1:]]
        if any(row[1].endswith(":%04X" % port) and int(row[4].split(":")[1], 16) > 0 for row in rows):
            return False
    return True


def wait_taken(port):
    end = time.monotonic() + 60
    while not is_taken(port):
        assert time.monotonic() < end, "nobody takes what comes to port %d" % port
        time.sleep(0.005)


def default_signals():
    """Who started us in the background has us ignore some, and skiff would leave those alone, as it should."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def number(self):
        return self.passed + self.failed + self.skipped


def way(mistake):
    """Where it happened, the test first: a bare assertion says nothing else."""
    steps = traceback.extract_tb(mistake.__traceback__)[1:]
    ours = os.path.dirname(os.path.abspath(__file__))
    return " > ".join("%s:%d" % (os.path.basename(step.filename), step.lineno) for step in steps
                      if os.path.abspath(step.filename).startswith(ours))


def run_one(counts, title, work, b):
    try:
        work(b)
    except Skip as reason:
        counts.skipped += 1
        print("ok %d - %s # SKIP %s" % (counts.number(), title, reason))
        if isinstance(reason, SkipAll):
            raise
    except MISTAKES as mistake:
        counts.failed += 1
        print("not ok %d - %s" % (counts.number(), title))
        for line in ("%s: %s" % (type(mistake).__name__, mistake)).split("\n"):
            print("#   " + line[:1000])
        print("#   at " + way(mistake))
    else:
        counts.passed += 1
        print("ok %d - %s" % (counts.number(), title))
    sys.stdout.flush()


def run_tests(b, words):
    """Run all, or those with one of the words in their titles; the exit code."""
    default_signals()
    counts = Counts()
    try:
        for title, work in TESTS:
            if not words or any(word in title for word in words):
                run_one(counts, title, work, b)
    except SkipAll as reason:
        if counts.number() == 1:
            print(reason)
            return SKIPPED
    print("1..%d" % counts.number())
    print("%d passed, %d failed, %d skipped" % (counts.passed, counts.failed, counts.skipped))
    return 1 if counts.failed else 0
