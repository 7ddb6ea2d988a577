# SPDX-License-Identifier: Apache-2.0
"""Guests that start threads: what ends them all, and with which exit code."""

import time

from bench import TIME_LIMIT, test
from signals import Running, number_of
from wasi import guest

RETURNS, WAITS, SPINS, READS, DIVIDES, EXITS = "0", "1", "2", "3", "4", "5"
ALL = (WAITS, SPINS, READS)


@test
def threads_work_together(b):
    b.expect(["run", guest(b, "CROWD")])
    b.expect(["run", "--invoke", "sum", guest(b, "CROWD"), "100"], out="100\n")
    b.expect(["run", "--disable", "threads", guest(b, "CROWD")], 1, "", "threads")


@test
def threads_may_race(b):
    """The guest's affair; the build with ThreadSanitizer is told so, and finds nothing else (test/tsan.supp)."""
    b.expect(["run", guest(b, "RACES")], out="")


@test
def threads_are_limited(b):
    for most in ("0", "1", "7"):
        b.expect(["run", "--max-threads", most, "--invoke", "many", guest(b, "CROWD"), "9"],
                 out=most + "\n")
    b.expect(["run", "--invoke", "many", guest(b, "CROWD"), "40"], out="40\n")
    b.sentence(["run", "--max-threads", "x", guest(b, "CROWD")], 2, "'x'")


def crowd(b, theirs, ours, *options):
    """Some threads wait, spin and read standard input, which stays open."""
    return Running(b, *options, "--invoke", "with", guest(b, "CROWD"), theirs, ours)


@test
def threads_end_with_the_first(b):
    for ours, code in ((RETURNS, 0), (EXITS, 33)):
        with crowd(b, RETURNS, ours) as running:
            assert running.code() == code, ours


@test
def threads_end_with_one_that_exits(b):
    for ours in ALL:
        with crowd(b, EXITS, ours) as running:
            assert running.code() == 33, ours


@test
def threads_end_with_one_that_traps(b):
    for ours in ALL:
        with crowd(b, DIVIDES, ours) as running:
            assert running.process.wait(TIME_LIMIT) == 134
            lines = running.process.stderr.read().decode().split("\n")
            assert lines[0] == "skiff: trap: integer divide by zero", lines
            assert len(lines) == 5 and lines[3].endswith("  wasi_thread_start"), lines


@test
def threads_end_with_the_time(b):
    for ours in ALL:
        begin = time.monotonic()
        with crowd(b, RETURNS, ours, "--time-limit", "200") as running:
            assert running.process.wait(TIME_LIMIT) == 124, ours
            assert b"--time-limit ran out" in running.process.stderr.read()
        assert time.monotonic() - begin < TIME_LIMIT / 2


@test
def threads_end_with_signals(b):
    for ours in ALL:
        with crowd(b, RETURNS, ours) as running:
            running.send(number_of("TERM"))
            assert running.code() == 128 + number_of("TERM"), ours


@test
def threads_end_with_the_fuel(b):
    with crowd(b, RETURNS, WAITS, "--fuel", "1000000") as running:
        assert running.process.wait(TIME_LIMIT) == 123
        assert b"--fuel ran out" in running.process.stderr.read()


@test
def threads_leave_one_core_dump(b):
    with crowd(b, DIVIDES, WAITS, "--coredump", "crowd.core") as running:
        assert running.process.wait(TIME_LIMIT) == 134
    with open(b.path("crowd.core"), "rb") as file:
        dump = file.read()
    assert dump.startswith(b"\0asm") and dump.count(b"corestack") == 1, len(dump)
