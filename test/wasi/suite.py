#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""suite.py [OPTIONS] DIR: run WASI's own test programs, as its repository has them built, with Skiff.

Every *.wasm of DIR, and of the folders wasm32-wasip1 and wasm32-wasip1-threads anywhere below it, is a test.
What it is run with and what it should do stands in the .json of the same name, in either of its two forms
(arguments, environment, root, outputs and exit code; or a list of operations); without one it should exit with
0. `root` is preopened as "/", from a copy made for this one run. Standard input is a pipe that stays open. What
needs a proposal or an operation that preview 1 has no use for is skipped. Closes with "N passed, N failed, N
skipped".

  --skiff PATH     what to run them with (build/skiff)
  --jobs N         programs at a time (one a core)
  --time-limit N   seconds a program may take (30)
  --filter WORD    only programs with WORD in their path; may be given again
  --verbose        a line for each program
  --selftest       instead: does this driver notice wrong exit codes, outputs and hangs?
"""

import argparse
import concurrent.futures
import difflib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("wasm32-wasip1", "wasm32-wasip1-threads")
LEGACY = {"args", "dirs", "root", "env", "exit_code", "stdout", "stderr"}
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class Wrong(Exception):
    """The program did something else than its .json says."""


class Skip(Exception):
    """There is something in its .json that this driver cannot do."""


# -- What is to be run ---------------------------------------------------------------------------


def find(folder):
    """Paths of the programs, in order."""
    found = set()
    for place, folders, files in os.walk(folder):
        folders.sort()
        if os.path.basename(place) in FOLDERS or place == folder:
            found.update(os.path.join(place, f) for f in files if f.endswith(".wasm"))
    return sorted(found)


def operations_of(module):
    """The .json beside a program as a list of operations: both forms become the newer one."""
    try:
        with open(module[:-len(".wasm")] + ".json", encoding="utf-8") as file:
            spec = json.load(file)
    except FileNotFoundError:
        spec = {}
    if "operations" in spec:
        if spec.get("proposals") or spec.get("servers"):
            raise Skip("needs " + ", ".join(map(str, spec.get("proposals") or ["a server"])))
        return spec["operations"]
    strange = set(spec) - LEGACY
    if strange:
        raise Skip("its .json has " + ", ".join(sorted(strange)))
    run = {"type": "run"}
    run.update((key, spec[key]) for key in ("args", "env", "root", "dirs") if key in spec)
    # Some programs tell what they see: an output is compared where one is expected.
    outputs = [{"type": "rest", "id": id, "payload": spec[id]} for id in ("stdout", "stderr") if id in spec]
    return [run, {"type": "wait", "exit_code": spec.get("exit_code", 0)}] + outputs


# -- A program that runs --------------------------------------------------------------------------


class Stream:
    """What a program writes, read by a thread of its own so that it never waits for us."""

    def __init__(self, file):
        self.file, self.data, self.ended = file, b"", False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.pump, daemon=True)
        self.thread.start()

    def pump(self):
        while True:
            part = os.read(self.file.fileno(), 65536)
            with self.changed:
                self.data += part
                self.ended = not part
                self.changed.notify_all()
            if not part:
                return

    def take(self, enough, deadline):
        """As many bytes as enough(data) says (0: wait for more), or all at the end or the deadline."""
        with self.changed:
            while not enough(self.data) and not self.ended:
                if not self.changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    break
            size = enough(self.data) or len(self.data)
            taken, self.data = self.data[:size], self.data[size:]
            return taken

    def rest(self, deadline):
        return self.take(lambda data: 0, deadline)


class Program:
    """Carries out the operations of one program, in a folder of its own."""

    def __init__(self, skiff, module, folder, time_limit):
        self.skiff, self.module, self.folder = skiff, module, folder
        self.deadline = time.monotonic() + time_limit
        self.time_limit = time_limit
        self.process = None
        self.streams, self.sockets = {}, {}

    def close(self):
        for connection in self.sockets.values():
            connection.close()
        if self.process is None:
            return
        # Whatever it started is in its group.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process.stdin.close()
        for stream in self.streams.values():
            stream.thread.join()
            stream.file.close()

    def copy(self, name):
        """A fresh copy of a directory beside the program."""
        target = os.path.join(self.folder, os.path.basename(os.path.normpath(name)) or "root")
        shutil.copytree(os.path.join(os.path.dirname(self.module), name), target, symlinks=True)
        for place, folders, files in os.walk(target):
            for entry in folders + files:
                path = os.path.join(place, entry)
                if entry.endswith(".cleanup"):
                    shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
                elif not os.path.islink(path):
                    os.chmod(path, os.stat(path).st_mode | stat.S_IWUSR)
        return target

    def run(self, op):
        command = [self.skiff, "run"]
        if op.get("root"):
            command += ["--dir", "/:" + self.copy(op["root"])]
        for name in op.get("dirs") or []:
            command += ["--dir", name + ":" + self.copy(name)]
        for name, value in (op.get("env") or {}).items():
            command += ["--env", name + "=" + value]
        command += [self.module] + list(op.get("args") or [])
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True)
        self.streams = {"stdout": Stream(self.process.stdout), "stderr": Stream(self.process.stderr)}

    def wait(self, op):
        wanted = op.get("exit_code", 0)
        try:
            code = self.process.wait(max(0, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Wrong("still running after %g s" % self.time_limit) from None
        if code < 0:
            raise Wrong("ended by signal %s" % signal.Signals(-code).name)
        if code != wanted:
            raise Wrong("exit code %d, not %d" % (code, wanted))

    def stream(self, op):
        name = op.get("id", "stdout")
        if name not in self.streams:
            raise Skip("reads from '%s'" % name)
        return self.streams[name]

    def compare(self, what, wanted, found):
        """Equal, or a diff."""
        wanted, found = wanted.encode() if isinstance(wanted, str) else wanted, found
        if wanted == found:
            return
        lines = difflib.unified_diff(
            wanted.decode(errors="backslashreplace").splitlines(),
            found.decode(errors="backslashreplace").splitlines(),
            "%s expected" % what, "%s found" % what, lineterm="")
        text = "\n".join(lines) or "expected %r\nfound    %r" % (wanted, found)
        raise Wrong("%s differs\n%s" % (what, text))

    def read(self, op):
        wanted = op.get("payload", "").encode()
        found = self.stream(op).take(lambda data: len(wanted) if len(data) >= len(wanted) else 0,
                                     self.deadline) if wanted else b""
        self.compare(op.get("id", "stdout"), wanted, found)

    def rest(self, op):
        self.compare(op["id"], op["payload"], self.stream(op).rest(self.deadline))

    def write(self, op):
        self.process.stdin.write(op.get("payload", "").encode())
        self.process.stdin.flush()

    def kill(self, op):
        name = str(op.get("signal", "SIGTERM")).upper()
        self.process.send_signal(signal.Signals[name if name.startswith("SIG") else "SIG" + name])

    def connect(self, op):
        if op.get("protocol_type", "tcp") != "tcp":
            raise Skip("connects by " + op["protocol_type"])
        line = self.streams["stdout"].take(lambda data: data.find(b"\n") + 1, self.deadline)
        host, colon, port = line.decode(errors="replace").strip().rpartition(":")
        if not colon or not port.isdigit():
            raise Wrong("said %r where its address should be" % line)
        try:
            self.sockets[op.get("id", "server")] = socket.create_connection(
                (host.strip("[]"), int(port)), max(0.1, self.deadline - time.monotonic()))
        except OSError as error:
            raise Wrong("connecting to %s: %s" % (line, error)) from None

    def send(self, op):
        self.sockets[op["id"]].sendall(op.get("payload", "").encode())

    def recv(self, op):
        wanted, found = op.get("payload", "").encode(), b""
        try:
            while len(found) < len(wanted):
                part = self.sockets[op["id"]].recv(len(wanted) - len(found))
                if not part:
                    break
                found += part
        except OSError as error:
            raise Wrong("receiving: %s" % error) from None
        self.compare(op["id"], wanted, found)


OPERATIONS = {"run": Program.run, "wait": Program.wait, "read": Program.read, "rest": Program.rest,
              "write": Program.write, "kill": Program.kill, "connect": Program.connect,
              "send": Program.send, "recv": Program.recv}


def carry_out(program, operations):
    for op in operations:
        if op.get("type") not in OPERATIONS:
            raise Skip("operation '%s'" % op.get("type"))
    if not any(op["type"] == "wait" for op in operations):
        operations = operations + [{"type": "wait"}]
    for op in operations:
        OPERATIONS[op["type"]](program, op)


def judge(skiff, module, time_limit):
    """(PASSED, FAILED or SKIPPED, why)."""
    folder = tempfile.mkdtemp(prefix="skiff-wasi-")
    program = Program(skiff, module, folder, time_limit)
    try:
        carry_out(program, operations_of(module))
        return PASSED, ""
    except Skip as skip:
        return SKIPPED, str(skip)
    except Wrong as wrong:
        why = str(wrong)
    except BrokenPipeError:
        why = "closed its standard input"
    finally:
        program.close()
        shutil.rmtree(folder, ignore_errors=True)
    # What it printed tells more than an exit code.
    soon = time.monotonic() + 1
    for name, stream in program.streams.items():
        text = stream.rest(soon).decode(errors="backslashreplace").strip()
        if text:
            why += "\n%s: %s" % (name, text[-2000:])
    return FAILED, why


# -- All of them ----------------------------------------------------------------------------------


def run_all(options, folder, out=sys.stdout):
    """{name: (outcome, why)}; prints what failed."""
    modules = [m for m in find(folder) if all(w in m for w in options.filter)]
    results = {}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        judged = pool.map(lambda m: judge(options.skiff, m, options.time_limit), modules)
        for module, (outcome, why) in zip(modules, judged):
            name = os.path.relpath(module, folder)
            results[name] = (outcome, why)
            if outcome != PASSED or options.verbose:
                print("%-7s %s%s" % (outcome, name, ": " + why.replace("\n", "\n        ") if why else ""),
                      file=out, flush=True)
    return results


def summary(results):
    outcomes = [outcome for outcome, _ in results.values()]
    return "%d passed, %d failed, %d skipped" % tuple(
        outcomes.count(o) for o in (PASSED, FAILED, SKIPPED))


# -- Does it notice? -------------------------------------------------------------------------------

# Runs a "module" that is a shell script; its root is in $ROOT.
ENGINE = r"""#!/bin/sh
[ "$1" = run ] || exit 99
shift
while :; do
	case $1 in
	--dir) export ROOT="${2#*:}"; shift 2 ;;
	--env) export "$2"; shift 2 ;;
	*) break ;;
	esac
done
script=$1
shift
exec sh "$script" "$@"
"""

# name: (script, .json or None, outcome, words of the reason)
CASES = {
    "nothing": ("exit 0", None, PASSED, ""),
    "exit-code": ("exit 33", {"exit_code": 33}, PASSED, ""),
    "exit-code-wrong": ("exit 3", {"exit_code": 33}, FAILED, "exit code 3, not 33"),
    "exit-code-missing": ("exit 1", None, FAILED, "exit code 1, not 0"),
    "died": ("kill -SEGV $$", None, FAILED, "SIGSEGV"),
    "stdout": ("echo a; echo b", {"stdout": "a\nb\n"}, PASSED, ""),
    "stdout-wrong": ("echo a; echo c", {"stdout": "a\nb\n"}, FAILED, "-b"),
    "stdout-short": ("echo a", {"stdout": "a\nb\n"}, FAILED, "stdout differs"),
    "stdout-newline": ("printf a", {"stdout": "a\n"}, FAILED, "expected"),
    "stdout-not-empty": ("echo a", {"stdout": ""}, FAILED, "+a"),
    "stdout-any": ("echo a; echo b >&2", {"env": {}}, PASSED, ""),
    "stderr": ("echo a >&2", {"stderr": "a\n"}, PASSED, ""),
    "stderr-wrong": ("echo a", {"stdout": "a\n", "stderr": "a\n"}, FAILED, "stderr differs"),
    "failure-tells": ("echo because >&2; exit 1", {}, FAILED, "because"),
    "hangs": ("sleep 60", {}, FAILED, "still running"),
    "child-hangs": ("sleep 60 & wait", {}, FAILED, "still running"),
    "stdin-is-open": ("cat", {}, FAILED, "still running"),
    "arguments": ('[ "$#" = 2 ] && [ "$2" = \'b "c"\' ]', {"args": ["a", 'b "c"']}, PASSED, ""),
    "arguments-wrong": ('[ "$#" = 3 ]', {"args": ["a", "b"]}, FAILED, "exit code"),
    "environment": ('[ "$KEY" = "x\ny" ]', {"env": {"KEY": "x\ny"}}, PASSED, ""),
    "root-1": ('[ ! -e "$ROOT/new" ] && : >"$ROOT/new" && [ -e "$ROOT/file" ]', {"root": "tree"}, PASSED, ""),
    "root-2": ('[ ! -e "$ROOT/new" ] && : >"$ROOT/new" && [ -e "$ROOT/file" ]', {"root": "tree"}, PASSED, ""),
    "root-clean": ('[ ! -e "$ROOT/old.cleanup" ]', {"root": "tree"}, PASSED, ""),
    "unknown-key": ("exit 0", {"world": "x"}, SKIPPED, "world"),
    "operations": ("read line; echo got $line; exit 4", {"operations": [
        {"type": "run"}, {"type": "write", "payload": "word\n"},
        {"type": "read", "payload": "got word"}, {"type": "wait", "exit_code": 4}]}, PASSED, ""),
    "operations-wrong": ("echo other", {"operations": [
        {"type": "run"}, {"type": "read", "payload": "given"}, {"type": "wait"}]}, FAILED, "+other"),
    "operations-mute": ("sleep 60", {"operations": [
        {"type": "run"}, {"type": "read", "payload": "given"}, {"type": "wait"}]}, FAILED, "stdout differs"),
    "operations-code": ("exit 5", {"operations": [{"type": "run"}]}, FAILED, "exit code 5"),
    "operations-kill": ("trap 'exit 9' TERM; echo up; while :; do sleep 0.1; done", {"operations": [
        {"type": "run"}, {"type": "read", "payload": "up\n"}, {"type": "kill"},
        {"type": "wait", "exit_code": 9}]}, PASSED, ""),
    "operations-connect": ("echo nowhere", {"operations": [
        {"type": "run"}, {"type": "connect"}, {"type": "wait"}]}, FAILED, "nowhere"),
    "operations-http": ("exit 0", {"proposals": ["http"], "operations": []}, SKIPPED, "http"),
    "operations-request": ("exit 0", {"operations": [{"type": "request"}]}, SKIPPED, "request"),
}


def selftest(options):
    with tempfile.TemporaryDirectory(prefix="skiff-wasi-") as folder, \
            open(os.devnull, "w", encoding="utf-8") as nowhere:
        options.skiff = os.path.join(folder, "engine")
        with open(options.skiff, "w", encoding="utf-8") as file:
            file.write(ENGINE)
        os.chmod(options.skiff, 0o755)
        place = os.path.join(folder, "some", "wasm32-wasip1")
        os.makedirs(os.path.join(place, "tree"))
        # These are not tests: one in a folder of another kind, one below a root.
        os.makedirs(os.path.join(folder, "some", "wasm32-wasip3"))
        files = {"tree/file": "", "tree/old.cleanup": "", "tree/no.wasm": "exit 1",
                 "../wasm32-wasip3/no.wasm": "exit 1"}
        for name, (script, spec, _, _) in CASES.items():
            files[name + ".wasm"] = script
            if spec is not None:
                files[name + ".json"] = json.dumps(spec)
        for name, text in files.items():
            with open(os.path.join(place, name), "w", encoding="utf-8") as file:
                file.write(text)
        options.time_limit = 2
        results = {os.path.basename(n)[:-len(".wasm")]: r
                   for n, r in run_all(options, folder, nowhere).items()}
        left = os.listdir(os.path.join(place, "tree"))
    wrong = ["%s: %s, %r, not %s, %r" % ((name,) + results.get(name, ("missing", "")) + (outcome, words))
             for name, (_, _, outcome, words) in CASES.items()
             if results.get(name, ("",))[0] != outcome or words not in results[name][1]]
    wrong += ["%s: is no test" % name for name in set(results) - set(CASES)]
    if sorted(left) != ["file", "no.wasm", "old.cleanup"]:
        wrong.append("the suite's own folder was changed: %s" % left)
    for line in wrong:
        print("failed  " + line)
    print("%d passed, %d failed, 0 skipped" % (len(CASES) - len(wrong), len(wrong)))
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--skiff", default=os.path.join(ROOT, "build", "skiff"))
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS") or os.cpu_count() or 1))
    parser.add_argument("--time-limit", type=float, default=30)
    parser.add_argument("--filter", action="append", default=[])
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--selftest", action="store_true")
    parser.add_argument("-h", "--help", action="store_true")
    options = parser.parse_args()
    if options.help:
        print(__doc__)
        return 0
    if options.selftest:
        return selftest(options)
    if not options.folder or not os.path.isdir(options.folder):
        print("suite.py: %s is no folder" % (options.folder or "DIR"), file=sys.stderr)
        return 2
    if not os.access(options.skiff, os.X_OK):
        print("suite.py: there is no %s; build it first" % options.skiff, file=sys.stderr)
        return 2
    options.skiff = os.path.abspath(options.skiff)
    results = run_all(options, os.path.abspath(options.folder))
    if not results:
        print("suite.py: no test programs below " + options.folder, file=sys.stderr)
        return 2
    print(summary(results))
    return 1 if any(outcome == FAILED for outcome, _ in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
