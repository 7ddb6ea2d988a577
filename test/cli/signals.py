# SPDX-License-Identifier: Apache-2.0
"""Signals, sent to a running skiff."""

import os
import shutil
import signal
import socket
import subprocess
import time

from bench import TIME_LIMIT, Skip, test, test_of_time, wait_taken
from wasi import guest

ENDING = ["HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "USR1", "SEGV", "USR2", "ALRM", "TERM",
          "STKFLT", "XCPU", "VTALRM", "PROF", "IO", "PWR", "SYS"]
HARMLESS = ["CHLD", "URG", "WINCH", "CONT", "PIPE", "XFSZ"]


class Running:
    """skiff run ARGS, from when its guest has said "up"."""

    def __init__(self, b, *args, says_up=True, **more):
        more.setdefault("stdin", subprocess.PIPE)
        program = more.pop("program", [b.skiff])
        self.process = subprocess.Popen(program + ["run"] + [str(a) for a in args], cwd=b.folder,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        if says_up:
            line = self.process.stdout.readline()
            assert line == b"up\n", (line, self.process.stderr.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def send(self, number):
        self.process.send_signal(number)

    def code(self):
        code = self.process.wait(TIME_LIMIT)
        err = self.process.stderr.read()
        assert err == b"", err
        return code


def number_of(name):
    return {"STKFLT": 16, "IO": 29, "PWR": 30}.get(name) or getattr(signal, "SIG" + name)


def ending(b):
    """A sanitizer keeps the signals of faults for itself."""
    with open(b.skiff, "rb") as file:
        sanitized = b"AddressSanitizer" in file.read()
    return [name for name in ENDING if not (sanitized and name in ("BUS", "FPE", "SEGV"))]


@test
def signals_that_end(b):
    for name in ending(b):
        with Running(b, guest(b, "SPINS")) as running:
            running.send(number_of(name))
            assert running.code() == 128 + number_of(name), name


@test
def signals_end_a_guest_that_waits(b):
    for title in ("WAITS", "SLEEPS"):
        for name in ("TERM", "INT", "USR1"):
            with Running(b, guest(b, title)) as running:
                time.sleep(0.05)
                running.send(number_of(name))
                assert running.code() == 128 + number_of(name), (title, name)


@test_of_time
def signals_while_the_module_is_read(b, scale):
    with Running(b, "-", says_up=False) as running:
        time.sleep(0.2 * scale)
        running.send(signal.SIGTERM)
        assert running.code() == 143


@test
def signals_that_do_not_end(b):
    with Running(b, guest(b, "SLEEPS")) as running:
        for name in HARMLESS:
            running.send(number_of(name))
        assert running.code() == 7


@test
def signals_ignored_stay_ignored(b):
    def ignore():
        for name in ("HUP", "ALRM", "TERM"):
            signal.signal(number_of(name), signal.SIG_IGN)

    with Running(b, guest(b, "SLEEPS"), preexec_fn=ignore) as running:
        for name in ("HUP", "ALRM", "TERM"):
            running.send(number_of(name))
        assert running.code() == 7
    # A timer of ours comes through all the same.
    r = b.expect(["run", "--time-limit", "200", guest(b, "SPINS")], 124, "up\n", "time-limit", preexec_fn=ignore)
    assert "ran out" in r.err
    with Running(b, "--time-limit", "60000", guest(b, "SLEEPS"), preexec_fn=ignore) as running:
        running.send(signal.SIGALRM)
        assert running.code() == 7

    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])

    b.expect(["run", "--time-limit", "200", guest(b, "SPINS")], 124, "up\n", "time-limit", preexec_fn=block)


@test
def signals_alarm_beside_a_time_limit(b):
    with Running(b, "--time-limit", "60000", guest(b, "SPINS")) as running:
        running.send(signal.SIGALRM)
        assert running.code() == 142


@test_of_time
def signals_stop_and_continue(b, scale):
    for pause in (0.2, 1.0):
        begin = time.monotonic()
        with Running(b, guest(b, "SLEEPS")) as running:
            running.send(signal.SIGSTOP)
            time.sleep(pause)
            running.send(signal.SIGCONT)
            assert running.code() == 7
            took = time.monotonic() - begin
            assert max(0.74, pause) < took < 0.75 + pause + 0.6 * scale, (pause, took)


@test
def signals_leave_no_empty_core_dump(b):
    dump = b.path("dump-of-signal")
    with Running(b, "--coredump", dump, guest(b, "SPINS")) as running:
        assert os.path.exists(dump)
        running.send(signal.SIGTERM)
        assert running.code() == 143
    assert not os.path.exists(dump)


@test
def signals_of_the_kernel(b):
    def little():
        import resource  # pylint: disable=import-outside-toplevel
        resource.setrlimit(resource.RLIMIT_CPU, (1, 2))

    r = b.run("run", guest(b, "SPINS"), preexec_fn=little)
    assert r.code == 128 + signal.SIGXCPU, r


# -- Process 1 ------------------------------------------------------------------------------------------


def first_process(b, *args):
    """Running as process 1 of its own namespace, and its number here."""
    if shutil.which("unshare") is None:
        raise Skip("unshare is missing")
    probe = subprocess.run(["unshare", "-pf", "--mount-proc", "true"], stderr=subprocess.DEVNULL, check=False)
    if probe.returncode != 0:
        raise Skip("no new process namespace may be made here")
    running = Running(b, *args, program=["unshare", "-pf", "--kill-child", "--mount-proc", b.skiff], says_up=False)
    return running


def child_of(pid):
    for _ in range(100 * TIME_LIMIT):
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            children = file.read().split()
        if children:
            return int(children[0])
        time.sleep(0.01)
    raise AssertionError("no child of %d" % pid)


@test
def signals_for_process_1(b):
    numbers = [number_of(name) for name in ending(b)] + [signal.SIGRTMIN + 1, 50, signal.SIGRTMAX]
    for number in numbers:
        with first_process(b, guest(b, "SPINS")) as running:
            pid = child_of(running.process.pid)
            assert running.process.stdout.readline() == b"up\n"
            os.kill(pid, number)
            assert running.code() == 128 + number, number


@test_of_time
def signals_for_process_1_that_reads_its_module(b, scale):
    with first_process(b, "-") as running:
        pid = child_of(running.process.pid)
        time.sleep(0.2 * scale)
        os.kill(pid, signal.SIGTERM)
        assert running.code() == 143


@test
def signals_for_process_1_that_do_not_end(b):
    with first_process(b, guest(b, "SLEEPS")) as running:
        pid = child_of(running.process.pid)
        assert running.process.stdout.readline() == b"up\n"
        for name in HARMLESS:
            os.kill(pid, number_of(name))
        assert running.code() == 7


# -- Servers --------------------------------------------------------------------------------------------


class Server(Running):
    """A guest that serves on a port of its own."""

    def __init__(self, b, *options):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            fd = listener.fileno()
            super().__init__(b, *options, "--listen-fd", fd, guest(b, "SERVES"), pass_fds=[fd])

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port), timeout=TIME_LIMIT)
        wait_taken(self.port)
        time.sleep(0.1)  # and known to have been
        return client


def ask(client):
    client.sendall(b"x")
    return client.recv(16)


@test_of_time
def grace_of_an_idle_server(b, scale):
    begin = time.monotonic()
    with Server(b) as server:
        with server.connect() as client:
            assert ask(client) == b"ok"
        time.sleep(0.1)
        server.send(signal.SIGTERM)
        assert server.code() == 143
    assert time.monotonic() - begin < 3 * scale


@test
def grace_of_a_server_at_work(b):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        with Server(b) as server, server.connect() as client:
            server.send(number)
            time.sleep(0.2)
            assert server.process.poll() is None, "what is in flight may finish"
            late = socket.socket()
            late.settimeout(0.4)
            try:
                late.connect(("127.0.0.1", server.port))
                late.sendall(b"x")
                assert late.recv(1) == b"", "no new connection"
            except OSError:
                pass
            late.close()
            assert ask(client) == b"ok"
            assert client.recv(1) == b""
            assert server.code() == 128 + number


@test_of_time
def grace_ends(b, scale):
    for option, least, most in (("300ms", 0.29, 2), ("1", 0.99, 3), ("1s", 0.99, 3)):
        with Server(b, "--grace", option) as server, server.connect():
            begin = time.monotonic()
            server.send(signal.SIGTERM)
            assert server.code() == 143
            assert least < time.monotonic() - begin < most * scale, option


@test_of_time
def grace_of_a_guest_that_ignores_it(b, scale):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.fileno()
        with Running(b, "--grace", "300ms", "--listen-fd", fd, guest(b, "SPINS"), pass_fds=[fd]) as running:
            begin = time.monotonic()
            running.send(signal.SIGHUP)
            assert running.code() == 129
            assert time.monotonic() - begin < 2 * scale


@test_of_time
def grace_and_a_second_signal(b, scale):
    with Server(b) as server, server.connect():
        begin = time.monotonic()
        server.send(signal.SIGTERM)
        time.sleep(0.2 * scale)
        assert server.process.poll() is None
        server.send(signal.SIGINT)
        assert server.code() == 130
        assert time.monotonic() - begin < 3 * scale


@test
def grace_with_alarms_ignored(b):
    def ignore():
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.fileno()
        with Running(b, "--grace", "300ms", "--listen-fd", fd, guest(b, "SPINS"), pass_fds=[fd],
                     preexec_fn=ignore) as running:
            running.send(signal.SIGTERM)
            assert running.code() == 143


@test_of_time
def grace_of_nothing(b, scale):
    with Server(b, "--grace", "0") as server, server.connect():
        begin = time.monotonic()
        server.send(signal.SIGTERM)
        assert server.code() == 143
        assert time.monotonic() - begin < 1 * scale


@test
def grace_malformed(b):
    for wrong in ("", "x", "-1", "10x", "1.5", "s", "99999999999999999999", "18446744073709551615h"):
        b.sentence(["run", "--grace", wrong, "empty.wasm"], 2, "'--grace': '%s' is not a time" % wrong)
    for right in ("0", "10", "500ms", "10s", "2m", "1h", "0ms"):
        b.expect(["run", "--grace", right, "empty.wasm"])
