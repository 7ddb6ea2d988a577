#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py SKIFF [--artifacts] [WORD...]: test preview 1 of WASI in a built skiff; WORD: only tests whose name has it.

guest/*.c are programs for the guest, compiled here. Each TEST in them is run by itself, in new directories:

  /a   A: the tree of make_tree(), which may be changed
  /ro  the same, preopened read-only
  /b   B: another one

with standard input a pipe that stays open and empty. SETUPS says what a test needs beyond that. What a guest
cannot see of itself (how it ends, what comes out of it, what goes on outside meanwhile) is in the functions
marked @test.

DEBIAN_ROOT=DIR in the environment: also try the root file system of a Debian there.

Prints a line for each test in the manner of TAP, and "N passed, N failed, N skipped" at the end.

--artifacts: guests are put into a cache before, and run from there.
"""

import contextlib
import glob
import os
import pty
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from tap import TESTS, Skip, run_tests, test, test_of_time  # noqa: E402

TIME_LIMIT = 60  # of one run, in seconds
BADF, PIPE = 8, 64


# -- Guests ----------------------------------------------------------------------------------------

# Bare: all that is needed is the compiler Skiff is built with.
BARE = ["clang-19", "--target=wasm32-unknown-unknown", "-O1", "-nostdlib", "-ffreestanding",
        "-mbulk-memory", "-Wall", "-Wextra", "-Werror", "-Wl,--stack-first"]
LIBC = ["clang", "--target=wasm32-wasi", "--sysroot=/usr", "-O1", "-Wall", "-Wextra", "-Werror"]


class Guests:
    """Modules, compiled when they are first asked for."""

    def __init__(self, folder):
        self.folder, self.made = folder, {}
        self.when_made = lambda path: None

    def __getitem__(self, name):
        if name not in self.made:
            self.made[name] = self.compile(name)
            if isinstance(self.made[name], str):
                self.when_made(self.made[name])
        if isinstance(self.made[name], Exception):
            raise self.made[name]
        return self.made[name]

    def compile(self, name):
        target = os.path.join(self.folder, name + ".wasm")
        command = LIBC if name == "libc" else BARE
        try:
            done = subprocess.run(command + ["-o", target, os.path.join(HERE, "guest", name + ".c")],
                                  capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return Skip("there is no " + command[0])
        if done.returncode != 0 and not os.path.exists("/usr/include/wasm32-wasi/stdio.h") and name == "libc":
            return Skip("there is no wasi-libc")
        if done.returncode != 0:
            return AssertionError("%s.c does not compile:\n%s" % (name, done.stderr))
        return target


# -- Directories -----------------------------------------------------------------------------------


def write(path, data="hello, world\n"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def links(folder, rows):
    for name, target in rows.items():
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        os.symlink(target, os.path.join(folder, name))


def make_tree(place):
    """A and B, and something outside that no test may reach."""
    a, b = os.path.join(place, "a"), os.path.join(place, "b")
    write(os.path.join(place, "outside"), "not yours\n")
    for file, data in (("file", "hello, world\n"), ("empty", ""), ("dir/inner", "inner\n"),
                       ("full/one", "1"), ("full/two", "2")):
        write(os.path.join(a, file), data)
    links(a, {"link": "file", "dirlink": "dir", "dangling": "nowhere", "loop": "loop", "ring1": "ring2",
              "ring2": "ring1", "up": "../outside", "absolute": "/etc/passwd"})
    os.mkfifo(os.path.join(a, "pipe"))
    # The address of a unix socket is short; the folder may not be.
    folder = os.open(a, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("/proc/self/fd/%d/socket" % folder)
    os.close(folder)
    for file in ("file", "only-in-b"):
        write(os.path.join(b, file))
    links(b, {"link": "file"})
    return a, b


def make_many(b):
    for number in range(200):
        write(os.path.join(b, "many", "entry-%03d" % number), "")


def make_root(a):
    """As little of a Debian as shows its absolute links."""
    write(os.path.join(a, "usr/share/zoneinfo/Etc/UTC"), b"TZif2" + bytes(40))
    write(os.path.join(a, "usr/share/ca-certificates/one.crt"), "-----BEGIN CERTIFICATE-----\n")
    write(os.path.join(a, "run/pid"), "1\n")
    write(os.path.join(a, "top"))
    links(a, {"etc/localtime": "/usr/share/zoneinfo/Etc/UTC", "var/run": "/run",
              "etc/ssl/certs/one.pem": "/etc/ssl/one.pem", "etc/ssl/one.pem":
              "/usr/share/ca-certificates/one.crt", "over": "../../../../top", "shadow": "/etc/shadow",
              "absolute-dangling": "/run/made"})


class Place:
    """What one run of a guest has."""

    def __init__(self, bench, folder):
        self.bench, self.folder = bench, folder
        self.a, self.b = make_tree(folder)
        self.options = ["--dir", "/a:" + self.a, "--dir", "/ro:" + self.a + ":readonly",
                        "--dir", "/b:" + self.b]
        self.args, self.more, self.undo = [], {}, contextlib.ExitStack()


def limit(which, number):
    def before():
        hard = resource.getrlimit(which)[1]
        resource.setrlimit(which, (number, hard))
    return before


def few_files(place):
    place.more["preexec_fn"] = limit(resource.RLIMIT_NOFILE, 40)


def small_files(place):
    place.more["preexec_fn"] = limit(resource.RLIMIT_FSIZE, 4096)


def environment(place):
    place.options += ["--env", "NAME=value", "--env", "EMPTY="]


def arguments(place):
    place.args = ["", "two words", "\u2603"]


def devices(place):
    place.options[-1] = "/b:/dev"


def small_disk(place):
    if os.getuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "none", place.b], capture_output=True,
            check=False).returncode != 0:
        raise Skip("mounting a file system needs root")
    place.undo.callback(subprocess.run, ["umount", "-l", place.b], check=False)


def two_file_systems(place):
    other = tempfile.mkdtemp(prefix="skiff-wasi-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    place.undo.callback(shutil.rmtree, other, True)
    if os.stat(other).st_dev == os.stat(place.a).st_dev:
        raise Skip("there is no second file system to write to")
    place.options[-1] = "/b:" + other


def nobody(place):
    place.options.append("--no-cache")  # which is not theirs
    if os.getuid() != 0:
        raise Skip("becoming somebody else needs root")
    for path, mode in (("secret", 0o000), ("closed/file", 0o644)):
        os.chmod(write(os.path.join(place.a, path)), mode)
    links(place.a, {"closed/link": "file"})
    os.chmod(os.path.join(place.a, "closed"), 0o700)
    place.more.update(user=65534, group=65534, extra_groups=[])


def busy_program(place):
    program = os.path.join(place.b, "program")
    shutil.copy("/bin/sleep", program)
    # pylint: disable-next=consider-using-with
    running = subprocess.Popen([program, "60"])
    place.undo.callback(running.wait)
    place.undo.callback(running.kill)


def nested(place):
    write(os.path.join(place.a, "nest/hidden"))
    place.options = ["--dir", "/:" + place.a, "--dir", "/nest:" + place.b]


def root(place):
    make_root(place.a)
    place.options = ["--dir", "/:" + place.a + ":root"]


def many(place):
    make_many(place.b)


SETUPS = {
    "basic args": arguments,
    "basic args_faults": arguments,
    "basic environ": environment,
    "basic environ_faults": environment,
    "fd limit_of_size": small_files,
    "fd disk_full": devices,
    "fd small_disk": small_disk,
    "fd descriptors_run_out": few_files,
    "fd access": nobody,
    "fd text_busy": busy_program,
    "path nested": nested,
    "path file_systems": two_file_systems,
    "path root": root,
    "dir": many,
}
# Run by functions below.
WITH_A_PEER = "sock"


# -- Running ---------------------------------------------------------------------------------------


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return "exit code %s\n%s\n%s" % (self.code, self.out.decode(errors="replace")[-3000:],
                                         self.err.decode(errors="replace")[-1000:])


class Bench:
    def __init__(self, skiff, artifacts=False):
        self.folder = tempfile.mkdtemp(prefix="skiff-wasi-")
        os.chmod(self.folder, 0o755)
        # Where somebody without permission can reach it too.
        self.skiff = os.path.join(self.folder, "skiff")
        shutil.copy(skiff, self.skiff)
        os.chmod(self.skiff, 0o755)
        self.guests = Guests(self.folder)
        self.cache = os.path.join(self.folder, "cache") if artifacts else None
        if artifacts:
            os.mkdir(self.cache, 0o700)
            self.guests.when_made = self.keep

    def keep(self, path):
        """From now on this guest is run from its artifact."""
        subprocess.run([self.skiff, "cache", "add", "--cache", self.cache, path], check=True)

    @contextlib.contextmanager
    def place(self):
        folder = tempfile.mkdtemp(dir=self.folder)
        os.chmod(folder, 0o755)
        place = Place(self, folder)
        try:
            yield place
        finally:
            place.undo.close()
            assert open(os.path.join(folder, "outside"), encoding="utf-8").read() == "not yours\n"
            shutil.rmtree(folder, ignore_errors=True)

    def command(self, guest, args, options=()):
        kept = ["--cache", self.cache] if self.cache else ["--no-cache"]
        return [self.skiff, "run"] + kept + list(options) + [self.guests[guest]] + [
            a if isinstance(a, bytes) else str(a) for a in args]

    def start(self, guest, *args, options=(), **more):
        for stream in ("stdin", "stdout", "stderr"):
            more.setdefault(stream, subprocess.PIPE)
        return subprocess.Popen(self.command(guest, args, options), **more)

    def run(self, guest, *args, options=(), **more):
        """Standard input is a pipe that stays open until the guest ends, unless there is `input`."""
        if "input" in more or "stdin" in more:
            done = subprocess.run(self.command(guest, args, options), timeout=TIME_LIMIT, check=False,
                                  **dict({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}, **more))
            return Result(done.returncode, done.stdout or b"", done.stderr or b"")
        reader, writer = os.pipe()
        try:
            return self.run(guest, *args, options=options, stdin=reader, **more)
        finally:
            os.close(reader)
            os.close(writer)

    def expect(self, guest, *args, code=0, out=None, **more):
        r = self.run(guest, *args, **more)
        assert r.code == code, "exit code should be %d: %s" % (code, r)
        assert out is None or r.out == out, "stdout should be %r: %s" % (out, r)
        return r


def guest_test(guest, name):
    """A TEST of a guest's."""
    title = "%s %s" % (guest, name)

    def work(b):
        with b.place() as place:
            for key in (guest, title):
                SETUPS.get(key, lambda p: None)(place)
            r = b.run(guest, name, *place.args, options=place.options, **place.more)
            assert r.code == 0 and r.out == b"" and r.err == b"", r
    TESTS.append((title, work))


# -- The end ---------------------------------------------------------------------------------------


@test
def exit_codes(b):
    for code in range(256):
        b.expect("acts", "exit", code, code=code, out=b"")
    b.expect("acts", "return", code=0, out=b"")


@test
def raise_ends_with_128_and_the_signal(b):
    # WASI's numbers, and Linux's.
    for number, code in ((1, 1), (2, 2), (3, 3), (6, 6), (9, 9), (10, 10), (11, 11), (12, 12), (14, 14),
                         (15, 15), (13, 13)):
        assert b.run("acts", "raise", number).code in (128 + code, -code), number
    for number in (0, 16, 17, 22, 27):
        b.expect("acts", "raise", number, code=0, out=b"")
    b.expect("acts", "raise", 31, code=28)


@test
def nothing_is_lost_at_the_end(b):
    wanted = bytes(i % 251 for i in range(251)) * (1048576 // 251 + 1)
    wanted = wanted[:1048576]
    with b.start("acts", "spew", 1048576) as p:
        got = b""
        while True:
            part = os.read(p.stdout.fileno(), 5000)
            if not part:
                break
            got += part
            if len(got) < 200000:
                time.sleep(0.005)
        assert p.wait(TIME_LIMIT) == 7 and got == wanted, (p.returncode, len(got))
    with open(os.path.join(b.folder, "spewed"), "wb") as file:
        b.expect("acts", "spew", 1048576, code=7, stdout=file)
    with open(os.path.join(b.folder, "spewed"), "rb") as file:
        assert file.read() == wanted


@test
def nothing_is_lost_in_a_c_library(b):
    wanted = b"".join(b"%d\n" % i for i in range(200000))
    b.expect("libc", "buffered", code=3, out=wanted)


@test
def a_nonblocking_pipe_loses_nothing(b):
    # Somebody else who shares the pipe made it nonblocking: the guest did not ask for that.
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with b.start("acts", "spew", 500000, stdout=writer) as p:
        os.close(writer)
        got = b""
        while True:
            time.sleep(0.001)
            part = os.read(reader, 20000)
            if not part:
                break
            got += part
        os.close(reader)
        assert p.wait(TIME_LIMIT) == 7 and len(got) == 500000, (p.returncode, len(got))


@test
def a_nonblocking_input_waits(b):
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with b.start("acts", "cat", stdin=reader) as p:
        os.close(reader)
        for part in (b"one", b"two", b"three"):
            time.sleep(0.05)
            os.write(writer, part)
        os.close(writer)
        assert p.stdout.read() == b"onetwothree" and p.wait(TIME_LIMIT) == 0


# -- Standard streams ------------------------------------------------------------------------------


@test
def a_reader_who_goes_away(b):
    reader, writer = os.pipe()
    os.close(reader)
    r = b.run("acts", "spew", 100000, stdout=writer)
    os.close(writer)
    assert r.code == PIPE, r
    with b.start("acts", "spew", 10000000) as p:
        os.read(p.stdout.fileno(), 1000)
        p.stdout.close()
        assert p.wait(TIME_LIMIT) == PIPE, p.returncode
    # Also where the signal has its default action, and where it is blocked.
    reader, writer = os.pipe()
    os.close(reader)
    r = b.run("acts", "spew", 1000, stdout=writer,
              preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE]))
    os.close(writer)
    assert r.code == PIPE, r


@test
def closed_streams(b):
    def close_all():
        for fd in (0, 1, 2):
            os.close(fd)
    r = b.run("acts", "closed", preexec_fn=close_all)
    assert r.code == BADF, r
    r = b.run("acts", "streams", preexec_fn=lambda: os.close(0))
    assert r.out.split(b"\n")[0] == b"closed", r
    # What is opened does not take their place.
    with b.place() as place:
        r = b.run("acts", "closed", options=place.options, preexec_fn=close_all)
        assert r.code == BADF, r


@test
def kinds_of_streams(b):
    with b.place() as place:
        with open(os.path.join(place.a, "file"), "rb") as into, \
                open(os.path.join(place.a, "out"), "ab") as out:
            b.expect("acts", "streams", stdin=into, stdout=out)
        with open(os.path.join(place.a, "out"), "rb") as out:
            lines = out.read().split(b"\n")
    assert lines[0] == b"file seeks" and lines[1].startswith(b"file seeks append"), lines
    lines = b.expect("acts", "streams", stdin=subprocess.DEVNULL).out.split(b"\n")
    assert lines[0].startswith(b"character"), lines
    assert not any(word in lines[1] for word in (b"file", b"character", b"seeks")), lines
    master, slave = pty.openpty()
    r = b.run("acts", "streams", stdin=slave)
    assert r.out.split(b"\n")[0] == b"character", "a terminal does not seek: %s" % r
    os.close(slave)
    os.close(master)


@test
def output_to_a_file_goes_on_where_it_was(b):
    with b.place() as place:
        path = os.path.join(place.a, "out")
        with open(path, "wb", buffering=0) as out:
            out.write(b"before ")
            b.expect("acts", "args", "x", stdout=out)
            out.write(b"after")
        with open(path, "rb") as out:
            assert out.read() == b"before args\0x\0after"


@test
def terminals(b):
    master, slave = pty.openpty()
    with b.start("libc", "isatty", stdin=slave, stdout=slave) as p:
        assert p.wait(TIME_LIMIT) == 0
        assert os.read(master, 100).split() == [b"1", b"1", b"0"]
    with b.start("acts", "cat", stdin=slave, stdout=slave) as p:
        os.write(master, b"typed\n\x04")
        assert p.wait(TIME_LIMIT) == 0
        got = b""
        while got.count(b"typed\r\n") < 2 and select.select([master], [], [], TIME_LIMIT)[0]:
            got += os.read(master, 100)
        while select.select([master], [], [], 0.2)[0]:
            got += os.read(master, 100)
    assert got.count(b"typed\r\n") == 2, got
    os.close(slave)
    os.close(master)
    b.expect("libc", "isatty", out=b"0 0 0\n")
    assert b.run("libc", "isatty", stdin=subprocess.DEVNULL).out == b"0 0 0\n", "/dev/null is no terminal"


@test
def large_input(b):
    data = os.urandom(5 << 20)
    b.expect("acts", "cat", input=data, out=data)
    with b.place() as place:
        write(os.path.join(place.a, "large"), data)
        with open(os.path.join(place.a, "large"), "rb") as file:
            b.expect("acts", "cat", stdin=file, out=data)
    b.expect("acts", "cat", input=b"", out=b"")
    b.expect("acts", "cat", stdin=subprocess.DEVNULL, out=b"")


@test
def input_in_pieces(b):
    with b.start("acts", "cat-patiently") as p:
        for i in range(10):
            p.stdin.write(b"%d" % i)
            p.stdin.flush()
            time.sleep(0.02)
        p.stdin.close()
        assert p.stdout.read() == b"0123456789" and p.wait(TIME_LIMIT) == 0
    # Whoever shares the pipe does not find it nonblocking afterwards.
    reader, writer = os.pipe()
    with b.start("acts", "cat-patiently", stdin=reader) as p:
        time.sleep(0.05)
        assert os.get_blocking(reader)
        os.close(writer)
        p.wait(TIME_LIMIT)
    assert os.get_blocking(reader)
    os.close(reader)


# -- Arguments and environment ---------------------------------------------------------------------


@test
def odd_arguments(b):
    odd = [b"", b"a b", b"--dir", b"-", b"--", b"\xff\xfe\x80", b"\n\t", "\u2603".encode(), b"x" * 100000,
           b"=", b"'\"$`"]
    b.expect("acts", "args", *odd, out=b"\0".join([b"args"] + odd) + b"\0")


@test
def the_environment_is_the_guests(b):
    b.expect("acts", "environment", out=b"", env={"SECRET": "x", "PATH": "/bin"})
    variables = [b"A=1", b"EMPTY=", b"B=\xff\xfe", b"C=a=b=c", b"D=x\ny"]
    options = [word for v in variables for word in ("--env", v)]
    r = b.expect("acts", "environment", options=options)
    assert sorted(r.out.split(b"\0")[:-1]) == sorted(variables), r
    # The later one counts.
    b.expect("acts", "environment", options=["--env", "A=1", "--env", "A=2"], out=b"A=2\0")
    b.expect("libc", "environ", options=["--env", "NAME=1"], out=b"NAME=1\n")


@test
def an_environment_of_4_mib(b):
    variables = [b"V%02d=" % i + bytes([65 + i % 26]) * 130000 for i in range(33)]
    options = [word for v in variables for word in ("--env", v)]

    def more_stack():
        hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
        resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
    try:
        r = b.expect("acts", "environment", options=options, preexec_fn=more_stack)
    except OSError as error:
        raise Skip("the kernel takes no command line of 4 MiB: %s" % error) from None
    assert len(r.out) > 4 << 20 and sorted(r.out.split(b"\0")[:-1]) == sorted(variables), len(r.out)


# -- Time ------------------------------------------------------------------------------------------


def slept(b, ms, disturb):
    """Milliseconds the guest saw go by in a sleep that was disturbed."""
    with b.start("acts", "sleep", ms) as p:
        assert p.stdout.readline() == b"sleeping\n"
        disturb(p)
        text = p.stdout.read()
        assert p.wait(TIME_LIMIT) == 0, p.returncode
        return int(text)


@test_of_time
def stop_and_continue_do_not_end_a_sleep(b, scale):
    def stop_twice(p):
        for _ in range(2):
            time.sleep(0.1 * scale)
            p.send_signal(signal.SIGSTOP)
            time.sleep(0.05 * scale)
            p.send_signal(signal.SIGCONT)

    def stop_long(p):
        time.sleep(0.1 * scale)
        p.send_signal(signal.SIGSTOP)
        time.sleep(0.6 * scale)
        p.send_signal(signal.SIGCONT)

    ms = slept(b, 600 * scale, stop_twice)
    assert 600 * scale <= ms < 1500 * scale, ms
    # The time it was stopped counts.
    ms = slept(b, 400 * scale, stop_long)
    assert 650 * scale <= ms < 980 * scale, ms


@test_of_time
def signals_without_effect_do_not_end_a_sleep(b, scale):
    def disturb(p):
        for sig in (signal.SIGWINCH, signal.SIGCHLD, signal.SIGURG, signal.SIGCONT):
            time.sleep(0.05 * scale)
            p.send_signal(sig)
    ms = slept(b, 500 * scale, disturb)
    assert 500 * scale <= ms < 1500 * scale, ms


@test
def stop_and_continue_do_not_end_a_read(b):
    with b.start("acts", "cat") as p:
        time.sleep(0.1)
        p.send_signal(signal.SIGSTOP)
        p.send_signal(signal.SIGCONT)
        p.send_signal(signal.SIGWINCH)
        time.sleep(0.1)
        p.stdin.write(b"still here")
        p.stdin.close()
        assert p.stdout.read() == b"still here" and p.wait(TIME_LIMIT) == 0


@test
def a_time_limit_ends_every_wait(b):
    for args in (["sleep", "60000"], ["cat"], ["cat-patiently"]):
        begin = time.monotonic()
        r = b.run("acts", *args, options=["--time-limit", "300"])
        assert r.code == 124 and time.monotonic() - begin < TIME_LIMIT / 2, r


# -- Directories -----------------------------------------------------------------------------------


@test
def config_map_swapped_while_read(b):
    with b.place() as place:
        volume = os.path.join(place.folder, "volume")
        for number in range(2):
            for name in ("a", "b"):
                write(os.path.join(volume, "..data-%d" % number, name), str(number) * 8)
        links(volume, {"..data": "..data-0", "a": "..data/a", "b": "..data/b"})
        stop = threading.Event()
        swaps = [0]

        def swap():
            while not stop.is_set():
                swaps[0] += 1
                os.symlink("..data-%d" % (swaps[0] % 2), os.path.join(volume, "..new"))
                os.rename(os.path.join(volume, "..new"), os.path.join(volume, "..data"))
        swapper = threading.Thread(target=swap)
        swapper.start()
        try:
            for flags in ("", ":readonly", ":root"):
                b.expect("acts", "watch", 20000, options=["--dir", "/config:" + volume + flags], out=b"")
        finally:
            stop.set()
            swapper.join()
        assert swaps[0] > 100, swaps


@test
def working_directory(b):
    with b.place() as place:
        write(os.path.join(place.a, "sub/deep/text"), "deep\n")
        options = ["--dir", "/:" + place.a]
        b.expect("libc", "where", "file", options=options, out=b"/\nhello, world\n")
        for path, cwd, file in (("/sub", "/sub", "deep/text"), ("/sub/deep", "/sub/deep", "text"),
                                ("/sub", "/sub", "../sub/deep/text"), ("/sub/deep", "/sub/deep",
                                                                       "/sub/deep/text")):
            b.expect("libc", "where", file, options=options + ["--workdir", path],
                     out=cwd.encode() + b"\ndeep\n")
        b.expect("libc", "where", "only-in-b", options=["--dir", "/data:" + place.b, "--workdir", "/data"],
                 out=b"/data\nhello, world\n")
        r = b.run("libc", "where", "file", options=options + ["--workdir", "/missing"])
        assert r.code == 1 and b"/missing" in r.err, r


@test
def c_programs(b):
    with b.place() as place:
        options = ["--dir", "/:" + place.a]
        r = b.expect("libc", "files", options=options)
        assert r.out.startswith(b"8890 bytes\nabsent: "), r
        b.expect("libc", "list", "/full", options=options, out=b"4 entries\n")
        b.expect("libc", "list", "dir/..", options=options)
        b.expect("libc", "sleep", options=options)
    # abort() is a trap.
    assert b.run("libc", "abort").code in (134, -6)


@test
def directories_that_are_not_there(b):
    with b.place() as place:
        for host in ("/nonexistent/folder", os.path.join(place.a, "file"), os.path.join(place.a, "dangling")):
            r = b.run("acts", "return", options=["--dir", "/x:" + host])
            assert r.code == 1 and os.path.basename(host).encode() in r.err and r.out == b"", r


@test
def debian_root(b):
    folder = os.environ.get("DEBIAN_ROOT")
    if not folder:
        raise Skip("DEBIAN_ROOT=DIR says where one is")
    options = ["--dir", "/:" + folder + ":root"]
    for path in ("/var/run", "/bin", "/lib", "/etc/ssl/certs"):
        if os.path.lexists(folder + path):
            b.expect("libc", "list", path, options=options)
    for path in ("/etc/localtime", "/etc/os-release", "/etc/ssl/certs/ca-certificates.crt", "/etc/mtab"):
        if path != "/etc/mtab" and os.path.lexists(folder + path):
            b.expect("libc", "where", path, options=options)
    certificates = sorted(glob.glob(folder + "/etc/ssl/certs/*.pem"))[:20]
    for path in certificates:
        b.expect("libc", "where", path[len(folder):], options=options)


# -- Sockets ---------------------------------------------------------------------------------------


class Peer:
    """A guest with a listening socket, and the connections we make to it."""

    def __init__(self, b, name):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(5)
        fd = self.listener.fileno()
        self.guest = b.start("sock", name, options=["--listen-fd", str(fd)], pass_fds=[fd])

    def connect(self):
        connection = socket.create_connection(self.listener.getsockname(), TIME_LIMIT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def expect_line(self, line):
        got = self.guest.stdout.readline()
        if got != line:
            self.fail("not the line expected: %r" % got)

    def fail(self, why):
        self.guest.stdin.close()
        try:
            self.guest.wait(2)
        except subprocess.TimeoutExpired:
            self.guest.kill()
        raise AssertionError("%s: %s%s" % (why, self.guest.stdout.read(), self.guest.stderr.read()))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.listener.close()
        if kind is not None:
            self.guest.kill()
            with self.guest:
                return
        out, err = self.guest.communicate(timeout=TIME_LIMIT)
        assert self.guest.returncode == 0 and not err and out in (b"", b"alive\n"), \
            "exit code %d: %s%s" % (self.guest.returncode, out.decode(), err.decode())


@test
def sock_listener(b):
    with Peer(b, "listener"):
        pass


@test
def sock_talk(b):
    with Peer(b, "talk") as peer:
        peer.expect_line(b"connect\n")
        with peer.connect() as c:
            for part in (b"he", b"llo"):
                c.sendall(part)
                time.sleep(0.05)
            assert c.recv(5, socket.MSG_WAITALL) == b"HELLO"


@test
def sock_nonblocking(b):
    with Peer(b, "nonblocking") as peer:
        peer.expect_line(b"connect\n")
        with peer.connect() as c:
            assert c.recv(2, socket.MSG_WAITALL) == b"go"
            time.sleep(0.05)
            c.sendall(b"done")
            assert c.recv(10) == b""


@test
def sock_gone(b):
    with Peer(b, "gone") as peer:
        peer.expect_line(b"connect\n")
        c = peer.connect()
        time.sleep(0.05)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()
        peer.connect().close()
        peer.expect_line(b"alive\n")


# -- All of them -----------------------------------------------------------------------------------


def find_guest_tests():
    """The TESTs of the guests, before those of this file."""
    own = TESTS[:]
    TESTS.clear()
    for path in sorted(glob.glob(os.path.join(HERE, "guest", "*.c"))):
        guest = os.path.basename(path)[:-2]
        with open(path, encoding="utf-8") as file:
            names = re.findall(r"^TEST\((\w+)\)", file.read(), re.M)
        for name in names:
            if guest != WITH_A_PEER:
                guest_test(guest, name)
    TESTS.extend(own)


def main():
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    find_guest_tests()
    words = [word for word in sys.argv[2:] if word != "--artifacts"]
    b = Bench(sys.argv[1], artifacts=len(words) < len(sys.argv) - 2)
    try:
        return run_tests(b, words)
    finally:
        shutil.rmtree(b.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
