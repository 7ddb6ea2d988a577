# SPDX-License-Identifier: Apache-2.0
"""The cache of modules, from inside a container: who looks, who puts in, and who decodes."""

import contextlib
import glob
import hashlib
import json
import os
import shutil
import signal
import struct
import subprocess
import time

from box import TIME_LIMIT, children, eventually, is_shut_in, is_zombie, need, read, running, status, write
from tap import Skip, test

EMPTY = b"\0asm\1\0\0\0"
SCHED_IDLE = 5


def leb(n):
    out = bytearray()
    while True:
        out.append(n & 0x7f | (0x80 if n > 0x7f else 0))
        n >>= 7
        if n == 0:
            return bytes(out)


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


def padded(size, fill=b"x"):
    """Does nothing, and has about so many bytes."""
    return EMPTY + section(0, b"\1p" + fill * size)


def endless(functions):
    """A module that takes long to decode: so many functions of 30 KB."""
    code = b"\0" + b"\x41\0\x1a" * 10000 + b"\x0b"
    return (EMPTY + section(1, b"\1\x60\0\0") + section(3, leb(functions) + bytes(functions)) +
            section(10, leb(functions) + (leb(len(code)) + code) * functions))


class Cache:
    def __init__(self, b, u):
        self.b, self.u = b, u
        self.path = os.path.join(u.folder, "cache")
        # Where others say --no-cache; the name comes last.
        u.options = ["--cache", self.path]
        made = u.command
        u.command = lambda *more: [word for word in made(*more) if word != "--no-cache"]

    def verb(self, *words, **more):
        return subprocess.run([self.b.skiff] + list(words), capture_output=True, text=True, check=False,
                              timeout=TIME_LIMIT, **more)

    def entries(self):
        done = self.verb("cache", "ls", "--json", "--cache", self.path)
        assert done.returncode == 0, done.stderr
        return [entry["module"] for entry in json.loads(done.stdout)["entries"]]

    def names(self, pattern):
        return glob.glob(os.path.join(self.path, "*", pattern))

    def fillers(self):
        """Processes that put in, or are about to: those have our arguments still, and are not our children."""
        found = [(pid, words_of(pid)) for pid in self.b.processes()]
        return [pid for pid, words in found if "add" in words or "--cache" in words and parent_of(pid) != os.getpid()]

    def idle_fillers(self):
        """Of these, who stand back: not what they have made to decode."""
        found = self.fillers()
        with contextlib.suppress(OSError):
            return [pid for pid in found if os.sched_getscheduler(pid) == SCHED_IDLE and parent_of(pid) not in found]
        return []

    def hurry(self):
        """Who puts in has a CPU only while nobody else wants it: on a busy machine, hardly ever. Whether somebody does."""
        found = self.fillers()
        for pid in found:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(pid, os.SCHED_OTHER, os.sched_param(0))
        return bool(found)

    def settled(self, *modules):
        """What is in there, when nobody puts in any more."""
        eventually("nobody puts in", lambda: not self.hurry())
        expected = sorted(hashlib.sha256(module).hexdigest() for module in modules)
        assert sorted(self.entries()) == expected, (self.entries(), expected)
        assert not self.names("tmp-*"), self.names("tmp-*")

    def filled(self, *modules):
        eventually("something is put in", lambda: len(self.entries()) >= len(modules) or self.hurry() and False)
        self.settled(*modules)


def words_of(pid):
    with contextlib.suppress(OSError):
        return read("/proc/%d/cmdline" % pid).split("\0")
    return []


def parent_of(pid):
    with contextlib.suppress(OSError, KeyError):
        return int(status(pid, "PPid")[0])
    return os.getpid()  # it has ended


@contextlib.contextmanager
def cached(b, *words):
    with b.bundle(*words) as u:
        yield u, Cache(b, u)


def kit(b):
    with open(b.kit, "rb") as file:
        return file.read()


def is_mapped(r):
    return ".skiff" in r.proc("maps")


@contextlib.contextmanager
def napping(u, **more):
    """The kit has said a word, and sleeps."""
    u.process["args"] = ["/kit.wasm", "say", "here", ";", "nap", "600000"]
    with running(u, **more) as r:
        assert r.line() == "here"
        yield r


# -- Putting in --------------------------------------------------------------------------------------


@test
def the_second_start_is_a_hit(b):
    with cached(b) as (u, c):
        with napping(u) as r:
            assert not is_mapped(r)
            c.filled(kit(b))
            assert r.process.poll() is None, "while the first one runs"
            # Nothing is left of it: no process, no descriptor.
            eventually("nobody but the guest", lambda: children(r.process.pid) == [r.pid])
            links = [os.readlink(path) for path in glob.glob("/proc/%d/fd/*" % r.process.pid)]
            assert not [link for link in links if "kit.wasm" in link], links
        with napping(u) as r:
            assert is_mapped(r)


@test
def what_has_ended_is_put_in(b):
    with cached(b, "say", "x") as (u, c):
        u.expect("x\n")
        c.filled(kit(b))
        u.expect("x\n")
        c.settled(kit(b))


@test
def a_failed_guest_is_put_in(b):
    with cached(b, "exit", "7") as (u, c):
        u.expect("", 7)
        c.filled(kit(b))


@test
def what_is_no_module_is_not(b):
    with cached(b) as (u, c):
        u.file("kit.wasm", padded(9000)[:-100])
        u.refused("kit.wasm")
        c.settled()


@test
def small_modules_are_not(b):
    with cached(b) as (u, c):
        u.file("kit.wasm", padded(4000))
        u.expect("")
        c.settled()
        assert not os.path.exists(c.path)
        u.file("kit.wasm", padded(4200))
        u.expect("")
        c.filled(padded(4200))


@test
def no_cache_is_none(b):
    with b.bundle("say", "x") as u:
        home = u.outside("home/file")
        u.expect("x\n", env={"SKIFF_CACHE": os.path.dirname(home), "PATH": "/bin"})
        time.sleep(0.3)
        assert os.listdir(os.path.dirname(home)) == ["file"]


@test
def a_variable_names_the_cache(b):
    with cached(b, "say", "x") as (u, c):
        u.options = []
        u.expect("x\n", env={"SKIFF_CACHE": c.path})
        c.filled(kit(b))
        for value in ("", "relative"):
            u.file("kit.wasm", padded(9000))
            u.expect("", env={"SKIFF_CACHE": value}, cwd=u.folder)
            c.settled(kit(b))
            assert not os.path.exists(os.path.join(u.folder, "relative"))


@test
def a_cache_nobody_can_write_to(b):
    need("mount")
    with cached(b, "say", "x") as (u, c):
        os.mkdir(c.path, 0o700)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700,ro", "none", c.path], check=True)
        b.mounted.add(c.path)
        try:
            for _ in range(2):
                u.expect("x\n")
            eventually("nobody puts in", lambda: not c.hurry())
            assert os.listdir(c.path) == []
        finally:
            subprocess.run(["umount", "-l", c.path], check=True)
            b.mounted.discard(c.path)


@test
def many_first_starts_add_one(b):
    with cached(b, "say", "x") as (u, c):
        command, ids = u.command(), []
        started = []
        for i in range(6):
            ids.append("%s-%d" % (u.id, i))
            started.append(subprocess.Popen(command[:-1] + [ids[-1]], stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE))
        for process in started:
            assert process.communicate(timeout=TIME_LIMIT) == (b"x\n", b"") and process.returncode == 0
        c.filled(kit(b))
        inode = os.stat(c.names("*.skiff")[0]).st_ino
        # Who comes later finds it, and leaves it as it is.
        with open(b.kit, "rb") as file:
            assert c.verb("cache", "add", "--cache", c.path, "-", stdin=file).stderr == ""
        assert os.stat(c.names("*.skiff")[0]).st_ino == inode
        assert "1 verified, 0 damaged" in c.verb("cache", "verify", "--cache", c.path).stdout


def changed_in_time(b, u, c, instead):
    """The module of a container that runs has another content before anybody began to put it in; False: somebody had."""
    with napping(u) as r:
        r.process.send_signal(signal.SIGSTOP)  # who would begin
        eventually("it stands still", lambda: status(r.process.pid, "State")[0] == "T")
        if children(r.process.pid) != [r.pid] or c.names("*"):
            r.process.send_signal(signal.SIGCONT)
            c.filled(kit(b))
            return False
        with open(os.path.join(u.root, "kit.wasm"), "r+b") as file:  # the same file
            file.truncate(0)
            file.write(instead)
        r.process.send_signal(signal.SIGCONT)
        if len(instead) > 4096:
            c.filled(instead)
        else:
            time.sleep(0.3)
            c.settled()
        return True


@test
def a_module_changed_meanwhile(b):
    for instead in (padded(9000), b"no module", b""):
        with cached(b) as (u, c):
            path = os.path.join(u.root, "kit.wasm")
            while not changed_in_time(b, u, c, instead):
                c.settled(kit(b))
                shutil.rmtree(c.path)
                shutil.copy(b.kit, path)
            shutil.copy(b.kit, path)
            with napping(u) as r:
                assert not is_mapped(r)
                c.filled(*([instead, kit(b)] if len(instead) > 4096 else [kit(b)]))
            # Another file under its name.
            write(path + ".new", padded(5000))
            os.rename(path + ".new", path)
            u.expect("")
            c.filled(*([instead, kit(b)] if len(instead) > 4096 else [kit(b)]), padded(5000))


@test
def roots_of_any_file_system(b):
    need("mount")
    for kind in ("tmpfs", "overlay"):
        with cached(b) as (u, c):
            lower = os.path.dirname(u.outside("lower/x"))
            shutil.copy(b.kit, os.path.join(lower, "kit.wasm"))
            for name in ("upper", "work"):
                os.makedirs(os.path.join(u.folder, "layers", name))
            options = "mode=755" if kind == "tmpfs" else "lowerdir=%s,upperdir=%s,workdir=%s" % (
                lower, u.folder + "/layers/upper", u.folder + "/layers/work")
            done = subprocess.run(["mount", "-t", kind, "-o", options, "none", u.root], capture_output=True,
                                  text=True, check=False)
            if done.returncode != 0:
                raise Skip("no %s may be mounted: %s" % (kind, done.stderr.strip()))
            b.mounted.add(u.root)
            try:
                shutil.copy(os.path.join(lower, "kit.wasm"), u.root)
                with napping(u) as r:
                    assert not is_mapped(r)
                    c.filled(kit(b))
                with napping(u) as r:
                    assert is_mapped(r), kind
                assert kind != "overlay" or not c.names("at-*")
            finally:
                subprocess.run(["umount", "-l", u.root], check=True)
                b.mounted.discard(u.root)


# -- Other ways to begin -----------------------------------------------------------------------------


@test
def a_container_that_is_created(b):
    with cached(b, "say", "x") as (u, c):
        command = u.command()
        done = subprocess.run([command[0], "create"] + command[2:], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIME_LIMIT,
                              check=False)
        assert done.returncode == 0
        try:
            c.filled(kit(b))
            assert c.verb("start", u.id).returncode == 0
        finally:
            eventually("it is deleted", lambda: c.verb("delete", u.id).returncode == 0)


@test
def one_more_in_a_container(b):
    with cached(b) as (u, c):
        u.file("more.wasm", padded(9000))
        u.file("last.wasm", padded(9000, b"z"))
        with napping(u):
            c.filled(kit(b))
            for name, options in (("more", []), ("more", []), ("last", ["--detach"])):
                done = c.verb("exec", "--cache", c.path, *options, u.id, "/%s.wasm" % name)
                assert done.returncode == 0 and done.stderr == "", done
                c.filled(kit(b), padded(9000), *([padded(9000, b"z")] if name == "last" else []))
            done = c.verb("exec", "--no-cache", u.id, "/kit.wasm", "say", "x")
            assert done.stdout == "x\n", done
            c.settled(kit(b), padded(9000), padded(9000, b"z"))


# -- Who can do what ---------------------------------------------------------------------------------


def descriptors(r):
    """Once it sleeps: for that it has one more."""
    eventually("it sleeps", lambda: status(r.pid, "State")[0] == "S")
    time.sleep(0.1)
    return sorted(os.readlink(path) for path in glob.glob("/proc/%d/fd/*" % r.pid))


@test
def the_guest_keeps_no_descriptor(b):
    with b.bundle() as u, cached(b) as (v, c):
        with napping(u) as r:
            without = descriptors(r)
        with napping(v) as r:
            missing = descriptors(r)
            c.filled(kit(b))
        with napping(v) as r:
            there = descriptors(r)
        shown = [[link.split(":")[0] for link in links if not link.startswith("anon_inode")]  # eventfds of its waiting
                 for links in (without, missing, there)]
        assert shown[0] == shown[1], shown
        # The artifact is where the memory's first content is mapped from.
        assert len(shown[2]) <= len(shown[0]) + 1 and not [link for link in there if "wasm" in link], there


@contextlib.contextmanager
def decoding(b, c, module, *options):
    """Adding, while it decodes: (who adds, who decodes)."""
    # pylint: disable-next=consider-using-with
    process = subprocess.Popen([b.skiff, "cache", "add", "--cache", c.path, module] + list(options),
                               stderr=subprocess.PIPE, env={"SECRET_OF_OURS": "tell nobody"})
    try:
        pid = eventually("a child that is shut in", lambda: [
            child for child in children(process.pid) if is_shut_in(child)])[0]
        yield process, pid
    finally:
        if process.poll() is None:
            for child in children(process.pid):  # it may have been stopped while it had our pipe
                os.kill(child, signal.SIGKILL)
            process.kill()
            process.communicate()


@test
def who_decodes_is_shut_in(b):
    with cached(b) as (u, c):
        module = u.outside("large.wasm", endless(3000))
        with decoding(b, c, module) as (process, pid):
            os.kill(pid, signal.SIGSTOP)  # so that it is still there
            assert status(pid, "Uid") == status(pid, "Gid") == ["65534"] * 4
            assert status(pid, "Groups") == []
            for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(status(pid, field)[0], 16) == 0, field
            assert status(pid, "NoNewPrivs") == ["1"] and status(pid, "Seccomp_filters")[0] >= "2"
            links = [os.readlink(path) for path in glob.glob("/proc/%d/fd/*" % pid)]
            assert len(links) == 1 and "/tmp-" in links[0], links
            assert "tell" not in read("/proc/%d/environ" % pid)
            assert read("/proc/%d/oom_score_adj" % pid) == "1000\n"
            limits = read("/proc/%d/limits" % pid)
            for name in ("Max cpu time", "Max file size", "Max address space"):
                assert "unlimited" not in [line for line in limits.split("\n") if line.startswith(name)][0], limits
            assert os.stat("/proc/%d/status" % pid).st_uid == 0, "not dumpable"
            os.kill(pid, signal.SIGCONT)
            assert process.communicate(timeout=TIME_LIMIT)[1] == b"" and process.returncode == 0
        assert len(c.entries()) == 1


@test
def who_decodes_is_killed(b):
    with cached(b) as (u, c):
        module = u.outside("large.wasm", endless(3000))
        for number, words in ((signal.SIGKILL, "was killed"), (signal.SIGSEGV, "signal 11"),
                              (signal.SIGXCPU, "took too long")):
            with decoding(b, c, module) as (process, pid):
                os.kill(pid, number)
                text = process.communicate(timeout=TIME_LIMIT)[1].decode()
                assert process.returncode == 1 and text.count("\n") == 1 and words in text, text
            c.settled()
        # It does not outlive who adds.
        with decoding(b, c, module) as (process, pid):
            process.kill()
            process.communicate()
            eventually("it is gone", lambda: not os.path.exists("/proc/%d" % pid) or is_zombie(pid))
        assert c.entries() == [] and len(c.names("tmp-*")) == 1
        assert c.verb("cache", "add", "--cache", c.path, module).stderr == ""
        assert len(c.entries()) == 1 and not c.names("tmp-*")


def bend(path):
    """Types that lead nowhere, under digests that are right: as a decoder would write it that was taken over."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    image = struct.unpack_from("<Q", data, 344)[0]
    at, count = struct.unpack_from("<II", data, image + 32)
    data[image + at:image + at + 8 * count] = b"\x3f" * (8 * count)
    data[408:440] = hashlib.sha256(data[448:]).digest()
    total, bits = 0x41464b53, (1 << 64) - 1
    for word in struct.unpack_from("<55Q", data):
        total = (total ^ word) * 0x9e3779b97f4a7c15 & bits
        total ^= total >> 32
    struct.pack_into("<Q", data, 440, total)
    os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o400)


@test
def an_artifact_that_lies_is_read_in_the_cage(b):
    need("strace")
    with cached(b, "say", "x") as (u, c):
        u.expect("x\n")
        c.filled(kit(b))
        bend(c.names("*.skiff")[0])
        assert "1 verified, 0 damaged" in c.verb("cache", "verify", "--cache", c.path).stdout
        trace = os.path.join(u.folder, "trace")
        u.namespace("pid")  # a traced first process does not die of what it does
        done = subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=seccomp"] + u.command(),
                              capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
        if not os.path.exists(trace) or "+++" not in read(trace):
            raise Skip("strace cannot trace here: " + done.stderr[:200])
        assert done.returncode != 0 and done.stdout == "", done
        lines = read(trace).split("\n")
        died = [i for i, line in enumerate(lines) if "SIGSEGV" in line]
        shut = [i for i, line in enumerate(lines) if "seccomp(SECCOMP_SET_MODE_FILTER" in line]
        assert died and shut and shut[-1] < died[0], lines


@test
def who_puts_in_stands_back(b):
    with cached(b) as (u, c):
        u.file("kit.wasm", endless(1500))
        u.expect("", env={"SECRET_OF_OURS": "tell nobody"})
        pid = eventually("somebody puts in, and stands back", lambda: c.idle_fillers())[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            assert read("/proc/%d/environ" % pid) == ""
            assert os.getsid(pid) == pid, os.getsid(pid)
            links = [os.readlink("/proc/%d/fd/%d" % (pid, fd)) for fd in (0, 1, 2)]
            assert "kit.wasm" in links[0] and links[1:] == ["/dev/null"] * 2, links
        finally:
            os.kill(pid, signal.SIGCONT)
        c.filled(endless(1500))


@test
def a_cache_that_is_yet_to_be_made(b):
    """Whether it can be is the host's matter: the container's root may be read-only. And fuel has artifacts of its own."""
    with cached(b, "say", "ready", ";", "nap", "600000") as (u, c):
        u.config["root"]["readonly"] = True
        u.config["annotations"] = {"skiff.fuel": "1000000000"}
        assert not os.path.exists(c.path)
        with running(u) as r:
            assert r.line() == "ready" and not is_mapped(r)
            c.filled(kit(b))
        with running(u) as r:
            assert r.line() == "ready" and is_mapped(r)
        assert len(c.entries()) == 1, c.entries()
