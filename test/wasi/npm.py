#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""npm.py SKIFF [WORD...]: run real programs that npm packages ship as WASI command modules.

esbuild (Go) and Yosys (C++) are fetched with npm, from wherever it is configured to fetch, in versions and with
checksums written down here; what was fetched stays in the folder npm beside SKIFF. No code of a package runs
but in SKIFF. Where there is no npm, or it reaches nothing, all is skipped and the exit code is 77.

Prints a line for each test in the manner of TAP, and "N passed, N failed, N skipped" at the end.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tap import SkipAll, run_tests, test  # noqa: E402

TIME_LIMIT = 60  # of one run, in seconds

# name: (package, version, module in it, SHA-256 of the package)
PACKAGES = {
    "esbuild": ("@esbuild/wasi-preview1", "0.27.2", "package/esbuild.wasm",
                "1233c0473ab65f3c28943b8456a675d22bc060f0459345d27a82af0226f5dd55"),
    "yosys": ("@yowasp/yosys", "0.55.944", "package/gen/yosys.core.wasm",
              "4a13ffd784017a076f84a3d4a4149e5c63c37ec66313ed9343a5346e1f5010e8"),
}


def fetch(cache, name):
    """Path of a package's module."""
    package, version, member, checksum = PACKAGES[name]
    module = os.path.join(cache, "%s-%s.wasm" % (name, version))
    if os.path.exists(module):
        return module
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        try:
            done = subprocess.run(["npm", "pack", "--silent", "--ignore-scripts", package + "@" + version],
                                  cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=TIME_LIMIT, check=False)
        except FileNotFoundError:
            raise SkipAll("there is no npm") from None
        except subprocess.TimeoutExpired:
            raise SkipAll("npm fetched no %s in %d s" % (package, TIME_LIMIT)) from None
        files = [f for f in os.listdir(folder) if f.endswith(".tgz")]
        if done.returncode != 0 or not files:
            lines = (done.stderr.strip() or "it says nothing").split("\n")
            raise SkipAll("npm cannot fetch %s: %s" % (package, lines[0][:200]))
        path = os.path.join(folder, files[0])
        with open(path, "rb") as file:
            found = hashlib.sha256(file.read()).hexdigest()
        assert found == checksum, "%s %s is not what it was: SHA-256 %s" % (package, version, found)
        with tarfile.open(path) as tar, open(os.path.join(folder, "module"), "wb") as out:
            shutil.copyfileobj(tar.extractfile(member), out)
        os.rename(os.path.join(folder, "module"), module)
    return module


class Bench:
    def __init__(self, skiff):
        self.skiff = os.path.abspath(skiff)
        self.cache = os.path.join(os.path.dirname(self.skiff), "npm")
        self.folder = tempfile.mkdtemp(prefix="skiff-npm-")

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def run(self, name, *args, text="", options=(), code=0):
        """(stdout, stderr) of a program that sees the folder as "/"."""
        command = [self.skiff, "run", "--dir", "/:" + self.folder] + list(options)
        done = subprocess.run(command + [fetch(self.cache, name)] + list(args), input=text,
                              capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
        assert done.returncode == code, "exit code %d, not %d\n%s\n%s" % (
            done.returncode, code, done.stdout[-1000:], done.stderr[-1000:])
        return done.stdout, done.stderr


def equal(found, wanted):
    assert found == wanted, "%r, not %r" % (found, wanted)


# -- esbuild -------------------------------------------------------------------------------------


@test
def esbuild_version(b):
    equal(b.run("esbuild", "--version")[0], "0.27.2\n")


@test
def esbuild_from_input_to_output(b):
    source = "let x: number = 1 + 2\nexport const f = (a?: string) => a?.length\nconsole.log(x)\n"
    equal(b.run("esbuild", "--loader=ts", "--minify", text=source)[0],
          "let n=3;export const f=e=>e?.length;console.log(n);\n")


@test
def esbuild_bundles_files(b):
    b.write("site/index.ts", "import { twice } from './lib/twice'\nimport data from './data.json'\n"
            "console.log(twice(data.number), 'caf\u00e9')\n")
    b.write("site/lib/twice.ts", "export function twice(n: number): number { return n * 2 }\n"
            "export function unused() { return 'never' }\n")
    b.write("site/data.json", '{"number": 21}')
    b.run("esbuild", "/site/index.ts", "--bundle", "--outfile=/out/deep/bundle.js", "--sourcemap",
          "--charset=utf8", options=["--env", "PWD=/"])
    bundle = b.read("out/deep/bundle.js")
    assert "return n * 2" in bundle and "number: 21" in bundle and '"caf\u00e9"' in bundle, bundle
    assert "never" not in bundle, bundle
    sources = json.loads(b.read("out/deep/bundle.js.map"))["sources"]
    equal(sorted(os.path.basename(s) for s in sources), ["data.json", "index.ts", "twice.ts"])


@test
def esbuild_bundles_many_files(b):
    count = 150
    for number in range(count):
        b.write("many/m%d.js" % number, "export default %d\n" % number)
    b.write("many/index.js", "".join("import m%d from './m%d'\n" % (n, n) for n in range(count)) +
            "console.log(%s)\n" % " + ".join("m%d" % n for n in range(count)))
    text = b.run("esbuild", "/many/index.js", "--bundle", "--minify", options=["--env", "PWD=/"])[0]
    numbers = set(map(int, re.findall(r"\b\d+\b", text)))
    assert set(range(count)) <= numbers, sorted(set(range(count)) - numbers)


@test
def esbuild_refuses_mistakes(b):
    err = b.run("esbuild", "--loader=js", text="let = = 1\n", code=1)[1]
    assert "ERROR" in err and "<stdin>:1:6" in err, err
    err = b.run("esbuild", "/missing.js", options=["--env", "PWD=/"], code=1)[1]
    assert "missing.js" in err, err


@test
def esbuild_sees_no_more_than_its_folder(b):
    outside = b.folder + "-outside.js"
    with open(outside, "w", encoding="utf-8") as file:
        file.write("secret()\n")
    try:
        for path in ("/../" + os.path.basename(outside), outside):
            out, _ = b.run("esbuild", path, options=["--env", "PWD=/"], code=1)
            assert "secret" not in out, out
    finally:
        os.unlink(outside)


# -- Yosys ----------------------------------------------------------------------------------------

COUNTER = """module counter(input clk, input reset, output reg [7:0] value);
always @(posedge clk) if (reset) value <= 0; else value <= value + 1;
endmodule
"""


@test
def yosys_version(b):
    out = b.run("yosys", "-V")[0]
    assert re.match(r"Yosys 0\.55 ", out), out


@test
def yosys_from_file_to_file(b):
    b.write("counter.v", COUNTER)
    out = b.run("yosys", "-p", "read_verilog counter.v; proc; opt; write_json out.json; stat")[0]
    assert re.search(r"Number of cells: +2\n", out), out
    assert out.rstrip().split("\n")[-1].startswith("Time spent"), out
    design = json.loads(b.read("out.json"))["modules"]["counter"]
    equal(sorted(cell["type"] for cell in design["cells"].values()), ["$add", "$sdff"])
    equal(design["ports"]["value"]["direction"], "output")


@test
def yosys_with_a_script_and_a_log(b):
    b.write("counter.v", COUNTER)
    b.write("job/run.ys", "read_verilog /counter.v\nproc\nopt\nwrite_blif /job/out.blif\n")
    out = b.run("yosys", "-q", "-l", "/job/log.txt", "-s", "/job/run.ys")[0]
    equal(out, "")
    assert "Executing BLIF backend" in b.read("job/log.txt")
    blif = b.read("job/out.blif")
    assert ".model counter" in blif and blif.rstrip().endswith(".end"), blif


@test
def yosys_reads_its_commands_from_input(b):
    b.write("counter.v", COUNTER)
    out = b.run("yosys", "-q", "-s", "-", text="read_verilog counter.v\ntee -o shown.txt ls\n")[0]
    equal(out, "")
    assert "counter" in b.read("shown.txt")


@test
def yosys_refuses_mistakes(b):
    err = b.run("yosys", "-q", "-p", "read_verilog missing.v", code=1)[1]
    assert "missing.v" in err, err


def main():
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    b = Bench(sys.argv[1])
    try:
        return run_tests(b, sys.argv[2:])
    finally:
        shutil.rmtree(b.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
