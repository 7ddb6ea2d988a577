# SPDX-License-Identifier: Apache-2.0
"""processes.py: programs started from outside: how long they take, what memory they hold.

Times come from startup.c, which starts its commands in turn and reads the memory of each at its end. The memory
of programs that stay is read here, of many of them that exist at once.
"""

import shutil
import signal
import subprocess
import time

import common
from common import median

KEYS = ("Rss", "Pss", "Private_Clean", "Private_Dirty")

# -- Start to exit ---------------------------------------------------------------------------


def timer():
    musl = shutil.which("musl-gcc")
    return common.native_tool("startup", *(["-static"] if musl else []), cc=musl)


def start(rounds, commands):
    """{name: [min, median, mean, cpu, resident, private, peak, bad]} of [[name, word...]], as startup.c prints them."""
    arguments = []
    for command in commands:
        arguments += ["--", *command] if arguments else command
    lines = common.run([timer(), str(rounds), *arguments], timeout=1800).splitlines()
    return {f[0]: [float(x) for x in f[1:]] for f in (line.split("\t") for line in lines)}


def start_apart(rounds, commands, slow):
    """start(), where those named in `slow` take their turns apart, beside the first: they displace caches."""
    result = start(rounds, [c for c in commands if c[0] not in slow])
    rest = [c for c in commands if c[0] in slow]
    if rest:
        apart = start(max(10, rounds // 10), [commands[0], *rest])
        result.update({c[0]: apart[c[0]] for c in rest})
    return result


def start_table(title, result, missing):
    """Ratios are to the first command. Fails, after the table, where one did not exit with 0."""
    base_name, base = next(iter(result.items()))
    rows = []
    for name, r in result.items():
        rows.append([name, f"{r[0]:.0f}", f"{r[1]:.0f}", f"{r[0] / base[0]:.2f}",
                     f"{r[1] / base[1]:.2f}", *[f"{v:.0f}" for v in r[3:8]]])
    common.table(f"{title} (ratios to {base_name})",
                 ["", "min", "median", "x min", "x median", "cpu", "RSS KB", "private KB",
                  "peak KB", "bad"], rows)
    if missing:
        print(f"\n  not found, left out: {', '.join(missing)}", flush=True)
    bad = [n for n, r in result.items() if r[7]]
    if bad:
        raise common.Failed(f"did not exit with 0: {', '.join(bad)}")


# -- Memory ----------------------------------------------------------------------------------


def rollup(pid):
    found = dict.fromkeys(KEYS, 0)
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            key, _, rest = line.partition(":")
            if key in found:
                found[key] = int(rest.split()[0])
    return found


def private(pages):
    return pages["Private_Clean"] + pages["Private_Dirty"]


def begin(command, says_ready, delay):
    """Started and idle: says_ready: it printed a line and waits, at the latest for its input; else stopped."""
    out = subprocess.PIPE if says_ready else subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=subprocess.PIPE if says_ready else subprocess.DEVNULL,
                               stdout=out, stderr=subprocess.DEVNULL)
    if says_ready:
        process.stdout.readline()
    else:
        time.sleep(delay)
        process.send_signal(signal.SIGSTOP)
    return process


def measure(count, command, says_ready=False, delay=0.05):
    """[private, share, resident] in KB, medians over the processes; None where one ended early."""
    processes = []
    try:
        for _ in range(count):
            processes.append(begin(command, says_ready, delay))
        time.sleep(0.1)  # from the line to the read
        if any(p.poll() is not None for p in processes):
            return None
        pages = [rollup(p.pid) for p in processes]
    finally:
        for p in processes:
            p.kill()
        for p in processes:
            p.wait()
            for stream in (p.stdin, p.stdout):
                if stream:
                    stream.close()
    return [median([private(p) for p in pages]), median([p["Pss"] for p in pages]),
            median([p["Rss"] for p in pages])]


def memory_table(title, kinds):
    """Of [(name, processes, keyword arguments of measure)]; 1 where a process ended early, else 0."""
    rows = []
    for name, count, arguments in kinds:
        kb = measure(count, **arguments)
        rows.append([name, str(count), *([f"{v:.0f}" for v in kb] if kb else ["ended", "-", "-"])])
    common.table(title, ["", "processes", "private", "share", "resident"], rows)
    return 1 if any(r[2] == "ended" for r in rows) else 0
