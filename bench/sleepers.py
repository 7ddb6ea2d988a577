# SPDX-License-Identifier: Apache-2.0
"""sleepers.py: many containers that sleep, at once: what each holds of memory, its own and the kernel's.

Each is made by `create` and `start`, of equal bundles; nobody stays with it. Pages are read from /proc/PID/smaps_rollup; what the
kernel holds for them from /proc/meminfo, before and with them, so that a machine that does other things meanwhile
blurs it.
"""

import os
import signal
import subprocess
import tempfile
import time

import common
import processes

FEW = 20
KERNEL = ("Slab", "SUnreclaim", "KernelStack", "PageTables", "Percpu")


def meminfo():
    """The least disturbed of some: a median."""
    found = {}
    for _ in range(5):
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                key, _, rest = line.partition(":")
                found.setdefault(key, []).append(int(rest.split()[0]))
        time.sleep(0.2)
    return {key: common.median(values) for key, values in found.items()}


def call(*words):
    """What is begun keeps the streams: no pipe, whose end would not come."""
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, timeout=60)
        if done.returncode != 0:
            said.seek(0)
            raise common.Failed(f"{os.path.basename(words[0])} {words[1]}: {said.read().decode()[-200:].strip()}")


def begin(program, bundle, name, folder):
    """The number of its process."""
    path = os.path.join(folder, name)
    call(program, "create", "--bundle", bundle, "--pid-file", path, name)
    call(program, "start", name)
    with open(path, encoding="ascii") as file:
        return int(file.read())


def end(program, pids):
    for name, pid in pids.items():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    time.sleep(0.5)
    for name in pids:
        subprocess.run([program, "delete", name], capture_output=True)


def pages(pids):
    """[private, share, resident] in KB: medians."""
    found = [processes.rollup(pid) for pid in pids.values()]
    return [common.median([processes.private(p) for p in found]), common.median([p["Pss"] for p in found]),
            common.median([p["Rss"] for p in found])]


def measure(name, program, bundle, count):
    """Two rows of the tables."""
    pids = {}
    with tempfile.TemporaryDirectory(prefix="skiff-sleepers-") as folder:
        # The node has seen the module before: who keeps such things has it.
        end(program, {"sleeper-first": begin(program, bundle, "sleeper-first", folder)})
        time.sleep(1)
        try:
            before = meminfo()
            begun = time.monotonic()
            few = None
            for i in range(count):
                pids[f"sleeper-{i}"] = begin(program, bundle, f"sleeper-{i}", folder)
                if len(pids) == min(FEW, count):
                    time.sleep(0.2)
                    few = pages(pids)
            took = time.monotonic() - begun
            time.sleep(1)
            after, many = meminfo(), pages(pids)
        finally:
            end(program, pids)
    kernel = [(after[key] - before[key]) / count for key in KERNEL]
    free = (before["MemAvailable"] - after["MemAvailable"]) / count
    return ([name, str(min(FEW, count)), *few], [name, str(count), *many, *kernel, free, f"{took * 1e3 / count:.1f}"])


def tables(kinds):
    few, many = [], []
    for kind in kinds:
        rows = measure(*kind)
        few.append(rows[0])
        many.append(rows[1])
    show = [[c if isinstance(c, str) else f"{c:.0f}" for c in row] for row in few]
    common.table("Sleeping containers, few: KB each", ["", "containers", "private", "share", "resident"], show)
    show = [[c if isinstance(c, str) else f"{c:.0f}" for c in row] for row in many]
    common.table(f"Sleeping containers, many: KB each, and ms to begin one; load {os.getloadavg()[0]:.1f}",
                 ["", "containers", "private", "share", "resident", "slab", "of it fixed", "stacks", "page tables", "percpu",
                  "available", "ms"], show)
