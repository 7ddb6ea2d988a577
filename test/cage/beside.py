# SPDX-License-Identifier: Apache-2.0
"""One more process in a container: exec."""

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import time

from around import read_until, window
from box import TIME_LIMIT, children, eventually, is_zombie, read, write
from life import made, reap, up
from tap import test


def facts(pid):
    """What the kernel says of a process, but what is only its own."""
    found = {}
    for line in read("/proc/%d/status" % pid).split("\n"):
        key, _, value = line.partition(":")
        if key in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
                   "Seccomp_filters", "Umask", "Cpus_allowed"):
            found[key] = " ".join(value.split())
    for kind in os.listdir("/proc/%d/ns" % pid):
        found["ns " + kind] = os.readlink("/proc/%d/ns/%s" % (pid, kind))
    found["cgroup"] = read("/proc/%d/cgroup" % pid)
    found["limits"] = " ".join(read("/proc/%d/limits" % pid).split())
    found["oom"] = read("/proc/%d/oom_score_adj" % pid)
    root = os.stat("/proc/%d/root" % pid)
    found["root"] = (root.st_dev, root.st_ino)
    found["mounts"] = read("/proc/%d/mountinfo" % pid)
    found["personality"] = read("/proc/%d/personality" % pid)
    return found


@test
def exec_has_a_code_of_its_own(b):
    with up(b) as c:
        for words, code in ((("exit", "0"), 0), (("exit", "3"), 3), (("exit", "255"), 255)):
            c.exec(*words, code=code)
        r = c.exec("say", "before", ";", "trap", code=134, err=None)
        assert r.out == "before\n" and "trap: unreachable" in r.err and "_start" in r.err, str(r)
        assert c.status == "running"


@test
def exec_has_our_streams(b):
    with up(b) as c:
        r = c.exec("cat", "/dev/stdin", ";", "complain", "to stderr", err=None, input=b"from stdin\n")
        assert (r.out, r.err) == ("from stdin\n", "to stderr\n"), str(r)
        assert c.out == "ready\n" and c.err == ""
        assert c.exec("args", "two words", "", "\u2603").out == "[/kit.wasm]\n[args]\n[two words]\n[]\n[\u2603]\n"


@test
def exec_finds_the_containers_files(b):
    with up(b, "put", "/tmp/by-init", "x", env=["PATH=/bin:/usr/bin"]) as c:
        os.makedirs(os.path.join(c.u.root, "tmp"), exist_ok=True)
        shutil.copy(b.kit, c.u.file("usr/bin/prog"))
        c.u.file("app/file", "in app\n")
        assert c.exec("cwd", module="prog").out == "/\n"
        assert c.exec("cwd", ";", "cat", "file", options=("--cwd", "/app")).out == "/app\nin app\n"
        assert c.exec("cwd", options=("-w", "/app")).out == "/app\n"
        c.exec("cwd", options=("--cwd", "app"), code=1, err="cwd")
        assert c.exec("say", "x", module="/kit.wasm#other", code=3).out == "the other entry\n"


@test
def exec_changes_variables(b):
    with up(b, env=["A=1", "B=2", "AB=3"]) as c:
        words = ("env", "A", ";", "env", "B", ";", "env", "AB", ";", "env", "NEW", ";", "env", "OURS")
        assert c.exec(*words).out == "1\n2\n3\nnone\nnone\n"
        r = c.exec(*words, options=("--env", "A=x=y", "-e", "NEW=", "--env", "B=first", "--env", "B=last", "-e", "OURS"),
                   env={"OURS": "ours"})
        assert r.out == "x=y\nlast\n3\n\nours\n", str(r)
        c.exec("say", "x", options=("--env", "=x"), code=2, err="--env")


@test
def exec_as_a_user(b):
    with up(b) as c:
        for option, uid, gid in (("1234", "1234", "0"), ("1234:2345", "1234", "2345"), ("0:5", "0", "5")):
            p = c.begin_exec("say", "ready", ";", "nap", "600000", options=("--user", option))
            try:
                assert p.stdout.readline() == b"ready\n"
                inner = children(p.pid)[0]
                words = {line.split(":")[0]: line.split()[1:] for line in read("/proc/%d/status" % inner).split("\n")
                         if ":" in line}
                assert words["Uid"] == [uid] * 4 and words["Gid"] == [gid] * 4, (option, words)
            finally:
                p.terminate()
                p.communicate(timeout=TIME_LIMIT)
        for word in ("root", "1:", ":1", "-1", "4294967295", "1:2:3", "", "1.5", "99999999999999999999"):
            c.exec("say", "x", options=("--user", word), code=2, err="--user")


@test
def exec_on_a_terminal(b):
    with up(b) as c:
        master, slave = pty.openpty()
        window(master, (40, 100))
        p = c.begin_exec("tty", ";", "cat", "/dev/tty", ";", "exit", "6", options=("--tty",), stdin=slave,
                         stdout=slave, stderr=slave, start_new_session=True)
        try:
            read_until(master, "1 1 1")
            theirs = os.open("/proc/%d/fd/0" % children(p.pid)[0], os.O_RDWR | os.O_NOCTTY)
            assert window(theirs) == (40, 100)
            os.close(theirs)
            os.write(master, b"typed\n")
            read_until(master, "typed\r\ntyped\r\n")
            os.write(master, b"\x04")
            assert p.wait(TIME_LIMIT) == 6
        finally:
            p.kill()
            p.wait()
            os.close(master)
            os.close(slave)
        assert c.exec("tty").out == "0 0 0\n", "without the option there is none"


@test
def exec_with_a_console_socket(b):
    with up(b) as c, socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(b.folder, "console")
        listener.bind(path)
        listener.listen()
        try:
            c.exec("say", "x", options=("--console-socket", path), code=1, err="--console-socket")
            c.exec("say", "x", options=("--tty", "--detach"), code=1, err="--console-socket")
            c.exec("say", "x", options=("--tty", "--console-socket", path + "x"), code=1, err="No such file")
            for options, code in (((), 5), (("--detach",), 0)):
                p = c.begin_exec("tty", ";", "exit", "5", options=("--tty", "--console-socket", path) + options)
                listener.settimeout(TIME_LIMIT)
                connection, _ = listener.accept()
                with connection:
                    _, fds, _, _ = socket.recv_fds(connection, 100, 4)
                read_until(fds[0], "1 1 1")
                os.close(fds[0])
                out, err = p.communicate(timeout=TIME_LIMIT)
                assert (p.returncode, out, err) == (code, b"", b""), (options, p.returncode, out, err)
        finally:
            os.remove(path)


@test
def exec_by_a_process_file(b):
    """It replaces all: what it does not say is not inherited. The container's filter stays."""
    with made(b, "say", "ready", ";", "nap", "600000") as c:
        c.u.process.update(env=["A=1"], rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 100}])
        c.create()
        c.do("start")
        c.wait_out("ready")
        path = os.path.join(c.u.folder, "process.json")
        process = {"args": ["/kit.wasm", "env", "A", ";", "cwd", ";", "say", "ready", ";", "nap", "600000"],
                   "cwd": "/dev", "user": {"uid": 7, "gid": 8, "additionalGids": [9], "umask": 63},
                   "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60}], "noNewPrivileges": True,
                   "capabilities": {"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]}}
        write(path, json.dumps(process))
        # pylint: disable-next=consider-using-with
        p = subprocess.Popen([b.skiff, "exec", "--no-cache", "--process", path, c.id], stdout=subprocess.PIPE)
        try:
            assert [p.stdout.readline() for _ in range(3)] == [b"none\n", b"/dev\n", b"ready\n"]
            inner = children(p.pid)[0]
            words = facts(inner)
            assert (words["Uid"], words["Gid"], words["Groups"]) == ("7 7 7 7", "8 8 8 8", "9"), words
            assert words["Umask"] == "0077" and "50 60" in words["limits"], words
            for field in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
                assert int(words[field], 16) == int(facts(c.pid)[field], 16) == 0, "a guest has none at all"
            assert words["Seccomp"] == facts(c.pid)["Seccomp"] and words["NoNewPrivs"] == "1"
            assert words["Seccomp_filters"] == facts(c.pid)["Seccomp_filters"]
        finally:
            p.terminate()
            p.communicate(timeout=TIME_LIMIT)
        for text, word in (("{", path), ("[]", path), ('{"args":[],"cwd":"/"}', "args"),
                           ('{"args":["/kit.wasm"],"cwd":"x"}', "cwd"), ('{"args":["/kit.wasm"]}', "cwd")):
            write(path, text)
            r = c.do("exec", code=1, err=word, options=("--no-cache", "--process", path))
            assert r.out == "", str(r)
        c.do("exec", code=1, err="No such file", options=("--process", path + "x"))
        c.do("exec", "/kit.wasm", code=2, err="there is no MODULE", options=("--process", path))
        c.do("exec", code=2, err="MODULE")


@test
def exec_is_caged_as_the_first_one(b):
    for change in (lambda u: None, lambda u: u.namespace("pid"), lambda u: u.namespace("network"),
                   lambda u: u.linux["namespaces"].append({"type": "cgroup"})):
        with made(b, "say", "ready", ";", "nap", "600000") as c:
            c.u.process.update(user={"uid": 1234, "gid": 2345, "additionalGids": [77]}, oomScoreAdj=321,
                               rlimits=[{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}])
            c.u.linux["resources"] = {"memory": {"limit": 64 << 20}}
            c.u.mount("/data", "volume")
            c.u.outside("volume/file", "x")
            change(c.u)
            c.create()
            c.do("start")
            c.wait_out("ready")
            p = c.begin_exec("say", "ready", ";", "nap", "600000")
            try:
                assert p.stdout.readline() == b"ready\n"
                theirs, ours = facts(children(p.pid)[0]), facts(c.pid)
                differ = {key: (ours[key], theirs.get(key)) for key in ours if ours[key] != theirs.get(key)}
                assert not differ, differ
                fds = {name: os.readlink("/proc/%d/fd/%s" % (children(p.pid)[0], name))
                       for name in os.listdir("/proc/%d/fd" % children(p.pid)[0])}
                others = [link for name, link in fds.items() if int(name) > 2]
                assert all(link == "/" or link.startswith("anon_inode:[eventfd") for link in others), fds
            finally:
                p.terminate()
                p.communicate(timeout=TIME_LIMIT)


@test
def exec_that_is_detached(b):
    with up(b) as c:
        path = os.path.join(c.u.folder, "pid")
        with open(os.path.join(c.u.folder, "exec-out"), "wb") as out:
            done = subprocess.run([b.skiff, "exec", "--no-cache", "-d", "--pid-file", path, c.id, "/kit.wasm", "say",
                                   "detached", ";", "exit", "9"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                  timeout=TIME_LIMIT, check=False)
        assert done.returncode == 0, read(out.name)
        pid = int(read(path))
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 9, status
        assert read(os.path.join(c.u.folder, "exec-out")) == "detached\n"
        p = c.begin_exec("say", "ready", ";", "nap", "600000", options=("--pid-file", path))
        assert p.stdout.readline() == b"ready\n"
        eventually("the file", lambda: int(read(path)) == children(p.pid)[0])
        p.terminate()
        p.communicate(timeout=TIME_LIMIT)


@test
def exec_several_at_once(b):
    with up(b) as c:
        started = [(c.begin_exec("nap", "20", ";", "say", "number %d" % n, ";", "exit", str(n)), n) for n in range(12)]
        for p, number in started:
            out, err = p.communicate(timeout=TIME_LIMIT)
            assert (p.returncode, out, err) == (number, b"number %d\n" % number, b""), (number, p.returncode, err)


@test
def exec_at_every_status(b):
    with made(b, "say", "ready", ";", "nap", "600000") as c:
        c.exec("say", "x", code=1, err="there is no container")
        c.create()
        assert c.exec("say", "before the first one").out == "before the first one\n"
        assert c.status == "created" and c.out == ""
        c.do("start")
        c.wait_out("ready")
        c.exec("say", "x")
        c.do("pause")
        c.exec("say", "x", code=1, err="is paused, and nothing can be run in it")
        c.do("resume")
        c.kill()
        c.exec("say", "x", code=1, err="is stopped, and nothing can be run in it")


@test
def exec_of_what_is_no_module(b):
    with up(b, env=["PATH=/bin"]) as c:
        c.u.file("bin/sh", b"\x7fELF\2\1\1" + bytes(100))
        os.chmod(os.path.join(c.u.root, "bin/sh"), 0o755)
        c.u.file("bin/script", "#!/bin/sh\n")
        c.u.file("bin/empty", "")
        os.makedirs(os.path.join(c.u.root, "bin/folder"))
        for module, code in (("/nowhere", 127), ("nowhere", 127), ("/bin/sh/x", 127), ("/bin/sh", 126), ("sh", 126),
                             ("script", 126), ("/bin/empty", 126), ("/bin/folder", 126)):
            r = c.exec("-c", "ls", module=module, code=code, err="WebAssembly container")
            assert r.out == "" and module.rsplit("/", 1)[1 if "/" in module else 0] in r.err, str(r)
        assert c.status == "running"


def has_pidfds():
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


@test
def exec_ends_with_the_first_one(b):
    """With a pid namespace by the kernel; without one whoever looks after it ends it, or else delete does."""
    for own in (True, False) if has_pidfds() else (True,):
        with made(b, "say", "ready", ";", "nap", "600000") as c:
            if not own:
                c.u.namespace("pid")
            c.create()
            c.do("start")
            c.wait_out("ready")
            path = os.path.join(c.u.folder, "pid")
            c.begin_exec("nap", "600000", options=("--detach", "--pid-file", path), stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL).wait(TIME_LIMIT)
            detached = int(read(path))
            p = c.begin_exec("say", "ready", ";", "nap", "600000")
            assert p.stdout.readline() == b"ready\n"
            inner = children(p.pid)[0]
            os.kill(c.pid, signal.SIGKILL)
            p.communicate(timeout=TIME_LIMIT)
            assert p.returncode == 137 and not os.path.exists("/proc/%d" % inner), (own, p.returncode)
            if own:
                eventually("the detached one's end", lambda: is_zombie(detached))
            c.code() if not own else reap()
            eventually("stopped", lambda: c.status == "stopped")
            c.do("delete")
            eventually("the detached one's end", lambda: is_zombie(detached))
            reap()


@test
def exec_while_the_first_one_ends(b):
    """A guest runs, or a sentence says why not; nothing stays."""
    for step in range(25):
        with up(b) as c:
            p = c.begin_exec("nap", "5000", ";", "exit", "7")
            time.sleep(step * 0.0003)
            os.kill(c.pid, signal.SIGKILL)
            _, err = p.communicate(timeout=TIME_LIMIT)
            assert p.returncode == 137 or (p.returncode == 1 and err.count(b"\n") == 1), (step, p.returncode, err)
            reap()
            eventually("stopped", lambda: c.status == "stopped")
            c.do("delete")


@test
def exec_passes_signals_on(b):
    with up(b) as c:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            p = c.begin_exec("say", "ready", ";", "nap", "600000")
            assert p.stdout.readline() == b"ready\n"
            p.send_signal(number)
            out, err = p.communicate(timeout=TIME_LIMIT)
            assert (p.returncode, out, err) == (128 + number, b"", b""), (number, p.returncode, out, err)
        assert c.status == "running"


@test
def exec_that_is_killed(b):
    """What it ran goes on, and ends with the container."""
    with up(b) as c:
        p = c.begin_exec("say", "ready", ";", "nap", "600000")
        assert p.stdout.readline() == b"ready\n"
        inner = children(p.pid)[0]
        p.kill()
        p.wait(TIME_LIMIT)
        p.stdin.close()
        p.stdout.close()
        p.stderr.close()
        assert not is_zombie(inner)
        c.do("kill", "KILL")
        eventually("its end", lambda: is_zombie(inner))
        reap()
        eventually("stopped", lambda: c.status == "stopped")
        c.do("delete")


@test
def exec_is_limited_as_the_node_says(b):
    node = write(os.path.join(b.folder, "exec.toml"), "[limits]\nfuel = 1000\n")
    with up(b) as c:
        r = c.exec("say", "much", code=123, err=None, env=dict(os.environ, SKIFF_CONFIG=node))
        assert "fuel" in r.err, str(r)
        assert c.exec("say", "much").out == "much\n"
        write(node, "[limits]\ntime = \"200ms\"\n")
        r = c.exec("nap", "600000", code=124, err=None, env=dict(os.environ, SKIFF_CONFIG=node))
        assert "time" in r.err, str(r)


@test
def detached_without_a_pid_namespace(b):
    """Nobody looks after it: it ends at the latest when the container is deleted."""
    with made(b, "nap", "600000") as c:
        c.u.namespace("pid")
        c.create()
        c.do("start")
        place = os.path.join(c.u.folder, "pid")
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        with c.begin_exec("nap", "600000", options=("--detach", "--pid-file", place), **streams) as begun:
            assert begun.wait(TIME_LIMIT) == 0
        pid = int(read(place))
        c.kill()
        assert c.status == "stopped" and not is_zombie(pid)
        c.do("delete")
        eventually("its end", lambda: not os.path.exists("/proc/%d" % pid) or is_zombie(pid))


@test
def few_open_files(b):
    with up(b) as c:
        command = [b.skiff, "exec", "--no-cache", c.id, "/kit.wasm", "say", "few"]
        for most, code, out, words in ((81, 0, b"few\n", b""), (80, 1, b"", b"a limit of 81 open files")):
            done = subprocess.run(["sh", "-c", 'ulimit -n %d; exec "$@"' % most, "sh"] + command,
                                  capture_output=True, timeout=TIME_LIMIT, check=False)
            assert done.returncode == code and done.stdout == out and words in done.stderr, done
