#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cli.py SKIFF [WORD...]: test the command line of a built skiff; WORD: only tests whose name has it.

Prints a line for each test in the manner of TAP, and "N passed, N failed, N skipped" at the end.
"""

import json
import os
import re
import resource
import shutil
import signal
import sys
import time

sys.dont_write_bytecode = True
import modules  # noqa: E402
from bench import ROOT, TESTS, Bench, Skip, run_tests, test, test_of_time  # noqa: E402


def source(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


VERBS = re.findall(r"^VERB\((\w+),", source("src", "cli", "verbs.def"), re.M)


# -- Help and mistakes ------------------------------------------------------------------------------


@test
def version(b):
    for args in (["--version"], ["version"], ["-V"]):
        r = b.expect(args)
        assert re.fullmatch(r"skiff \d+\.\d+\.\d+\S*\nengine abi [0-9a-f]{32}\n", r.out), r


@test
def help_everywhere(b):
    overview = b.expect(["help"]).out
    assert overview == b.expect(["--help"]).out == b.expect(["-h"]).out
    for verb in VERBS:
        assert re.search(r"^  %s +\S" % verb, overview, re.M), overview
        text = b.expect(["help", verb]).out
        assert text.startswith("skiff %s: " % verb) and "Usage: skiff " + verb in text, text
        for option in ("--help", "-h"):
            assert text == b.expect([verb, option]).out
    b.expect(["help", "help"])
    longest = max(len(line) for verb in VERBS for line in b.run("help", verb).out.split("\n"))
    assert longest <= 100, longest


@test
def help_without_arguments(b):
    r = b.expect([], 2, "", "Usage: skiff VERB")
    assert r.err == b.expect(["help"]).out


@test
def suggestions(b):
    for args, wrong, right in [
            (["rnu"], "verb 'rnu'", "run"), (["inspct"], "verb 'inspct'", "inspect"),
            (["help", "valdate"], "verb 'valdate'", "validate"),
            (["run", "--invok", "x"], "option '--invok'", "--invoke"),
            (["run", "--feul=3", "x"], "option '--feul'", "--fuel"),
            (["inspect", "--jsno", "x"], "option '--jsno'", "--json"),
            (["inspect", "-json", "x"], "option '-json'", "--json"),
            (["--versoin"], "option '--versoin'", "--version"),
            (["validate", "--hlep"], "option '--hlep'", "--help"),
            (["run", "--disable", "smid", "x"], "feature 'smid'", "simd")]:
        b.sentence(args, 2, re.escape("unknown %s, did you mean '%s'?" % (wrong, right)))
    b.sentence(["frobnicate"], 2, "unknown verb 'frobnicate'$")
    b.sentence(["run", "--zzzzzzzz", "x"], 2, "unknown option '--zzzzzzzz'$")
    b.sentence(["run", "-q", "x"], 2, "unknown option '-q'$")
    b.sentence(["run", "--invoke", "ad", "kit.wasm"], 2, "no export 'ad', did you mean 'add'")
    b.sentence(["disasm", "kit.wasm", "divde"], 2, "no function 'divde'")


@test
def usage_mistakes(b):
    for verb in ("run", "inspect", "validate", "disasm"):
        b.sentence([verb], 2, "%s: FILE is missing; usage: skiff %s" % (verb, verb))
    b.sentence(["run", "kit.wasm", "--invoke"], 2, "NAME of --invoke is missing")
    b.sentence(["run", "--invoke"], 2, "'--invoke' needs a value: NAME")
    b.sentence(["run", "--fuel", "many", "kit.wasm"], 2, "'--fuel': 'many' is not a number")
    b.sentence(["run", "--fuel", "-1", "kit.wasm"], 2, "'-1' is not a number")
    b.sentence(["run", "--memory-limit", "1X", "kit.wasm"], 2, "'1X' is not a size")
    b.sentence(["inspect", "--json=yes", "kit.wasm"], 2, "takes no value")
    b.sentence(["inspect", "kit.wasm", "kit.wasm"], 2, "too many: 'kit.wasm'")
    b.sentence(["disasm", "kit.wasm", "add", "x"], 2, "too many: 'x'")
    b.sentence(["version", "x"], 2, "too many: 'x'")
    b.sentence(["help", "run", "x"], 2, "too many: 'x'")
    b.sentence(["--invoke", "add"], 2, "belongs to a verb")
    b.sentence(["--"], 2, "unknown option '--'")
    b.sentence(["run", "--coredump", "missing/dump", "start_ok.wasm"], 1, "missing/dump: ")


@test
def another_name_is_skiff(b):
    other = b.path("another")
    os.symlink(b.skiff, other)
    b.expect(["run", "--invoke", "add", "kit.wasm", "2", "3"], out="5\n", program=other)


@test
def documents_agree(b):
    pages, man = source("docs", "cli.md"), source("man", "skiff.1.scd")
    overview = b.run("help").out
    rows = re.findall(r'^EXIT\(\w+, (\d+), "(.*)"\)$', source("src", "command", "exits.def"), re.M)
    assert len(rows) >= 6, rows
    for code, meaning in rows:
        assert "| %s | %s |" % (code, meaning) in pages, (code, "docs/cli.md")
        page = re.sub(r"[*.\s]+", " ", man).lower()
        assert "%s %s" % (code, re.sub(r"[*.\s]+", " ", meaning).lower()) in page, (code, "man page")
        assert re.search(r"^ +%s  %s$" % (code, re.escape(meaning)), overview, re.M), (code, "help")
    for verb in VERBS:
        assert re.search(r"^    skiff %s\b" % verb, pages, re.M), (verb, "docs/cli.md")
        assert re.search(r"^\*skiff ([\w*|]*\|\*)?%s\b" % verb, man, re.M), (verb, "man page")
        for option in re.findall(r"^  (?:-\w, )?(--[a-z-]+)", b.run("help", verb).out, re.M):
            assert option in pages and option in man, (verb, option)


# -- run: what is called -------------------------------------------------------------------------------


@test
def run_finds_what_to_call(b):
    for file in ("empty", "start_ok", "section_ok", "unknown_custom"):
        b.expect(["run", file + ".wasm"], out="")
    b.sentence(["run", "start_typed.wasm"], 2, "--invoke _start")
    b.expect(["run", "--invoke", "_start", "start_typed.wasm", "1"], out="")
    b.sentence(["run", "mvp.wasm"], 2, "no '_start' to run; .*: one$")
    b.sentence(["run", "kit.wasm"], 2, "--invoke .*: add, add64, ")


@test
def run_without_verb(b):
    b.expect(["start_ok.wasm"], out="")
    b.expect(["kit.wasm", "--invoke", "add", "2", "3"], out="5\n")
    b.expect(["start_traps.wasm"], 134, "", "unreachable")
    b.sentence(["missing.wasm"], 1, "missing.wasm: No such file")


@test
def run_places_of_invoke(b):
    for args in (["--invoke", "add", "kit.wasm", "2", "3"], ["kit.wasm", "--invoke", "add", "2", "3"],
                 ["--invoke=add", "kit.wasm", "2", "3"], ["kit.wasm", "--invoke=add", "2", "3"],
                 ["--invoke", "add", "--", "kit.wasm", "2", "3"]):
        b.expect(["run"] + args, out="5\n")
    # What follows is the guest's, options of ours included.
    b.expect(["run", "--invoke", "add", "kit.wasm", "-2", "-3"], out="-5\n")
    b.sentence(["run", "--invoke", "add", "kit.wasm", "--fuel", "3"], 2, "'--fuel' is not a value")
    b.expect(["run", "start_ok.wasm", "a", "--invoke", "b", "--help"], out="")


@test
def run_invoke_of_something_else(b):
    b.sentence(["run", "--invoke", "memory", "kit.wasm"], 2, "'memory' is a memory, not a function")
    b.sentence(["run", "--invoke", "table", "kit.wasm"], 2, "'table' is a table")
    b.sentence(["run", "--invoke", "nonsense", "kit.wasm"], 2, "no export 'nonsense'$")
    b.sentence(["run", "--invoke", "", "kit.wasm"], 2, "no export ''$")
    b.sentence(["run", "--invoke", "add", "kit.wasm", "1"], 2, "'add' takes 2 arguments, 1 given")
    b.sentence(["run", "--invoke", "nothing", "kit.wasm", "1"], 2, "takes 0 arguments, 1 given")
    b.expect(["run", "--invoke", "nothing", "kit.wasm"], out="")


# -- run: values ------------------------------------------------------------------------------------------


def values(title, rows):
    def work(b):
        for function, args, out in rows:
            b.expect(["run", "--invoke", function, "kit.wasm"] + args.split(), out=out + "\n")
    TESTS.append(("values " + title, work))


def refused(title, rows):
    def work(b):
        for function, args, word in rows:
            b.sentence(["run", "--invoke", function, "kit.wasm"] + args, 2,
                       "argument %d of '%s': .* is not a value of type %s" %
                       (len(args), function, word))
    TESTS.append(("values refused " + title, work))


values("i32 and i64", [
    ("add", "2 40", "42"), ("add", "2147483647 1", "-2147483648"), ("add", "4294967295 0", "-1"),
    ("add", "-2147483648 0", "-2147483648"), ("add", "0xff 0X1", "256"), ("add", "-0x1 +5", "4"),
    ("add64", "18446744073709551615 0", "-1"), ("add64", "9223372036854775807 1",
                                                "-9223372036854775808"),
    ("add64", "0x7fffffffffffffff 0", "9223372036854775807")])
values("f32 and f64", [
    ("mul32", "0.1 1", "0.1"), ("mul64", "0.1 3", "0.30000000000000004"), ("mul64", "10 10", "100"),
    ("mul64", "0x1.8p1 2", "6"), ("mul64", "-0 1", "-0"), ("mul64", "1e300 1e300", "inf"),
    ("mul32", "-inf 1", "-inf"), ("same64", "1e-5", "1e-05"), ("same32", "16777216", "16777216"),
    ("same64", "123456789012", "123456789012"), ("same64", "5e-324", "5e-324"),
    ("same64", "1.7976931348623157e308", "1.7976931348623157e+308")])
values("NaNs", [
    ("same32", "nan", "nan"), ("same32", "-nan", "-nan"), ("same32", "nan:0x400000", "nan"),
    ("same32", "nan:0x200000", "nan:0x200000"), ("same64", "nan:0x8000000000001",
                                                 "nan:0x8000000000001"),
    ("bytes32", "nan:0x200000", "2141192192"), ("same64", "-nan:0x1", "-nan:0x1")])
values("several results", [("swap", "1 2", "2\n1")])
values("v128", [
    ("same128", "0x0123456789abcdef0123456789ABCDEF", "0x0123456789abcdef0123456789abcdef"),
    ("same128", "0x1", "0x" + "0" * 31 + "1")])
values("references", [
    ("same_extern", "7", "extern 7"), ("same_extern", "0", "extern 0"), ("same_extern", "null", "null"),
    ("same_extern", "4611686018427387903", "extern 4611686018427387903"), ("same_func", "null", "null"),
    ("a_func", "", "func")])


@test
def results_that_are_objects(b):
    path = b.file("objects.wasm", modules.OBJECTS)
    for function, text in (("a_struct", "struct"), ("an_array", "array"), ("an_i31", "i31 -5"),
                           ("an_exception", "exn")):
        b.expect(["run", "--invoke", function, path], out=text + "\n")


refused("i32 and i64", [
    ("add", ["1", text], "i32") for text in
    ("", "x", "1.0", "4294967296", "-2147483649", "0x", " 1", "1 ", "0x100000000", "--1")
] + [("add64", ["1", "18446744073709551616"], "i64")])
refused("f32 and f64", [
    ("same64", [text], "f64") for text in
    ("", "x", "1e999", "infinity", "nan:0x0", "nan:1", " 1", "1f", "nan:0x10000000000000")
] + [("same32", ["1e39"], "f32"), ("same32", ["nan:0x800000"], "f32")])
refused("v128 and references", [
    ("same128", ["1"], "v128"), ("same128", ["0x" + "0" * 33], "v128"), ("same128", ["0xg"], "v128"),
    ("same_extern", ["4611686018427387904"], "externref"), ("same_extern", ["-1"], "externref"),
    ("same_func", ["1"], "funcref")])


# -- run: traps and limits ---------------------------------------------------------------------------------


@test
def traps_and_backtrace(b):
    r = b.expect(["run", "--invoke", "divide", "kit.wasm", "1", "0"], 134, "",
                 r"^skiff: trap: integer divide by zero\n  #0  0x[0-9a-f]{4}  the_divider\n$")
    offset = int(re.search(r"0x([0-9a-f]+)", r.err).group(1), 16)
    assert modules.KIT[offset] == 0x6d, "the offset is that of i32.div_s: " + r.err
    b.expect(["run", "--invoke", "divide", "kit.wasm", "-2147483648", "-1"], 134, "",
             "trap: integer overflow")
    b.expect(["run", "--invoke", "outer", "kit.wasm", "0"], 134, "",
             r"#0  0x[0-9a-f]{4}  the_divider\n  #1  0x[0-9a-f]{4}  the_caller\n$")
    b.expect(["run", "--invoke", "outer", "kit.wasm", "1"], out="1\n")
    b.expect(["run", "start_traps.wasm"], 134, "", r"trap: unreachable\n  #0  0x\w+  _start\n$")
    b.expect(["run", "section_traps.wasm"], 134, "", r"trap: unreachable\n  #0  0x\w+  function 0\n$")


def unlimited_stack():
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))


@test
def endless_recursion(b):
    pattern = r"trap: call stack exhausted\n(  #.*\n){64}  \.\.\. and \d+ frames more\n$"
    args = ["run", "--invoke", "deep", "kit.wasm"]
    b.expect(args, 134, "", pattern)
    b.expect(args, 134, "", pattern, preexec_fn=unlimited_stack)
    small = b.expect(["run", "--stack-limit", "256K"] + args[1:], 134, "", pattern)
    large = b.expect(["run", "--stack-limit", "8M"] + args[1:], 134, "", pattern)
    depth = [int(re.search(r"and (\d+) frames", r.err).group(1)) for r in (small, large)]
    assert depth[0] * 8 < depth[1], depth


@test_of_time
def time_limit(b, scale):
    begin = time.monotonic()
    b.expect(["run", "--time-limit", "200", "--invoke", "spin", "kit.wasm"], 124, "",
             r"--time-limit ran out\n  #0  0x\w+  spin\n$")
    seconds = time.monotonic() - begin
    assert 0.19 < seconds < 5 * scale, seconds
    b.expect(["run", "--time-limit=100", "section_spins.wasm"], 124, "", "--time-limit ran out")
    b.expect(["run", "--time-limit=0", "--invoke", "spin", "kit.wasm"], 124, "", "--time-limit ran out")
    b.expect(["run", "--time-limit=60000", "--invoke", "add", "kit.wasm", "1", "2"], out="3\n")
    b.expect(["run", "--time-limit=18446744073709551615", "--invoke", "add", "kit.wasm", "1", "2"],
             out="3\n")


@test
def fuel(b):
    b.expect(["run", "--fuel", "100000", "--invoke", "spin", "kit.wasm"], 123, "",
             r"--fuel ran out\n  #0  0x\w+  spin\n$")
    b.expect(["run", "--fuel", "1000", "section_spins.wasm"], 123, "", "--fuel ran out")
    b.expect(["run", "--fuel", "0", "--invoke", "add", "kit.wasm", "1", "2"], 123, "", "--fuel ran out")
    b.expect(["run", "--fuel", "1000", "--invoke", "add", "kit.wasm", "1", "2"], out="3\n")
    b.expect(["run", "--fuel", "1000", "--invoke", "divide", "kit.wasm", "1", "0"], 134, "", "zero")


@test
def memory_limit(b):
    def grow(limit, pages, out):
        b.expect(["run", "--memory-limit", limit, "--invoke", "grow", "kit.wasm", pages],
                 out="%d\n" % out)

    grow("1M", 10, 1)
    grow("1M", 16, -1)  # with the first page and the table it is more
    grow("16M", 200, 1)
    grow("1G", 2000, -1)  # the module's own maximum
    b.sentence(["run", "--memory-limit", "4K", "--invoke", "add", "kit.wasm", "1", "2"], 1,
               "more than --memory-limit allows")
    b.expect(["run", "--memory-limit", "0", "start_ok.wasm"], out="")


@test
def core_dump(b):
    dump = b.path("dump")
    b.expect(["run", "--coredump", dump, "--invoke", "outer", "kit.wasm", "0"], 134, "", "divide by zero")
    with open(dump, "rb") as file:
        data = file.read()
    assert data.startswith(modules.HEADER) and b"core" in data and b"corestack" in data, data[:80]
    b.expect(["inspect", dump])
    b.expect(["run", "--coredump", dump, "--invoke", "outer", "kit.wasm", "1"], out="1\n")
    assert not os.path.exists(dump), "no trap, no dump"
    b.expect(["run", "--coredump", "/dev/full", "--invoke", "outer", "kit.wasm", "0"], 134, "",
             "divide by zero")


def address_space(mebibytes):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20))
    return limit


@test
def little_address_space(b):
    if b.run("--version", preexec_fn=address_space(64)).code != 0:
        raise Skip("this build does not start with 64 MiB of address space (a sanitizer?)")
    for mebibytes in (4096, 1024, 256, 64):
        limit = address_space(mebibytes)
        for args, out in ((["add", "kit.wasm", "2", "3"], "5\n"), (["grow", "kit.wasm", "16"], "1\n")):
            r = b.run("run", "--invoke", *args, preexec_fn=limit)
            assert (r.code, r.out) == (0, out), (mebibytes, str(r))
        r = b.run("run", "--invoke", "divide", "kit.wasm", "1", "0", preexec_fn=limit)
        assert r.code == 134 and "divide by zero" in r.err, (mebibytes, str(r))
    r = b.run("run", "--invoke", "grow", "kit.wasm", "999", preexec_fn=address_space(32))
    assert (r.code, r.out) == (0, "-1\n"), str(r)


@test
def imports_are_not_met(b):
    r = b.sentence(["run", "imports.wasm"], 1, "imports.wasm: ")
    assert "host" in r.err and "print" in r.err, r
    b.expect(["validate", "imports.wasm"], out="")


@test
def wide_memory(b):
    for limit, pages, old in [("1M", "14", 1), ("1M", "15", -1), ("100M", "9999", -1)]:
        b.expect(["run", "--memory-limit", limit, "--invoke", "grow", "wide.wasm", pages], out="%d\n" % old)
    b.expect(["run", "--invoke", "grow", "wide.wasm", "9999"], out="1\n")
    b.expect(["run", "--invoke", "grow", "wide.wasm", "10000"], out="-1\n")
    b.expect(["run", "--invoke", "read", "wide.wasm", "65532"], out="0\n")
    r = b.run("run", "--invoke", "read", "wide.wasm", str(1 << 32))
    assert r.code == 134 and "out of bounds memory access" in r.err, r
    b.expect(["run", "--fuel", "100", "--invoke", "read", "wide.wasm", "4"], out="0\n")
    data = json.loads(b.expect(["inspect", "--json", "wide.wasm"]).out)
    assert data["memories"][0]["is64"] and data["tables"][0]["is64"], data
    assert data["memories"][0]["max"] == 10000 and "memory64" in data["features"], data
    assert b.expect(["inspect", "wide.wasm"]).out.count(", 64-bit\n") == 2
    assert "i32.load\n" in b.expect(["disasm", "wide.wasm", "read"]).out
    b.sentence(["run", "--disable", "memory64", "wide.wasm"], 1, "memory64")


# -- Other verbs ----------------------------------------------------------------------------------------------


@test
def inspect_json(b):
    data = json.loads(b.expect(["inspect", "kit.wasm", "--json"]).out)
    assert data == json.loads(b.expect(["inspect", "--json", "kit.wasm"]).out)
    assert data["format"] == 1 and data["file"] == "kit.wasm" and data["name"] is None
    assert data["file_bytes"] == len(modules.KIT) and data["start"] is None
    assert data["counts"]["functions"] == 19 and data["counts"]["exports"] == len(data["exports"]) == 20
    assert set(data["features"]) >= {"simd", "reference-types", "multi-value"}, data["features"]
    assert data["exports"][0] == {"name": "add", "index": 0, "kind": "func", "params": ["i32", "i32"],
                                  "results": ["i32"]}
    assert data["exports"][18] == {"name": "memory", "index": 0, "kind": "memory", "min": 1,
                                   "max": 1000, "is64": False, "shared": False}
    assert data["tables"] == [{"index": 0, "kind": "table", "element": "funcref", "min": 3, "max": None,
                               "is64": False, "shared": False}]
    assert [m["min"] for m in data["memories"]] == [1]
    assert [c["name"] for c in data["custom"]] == ["name"]
    assert [s["name"] for s in data["sections"]] == ["type", "function", "table", "memory", "export",
                                                      "code"]
    for s in data["sections"]:
        size = modules.leb(s["size"])
        before = modules.KIT[s["offset"] - len(size) - 1:s["offset"]]
        assert before == bytes([s["id"]]) + size, s
    assert len(data["types"]) == data["counts"]["types"]

    data = json.loads(b.expect(["inspect", "--json", "imports.wasm"]).out)
    assert data["imports"] == [{"module": "host", "name": "print", "kind": "func",
                                "params": ["i32", "i64"], "results": ["f32"]}], data["imports"]
    data = json.loads(b.expect(["inspect", "--json", "section_ok.wasm"]).out)
    assert data["start"] == 0
    data = json.loads(b.expect(["inspect", "--json", "hostile.wasm"]).out)
    assert data["exports"][0]["name"] == "a\x1b[31mb\"\\", data
    data = json.loads(b.expect(["inspect", "--json", "empty.wasm"]).out)
    assert data["sections"] == data["types"] == data["imports"] == data["memories"] == []
    assert data["features"] == []


@test
def inspect_text(b):
    text = b.expect(["inspect", "kit.wasm"]).out
    for line in (r'  "add" 0 \(func \(param i32 i32\) \(result i32\)\)', r'  "memory" 0 \(memory 1 1000\)',
                 r"     0  1 page of 64 KiB at first, at most 1000", r".*custom \"name\"",
                 r"features:.* simd.*", r"     0  3 elements at first, no maximum, funcref"):
        assert re.search("^" + line + "$", text, re.M), (line, text)
    b.expect(["inspect", "imports.wasm"])
    assert '"a\\1b[31mb\\"\\\\"' in b.expect(["inspect", "hostile.wasm"]).out
    assert "\u202e" not in b.expect(["inspect", "hostile.wasm"]).out


@test
def validate(b):
    b.expect(["validate", "kit.wasm", "empty.wasm", "imports.wasm"], out="")
    r = b.expect(["validate", "kit.wasm", "invalid.wasm", "missing.wasm", ".", "mvp.wasm"], 1, "",
                 r"^skiff: invalid.wasm: .*\nskiff: missing.wasm: .*\nskiff: \.: .*\n$")
    assert "i32" in r.err and "i64" in r.err, "expected against found: " + r.err
    path = b.file("hinted.wasm", modules.EMPTY +
                  modules.custom("metadata.code.branch_hint", b"\1\0\0"))
    b.expect(["validate", path], 0, "",
             "hinted.wasm: warning: custom section 'metadata.code.branch_hint', .*no function 0")


@test
def features(b):
    for verb in (["validate"], ["inspect"], ["disasm"], ["run", "--invoke", "pair"]):
        b.expect(verb + ["multi.wasm"])
        b.sentence(verb + ["--disable", "multi-value", "multi.wasm"], 1, "multi.wasm: ")
        b.expect(verb + ["--disable", "all", "--enable=simd,multi-value", "multi.wasm"])
    b.expect(["validate", "--disable=all", "mvp.wasm", "empty.wasm"], out="")
    b.sentence(["validate", "--disable=all", "multi.wasm"], 1, "multi.wasm: ")
    b.sentence(["validate", "--disable=all", "kit.wasm"], 1, "kit.wasm: ")
    b.sentence(["validate", "--disable=", "kit.wasm"], 2, "unknown feature ''")
    b.sentence(["validate", "--disable=simd,", "kit.wasm"], 2, "unknown feature ''")


@test
def disasm(b):
    text = b.expect(["disasm", "kit.wasm"]).out
    assert "i32.div_s" in text and "memory.grow" in text and "loop" in text, text
    one = b.expect(["disasm", "kit.wasm", "9"]).out
    assert "i32.div_s" in one and "loop" not in one and one in text, one
    offset = "%x" % modules.KIT.index(bytes.fromhex("200020016d") + b"\x0b")
    assert offset in one, "the offset of the first instruction: " + one
    assert one == b.expect(["disasm", "kit.wasm", "divide"]).out
    assert one == b.expect(["disasm", "kit.wasm", "the_divider"]).out
    b.sentence(["disasm", "kit.wasm", "99"], 2, "kit.wasm: ")
    b.sentence(["disasm", "imports.wasm", "0"], 2, "imports.wasm: ")
    b.expect(["disasm", "imports.wasm", "1"])
    b.expect(["disasm", "empty.wasm"], out="")


# -- Bad input --------------------------------------------------------------------------------------------------


def bad_input(title, make, pattern="."):
    def work(b):
        path = make(b)
        for verb in ("run", "inspect", "validate", "disasm"):
            b.sentence([verb, path], 1, re.escape(os.path.basename(path)) + ": " + pattern)
    TESTS.append(("bad input " + title, work))


def folder(b):
    os.makedirs(b.path("folder"), exist_ok=True)
    return "folder"


bad_input("missing file", lambda b: "nowhere.wasm", "No such file")
bad_input("directory", folder)
bad_input("empty file", lambda b: b.file("zero.wasm", b""))
bad_input("text format", lambda b: b.file("text.wat", b"(module (func))\n"))
bad_input("ELF file", lambda b: b.skiff)
bad_input("component", lambda b: b.path("component.wasm"), ".*[Cc]omponent")
bad_input("other version", lambda b: b.file("two.wasm", b"\0asm\2\0\0\0"))
bad_input("half a header", lambda b: b.file("half.wasm", b"\0asm\1"))
bad_input("invalid module", lambda b: b.path("invalid.wasm"))
bad_input("truncated module", lambda b: b.file("cut.wasm", modules.KIT[:len(modules.KIT) // 2]))
bad_input("section without end", lambda b: b.file("long.wasm", modules.EMPTY + b"\1\xff\xff\xff\xff\x0f"))
bad_input("four billion types",
          lambda b: b.file("types.wasm", modules.EMPTY + modules.section(1, b"\xff\xff\xff\xff\x0f")))
bad_input("endless device", lambda b: "/dev/zero")
bad_input("a name with control characters", lambda b: b.file(
    "name.wasm", modules.module(functions=[("a\x1b[31m", [], [], ""), ("a\x1b[31m", [], [], "")])))


@test
def bad_input_unreadable_file(b):
    path = b.file("secret.wasm", modules.KIT)
    os.chmod(path, 0)
    more = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        b.expect(["version"], **more)
    except (AssertionError, OSError):
        raise Skip("skiff cannot be run as another user here") from None
    for verb in ("run", "inspect", "validate", "disasm"):
        b.sentence([verb, "secret.wasm"], 1, "secret.wasm: Permission denied", **more)


@test
def bad_input_every_prefix(b):
    files = [b.file("prefix-%03d.wasm" % n, modules.KIT[:n]) for n in range(len(modules.KIT))]
    r = b.run("validate", *files)
    assert r.code == 1, r.code
    lines = r.err.strip().split("\n")
    # A prefix that ends with a section may be a module: the header, and that with the types.
    assert len(files) - 4 <= len(lines) <= len(files), (len(files), len(lines))
    assert all(re.match(r"skiff: \S*prefix-\d+\.wasm: \S", line) for line in lines), r.err[:2000]


@test
def bad_input_flipped_bits(b):
    files = []
    for bit in range(0, len(modules.KIT) * 8, 3):
        data = bytearray(modules.KIT)
        data[bit // 8] ^= 1 << bit % 8
        files.append(b.file("flip-%05d.wasm" % bit, bytes(data)))
    r = b.run("validate", *files)
    assert r.code == 1, r.code
    for line in r.err.strip().split("\n"):
        assert re.match(r"skiff: \S*flip-\d+\.wasm: \S", line), line


@test
def very_long_path(b):
    path = "x/" * 1500 + "nowhere.wasm"
    b.sentence(["validate", path], 1, "nowhere.wasm: No such file")


# -- Streams -------------------------------------------------------------------------------------------------------


@test
def standard_input(b):
    for args, out in ((["run", "--invoke", "add", "-", "2", "3"], "5\n"), (["validate", "-"], ""),
                      (["run", "-", "--invoke=add", "2", "3"], "5\n"),
                      (["-", "--invoke=add", "2", "3"], "5\n")):
        b.expect(args, out=out, input=modules.KIT)
    b.expect(["inspect", "--json", "-"], input=modules.KIT)
    b.sentence(["validate", "-"], 1, "standard input: ")
    with open("/dev/zero", "rb") as endless:
        b.sentence(["validate", "-"], 1, "standard input: ", stdin=endless)
    b.sentence(["run", "-"], 1, "standard input: ", input=modules.KIT[:99])
    b.sentence(["run", "-"], 1, "standard input: Bad file descriptor",
               preexec_fn=lambda: os.close(0))


@test
def full_disk(b):
    for args in (["run", "--invoke", "add", "kit.wasm", "2", "3"], ["inspect", "kit.wasm"],
                 ["inspect", "--json", "kit.wasm"], ["disasm", "kit.wasm"], ["help"], ["--version"]):
        with open("/dev/full", "wb") as full:
            b.sentence(args, 1, "standard output: No space left on device", stdout=full)


@test
def closed_output(b):
    closed = {"preexec_fn": lambda: os.close(1)}
    for args in (["run", "--invoke", "add", "kit.wasm", "2", "3"], ["inspect", "kit.wasm"],
                 ["disasm", "kit.wasm"], ["help"]):
        b.sentence(args, 1, "standard output: Bad file descriptor", **closed)
    b.expect(["run", "start_ok.wasm"], **closed)
    b.expect(["validate", "kit.wasm"], **closed)
    r = b.run("run", "--invoke", "divide", "kit.wasm", "1", "0", preexec_fn=lambda: os.close(2))
    assert r.code == 134, r
    dump = b.path("closed-dump")
    b.run("run", "--coredump", dump, "--invoke", "divide", "kit.wasm", "1", "0",
          preexec_fn=lambda: os.close(2))
    with open(dump, "rb") as file:
        data = file.read()
    assert data.startswith(modules.HEADER) and b"skiff: " not in data, data[:80]


def broken_pipe(b, **more):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return b.run("inspect", "kit.wasm", stdout=writer, **more)
    finally:
        os.close(writer)


@test
def broken_pipes(b):
    r = broken_pipe(b)
    assert r.code == -signal.SIGPIPE and r.err == "", r
    r = broken_pipe(b, preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
    assert r.code == 1 and "standard output: Broken pipe" in r.err, r


# The rest of the tests, each file about one thing.
import cache  # noqa: E402, F401
import config  # noqa: E402, F401
import signals  # noqa: E402, F401
import threads  # noqa: E402, F401
import wasi  # noqa: E402, F401
import wasmedge  # noqa: E402, F401


def main():
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    os.environ["SKIFF_CACHE"] = os.environ["SKIFF_CONFIG"] = ""  # the node's are not for tests
    b = Bench(sys.argv[1])
    try:
        return run_tests(b, sys.argv[2:])
    finally:
        shutil.rmtree(b.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
