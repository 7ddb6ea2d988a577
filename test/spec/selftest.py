#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""selftest.py SPEC_TEST: can the harness of the specification's suite fail?

For each type of command and kind of value there is a tiny suite, made in a temporary folder, once as it
should be and once with one deliberate mistake. spec-test must accept the first, and of the second
report that very failure, nothing else, and exit with 1. The same for what has no command: a file that
hangs, is missing, is not JSON, or has not the commands that the manifest promises.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

# The modules, as wat2wasm makes them of the text above each.
MODULES = {
    # (module (func (export "i32") (result i32) i32.const 7))
    "seven":
        "0061736d010000000105016000017f03020100070701036933320000"
        "0a0601040041070b",
    # (module
    #   (func (export "i32") (result i32) i32.const 7)
    #   (func (export "i64") (result i64) i64.const -2)
    #   (func (export "f32") (result f32) f32.const 1.5)
    #   (func (export "f64") (result f64) f64.const -0)
    #   (func (export "v128") (result v128) v128.const i32x4 1 2 3 4)
    #   (func (export "two") (result i32 i64) i32.const 1 i64.const 2)
    #   (func (export "none"))
    #   (func (export "canonical") (result f32) f32.const -nan)
    #   (func (export "arithmetic") (result f32) f32.const nan:0x400001)
    #   (func (export "signaling") (result f32) f32.const nan:0x200000)
    #   (func (export "arithmetic64") (result f64) f64.const nan:0x8000000000001)
    #   (func (export "vnan") (result v128) v128.const f32x4 nan 0 nan:0x400001 1)
    #   (func (export "id") (param externref) (result externref) local.get 0)
    #   (func (export "null") (result funcref) ref.null func)
    #   (func $self (export "self") (result funcref) ref.func $self)
    #   (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
    #   (func (export "trap") unreachable)
    #   (func $deep (export "deep") call $deep)
    #   (func (export "hang") (loop $l br $l))
    #   (func (export "c\00d") (result i32) i32.const 1)
    #   (memory (export "memory") 1)
    #   (global (export "g") i32 (i32.const 42)))
    "main":
        "0061736d01000000012c0a6000017f6000017e6000017d6000017c6000017b6000027f7e60000060016f016f"
        "6000017060027f7f017f031514000102030405060202020304070808090606060005030100010606017f0041"
        "2a0b07a90116036933320000036936340001036633320002036636340003047631323800040374776f000504"
        "6e6f6e6500060963616e6f6e6963616c00070a61726974686d657469630008097369676e616c696e6700090c"
        "61726974686d657469633634000a04766e616e000b026964000c046e756c6c000d0473656c66000e03616464"
        "000f04747261700010046465657000110468616e670012036300640013066d656d6f72790200016703000aa4"
        "0114040041070b0400427e0b0700430000c03f0b0b004400000000000000800b1400fd0c0100000002000000"
        "03000000040000000b0600410142020b02000b0700430000c0ff0b0700430100c07f0b0700430000a07f0b0b"
        "0044010000000000f87f0b1400fd0c0000c07f000000000100c07f0000803f0b040020000b0400d0700b0400"
        "d20e0b0700200020016a0b0300000b040010110b070003400c000b0b040041010b",
    # (module
    #   (func $f (import "M" "i32") (result i32))
    #   (import "spectest" "global_i32" (global i32))
    #   (func $p (import "spectest" "print_i32") (param i32))
    #   (import "spectest" "table" (table 10 funcref))
    #   (import "spectest" "memory" (memory 1))
    #   (func (export "call") (result i32) global.get 0 call $p call $f))
    "importer":
        "0061736d010000000109026000017f60017f00025b05014d0369333200000873706563746573740a676c6f62"
        "616c5f693332037f00087370656374657374097072696e745f6933320001087370656374657374057461626c"
        "650170000a087370656374657374066d656d6f7279020001030201000708010463616c6c00020a0a01080023"
        "00100110000b",
    # (module (import "M" "no such" (func)))
    "unlinkable": "0061736d01000000010401600000020d01014d076e6f20737563680000",
    # (module (import "spectest" "table64" (func)))
    "lacking":
        "0061736d0100000001040160000002140108737065637465737407"
        "7461626c6536340000",
    # (module (func $s unreachable) (start $s))
    "trapping": "0061736d01000000010401600000030201000801000a05010300000b",
    # (module (func (result i32)))
    "invalid": "0061736d010000000105016000017f030201000a040102000b",
    # (module (func i32.const 0 (@metadata.code.branch_hint "\00") if end)), and the hint on i32.const
    "hint":
        "0061736d01000000010401600000030201000020196d657461646174612e636f64652e6272616e63685f6869"
        "6e740100010301000a09010700410004400b0b",
    "wrong hint":
        "0061736d01000000010401600000030201000020196d657461646174612e636f64652e6272616e63685f6869"
        "6e740100010101000a09010700410004400b0b",
    # (module)
    "empty": "0061736d01000000",
    # The same with a letter wrong.
    "malformed": "0061736e01000000",
}

LINE = 100  # of the command under test; those before it have small numbers


def value(kind, bits=None):
    return {"type": kind} if bits is None else {"type": kind, "value": bits}


def vector(lane, *lanes):
    return {"type": "v128", "lane_type": lane, "value": list(lanes)}


def either(*values):
    return {"type": "either", "values": list(values)}


def invoke(field, *args, **more):
    return {"type": "invoke", "field": field, "args": list(args), **more}


def get(field):
    return {"type": "get", "field": field}


def command(kind, **keys):
    return {"type": kind, **keys}


def file(kind, wasm, **keys):
    return command(kind, filename=wasm + ".wasm", **keys)


def returns(action, *expected):
    return command("assert_return", action=action, expected=list(expected))


MAIN = file("module", "main", name="$M")
REGISTERED = [MAIN, command("register", **{"as": "M"}, name="$M")]

# What it shows, commands before, the command as it should be, the command with a mistake, and what the
# report of the mistake must contain.
CASES = [
    ("i32", [MAIN], returns(invoke("i32"), value("i32", "7")),
     returns(invoke("i32"), value("i32", "8")), "expected [i32 8], got [i32 7]"),
    ("i64", [MAIN], returns(invoke("i64"), value("i64", "18446744073709551614")),
     returns(invoke("i64"), value("i64", "2")), "expected [i64 2]"),
    ("f32", [MAIN], returns(invoke("f32"), value("f32", "1069547520")),
     returns(invoke("f32"), value("f32", "1069547521")), "expected [f32 1069547521]"),
    ("f64 zero's sign", [MAIN], returns(invoke("f64"), value("f64", "9223372036854775808")),
     returns(invoke("f64"), value("f64", "0")), "expected [f64 0], got [f64 9223372036854775808]"),
    ("type of a number", [MAIN], returns(invoke("i32"), value("i32", "7")),
     returns(invoke("i32"), value("i64", "7")), "expected [i64 7], got [i32 7]"),
    ("number out of range", [MAIN], returns(invoke("i32"), value("i32", "7")),
     returns(invoke("i32"), value("i32", "4294967303")), "expected [i32 4294967303]"),
    ("lane", [MAIN], returns(invoke("v128"), vector("i32", "1", "2", "3", "4")),
     returns(invoke("v128"), vector("i32", "1", "2", "3", "5")), "expected [v128 i32 1 2 3 5]"),
    ("first lane", [MAIN],
     returns(invoke("v128"), vector("i16", "1", "0", "2", "0", "3", "0", "4", "0")),
     returns(invoke("v128"), vector("i16", "0", "1", "2", "0", "3", "0", "4", "0")), "expected"),
    ("number of lanes", [MAIN], returns(invoke("v128"), vector("i64", "8589934593", "17179869187")),
     returns(invoke("v128"), vector("i64", "8589934593")), "expected [v128 i64 8589934593]"),
    ("lanes that are NaNs", [MAIN],
     returns(invoke("vnan"), vector("f32", "nan:canonical", "0", "nan:arithmetic", "1065353216")),
     returns(invoke("vnan"), vector("f32", "nan:canonical", "0", "nan:canonical", "1065353216")),
     "expected [v128 f32 nan:canonical 0 nan:canonical 1065353216]"),
    ("canonical NaN", [MAIN], returns(invoke("canonical"), value("f32", "nan:canonical")),
     returns(invoke("arithmetic"), value("f32", "nan:canonical")), "expected [f32 nan:canonical]"),
    ("arithmetic NaN", [MAIN], returns(invoke("arithmetic"), value("f32", "nan:arithmetic")),
     returns(invoke("signaling"), value("f32", "nan:arithmetic")), "expected [f32 nan:arithmetic]"),
    ("a canonical NaN is arithmetic", [MAIN],
     returns(invoke("canonical"), value("f32", "nan:arithmetic")),
     returns(invoke("f32"), value("f32", "nan:arithmetic")), "expected [f32 nan:arithmetic]"),
    ("NaN of 64 bits", [MAIN], returns(invoke("arithmetic64"), value("f64", "nan:arithmetic")),
     returns(invoke("arithmetic64"), value("f64", "nan:canonical")), "expected [f64 nan:canonical]"),
    ("host object", [MAIN],
     returns(invoke("id", value("externref", "3")), value("externref", "3")),
     returns(invoke("id", value("externref", "3")), value("externref", "4")),
     "expected [externref 4], got [externref host object 3]"),
    ("host object 0 is not null", [MAIN],
     returns(invoke("id", value("externref", "0")), value("externref", "0")),
     returns(invoke("id", value("externref", "0")), value("externref", "null")),
     "expected [externref null]"),
    ("null", [MAIN], returns(invoke("id", value("externref", "null")), value("externref", "null")),
     returns(invoke("id", value("externref", "null")), value("externref")),
     "expected [externref not null]"),
    ("null function", [MAIN], returns(invoke("null"), value("funcref", "null")),
     returns(invoke("null"), value("funcref")), "expected [funcref not null], got [funcref null]"),
    ("function", [MAIN], returns(invoke("self"), value("funcref")),
     returns(invoke("self"), value("funcref", "null")), "expected [funcref null]"),
    ("any null", [MAIN], returns(invoke("null"), value("refnull", "null")),
     returns(invoke("self"), value("refnull", "null")), "expected [refnull null]"),
    ("hierarchy of a reference", [MAIN], returns(invoke("null"), value("funcref", "null")),
     returns(invoke("null"), value("externref", "null")), "expected [externref null]"),
    ("null of another type than a reference", [MAIN],
     returns(invoke("null"), value("nullfuncref", "null")),
     returns(invoke("i32"), value("refnull", "null")), "got [i32 7]"),
    ("unknown type of value", [MAIN], returns(invoke("i32"), value("i32", "7")),
     returns(invoke("i32"), value("i33", "7")), "expected [i33 7]"),
    ("either", [MAIN],
     returns(invoke("i32"), either(value("i32", "6"), value("i32", "7"))),
     returns(invoke("i32"), either(value("i32", "6"), value("i32", "8"))),
     "expected [i32 6 or i32 8], got [i32 7]"),
    ("several results", [MAIN], returns(invoke("two"), value("i32", "1"), value("i64", "2")),
     returns(invoke("two"), value("i32", "1"), value("i64", "3")), "expected [i32 1, i64 3]"),
    ("order of results", [MAIN], returns(invoke("two"), value("i32", "1"), value("i64", "2")),
     returns(invoke("two"), value("i64", "2"), value("i32", "1")), "expected [i64 2, i32 1]"),
    ("too few results", [MAIN], returns(invoke("two"), value("i32", "1"), value("i64", "2")),
     returns(invoke("two"), value("i32", "1")), "expected [i32 1], got [i32 1, i64 2]"),
    ("too many results", [MAIN], returns(invoke("none")),
     returns(invoke("none"), value("i32", "0")), "expected [i32 0], got []"),
    ("no expectation", [MAIN], returns(invoke("none")),
     command("assert_return", action=invoke("none")), "expects nothing"),
    ("arguments", [MAIN],
     returns(invoke("add", value("i32", "3"), value("i32", "4294967295")), value("i32", "2")),
     returns(invoke("add", value("i32", "3"), value("i32", "4294967295")), value("i32", "3")),
     "expected [i32 3], got [i32 2]"),
    ("number of arguments", [MAIN],
     command("action", action=invoke("add", value("i32", "3"), value("i32", "4"))),
     command("action", action=invoke("add", value("i32", "3"))), "expected a return, got outcome"),
    ("type of arguments", [MAIN],
     command("action", action=invoke("add", value("i32", "3"), value("i32", "4"))),
     command("action", action=invoke("add", value("i32", "3"), value("i64", "4"))),
     "expected a return, got outcome"),
    ("argument that is no value", [MAIN],
     command("action", action=invoke("add", value("i32", "3"), value("i32", "4"))),
     command("action", action=invoke("add", value("i32", "3"), value("f32", "nan:canonical"))),
     "argument 2 is no value"),
    ("global", [MAIN], returns(get("g"), value("i32", "42")),
     returns(get("g"), value("i32", "43")), "expected [i32 43], got [i32 42]"),
    ("get of a function", [MAIN], returns(get("g"), value("i32", "42")),
     returns(get("i32"), value("i32", "7")), "of another kind"),
    ("missing export", [MAIN], command("action", action=invoke("i32")),
     command("action", action=invoke("i33")), "there is no export 'i33'"),
    ("name with a NUL", [MAIN], returns(invoke("c\0d"), value("i32", "1")),
     returns(invoke("c"), value("i32", "1")), "there is no export 'c'"),
    ("return that traps", [MAIN], returns(invoke("none")), returns(invoke("trap")),
     "expected [], got trap: unreachable"),
    ("action that traps", [MAIN], command("action", action=invoke("none")),
     command("action", action=invoke("trap")), "got trap: unreachable"),
    ("trap", [MAIN], command("assert_trap", action=invoke("trap")),
     command("assert_trap", action=invoke("i32")), "expected a trap, got [i32 7]"),
    ("exhaustion is not another trap", [MAIN], command("assert_trap", action=invoke("trap")),
     command("assert_trap", action=invoke("deep")), "expected a trap, got trap: call stack"),
    ("exhaustion", [MAIN], command("assert_exhaustion", action=invoke("deep")),
     command("assert_exhaustion", action=invoke("i32")), "expected an exhausted stack, got [i32 7]"),
    ("another trap is not exhaustion", [MAIN], command("assert_exhaustion", action=invoke("deep")),
     command("assert_exhaustion", action=invoke("trap")), "got trap: unreachable"),
    ("exception", [MAIN], command("assert_trap", action=invoke("trap")),
     command("assert_exception", action=invoke("i32")), "expected an exception, got [i32 7]"),
    ("a trap is no exception", [MAIN], command("assert_trap", action=invoke("trap")),
     command("assert_exception", action=invoke("trap")), "expected an exception, got trap"),
    ("invalid", [], file("assert_invalid", "invalid"), file("assert_invalid", "main"),
     "expected invalid, got accepted"),
    ("malformed is not invalid", [], file("assert_invalid", "invalid"),
     file("assert_invalid", "malformed"), "expected invalid, got malformed"),
    ("malformed", [], file("assert_malformed", "malformed"), file("assert_malformed", "main"),
     "expected malformed, got accepted"),
    ("invalid is not malformed", [], file("assert_malformed", "malformed"),
     file("assert_malformed", "invalid"), "expected malformed, got invalid"),
    ("missing file is not malformed", [], file("assert_malformed", "malformed"),
     file("assert_malformed", "absent"), "expected malformed, got No such file"),
    ("invalid custom", [], file("assert_invalid_custom", "wrong hint"),
     file("assert_invalid_custom", "hint"), "expected an invalid custom section, got accepted"),
    ("malformed custom", [], file("assert_malformed_custom", "wrong hint"),
     file("assert_malformed_custom", "empty"), "expected an invalid custom section, got accepted"),
    ("invalid custom, module at fault", [], file("module", "wrong hint"),
     file("assert_invalid_custom", "invalid"), "expected a module, got invalid"),
    ("missing file is not invalid custom", [], file("assert_invalid_custom", "wrong hint"),
     file("assert_invalid_custom", "absent"), "expected a module, got No such file"),
    ("unlinkable", REGISTERED, file("assert_unlinkable", "unlinkable"),
     file("assert_unlinkable", "importer"), "expected unlinkable, got accepted"),
    ("a trap is not unlinkable", REGISTERED, file("assert_unlinkable", "unlinkable"),
     file("assert_unlinkable", "trapping"), "expected unlinkable, got trap"),
    ("uninstantiable", REGISTERED, file("assert_uninstantiable", "trapping"),
     file("assert_uninstantiable", "importer"), "expected a trap or an exception, got accepted"),
    ("unlinkable is not uninstantiable", REGISTERED, file("assert_uninstantiable", "trapping"),
     file("assert_uninstantiable", "unlinkable"), "got unlinkable"),
    ("uninstantiable definition",
     [file("module_definition", "empty", name="$E"),
      file("module_definition", "trapping", name="$T")],
     command("assert_uninstantiable", module="$T"), command("assert_uninstantiable", module="$E"),
     "expected a trap or an exception, got accepted"),
    ("module", [], file("module", "main"), file("module", "invalid"),
     "expected a module, got invalid"),
    ("module that does not exist", [], file("module", "main"), file("module", "absent"),
     "expected a module, got No such file"),
    ("module that traps", [], file("module", "main"), file("module", "trapping"),
     "expected an instance, got trap"),
    ("module that does not link", REGISTERED, file("module", "importer"),
     file("module", "unlinkable"), "expected an instance, got unlinkable"),
    ("definition", [], file("module_definition", "trapping"), file("module_definition", "invalid"),
     "expected a module, got invalid"),
    ("instance of a definition", [file("module_definition", "main", name="$D")],
     command("module_instance", module="$D"), command("module_instance", module="$X"),
     "there is no '$X'"),
    ("instance that traps", [file("module_definition", "empty", name="$E"),
                             file("module_definition", "trapping", name="$T")],
     command("module_instance", module="$E"), command("module_instance", module="$T"),
     "expected an instance, got trap"),
    ("instances of one definition are two",
     [file("module_definition", "main", name="$D"),
      command("module_instance", module="$D", instance="$1"),
      command("module_instance", module="$D", instance="$2")],
     returns(invoke("i32", module="$1"), value("i32", "7")),
     returns(invoke("i32", module="$3"), value("i32", "7")), "there is no '$3'"),
    ("register", [MAIN], command("register", **{"as": "M"}, name="$M"),
     command("register", **{"as": "M"}, name="$N"), "there is no '$N'"),
    ("register without a name", [MAIN], command("register", **{"as": "M"}),
     command("register"), "no name to register"),
    ("named module", [MAIN, file("module", "empty")],
     returns(invoke("i32", module="$M"), value("i32", "7")),
     returns(invoke("i32"), value("i32", "7")), "there is no export 'i32'"),
    ("action without a module", [MAIN], command("action", action=invoke("i32")),
     command("action", action=invoke("i32", module="$N")), "there is no '$N'"),
    ("link to spectest and to another module", REGISTERED + [file("module", "importer")],
     returns(invoke("call"), value("i32", "7")), returns(invoke("call"), value("i32", "8")),
     "expected [i32 8], got [i32 7]"),
    ("unknown command", [MAIN], command("action", action=invoke("i32")),
     command("assert_nothing", action=invoke("i32")), "unknown type of command"),
]


class Suite:
    """A suite of files in one group, in a folder of its own."""

    def __init__(self, folder, group="own"):
        self.folder, self.group, self.rows = folder, group, []
        os.makedirs(os.path.join(folder, group))
        for name, text in MODULES.items():
            with open(os.path.join(folder, group, name + ".wasm"), "wb") as out:
                out.write(bytes.fromhex(text))

    def add(self, name, commands, promised=None, text=None):
        """A file; `promised` commands in the manifest, `text` instead of JSON."""
        for i, item in enumerate(commands):
            item.setdefault("line", i + 1)
        if text is None:
            text = json.dumps({"source_filename": name + ".wast", "commands": commands})
        with open(os.path.join(self.folder, self.group, name + ".json"), "w",
                  encoding="utf-8") as out:
            out.write(text)
        self.rows.append((name, len(commands) if promised is None else promised))

    def plain_spectest(self):
        """A host module for --spectest-wasm; without table64, so importers of that are open."""
        with open(os.path.join(self.folder, "spectest.wasm"), "wb") as out:
            out.write(bytes.fromhex(MODULES["empty"]))

    def manifest(self):
        with open(os.path.join(self.folder, "MANIFEST.tsv"), "w", encoding="utf-8") as out:
            out.write("file\tcommands\tassertions\n")
            for name, count in self.rows:
                out.write("%s/%s\t%d\t0\n" % (self.group, name, count))

    def run(self, program, *options):
        self.manifest()
        return subprocess.run([program, *options, self.folder], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120, encoding="utf-8",
                              errors="replace", check=False)


class Tests:
    def __init__(self, program):
        self.program, self.passed, self.failed, self.made = program, 0, 0, 0

    def check(self, name, truth, output):
        if truth:
            self.passed += 1
            return
        self.failed += 1
        print("selftest: %s: not as it should be:\n%s" % (name, output.rstrip()))

    def expect(self, name, suite, code, last, failures, *options):
        """Exit code, last line, and the beginnings and middles of all failures reported."""
        done = suite.run(self.program, *options)
        lines = done.stdout.splitlines()
        found = [line for line in lines if line.startswith(suite.group + "/")]
        good = done.returncode == code and bool(lines) and lines[-1] == last
        good = good and len(found) == len(failures)
        good = good and all(f.startswith(a) and b in f for f, (a, b) in zip(found, failures))
        self.check(name, good, "exit status %d\n%s" % (done.returncode, done.stdout))

    def suite(self, group="own"):
        self.made += 1
        return Suite(os.path.join(self.folder, str(self.made)), group)

    def expect_case(self, name, before, tested, failure):
        suite = self.suite()
        suite.add("a", [dict(c) for c in before] + [dict(tested, line=LINE)])
        if failure is None:
            self.expect(name, suite, 0, "spec: %d passed, 0 failed, 0 open of %d" %
                        (len(before) + 1, len(before) + 1), [])
        else:
            place = "own/a.json:%d %s: " % (LINE, tested["type"])
            self.expect(name + " (wrong)", suite, 1, "spec: %d passed, 1 failed, 0 open of %d" %
                        (len(before), len(before) + 1), [(place, failure)])

    def cases(self):
        for name, before, right, wrong, failure in CASES:
            self.expect_case(name, before, right, None)
            self.expect_case(name, before, wrong, failure)

    def files(self):
        """What goes wrong with a whole file."""
        two = [file("module", "main"), returns(invoke("none"))]
        for name, commands, promised, text, failure in (
                ("hang", two[:1] + [command("action", action=invoke("hang"))], 3, None,
                 (":2 action: ", "not done after 1 seconds; 2 of 3 commands not run")),
                ("fewer commands than promised", two, 3, None,
                 (":2 assert_return: ", "fewer commands than the manifest has; 1 of 3")),
                ("no JSON", two, 2, '{"commands": [}', (": ", "line 1, column 15")),
                ("no commands", two, 2, '{"commands": {}}', (": ", "no array of commands"))):
            suite = self.suite()
            suite.add("a", [dict(c) for c in commands], promised, text)
            passed = len(commands) if promised > 2 else 0
            passed = 1 if name == "hang" else passed
            self.expect(name, suite, 1, "spec: %d passed, %d failed, 0 open of %d" %
                        (passed, promised - passed, promised),
                        [("own/a.json" + failure[0], failure[1])], "--timeout", "1")
        suite = self.suite()
        suite.add("a", [dict(c) for c in two], 1)
        self.expect("more commands than promised", suite, 1, "spec: 0 passed, 1 failed, 0 open of 1",
                    [("own/a.json", "2 commands, the manifest has 1")])
        suite = self.suite()
        suite.rows.append(("absent", 5))
        suite.add("a", [dict(c) for c in two])
        self.expect("missing file", suite, 1, "spec: 2 passed, 5 failed, 0 open of 7",
                    [("own/absent.json: ", "No such file")])

    def killed(self):
        """A child that dies fails its file and not the files after it."""
        suite = self.suite()
        suite.add("a", [file("module", "main"), command("action", action=invoke("hang")),
                        command("action", action=invoke("none"))])
        suite.add("b", [file("module", "main")])
        suite.manifest()
        with subprocess.Popen([self.program, suite.folder], stdout=subprocess.PIPE,
                              encoding="utf-8") as running:
            time.sleep(1)
            with open("/proc/%d/task/%d/children" % (running.pid, running.pid),
                      encoding="ascii") as listed:
                for pid in listed.read().split():
                    os.kill(int(pid), signal.SIGKILL)
            output = running.stdout.read()
        self.check("killed", running.returncode == 1 and
                   "own/a.json:2 action: killed by signal 9 (Killed); 2 of 3 commands" in output and
                   output.endswith("spec: 2 passed, 2 failed, 0 open of 4\n"), output)

    def threads(self):
        """Commands of threads are judged, whether they are waited for or not."""
        # The group threads knows no references: a module of 1.0.
        seven = file("module", "seven")
        right = returns(invoke("i32"), value("i32", "7"))
        wrong = returns(invoke("i32"), value("i32", "8"))
        start = command("thread", name="$T")
        wait = command("wait", thread="$T")
        for what, commands, count, code, last, more in (
                ("right", [dict(start, commands=[seven, right]), wait], 4, 0,
                 "spec: 4 passed, 0 failed, 0 open of 4", ()),
                ("wrong", [dict(start, commands=[seven, wrong]), wait], 4, 1,
                 "spec: 3 passed, 1 failed, 0 open of 4",
                 ["expected [i32 8], got [i32 7]"]),
                ("not waited for", [dict(start, commands=[seven, wrong])], 3, 1,
                 "spec: 2 passed, 1 failed, 0 open of 3",
                 ["expected [i32 8], got [i32 7]"]),
                ("unknown", [dict(start, commands=[]), command("wait", thread="$U")], 2, 1,
                 "spec: 1 passed, 1 failed, 0 open of 2", ["no such thread"]),
                ("not shared", [dict(seven, name="$M"), dict(start, commands=[right]), wait],
                 4, 1, "spec: 3 passed, 1 failed, 0 open of 4", ["there is no module yet"])):
            suite = self.suite("threads")
            suite.add("a", [dict(c) for c in commands], count)
            self.expect("thread: " + what, suite, code, last,
                        [("threads/a.json:", text) for text in more])

    def open(self):
        """Open is counted, has its reason, and can be limited."""
        check = [file("module", "main")] + [file("assert_unlinkable", "lacking")] * 3
        allowed = os.path.join(self.folder, "allowed")
        for rows, code, last in (
                ("", 1, "spec: 1 passed, 3 failed, 0 open of 4"),
                ("# all\ncustom\n", 0, "spec: 1 passed, 0 failed, 3 open of 4"),
                ("custom/a\n", 0, "spec: 1 passed, 0 failed, 3 open of 4"),
                ("custom\ncustom/a 2\n", 1, "spec: 1 passed, 1 failed, 2 open of 4")):
            with open(allowed, "w", encoding="utf-8") as out:
                out.write(rows)
            suite = self.suite("custom")
            suite.plain_spectest()
            suite.add("a", [dict(c) for c in check], 4)
            failures = [("custom/a.json: ", "3 commands are open")] if code else []
            self.expect("expected open %r" % rows, suite, code, last, failures, "--expect-open",
                        allowed, "--spectest-wasm")
        suite = self.suite("custom")
        suite.plain_spectest()
        suite.add("a", [file("assert_unlinkable", "lacking")])
        done = suite.run(self.program, "--spectest-wasm")
        self.check("reason", done.returncode == 0 and " 1 open: memory64\n" in done.stdout and
                   done.stdout.endswith("spec: 0 passed, 0 failed, 1 open of 1\n"), done.stdout)

    def calls(self):
        """How the program is called."""
        for name, args, code in (("no suite", [os.path.join(self.folder, "none")], 77),
                                 ("no arguments", [], 2),
                                 ("unknown option", ["--frobnicate", "."], 2),
                                 ("unknown feature", ["--features", "-frob", "."], 2)):
            done = subprocess.run([self.program, *args], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=60, encoding="utf-8",
                                  check=False)
            self.check(name, done.returncode == code and done.stdout != "", done.stdout)
        suite = self.suite()
        suite.add("a", [file("module", "main"), returns(invoke("v128"),
                                                        vector("i32", "1", "2", "3", "4"))])
        self.expect("feature off", suite, 1, "spec: 0 passed, 2 failed, 0 open of 2",
                    [("own/a.json:1 module: ", "expected a module, got "),
                     ("own/a.json:2 assert_return: ", "its module was not made")],
                    "--features", "-relaxed-simd,-simd")
        self.expect("spectest as a module", suite, 1, "spec: 0 passed, 2 failed, 0 open of 2",
                    [("own/a.json: ", "the engine does not start")], "--spectest-wasm")

    def all(self):
        with tempfile.TemporaryDirectory(prefix="spec-selftest.") as self.folder:
            self.cases()
            self.files()
            self.killed()
            self.threads()
            self.open()
            self.calls()
        print("selftest: %d passed, %d failed" % (self.passed, self.failed))
        return 0 if self.failed == 0 else 1


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    return Tests(os.path.abspath(sys.argv[1])).all()


if __name__ == "__main__":
    sys.exit(main())
