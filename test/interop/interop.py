#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""interop.py [OPTION...]: which engine takes which shape of image; the tables of docs/images.md.

Each cell is run: an image is pulled from Debian's docker-registry by an engine, or loaded from a file, and run with Skiff as
its OCI runtime; what the program printed decides. The engines are those of Debian releases, each on a machine of its own:

  --lab COMMAND      starts commands there, as `COMMAND run MACHINE -- WORDS...`; `COMMAND start MACHINE` starts it
  --share DIR        the folder that the machines see as /share (default: ~/.cache/skiff-lab/share)
  --machines LIST    (default: trixie,sid)
  --registry FILE    the registry (default: docker-registry from PATH)
  --build DIR        of Skiff (default: build)
  --runtime NAME     the OCI runtime that runs modules: skiff (default), or crun-wasm
  --by-hand          all shapes are made by shapes.py, and none by Skiff
  --engines LIST, --tables LIST, --shapes LIST   only these; tables: pull file door others
  --keep FILE        what was found, as JSON; --show FILE prints the tables of such a file and runs nothing

A machine has containerd, docker, buildx, buildah, podman, skopeo, crun, WasmEdge, openssl, what skiff-image is linked with, and a
CRI client cri.py in the shared folder. Here gcc, clang with wasi-libc and docker-registry are needed. The tables go to standard
output as Markdown. The exit status is 0 where Skiff ran all it was given, whatever others refuse.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

import report
import shapes

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ["inside.py", "daemons.py", "shapes.py", "makers.py", "report.py", "runtime.py"]
LIMIT = 3000  # seconds for all that a machine does


def fail(text):
    print("interop: " + text, file=sys.stderr)
    sys.exit(2)


def need(program, package):
    path = shutil.which(program)
    if path is None:
        fail("there is no %s here: apt-get install %s" % (program, package))
    return path


def call(*command, **more):
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        fail("%s:\n%s" % (" ".join(command), done.stdout))
    return done.stdout


def compile_all(folder):
    """hello as a module and native, and what a pod begins with."""
    need("gcc", "gcc")
    need("clang", "clang")
    need("wasm-ld", "lld")
    if not os.path.exists("/usr/lib/wasm32-wasi/libc.a"):
        fail("there is no C library for WASI here: apt-get install wasi-libc libclang-rt-dev-wasm32")
    call("clang", "--target=wasm32-wasi", "--sysroot=/usr", "-O2", "-s", "-o", folder + "/hello.wasm", HERE + "/guest/hello.c")
    for name in ("hello", "pause"):
        call("gcc", "-O2", "-static", "-s", "-o", "%s/%s" % (folder, name), "%s/guest/%s.c" % (HERE, name))

    def read(name):
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    return {name: read(name) for name in ("hello.wasm", "hello", "pause")}


def by_hand(folder, names):
    """The layouts of shapes.py, and each as an archive."""
    made = compile_all(folder)
    layouts = {name: shapes.make(name, made["hello.wasm"], made["hello"]) for name in names}
    layouts["pause"] = shapes.native("pause", made["pause"])
    layouts["native"] = shapes.native("hello", made["hello"])
    for name, layout in layouts.items():
        layout.write(os.path.join(folder, "layouts", name), "localhost/interop/%s:1" % name)
        with tarfile.open(os.path.join(folder, name + ".tar"), "w") as tar:
            tar.add(os.path.join(folder, "layouts", name), ".")
    return list(layouts)


def prepare(options, names):
    """The folder that the machines see, as they see it."""
    folder = os.path.join(options.share, "interop")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder + "/layouts")
    for name in FILES:
        shutil.copy(os.path.join(HERE, name), folder)
    shutil.copy(options.registry or need("docker-registry", "docker-registry"), folder + "/docker-registry")
    there = "/share/interop/"
    made = by_hand(folder, names)
    plan = {
        "cri": "/share", "registry": there + "docker-registry", "skiff": there + "skiff", "module": there + "hello.wasm",
        "runtime": options.runtime,
        "runtimes": {"crun": "/usr/bin/crun", "crun-wasm": "/usr/bin/crun-wasm", "skiff": there + "runtime.py"},
        "by_hand": options.by_hand, "engines": options.engines, "tables": options.tables,
        "layouts": {name: there + "layouts/" + name for name in made},
        "archives": {name: there + name + ".tar" for name in made},
        "names": {name: "localhost/interop/%s:1" % name for name in made},
    }
    for name in ("skiff", "skiff-image"):
        shutil.copy(os.path.join(options.build, name), folder)
    os.symlink("skiff-image", folder + "/wasm-to-oci")
    with open(folder + "/plan.json", "w", encoding="utf-8") as file:
        json.dump(plan, file)
    return there


def ask(options, machine, there):
    """All that a machine found, row by row."""
    env = {key: value for key, value in os.environ.items() if key != "LAB"}  # the lab has a LAB of its own
    subprocess.run([options.lab, "start", machine], check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=env)
    command = [options.lab, "run", machine, "--", "timeout", "-k", "30", str(LIMIT), "python3", there + "inside.py",
               there + "plan.json", there + "logs-" + machine]
    rows = []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=env) as child:
        for line in child.stdout:
            row = json.loads(line)
            rows.append(row)
            if "engine" in row:
                print("%-6s %-5s %-18s %-15s %5.1f s  %s" % (machine, row["table"], row["engine"], row["shape"], row["seconds"],
                                                             report.short(row)), file=sys.stderr, flush=True)
    if child.returncode != 0:
        fail("%s: ended with %d" % (machine, child.returncode))
    return rows


def faults(found):
    """What Skiff does not run, and what went wrong in here; that others refuse an image is theirs."""
    for machine, rows in found.items():
        for row in rows:
            stage = row["tries"][-1]["stage"] if "tries" in row else None
            ours = row.get("engine") == "skiff" or row.get("table") == "others"
            if stage == "error" or ours and stage != "wasm" and row["shape"] != "wrong":
                yield "%s: %s, %s, %s: %s" % (machine, row["table"], row["engine"], row["shape"], report.short(row))


def words(text):
    return text.split(",") if text else []


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--lab")
    parser.add_argument("--share", default=os.path.expanduser("~/.cache/skiff-lab/share"))
    parser.add_argument("--machines", type=words, default=["trixie", "sid"])
    parser.add_argument("--registry")
    parser.add_argument("--build", default=os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"))
    parser.add_argument("--runtime", default="skiff", choices=["skiff", "crun-wasm"])
    parser.add_argument("--by-hand", action="store_true")
    parser.add_argument("--engines", type=words, default=[])
    parser.add_argument("--tables", type=words, default=["pull", "file", "door", "others"])
    parser.add_argument("--shapes", type=words, default=[])
    parser.add_argument("--keep")
    parser.add_argument("--show")
    options = parser.parse_args()
    if options.show:
        with open(options.show, encoding="utf-8") as file:
            print(report.markdown(json.load(file)))
        return
    if not options.lab:
        fail("--lab is missing: a command that runs others on machines of Debian's releases; `interop.py --help` says how")
    names = [shape.name for shape in shapes.SHAPES if not options.shapes or shape.name in options.shapes + ["index-same"]]
    there = prepare(options, names)
    found = {machine: ask(options, machine, there) for machine in options.machines}
    if options.keep:
        with open(options.keep, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    print(report.markdown(found))
    bad = list(faults(found))
    if bad:
        fail("\n  ".join(["what should run does not:"] + bad))


if __name__ == "__main__":
    main()
