# SPDX-License-Identifier: Apache-2.0
"""Bundles for the tests of the cage: made, run, looked at from outside, and looked for afterwards."""

import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from tap import Skip, SkipAll  # noqa: E402

TIME_LIMIT = 60  # of one run, and of what is waited for, in seconds: it is there for what hangs, not for what is slow
LIBC = ["clang", "--target=wasm32-wasi", "--sysroot=/usr", "-O1", "-Wall", "-Wextra", "-Werror"]
NAMESPACES = ("pid", "mount", "ipc", "uts", "network")


def write(path, data=""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def eventually(what, condition, seconds=TIME_LIMIT):
    """The first true value of condition()."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "waited %g s in vain: %s" % (seconds, what)
        time.sleep(0.005)


def children(pid):
    try:
        return [int(word) for word in read("/proc/%d/task/%d/children" % (pid, pid)).split()]
    except FileNotFoundError:
        return []


def status(pid, field):
    for line in read("/proc/%d/status" % pid).split("\n"):
        if line.startswith(field + ":"):
            return line.split(":", 1)[1].split()
    raise KeyError(field)


def is_shut_in(pid):
    """Has it a filter more than we: all have one, where we were started with one."""
    try:
        return int(status(pid, "Seccomp_filters")[0]) > int(status(os.getpid(), "Seccomp_filters")[0])
    except KeyError:  # before Linux 5.9
        return status(pid, "Seccomp")[0] == "2"


def is_zombie(pid):
    try:
        return status(pid, "State")[0] in "ZX"
    except (OSError, KeyError):
        return True


def quiet(text):
    """Less what every container says on a kernel that has no Landlock."""
    return text.replace("skiff: warning: this kernel has no Landlock: the mount view and the system call filter stand without it\n", "")


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out.decode(errors="replace"), quiet(err.decode(errors="replace"))

    def __str__(self):
        return "exit code %s\nstdout: %r\nstderr: %r" % (self.code, self.out[-2000:], self.err[-2000:])


class Running:
    """A container that was started and has said its first line, or not yet."""

    def __init__(self, bundle, process):
        self.bundle, self.process = bundle, process

    def line(self):
        line = self.process.stdout.readline()
        assert line, "it ended: %s" % self.end()
        return line.decode().rstrip("\n")

    @property
    def pid(self):
        """Of the container's process."""
        return eventually("a child", lambda: children(self.process.pid))[0]

    def proc(self, name):
        return read("/proc/%d/%s" % (self.pid, name))

    def end(self, send=None):
        if send is not None:
            self.process.send_signal(send)
        out, err = self.process.communicate(timeout=TIME_LIMIT)
        return Result(self.process.returncode, out or b"", err or b"")


class Bundle:
    def __init__(self, box, folder, ident, words):
        self.box, self.folder, self.id = box, folder, ident
        self.root = os.path.join(folder, "rootfs")
        self.options = []
        self.config = {
            "ociVersion": "1.0.2",
            "root": {"path": "rootfs"},
            "process": {"args": ["/kit.wasm"] + [str(w) for w in words], "cwd": "/", "env": [],
                        "user": {"uid": 0, "gid": 0}},
            "mounts": [],
            "linux": {"namespaces": [{"type": kind} for kind in NAMESPACES], "resources": {}},
        }

    @property
    def process(self):
        return self.config["process"]

    @property
    def linux(self):
        return self.config["linux"]

    def namespace(self, kind, **more):
        """Without `more`: no such namespace of its own."""
        rest = [row for row in self.linux["namespaces"] if row["type"] != kind]
        self.linux["namespaces"] = rest + ([dict(more, type=kind)] if more else [])

    def mount(self, destination, source=None, kind=None, options=()):
        row = {"destination": destination, "options": list(options)}
        if source is not None:
            row["source"] = source
        row["type"] = kind if kind is not None else "bind"
        if kind is None:
            row["options"].append("rbind")
        self.config["mounts"].append(row)

    def file(self, path, data=""):
        """In its root."""
        return write(os.path.join(self.root, path.lstrip("/")), data)

    def outside(self, path, data=""):
        """Beside its root, in the bundle."""
        return write(os.path.join(self.folder, path), data)

    def command(self, *options):
        write(os.path.join(self.folder, "config.json"), json.dumps(self.config))
        return ([self.box.skiff, "run", "--no-cache", "--bundle", self.folder] + self.options +
                list(options) + [self.id])

    def start(self, *options, front=(), **more):
        """`front`: words of a command that executes the rest."""
        for stream in ("stdin", "stdout", "stderr"):
            more.setdefault(stream, subprocess.PIPE)
        # pylint: disable-next=consider-using-with
        return Running(self, subprocess.Popen(list(front) + self.command(*options), **more))

    def run(self, *options, **more):
        if "input" not in more:
            more.setdefault("stdin", subprocess.DEVNULL)
        for stream in ("stdout", "stderr"):
            more.setdefault(stream, subprocess.PIPE)
        done = subprocess.run(self.command(*options), timeout=TIME_LIMIT, check=False, **more)
        return Result(done.returncode, done.stdout or b"", done.stderr or b"")

    def expect(self, out=None, code=0, err="", **more):
        """`err`: words of the one sentence on standard error; "": nothing there."""
        r = self.run(**more)
        assert r.code == code, "exit code should be %d: %s" % (code, r)
        assert out is None or r.out == out, "stdout should be %r: %s" % (out, r)
        if err == "":
            assert r.err == "", "stderr should be empty: %s" % r
        elif err is not None:
            assert err in r.err, "stderr should have %r: %s" % (err, r)
        return r

    def refused(self, *words, code=1):
        """One sentence that has these words; nothing runs."""
        r = self.run()
        assert r.code == code, "exit code should be %d: %s" % (code, r)
        assert r.out == "", "nothing should have run: %s" % r
        assert r.err.count("\n") == 1 and r.err.startswith("skiff: "), "one sentence: %s" % r
        for word in words:
            assert word in r.err, "the sentence should have %r: %s" % (word, r)
        return r

    def cgroups(self):
        """Directories of its control group, in all hierarchies."""
        return [path for path in glob.glob("/sys/fs/cgroup/**/" + self.id, recursive=True)
                if os.path.isdir(path)]

    def left(self):
        """What a container leaves: processes, control groups, mounts."""
        found = ["process %d" % pid for pid in self.box.processes(self.id)]
        found += self.cgroups()
        found += [path for path in ["/run/skiff/" + self.id] if os.path.exists(path)]
        for line in read("/proc/self/mountinfo").split("\n"):
            if self.folder in line and line.split()[4] not in self.box.mounted:
                found.append("mount " + line)
        return found


class Box:
    def __init__(self, skiff):
        if os.getuid() != 0:
            raise SkipAll("a cage takes root")
        self.folder = tempfile.mkdtemp(prefix="skiff-cage-")
        os.chmod(self.folder, 0o755)
        # A file of its own, by which its processes are known.
        self.original = os.path.abspath(skiff)
        self.skiff = os.path.join(self.folder, "skiff")
        shutil.copy(skiff, self.skiff)
        self.kit = os.path.join(self.folder, "kit.wasm")
        self.mounted = set()
        self.count = 0
        self.compile()

    def compile(self):
        """SKIFF_KIT: where it was compiled already, for machines without a compiler."""
        if "SKIFF_KIT" in os.environ:
            shutil.copy(os.environ["SKIFF_KIT"], self.kit)
            return
        try:
            done = subprocess.run(LIBC + ["-o", self.kit, os.path.join(HERE, "guest", "kit.c")],
                                  capture_output=True, text=True, check=False)
        except FileNotFoundError as missing:
            raise SkipAll("there is no clang") from missing
        if done.returncode != 0 and not os.path.exists("/usr/include/wasm32-wasi/stdio.h"):
            raise SkipAll("there is no wasi-libc")
        assert done.returncode == 0, "kit.c does not compile:\n" + done.stderr

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self, ident=None):
        """Of our copy of skiff; with `ident`, containers' and those that mention it."""
        found = []
        for path in glob.glob("/proc/[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(path + "/exe").split(" ")[0] != self.skiff:
                    continue
                words = read(path + "/cmdline").split("\0")
                pid = int(os.path.basename(path))
                if not is_zombie(pid) and (ident is None or ident in words or words[0] == "skiff-init"):
                    found.append(pid)
        return found

    @contextlib.contextmanager
    def bundle(self, *words):
        """A bundle with the kit in it; afterwards nothing may be left of its container."""
        self.count += 1
        folder = tempfile.mkdtemp(dir=self.folder)
        os.chmod(folder, 0o755)
        bundle = Bundle(self, folder, "cage-%d-%d" % (os.getpid(), self.count), words)
        shutil.copy(self.kit, bundle.file("kit.wasm"))
        try:
            yield bundle
            left = []
            with contextlib.suppress(AssertionError):
                eventually("nothing left", lambda: not bundle.left())
            left = bundle.left()
            assert not left, "left behind: %s" % ", ".join(left)
        finally:
            for pid in self.processes(bundle.id):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            # What a test that failed left is not to be there for ever.
            if os.path.exists("/run/skiff/" + bundle.id):
                subprocess.run([self.skiff, "delete", "--force", bundle.id], capture_output=True, check=False)
            shutil.rmtree(folder, ignore_errors=True)


def need(program):
    path = shutil.which(program)
    if path is None:
        raise Skip("there is no " + program)
    return path


@contextlib.contextmanager
def running(u, *options, end=signal.SIGKILL, **more):
    """Started, and ended whatever happens. `end` goes to the container's process."""
    r = u.start(*options, **more)
    try:
        yield r
        if r.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, AssertionError):
                os.kill(r.pid, end)
            r.end()
    finally:
        if r.process.poll() is None:
            r.process.kill()
            r.process.communicate()


@contextlib.contextmanager
def ready(u, *options, **more):
    """The kit says "ready" and waits."""
    u.process["args"] += [";"] if len(u.process["args"]) > 1 else []
    u.process["args"] += ["say", "ready", ";", "nap", "600000"]
    with running(u, *options, **more) as r:
        eventually("ready", lambda: r.line() == "ready")
        yield r


def inside(r, kind, *command):
    """What a command of the host says in one namespace of the container's."""
    return subprocess.run([need("nsenter"), "--%s=/proc/%d/ns/%s" % (kind, r.pid, kind)] + list(command),
                          capture_output=True, text=True, check=True).stdout


def need_controller(u, controller):
    """A test is skipped where nobody can limit that."""
    mounted = read("/proc/self/mountinfo")
    v1 = any(" - cgroup " in line and controller in line.rsplit(" ", 1)[1].split(",")
             for line in mounted.strip().split("\n"))
    try:
        v2 = controller in read("/sys/fs/cgroup/cgroup.controllers").split() or controller == "devices"
    except FileNotFoundError:
        v2 = False
    if not v1 and not v2:
        raise Skip("there is no controller '%s' here" % controller)
