# SPDX-License-Identifier: Apache-2.0
"""common.py: what the benchmark drivers share: where things are, how they are built, tables.

Everything made here goes to BUILD/bench (BUILD is the environment variable, or `build` beside this
folder) and is made again only when a source is newer. A part whose tool is missing is None, and
whoever uses it says so in the table; nothing here fails because an engine is not installed. Where a
source is not there at all, as in a folder made by `wasi --pack`, what was made of it is taken as it is.
"""

import math
import os
import re
import shutil
import statistics
import subprocess
import sys

import wasm_bytes

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(ROOT, "build")))
OUT = os.path.join(BUILD, "bench")
PROGRAMS = os.path.join(HERE, "programs")

KERNELS = ["gemm", "2mm", "jacobi-2d", "floyd-warshall", "cholesky", "nussinov"]
NAMES = KERNELS + ["strings", "statemachine", "large"]

WASM_FLAGS = ["-std=gnu11", "--target=wasm32", "-O2", "-ffreestanding"]
WASM_LINK_FLAGS = ["--target=wasm32", "-nostdlib", "-Wl,--no-entry"]
NATIVE_FLAGS = ["-std=gnu11", "-O2"]


class Failed(Exception):
    """A sentence for a person."""


def note(text):
    print(text, file=sys.stderr, flush=True)


# -- Tools --------------------------------------------------------------------------------


def native_cc():
    found = shutil.which("gcc")
    if found is None:
        raise Failed("gcc is missing: the benchmarks compare with native gcc -O2")
    return found


def wasm_cc():
    wanted = os.environ.get("WASM_CC")
    for name in [wanted] if wanted else ["clang-19", "clang-18", "clang-16", "clang-14", "clang"]:
        found = shutil.which(name)
        probe = ["--target=wasm32", "-c", "-x", "c", "-o", "/dev/null", "/dev/null"]
        if found and subprocess.run([found, *probe], capture_output=True).returncode == 0:
            return found
    raise Failed("no clang that compiles to wasm32 is on PATH (WASM_CC names one)")


def peer(name):
    return shutil.which(name)


# What comes between the program and the module to call its _start. iwasm, when built without WASI,
# looks for main instead and has to be told.
START = {"wasm3": [], "iwasm": ["-f", "_start"], "wasmedge": [], "toywasm": [],
         "wasmtime": ["run"]}


def start_peers():
    """([(name, command that the module ends)], [names that are missing])"""
    found = [(name, [peer(name), *before]) for name, before in START.items() if peer(name)]
    return found, [name for name in START if not peer(name)]


def skiff_program():
    path = os.path.join(BUILD, "skiff")
    return path if os.access(path, os.X_OK) else None


def skiff_library():
    path = os.path.join(BUILD, "libskiff.so")
    return path if os.path.exists(path) else None


# -- Building -----------------------------------------------------------------------------


def newer(target, sources):
    if not os.path.exists(target):
        return True
    made = os.path.getmtime(target)
    return any(os.path.exists(s) and os.path.getmtime(s) > made for s in sources)


def out(name):
    os.makedirs(OUT, exist_ok=True)
    return os.path.join(OUT, name)


def make(target, sources, command):
    """Run `command` if `target` is older than a source; it must write `target`.tmp."""
    if newer(target, sources):
        note(f"  building {os.path.relpath(target, BUILD)}")
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"building {os.path.basename(target)}: {done.stderr.strip()[-2000:]}")
        os.rename(target + ".tmp", target)
    return target


def write(target, data):
    if not os.path.exists(target) or open(target, "rb").read() != data:
        with open(target + ".tmp", "wb") as f:
            f.write(data)
        os.rename(target + ".tmp", target)
    return target


def generated(name, *arguments):
    target = out(f"{name}.c")
    script = os.path.join(HERE, "gen_large.py")
    if newer(target, [script, os.path.abspath(__file__)]):
        text = subprocess.run([sys.executable, script, *arguments], capture_output=True, check=True)
        write(target, text.stdout)
        os.utime(target)
    return target


def source(name):
    if name == "large":
        return generated("large", "--functions", "4000")
    return os.path.join(PROGRAMS, name + ".c")


def headers():
    return [os.path.join(PROGRAMS, h) for h in ("program.h", "small_libc.h")]


def wasm_object(path, name):
    """Warnings are off because generated text provokes many."""
    target = out(name + ".o")
    return make(target, [path, *headers()],
                [wasm_cc(), *WASM_FLAGS, "-w", "-I", PROGRAMS, "-c", "-o", target + ".tmp", path])


def wasm_of(path, name):
    """Linked without -O: with it, clang hands the module to wasm-opt wherever that is installed."""
    target = out(name + ".wasm")
    parts = [wasm_object(path, name),
             wasm_object(os.path.join(PROGRAMS, "freestanding.c"), "freestanding")]
    return make(target, parts, [wasm_cc(), *WASM_LINK_FLAGS, "-o", target + ".tmp", *parts])


def program_wasm(name):
    return wasm_of(source(name), name)


def program_native(name):
    target, path = out(name + ".native"), source(name)
    main = os.path.join(PROGRAMS, "native_main.c")
    return make(target, [path, main, *headers()],
                [native_cc(), *NATIVE_FLAGS, "-w", "-I", PROGRAMS, "-o", target + ".tmp", path,
                 main, "-lm"])


def native_tool(name, *flags, cc=None, suffix=""):
    """A C program of this folder that does not use the engine."""
    return native_of(os.path.join(HERE, name + ".c"), name + suffix, *flags, cc=cc)


def native_of(path, name, *flags, cc=None):
    target = out(name)
    if not newer(target, [path]):
        return target
    return make(target, [path], [cc or native_cc(), *NATIVE_FLAGS, "-Wall", "-Wextra", *flags,
                                 "-o", target + ".tmp", path])


def wasi_cc():
    """The words of a command that compiles C to WASI, or None. WASI_CC names one: a wasi-sdk's clang, say."""
    words = os.environ.get("WASI_CC", "clang --target=wasm32-wasi --sysroot=/usr").split()
    words[:1] = [shutil.which(words[0])] if words else [None]
    probe = ["-mexec-model=reactor", "-x", "c", "-o", "/dev/null", "/dev/null"]
    if words[0] and subprocess.run([*words, *probe], capture_output=True).returncode == 0:
        return words
    return None


def wasi_of(path, name):
    """A program for WASI, or None where there is no compiler for it."""
    target = out(name + ".wasm")
    if not newer(target, [path]):
        return target
    command = wasi_cc()
    return command and make(target, [path], [*command, "-O2", "-s", "-o", target + ".tmp", path])


def engine_tool(name):
    """A C program of this folder linked with libskiff.so; None while there is none."""
    library = skiff_library()
    if library is None:
        return None
    target, path = out(name), os.path.join(HERE, name + ".c")
    header = os.path.join(ROOT, "include", "skiff.h")
    return make(target, [path, header, os.path.join(HERE, "bench.h")],
                [native_cc(), *NATIVE_FLAGS, "-Wall", "-Wextra", "-I", os.path.dirname(header),
                 "-o", target + ".tmp", path, "-L", BUILD, "-lskiff", f"-Wl,-rpath,{BUILD}"])


def nothing_wasm():
    return write(out("nothing.wasm"), wasm_bytes.nothing())


def loop_wasm():
    return write(out("loop.wasm"), wasm_bytes.loop())


def touch_wasm():
    return write(out("touch.wasm"), wasm_bytes.touch())


def wide_wasm():
    """`large` with each function body six times: more than 5 MB of code."""
    with open(program_wasm("large"), "rb") as f:
        return write(out("wide.wasm"), wasm_bytes.repeat(f.read(), 6))


def small_wasm():
    return wasm_of(generated("small", "--functions", "100"), "small")


def thousand_wasm():
    return wasm_of(generated("thousand", "--functions", "1000", "--weight", "8"), "thousand")


# -- Running ------------------------------------------------------------------------------


def run(command, timeout=300, errors=False):
    """Standard output (with `errors`, after the error output), or Failed with what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise Failed(f"no end within {timeout} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise Failed(f"status {done.returncode}: {said[:200]}")
    return done.stderr + done.stdout if errors else done.stdout


def last_integer(text):
    """The last integer a tool printed, as 32 bits; None where there is none."""
    found = re.findall(r"0x[0-9a-fA-F]+|-?\b\d+", text)
    return int(found[-1], 0) & 0xffffffff if found else None


# -- Numbers and tables ----------------------------------------------------------------------


def median(values):
    return statistics.median(values)


def geomean(values):
    values = [v for v in values if v]
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else None


def show(value, form="{:.3f}"):
    return "-" if value is None else value if isinstance(value, str) else form.format(value)


def table(title, head, rows):
    """Print rows of text as an aligned table: first column left, the others right."""
    rows = [[show(c) for c in row] for row in rows]
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}\n")
    for row in [head, *rows]:
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip())
    sys.stdout.flush()


def main(function):
    try:
        sys.exit(function())
    except Failed as e:
        note(f"bench: {e}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
