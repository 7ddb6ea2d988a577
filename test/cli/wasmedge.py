# SPDX-License-Identifier: Apache-2.0
"""The same program under the names wasmedge and wasmedgec. What is expected is what WasmEdge 0.17 does."""

import os
import re
import time

from bench import TIME_LIMIT, test
from wasi import guest, tree


def named(b, name="wasmedge"):
    path = b.path(name)
    if not os.path.lexists(path):
        os.symlink("skiff", path)
    return {"program": path}


@test
def wasmedge_version_and_help(b):
    more = named(b)
    for args in (["--version"], ["-v"], ["run", "--version"]):
        r = b.expect(args, **more)
        assert re.match(r"wasmedge version \d+\.\d+\.\d+\n \(skiff \d", r.out), r
    text = b.expect(["--help"], **more).out
    assert text == b.expect(["-h"], **more).out == b.expect(["run", "--help"], **more).out
    assert "Usage: wasmedge [run] [OPTIONS] FILE" in text and max(map(len, text.split("\n"))) <= 100
    assert b.expect([], 1, **more).out == text
    b.expect(["run"], 1, text, **more)
    hard = b.path("folder-of-link")
    os.makedirs(hard, exist_ok=True)
    os.link(b.skiff, os.path.join(hard, "wasmedge"))
    b.expect(["--version"], program=os.path.join(hard, "wasmedge"))


@test
def wasmedge_says_that_there_is_no_compiler(b):
    for name, args in (("wasmedge", ["compile"]), ("wasmedgec", [])):
        more = named(b, name)
        for tail in ([], ["hello.wasm", "hello_aot.wasm"], ["--optimize", "3", "a.wasm", "b.so"]):
            b.sentence(args + tail, 1, "comes with a later version; run the module", **more)
        for option in ("--help", "-h"):
            assert "Usage: " + name in b.expect(args + [option], **more).out
    assert not os.path.exists(b.path("hello_aot.wasm"))


@test
def wasmedge_runs(b):
    more = named(b)
    path = guest(b, "SHOW")

    def shown(*args):
        return [line.split("\0")[:-1] for line in b.expect(list(args), **more).out.split("\n")[:2]]

    last = os.path.basename(path)
    assert shown(path, "a", "--env", "B=1") == shown("run", path, "a", "--env", "B=1") == [
        [last, "a", "--env", "B=1"], []]
    assert shown("--", path, "--", "x")[0] == [last, "--", "x"]
    assert shown("--env", "A=1", "--env=B=x y", path)[1] == ["A=1", "B=x y"]
    b.expect(["start_ok.wasm"], out="", **more)
    b.expect(["start_traps.wasm"], 134, "", "unreachable", **more)
    b.sentence(["missing.wasm"], 1, "missing.wasm: No such file", **more)
    b.sentence(["component.wasm"], 1, "omponent", **more)


@test
def wasmedge_mistakes(b):
    more = named(b)
    b.sentence(["--bogus", "x.wasm"], 1, "unknown option '--bogus'", **more)
    b.sentence(["--reactr", "x.wasm"], 1, "did you mean '--reactor'", **more)
    b.sentence(["-x", "x.wasm"], 1, "unknown option '-x'", **more)
    b.sentence(["--time-limit", "abc", "start_ok.wasm"], 1, "'abc' is not a number", **more)
    b.sentence(["--gas-limit=", "start_ok.wasm"], 1, "'' is not a number", **more)
    b.sentence(["--dir"], 1, "'--dir' needs a value", **more)
    b.sentence(["--env", "=x", "start_ok.wasm"], 1, "is not NAME=VALUE", **more)
    b.sentence([guest(b, "MISSPELT")], 1, "proc_exit", **more)


@test
def wasmedge_directories(b):
    more = named(b)
    files = guest(b, "FILES")
    tree(b, "one")

    def invoke(function, *options, **extra):
        return b.expect(list(options) + ["--reactor", files, function] + extra.pop("args", []), **extra,
                        **more).out

    assert invoke("look", "--dir", "one", args=["3"]) == "0\n"
    assert invoke("look", "--dir", "/one:one", args=["3"]) == "0\n"
    assert invoke("look", "--dir", "/one:one:readonly", args=["3"]) == "0\n"
    assert invoke("make", "--dir", "/one:one:readonly", args=["3"]) != "0\n"
    assert invoke("preopens", "--dir", ".:.", "--dir", "/b:one").split() == [".", "/b"]
    # Told, and left out.
    assert invoke("preopens", "--dir", "/a:nowhere", "--dir", "/b:one",
                  err="^skiff: .*'nowhere': No such file.*\n$").split() == ["/b"]


@test
def wasmedge_reactors(b):
    more = named(b)
    path = guest(b, "REACTOR")
    b.expect(["--reactor", path, "count"], out="5\n", **more)
    b.expect([path, "count"], out="5\n", **more)
    b.expect(["run", "--reactor", path, "add", "1", "-2"], out="-1\n", **more)
    b.expect(["--reactor", path, "negative"], out="-1\n-2\n", **more)
    b.expect(["--reactor", path, "leave", "9"], 9, "", **more)
    b.expect(["--reactor", "start_ok.wasm", "_start"], out="", **more)
    b.sentence(["--reactor", path], 1, "needs the NAME", **more)
    b.sentence([path], 1, "exports: ", **more)
    b.sentence(["--reactor", path, "nothing_of_this"], 1, "no export 'nothing_of_this'", **more)
    b.sentence(["--reactor", path, "add", "1"], 1, "takes 2 arguments", **more)
    b.sentence(["--reactor", path, "add", "1", "x"], 1, "'x' is not a value", **more)


@test
def wasmedge_limits(b):
    more = named(b)
    begin = time.monotonic()
    b.expect(["--time-limit", "200", "section_spins.wasm"], 134, "", "--time-limit ran out", **more)
    assert 0.19 < time.monotonic() - begin < TIME_LIMIT / 2
    b.expect(["--time-limit", "0", "start_ok.wasm"], out="", **more)
    b.expect(["--gas-limit", "1000", "section_spins.wasm"], 134, "", "--gas-limit ran out", **more)
    b.expect(["--gas-limit", "100000", "start_ok.wasm"], out="", **more)
    path = guest(b, "REACTOR")  # of 300 pages
    b.expect(["--memory-page-limit", "303", "--reactor", path, "grow", "3"], out="300\n", **more)
    b.expect(["--memory-page-limit", "302", "--reactor", path, "grow", "3"], out="-1\n", **more)
    b.sentence(["--memory-page-limit", "299", "--reactor", path, "grow", "0"], 1,
               "--memory-page-limit allows", **more)


@test
def wasmedge_proposals(b):
    more = named(b)
    b.expect(["--wasm-1", "start_ok.wasm"], out="", **more)
    b.sentence(["--wasm-1", "--reactor", "multi.wasm", "pair"], 1, "multi.wasm: ", **more)
    b.expect(["--wasm-2", "--reactor", "multi.wasm", "pair"], out="1\n2\n", **more)
    b.expect(["--wasm-1", "--enable-all", "--reactor", "multi.wasm", "pair"], out="1\n2\n", **more)
    b.sentence(["--disable-multi-value", "multi.wasm", "pair"], 1, "multi.wasm: ", **more)
    text = b.expect(["--help"], **more).out
    names = re.search("switch a proposal: ((?:.|\n)*?);", text).group(1).replace("\n", " ").split(", ")
    assert len(names) == 16, names
    for name in names:
        if name != "threads":
            b.expect(["--disable-" + name, "start_ok.wasm"], out="", **more)
        if name in ("tail-call", "gc", "threads", "exception-handling"):
            b.expect(["--enable-" + name, "start_ok.wasm"], out="", **more)
    ignored = re.findall(r"^  --(\S+)(?: [A-Z]+)?\s+taken without effect$", text, re.M)
    assert len(ignored) == 11, ignored
    for name in ignored:
        value = ["--%s=x" % name] if name in ("run-mode", "forbidden-plugin", "log-level") else ["--" + name]
        b.expect(value + ["start_ok.wasm"], out="", **more)


@test
def wasmedge_core_dump(b):
    more = named(b)

    def dumps():
        return [f for f in os.listdir(b.folder) if re.fullmatch(r"coredump\.\d+", f)]

    b.expect(["--enable-coredump", "start_ok.wasm"], out="", **more)
    assert dumps() == []
    b.expect(["--enable-coredump", "--coredump-for-wasmgdb", "start_traps.wasm"], 134, "", "unreachable",
             **more)
    assert len(dumps()) == 1
