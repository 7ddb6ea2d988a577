# SPDX-License-Identifier: Apache-2.0
"""What stands around a container: its terminal, programs that hook into its life, control groups."""

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time

from box import HERE, TIME_LIMIT, eventually, is_zombie, need, need_controller, read, ready, running, write
from tap import test


# -- The terminal ----------------------------------------------------------------------------------


def read_until(fd, words, seconds=TIME_LIMIT):
    """All that comes until `words` is in it; None: until nobody has the other end."""
    text, end = b"", time.monotonic() + seconds
    while words is None or words.encode() not in text:
        assert time.monotonic() < end, "waited for %r: %r" % (words, text)
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            more = os.read(fd, 4096)
        except OSError:
            more = b""
        if not more:
            assert words is None, "it ended before %r: %r" % (words, text)
            break
        text += more
    return text.decode()


def window(fd, size=None):
    if size is not None:
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[0], size[1], 0, 0))
    return struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))[:2]


@contextlib.contextmanager
def on_terminal(u, *options):
    """skiff on a terminal of ours: (Running, our end)."""
    u.process["terminal"] = True
    master, slave = pty.openpty()
    window(master, (40, 100))
    try:
        with running(u, *options, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as r:
            r.process.stdout = None
            yield r, master, slave
    finally:
        os.close(master)
        os.close(slave)


@test
def terminal_in_the_foreground(b):
    with b.bundle("tty", ";", "cat", "/dev/tty") as u, on_terminal(u) as (r, master, slave):
        before = termios.tcgetattr(slave)
        assert "1 1 1" in read_until(master, "1 1 1")
        eventually("raw", lambda: not termios.tcgetattr(slave)[3] & termios.ICANON)
        assert not termios.tcgetattr(slave)[3] & (termios.ECHO | termios.ISIG)
        os.write(master, b"typed\n")
        read_until(master, "typed\r\ntyped\r\n")  # echoed, then by cat
        os.write(master, b"\x04")
        assert r.process.wait(TIME_LIMIT) == 0
        assert termios.tcgetattr(slave) == before, "as it was"


@test
def terminal_size_is_handed_on(b):
    with b.bundle() as u:
        u.process["args"] += ["say", "ready", ";", "nap", "600000"]
        with on_terminal(u) as (r, master, _):
            read_until(master, "ready")
            theirs = os.open("/proc/%d/fd/0" % r.pid, os.O_RDWR | os.O_NOCTTY)
            try:
                assert window(theirs) == (40, 100)
                window(master, (33, 77))
                os.kill(r.process.pid, signal.SIGWINCH)
                eventually("the new size", lambda: window(theirs) == (33, 77))
            finally:
                os.close(theirs)


@test
def terminal_has_job_control(b):
    """Control-C ends the container, not us first: it is its terminal."""
    with b.bundle() as u:
        u.process["args"] += ["say", "ready", ";", "nap", "600000"]
        with on_terminal(u) as (r, master, _):
            read_until(master, "ready")
            os.write(master, b"\x03")
            assert r.process.wait(TIME_LIMIT) == 130


@test
def terminal_output_is_all_there(b):
    with b.bundle() as u:
        u.file("big", "line of text\n" * 20000)
        u.process.update(args=["/kit.wasm", "cat", "/big", ";", "say", "the end"], terminal=True)
        r = u.run()
        assert r.code == 0 and r.out == "line of text\r\n" * 20000 + "the end\r\n", str(r)[-300:]


@test
def terminal_of_pipes(b):
    """Without a terminal of ours: the end of standard input is Control-D."""
    with b.bundle("cat", "/dev/stdin", ";", "tty") as u:
        u.process.update(terminal=True, consoleSize={"height": 12, "width": 34})
        r = u.run(input=b"hello\n")
        assert r.code == 0 and r.out == "hello\r\nhello\r\n1 1 1\r\n", str(r)


@test
def terminal_that_nobody_reads(b):
    """The guest reads nothing, much is typed: it ends all the same."""
    with b.bundle("nap", "300") as u:
        u.process["terminal"] = True
        assert u.run(input=b"x" * 200000).code == 0


@test
def console_socket(b):
    with b.bundle("tty", ";", "cat", "/dev/stdin") as u, socket.socket(socket.AF_UNIX) as listener:
        u.process.update(terminal=True, consoleSize={"height": 12, "width": 34}, user={"uid": 1234, "gid": 1234})
        path = os.path.join(b.folder, "console")
        listener.bind(path)
        listener.listen()
        with running(u, "--console-socket", path) as r:
            listener.settimeout(TIME_LIMIT)
            connection, _ = listener.accept()
            with connection:
                name, fds, _, _ = socket.recv_fds(connection, 100, 4)
            assert name and len(fds) == 1, (name, fds)
            try:
                read_until(fds[0], "1 1 1")
                assert window(fds[0]) == (12, 34)
                assert os.fstat(os.open("/proc/%d/fd/0" % r.pid, os.O_RDONLY | os.O_NOCTTY)).st_uid == 1234
                os.write(fds[0], b"hello\n\x04")
                read_until(fds[0], "hello\r\nhello")
                result = r.end()
                assert (result.code, result.out, result.err) == (0, "", ""), str(result)
            finally:
                os.close(fds[0])
        os.remove(path)


@test
def console_socket_that_is_missing(b):
    with b.bundle("say", "ran") as u:
        u.options = ["--console-socket", u.folder + "/nowhere"]
        u.refused("process.terminal")
        u.process["terminal"] = True
        u.refused("--console-socket: '%s/nowhere': No such file" % u.folder)


@test
def pid_file(b):
    with b.bundle() as u:
        path = os.path.join(u.folder, "pid")
        with ready(u, "--pid-file", path) as r:
            assert read(path) == str(r.pid)
            assert not os.path.exists(path + ".new")
        u.options = ["--pid-file", u.folder + "/no/where"]
        u.refused("--pid-file", "No such file")


# -- Hooks -----------------------------------------------------------------------------------------


def hook(u, kind, script, **more):
    """A shell script of the host."""
    rows = u.config.setdefault("hooks", {}).setdefault(kind, [])
    path = write(os.path.join(u.folder, "%s-%d.sh" % (kind, len(rows))), "#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    rows.append(dict({"path": path}, **more))
    return path


@test
def hooks_run_in_order(b):
    with b.bundle("say", "guest") as u:
        log = os.path.join(u.folder, "log")
        u.config["annotations"] = {"a.b": "c \"d\""}
        for kind in ("poststop", "poststart", "createContainer", "createRuntime", "prestart"):
            for _ in range(2):
                hook(u, kind, 'echo "$0 $1 $SET $(/bin/cat)" >> %s; echo to stdout; sleep 0.02\n' % log,
                     args=["hook", kind], env=["SET=yes"])
        r = u.run()
        # poststart runs beside the guest
        assert r.code == 0 and r.out == "guest\n", str(r)
        assert r.err == "to stdout\n" * 10, str(r)
        lines = read(log).strip().split("\n")
        states = [json.loads(line.split("yes ", 1)[1]) for line in lines]
        order = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
        for number, (line, state) in enumerate(zip(lines, states)):
            kind = order[number // 2]
            assert line.split()[1] == kind, lines
            assert state["id"] == u.id and state["bundle"] == os.path.realpath(u.folder), state
            assert state["annotations"] == u.config["annotations"] and state["ociVersion"].startswith("1."), state
            assert state["status"] == {"poststart": "running", "poststop": "stopped"}.get(kind, "creating"), state
            assert ("pid" in state) == (kind != "poststop"), state
        assert len({state["pid"] for state in states[:4] + states[6:8]}) == 1, states


@test
def hooks_find_the_namespaces(b):
    """createRuntime from outside by the pid it is told, createContainer from inside."""
    with b.bundle("say", "guest") as u:
        log = os.path.join(u.folder, "log")
        u.config["hostname"] = "caged"
        hook(u, "createRuntime", 'pid=$(sed "s/.*pid.:\\([0-9]*\\).*/\\1/"); readlink /proc/$pid/ns/net >> %s; '
             'readlink /proc/self/ns/net >> %s\n' % (log, log), env=["PATH=/bin:/usr/bin"])
        hook(u, "createContainer", 'readlink /proc/self/ns/net >> %s; uname -n >> %s; mount -t tmpfs none %s/rootfs\n' %
             (log, log, u.folder), env=["PATH=/bin:/usr/bin:/sbin"])
        u.expect("guest\n")
        there, here, again, name = read(log).strip().split("\n")
        assert there == again and here == os.readlink("/proc/self/ns/net") and there != here, (there, here, again)
        assert name == "caged"


@test
def hooks_in_the_container(b):
    """startContainer: a program of the root's, as the container's user, with its capabilities."""
    with b.bundle("cat", "/tmp/out") as u:
        os.makedirs(os.path.join(u.root, "tmp"))
        os.chmod(os.path.join(u.root, "tmp"), 0o777)
        u.process["user"] = {"uid": 1234, "gid": 1234}
        source = write(os.path.join(u.folder, "hook.c"), """#include <stdio.h>
#include <unistd.h>
int main(int count, char **args) { FILE *f = fopen("/tmp/out", "w"); char text[999] = ""; fread(text, 1, 998, stdin);
fprintf(f, "%d %s %d %d %d\\n", (int)getuid(), args[1], count, (int)getpid(), text[0] == '{');
return fclose(f); }""")
        subprocess.run([need("clang-19"), "-static", "-o", u.file("bin/hook"), source], check=True)
        os.chmod(os.path.join(u.root, "bin/hook"), 0o755)
        u.config["hooks"] = {"startContainer": [{"path": "/bin/hook", "args": ["hook", "word"]}]}
        u.expect("1234 word 2 2 1\n")


@test
def hooks_in_the_container_can_be_stopped(b):
    """Whoever runs it waits for them, and hears signals meanwhile."""
    with b.bundle("say", "guest") as u:
        os.makedirs(os.path.join(u.root, "tmp"))
        source = write(os.path.join(u.folder, "hook.c"), """#include <fcntl.h>
#include <unistd.h>
int main(void) { close(creat("/tmp/here", 0600)); return (int)sleep(1000); }""")
        subprocess.run([need("clang-19"), "-static", "-o", u.file("bin/hook"), source], check=True)
        os.chmod(os.path.join(u.root, "bin/hook"), 0o755)
        u.config["hooks"] = {"startContainer": [{"path": "/bin/hook"}]}
        with running(u) as r:
            eventually("the hook", lambda: os.path.exists(os.path.join(u.root, "tmp/here")))
            end = r.end(signal.SIGTERM)
            assert end.code == 128 + signal.SIGTERM and "stopped before the guest began" in end.err, str(end)


@test
def hooks_that_fail(b):
    for kind, script, more, words in (
            ("prestart", "exit 3", {}, "exit code 3"), ("createRuntime", "kill -9 $$", {}, "ended by signal 9"),
            ("createContainer", "exit 4", {}, "exit code 4"), ("createRuntime", None, {}, "No such file"),
            ("createContainer", None, {}, "No such file"), ("startContainer", None, {}, "No such file"),
            ("prestart", "sleep 30", {"timeout": 1}, "did not end within 1 s")):
        with b.bundle("say", "guest") as u:
            stopped = os.path.join(u.folder, "stopped")
            path = hook(u, kind, script or "", **more)
            hook(u, "poststop", "touch %s\n" % stopped, env=["PATH=/bin:/usr/bin"])
            if script is None:
                os.remove(path)
            u.refused("%s hook '%s'" % (kind, path), words)
            assert os.path.exists(stopped), kind


@test
def hooks_whose_failure_is_a_warning(b):
    for kind in ("poststart", "poststop"):
        with b.bundle("say", "guest") as u:
            hook(u, kind, "exit 1\n")
            r = u.expect("guest\n", err="warning: %s hook" % kind)
            assert r.err.count("\n") == 1, str(r)


@test
def hooks_have_clean_descriptors_and_signals(b):
    with b.bundle("say", "guest") as u:
        log = os.path.join(u.folder, "log")
        for kind in ("prestart", "createContainer", "poststop"):
            hook(u, kind, 'ls /proc/self/fd | tr "\\n" " " >> %s; grep -E "SigBlk|SigIgn" /proc/self/status >> %s\n' %
                 (log, log), env=["PATH=/bin:/usr/bin"])
        u.expect("guest\n")
        for line in read(log).strip().split("\n"):
            if line.startswith("Sig") or "Sig" in line:
                assert int(line.split()[-1], 16) == 0, read(log)
            # 3 is of ls itself
            assert all(int(word) <= 3 for word in line.split("Sig")[0].split() if word.isdigit()), read(log)


# -- Control groups --------------------------------------------------------------------------------


def group_file(u, *names):
    """The content of the first such file of the container's control groups."""
    for folder in u.cgroups():
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                return read(os.path.join(folder, name)).strip()
    raise FileNotFoundError(names[0])


@test
def group_has_the_container(b):
    with b.bundle() as u:
        need_controller(u, "memory")
        u.linux["resources"] = {"memory": {"limit": 64 << 20}, "pids": {"limit": 33},
                                "cpu": {"shares": 512, "quota": 50000, "period": 100000}}
        with ready(u) as r:
            groups = u.cgroups()
            assert groups, "a control group"
            for folder in groups:
                inside_it = read(os.path.join(folder, "cgroup.procs")).split()
                assert inside_it == [str(r.pid)], (folder, inside_it)
            assert group_file(u, "memory.limit_in_bytes", "memory.max") == str(64 << 20)
            assert group_file(u, "pids.max") == "33"
            assert group_file(u, "cpu.cfs_quota_us", "cpu.max").split()[0] == "50000"
        eventually("gone", lambda: not u.cgroups())


@test
def process_limit(b):
    """Threads of the engine count: a guest that wants more gets an error, and the node keeps its numbers."""
    with b.bundle() as u:
        need_controller(u, "pids")
        done = subprocess.run(
            [need("clang-19"), "--target=wasm32-unknown-unknown", "-O1", "-nostdlib", "-ffreestanding", "-matomics",
             "-mbulk-memory", "-Wl,--shared-memory,--import-memory,--max-memory=1048576", "-o", u.file("crowd.wasm"),
             os.path.join(HERE, "guest", "crowd.c")], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        u.process["args"] = ["/crowd.wasm"]
        u.expect("", code=20)
        u.linux["resources"]["pids"] = {"limit": 8}
        r = u.run()
        assert 1 <= r.code <= 7, str(r)


@test
def group_by_path(b):
    with b.bundle() as u:
        need_controller(u, "memory")
        u.linux["cgroupsPath"] = "/cage-test-parent-%d/%s" % (os.getpid(), u.id)
        with ready(u):
            assert all("cage-test-parent" in path for path in u.cgroups()) and u.cgroups()
        found = [path for path, _, _ in os.walk("/sys/fs/cgroup") if "cage-test-parent-%d/" % os.getpid() in path + "/"]
        assert not found, found


@test
def group_that_is_in_use(b):
    with b.bundle() as u:
        need_controller(u, "memory")
        with ready(u) as r:
            u.process["args"] = ["/kit.wasm"]
            u.refused("there is a container '%s' already" % u.id)
            name, u.linux["cgroupsPath"], u.id = u.id, u.id, u.id + "-two"
            u.refused("already has processes")
            u.id = name
            assert r.process.poll() is None and not is_zombie(r.pid)
            assert u.cgroups()


@test
def memory_limit(b):
    """A guest beyond its limit is killed: 137, and a sentence that says why."""
    with b.bundle("say", "begin", ";", "grow", "200", ";", "say", "end") as u:
        need_controller(u, "memory")
        u.linux["resources"]["memory"] = {"limit": 32 << 20, "swap": 32 << 20}
        r = u.expect("begin\n", code=137, err="memory")
        assert r.err.count("\n") == 1 and str(32 << 20) in r.err, "one sentence with the limit: %s" % r


@test
def killed_without_a_reason(b):
    """Nobody speaks of memory where a person sent SIGKILL."""
    with b.bundle() as u:
        need_controller(u, "memory")
        u.linux["resources"]["memory"] = {"limit": 64 << 20}
        with ready(u) as r:
            os.kill(r.pid, signal.SIGKILL)
            result = r.end()
            assert (result.code, result.err) == (137, ""), str(result)


@test
def memory_limit_that_is_enough(b):
    with b.bundle("grow", "8", ";", "say", "end") as u:
        need_controller(u, "memory")
        u.linux["resources"]["memory"] = {"limit": 32 << 20}
        u.expect("grew\nend\n")
