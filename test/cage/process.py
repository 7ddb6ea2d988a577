# SPDX-License-Identifier: Apache-2.0
"""What a container's process is told, what it may, and how it ends."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

from box import TIME_LIMIT, children, eventually, inside, need, read, ready, running, status, write
from tap import Skip, test, wait_taken


# -- The process -----------------------------------------------------------------------------------


@test
def arguments(b):
    with b.bundle("args", "two words", "", "\u2603", "a;b") as u:
        u.expect("[/kit.wasm]\n[args]\n[two words]\n[]\n[\u2603]\n[a;b]\n")


@test
def environment(b):
    with b.bundle("env", "A", ";", "env", "EMPTY", ";", "env", "HOME") as u:
        u.process["env"] = ["A=1", "EMPTY=", "A=2"]
        u.expect("2\n\nnone\n", env={"HOME": "/root", "PATH": "/bin"})


@test
def environment_of_4_mib(b):
    with b.bundle("envsize") as u:
        u.process["env"] = ["V%d=%s" % (i, "x" * 65000) for i in range(64)]
        size = sum(len(v) + 1 for v in u.process["env"])
        assert size > 4 << 20 or size > 4_000_000
        u.expect("%d\n" % size)


@test
def working_directory(b):
    with b.bundle("cwd", ";", "cat", "file") as u:
        u.process["cwd"] = "/app"
        u.file("app/file", "in app\n")
        u.expect("/app\nin app\n")


@test
def working_directory_is_made(b):
    with b.bundle("cwd", ";", "put", "file", "x") as u:
        u.process["cwd"] = "/not/there/yet"
        u.expect("/not/there/yet\n")
        assert read(os.path.join(u.root, "not/there/yet/file")) == "x"


@test
def working_directory_through_a_link(b):
    with b.bundle("cat", "file") as u:
        u.process["cwd"] = "/link"
        os.symlink("/real", os.path.join(u.root, "link"))
        u.file("real/file", "real\n")
        u.expect("real\n")


@test
def working_directory_that_is_a_file(b):
    with b.bundle("cwd") as u:
        u.process["cwd"] = "/file"
        u.file("file")
        u.refused("process.cwd", "'/file'", "Not a directory")


@test
def entry_by_name(b):
    with b.bundle() as u:
        u.process["args"] = ["/kit.wasm#other"]
        u.expect("the other entry\n", code=3)


@test
def entry_that_is_missing(b):
    with b.bundle() as u:
        u.process["args"] = ["/kit.wasm#otter"]
        u.refused("otter", "did you mean 'other'")


@test
def path_lookup(b):
    with b.bundle() as u:
        u.process.update(args=["prog", "say", "found"], env=["PATH=/nowhere:/usr/bin:/bin"])
        os.makedirs(os.path.join(u.root, "usr/bin/prog"))  # a directory is no program
        shutil.copy(b.kit, u.file("bin/prog"))
        u.expect("found\n")


@test
def program_that_is_missing(b):
    for args, words in ((["nowhere"], ("nowhere", "PATH")), (["/nowhere"], ("/nowhere", "No such file"))):
        with b.bundle() as u:
            u.process.update(args=args, env=["PATH=/bin"])
            u.refused(*words, code=127)


@test
def user_and_groups(b):
    with b.bundle("put", "/tmp/new", "x", ";", "mkdir", "/tmp/dir", ";", "cat", "/secret", ";", "cat",
                  "/group", ";", "say", "ready", ";", "nap", "600000") as u:
        u.process["user"] = {"uid": 1234, "gid": 2345, "additionalGids": [77, 78]}
        os.makedirs(os.path.join(u.root, "tmp"))
        os.chmod(os.path.join(u.root, "tmp"), 0o1777)
        os.chmod(u.file("secret", "secret\n"), 0o600)
        path = u.file("group", "for the group\n")
        os.chown(path, 0, 78)
        os.chmod(path, 0o640)
        with running(u) as r:
            assert r.line() == "cat /secret: Permission denied"
            assert r.line() == "for the group"
            assert r.line() == "ready"
            assert status(r.pid, "Uid") == ["1234"] * 4, status(r.pid, "Uid")
            assert status(r.pid, "Gid") == ["2345"] * 4
            assert status(r.pid, "Groups") == ["77", "78"]
            for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(status(r.pid, field)[0], 16) == 0, field
            assert status(r.pid, "NoNewPrivs") == ["1"] and status(r.pid, "Seccomp") == ["2"]
        for name, mode in (("tmp/new", 0o644), ("tmp/dir", 0o755)):
            info = os.stat(os.path.join(u.root, name))
            assert (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (1234, 2345, mode), name


@test
def umask(b):
    with b.bundle("put", "/new", "x", ";", "mkdir", "/dir") as u:
        u.process["user"]["umask"] = 0o077
        u.expect("")
        assert stat.S_IMODE(os.stat(os.path.join(u.root, "new")).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.join(u.root, "dir")).st_mode) == 0o700


@test
def host_name(b):
    with b.bundle() as u:
        u.config.update(hostname="caged", domainname="example.org")
        with ready(u) as r:
            assert inside(r, "uts", "hostname") == "caged\n"
            assert inside(r, "uts", "cat", "/proc/sys/kernel/domainname") == "example.org\n"
    assert os.uname().nodename != "caged"


def limits(r):
    """Soft and hard, by the kernel's names."""
    rows = {}
    for line in r.proc("limits").split("\n")[1:]:
        words = re.split(r"\s{2,}", line.strip())
        if len(words) >= 3:
            rows[words[0]] = tuple(words[1:3])
    return rows


@test
def rlimits(b):
    with b.bundle() as u:
        u.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
        with ready(u) as r:
            assert limits(r)["Max open files"] == ("100", "200")
            assert limits(r)["Max core file size"] == ("0", "0")


@test
def core_limit_that_is_asked_for(b):
    with b.bundle() as u:
        u.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 4096, "hard": 8192}]
        with ready(u) as r:
            assert limits(r)["Max core file size"] == ("4096", "8192")


@test
def small_address_space(b):
    with b.bundle("grow", "2", ";", "say", "done") as u:
        u.process["rlimits"] = [{"type": "RLIMIT_AS", "soft": 256 << 20, "hard": 256 << 20}]
        r = u.expect("grew\ndone\n", err=None)
        assert r.err.count("\n") <= 1, "one warning at most: %s" % r


@test
def oom_score(b):
    with b.bundle() as u:
        u.process["oomScoreAdj"] = 321
        with ready(u) as r:
            assert r.proc("oom_score_adj").strip() == "321"


@test
def descriptors_are_few(b):
    """Whoever breaks out of the guest finds nothing open but streams and the container's own root."""
    with b.bundle() as u:
        u.process["cwd"] = "/app"
        stray = os.open("/etc/passwd", os.O_RDONLY)
        try:
            with ready(u, pass_fds=(stray,)) as r:
                links = {}
                for name in os.listdir("/proc/%d/fd" % r.pid):
                    links[int(name)] = os.readlink("/proc/%d/fd/%s" % (r.pid, name))
                for number in (0, 1, 2):
                    assert links.pop(number).startswith("pipe:"), links
                for number, target in links.items():
                    assert target in ("/", "/app") or target.startswith("anon_inode:[eventfd"), (number, target)
                    if target in ("/", "/app"):
                        info = os.stat("/proc/%d/fd/%d" % (r.pid, number))
                        place = os.path.join(u.root, target.lstrip("/"))
                        assert info.st_ino == os.stat(place).st_ino, (number, target)
        finally:
            os.close(stray)


@test
def session_of_its_own(b):
    with b.bundle() as u, ready(u) as r:
        assert r.proc("stat").rsplit(")", 1)[1].split()[3] == str(r.pid)


# -- Namespaces ------------------------------------------------------------------------------------


@test
def network_of_its_own(b):
    with b.bundle() as u, ready(u) as r:
        links = inside(r, "net", need("ip"), "-o", "link")
        assert re.search(r"\blo: <[^>]*\bUP\b", links), links
        others = [line for line in links.strip().split("\n") if " lo:" not in line and "@NONE" not in line]
        assert not others, links


@test
def network_by_path(b):
    with b.bundle() as u:
        # pylint: disable-next=consider-using-with
        holder = subprocess.Popen([need("unshare"), "--net", "sleep", "600"])
        try:
            path = "/proc/%d/ns/net" % holder.pid
            eventually("a namespace", lambda: os.readlink(path) != os.readlink("/proc/self/ns/net"))
            u.namespace("network", path=path)
            with ready(u) as r:
                assert os.readlink("/proc/%d/ns/net" % r.pid) == os.readlink(path)
        finally:
            holder.kill()
            holder.wait()


@test
def namespaces_are_those_asked_for(b):
    with b.bundle() as u:
        u.namespace("network")
        u.linux["namespaces"].append({"type": "cgroup"})
        with ready(u) as r:
            for kind in ("pid", "mnt", "ipc", "uts", "cgroup"):
                assert os.readlink("/proc/%d/ns/%s" % (r.pid, kind)) != os.readlink("/proc/self/ns/" + kind), kind
            for kind in ("net", "user"):
                assert os.readlink("/proc/%d/ns/%s" % (r.pid, kind)) == os.readlink("/proc/self/ns/" + kind), kind
            assert status(r.pid, "NSpid")[-1] == "1"


@test
def pid_namespace_by_path(b):
    with b.bundle() as u:
        # pylint: disable-next=consider-using-with
        holder = subprocess.Popen([need("unshare"), "--pid", "--fork", "sleep", "600"], stderr=subprocess.DEVNULL)
        try:
            init = eventually("a child", lambda: [c for c in map(int, read(
                "/proc/%d/task/%d/children" % (holder.pid, holder.pid)).split())])[0]
            path = "/proc/%d/ns/pid" % init
            u.namespace("pid", path=path)
            with ready(u) as r:
                assert os.readlink("/proc/%d/ns/pid" % r.pid) == os.readlink(path)
                assert status(r.pid, "NSpid")[-1] == "2"
        finally:
            os.kill(init, signal.SIGKILL)
            holder.wait()


@test
def without_a_pid_namespace(b):
    with b.bundle("say", "hello", ";", "exit", "9") as u:
        u.namespace("pid")
        u.expect("hello\n", code=9)


@test
def time_of_its_own(b):
    with b.bundle() as u:
        if not os.path.exists("/proc/self/ns/time"):
            raise Skip("this kernel has no time namespaces")
        u.linux["namespaces"].append({"type": "time"})
        u.linux["timeOffsets"] = {"monotonic": {"secs": 86400, "nanosecs": 5}, "boottime": {"secs": 172800}}
        with ready(u) as r:
            words = r.proc("timens_offsets").split()
            assert words == ["monotonic", "86400", "5", "boottime", "172800", "0"], words
            assert os.readlink("/proc/%d/ns/time" % r.pid) != os.readlink("/proc/self/ns/time")


@test
def personality(b):
    with b.bundle() as u:
        u.linux["personality"] = {"domain": "LINUX32"}
        with ready(u) as r:
            assert int(r.proc("personality"), 16) == 8, r.proc("personality")


@test
def root_propagation(b):
    """slave: what the host mounts below the root while it runs is there. shared: nothing of ours is there."""
    for word, out in (("rslave", "mounted later"), ("rshared", "cat /later/file: No such file or directory\n")):
        with b.bundle() as u:
            subprocess.run(["mount", "-t", "tmpfs", "none", u.root], check=True)
            b.mounted.update((u.root, u.root + "/later"))
            try:
                subprocess.run(["mount", "--make-shared", u.root], check=True)
                shutil.copy(b.kit, u.file("kit.wasm"))
                u.linux["rootfsPropagation"] = word
                os.makedirs(u.root + "/later")
                u.process["args"] += ["say", "ready", ";", "cat", "/dev/stdin", ";", "cat", "/later/file"]
                with running(u) as r:
                    assert r.line() == "ready"
                    subprocess.run(["mount", "-t", "tmpfs", "none", u.root + "/later"], check=True)
                    write(u.root + "/later/file", "mounted later")
                    assert read("/proc/self/mountinfo").count(u.root) == 2
                    assert r.end().out == out
            finally:
                subprocess.run(["umount", "-R", "-l", u.root], check=True)
                b.mounted.difference_update((u.root, u.root + "/later"))


@test
def sysctls(b):
    with b.bundle() as u:
        u.linux["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "80", "kernel.shm_rmid_forced": "1"}
        with ready(u) as r:
            assert inside(r, "net", "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start") == "80\n"
            assert inside(r, "ipc", "cat", "/proc/sys/kernel/shm_rmid_forced") == "1\n"


@test
def mounts_are_not_seen_by_the_host(b):
    with b.bundle() as u:
        u.outside("volume/file", "x")
        u.mount("/data", "volume")
        before = read("/proc/self/mountinfo").count(u.folder)
        with ready(u) as r:
            assert read("/proc/self/mountinfo").count(u.folder) == before
            inner = r.proc("mountinfo").strip().split("\n")
            assert len(inner) <= 4, "the empty root, its own, /dev and /data: %s" % inner


# -- The end ---------------------------------------------------------------------------------------


@test
def exit_codes(b):
    with b.bundle() as u:
        for code in (0, 1, 2, 77, 125, 126, 127, 128, 134, 137, 143, 254, 255):
            u.process["args"] = ["/kit.wasm", "exit", str(code)]
            u.expect("", code=code)


@test
def all_exit_codes(b):
    """Of each kind of exit, without the libc: 0 to 255."""
    with b.bundle() as u:
        for code in range(0, 256, 5):
            u.process["args"] = ["/kit.wasm", "exit", str(code)]
            u.expect("", code=code)


@test
def traps(b):
    with b.bundle("say", "before", ";", "trap") as u:
        r = u.expect("before\n", code=134, err="trap: unreachable")
        assert "#0 " in r.err and "_start" in r.err, "the trap's trace: %s" % r


@test
def streams(b):
    with b.bundle("complain", "to stderr", ";", "say", "to stdout", ";", "cat", "/in") as u:
        os.symlink("/dev/stdin", os.path.join(u.root, "in"))
        r = u.start()
        r.process.stdin.write(b"from stdin\n")
        r.process.stdin.close()
        r.process.stdin = None
        result = r.end()
        assert (result.out, result.err) == ("to stdout\nfrom stdin\n", "to stderr\n"), str(result)


# What the kit does with names of its streams, and what comes of it; "in" comes by standard input.
STREAM_WORDS = [
    (["cat", "/dev/stdin"], "in"), (["cat", "/dev/fd/0"], "in"), (["cat", "/proc/self/fd/0"], "in"),
    (["put", "/dev/stdout", "out"], "out"), (["append", "/dev/fd/1", "out"], "out"),
    (["put", "/proc/self/fd/1", "out"], "out"), (["put", "/link", "out"], "out"),
    (["put", "/dev/stdin", "x"], "put /dev/stdin: Permission denied\n"),
    (["cat", "/dev/stdout"], "cat /dev/stdout: Permission denied\n"),
    (["stat", "/dev/stdout"], "other 0\n"), (["stat", "/dev/fd/1"], "other 0\n"),
    (["stat", "/proc/self/fd/1"], "other 0\n"),
    (["cat", "/dev/fd/99"], "cat /dev/fd/99: No such file or directory\n"),
    (["cat", "/dev/fd/99999999999999999999"], "cat /dev/fd/99999999999999999999: No such file or directory\n"),
    (["cat", "/dev/fd/1x"], "cat /dev/fd/1x: No such file or directory\n"),
    (["ls", "/dev/fd/3"], "ls /dev/fd/3: Permission denied\n"),
    (["ls", "/dev/stdin"], None), (["cat", "/dev/stdin/x"], None), (["cat", "/proc/self/fd/0/x"], None),
    (["cat", "/proc/self/mem"], "cat /proc/self/mem: No such file or directory\n"),
]


def with_pipes(command):
    """stdin a pipe with "in", stdout and stderr pipes."""
    done = subprocess.run(command, input=b"in", capture_output=True, timeout=TIME_LIMIT, check=False)
    return done.stdout.decode(), done.stderr.decode()


def check_streams(run):
    """run(words): (stdout, stderr)."""
    wrong = []
    for words, out in STREAM_WORDS:
        r = run(words)
        if out is None and "%s %s: " % (words[0], words[1]) not in r[0] or out is not None and r[0] != out:
            wrong.append("%s: %r, should be %r" % (" ".join(words), r, out))
    r = run(["put", "/dev/stderr", "err"])
    if r != ("", "err"):
        wrong.append("/dev/stderr: %r" % (r,))
    assert not wrong, "\n".join(wrong)


@test
def streams_by_name(b):
    with b.bundle() as u:
        os.symlink("/dev/stdout", os.path.join(u.root, "link"))

        def run(words):
            u.process["args"] = ["/kit.wasm"] + words
            return with_pipes(u.command())
        check_streams(run)


@test
def streams_by_name_in_a_working_directory(b):
    with b.bundle() as u:
        u.process["cwd"] = "/app"
        os.symlink("/dev/stdout", os.path.join(u.root, "link"))

        def run(words):
            u.process["args"] = ["/kit.wasm"] + words
            return with_pipes(u.command())
        check_streams(run)


def dev_links(folder):
    os.makedirs(os.path.join(folder, "dev"))
    for name, to in (("stdin", "0"), ("stdout", "1"), ("stderr", "2")):
        os.symlink("/proc/self/fd/" + to, os.path.join(folder, "dev", name))
    os.symlink("/proc/self/fd", os.path.join(folder, "dev/fd"))
    os.symlink("/dev/stdout", os.path.join(folder, "link"))


@test
def streams_by_name_without_a_cage(b):
    with b.bundle() as u:
        dev_links(u.root)
        check_streams(lambda words: with_pipes([b.skiff, "run", "--no-cache", "--dir", "/:%s:root" % u.root, b.kit] +
                                               words))


@test
def streams_by_name_need_a_root(b):
    """Where absolute links lead nowhere, these do neither."""
    with b.bundle() as u:
        dev_links(u.root)
        for words in (["cat", "/dev/stdin"], ["cat", "/proc/self/fd/0"], ["put", "/link", "x"], ["stat", "/dev/fd/1"]):
            out, _ = with_pipes([b.skiff, "run", "--no-cache", "--dir", "/:" + u.root, b.kit] + words)
            assert "%s %s: " % (words[0], words[1]) in out, (words, out)


@test
def streams_by_name_on_files(b):
    """As a copy of the descriptor: nothing is truncated, the position is the same."""
    with b.bundle("say", "one", ";", "put", "/dev/stdout", "two\n", ";", "say", "three", ";", "append", "/dev/stdout",
                  "four\n") as u:
        path = os.path.join(u.folder, "out")
        with open(path, "wb") as file:
            file.write(b"before\n")
            file.flush()
            assert u.run(stdout=file).code == 0
        assert read(path) == "before\none\ntwo\nthree\nfour\n", read(path)


ENDING = ("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "USR1", "SEGV", "USR2", "ALRM", "TERM",
          "STKFLT", "XCPU", "VTALRM", "PROF", "IO", "PWR", "SYS")


@test
def signals_end_process_1(b):
    """128 + the signal, from outside to the container's process, although it is process 1."""
    for name in ENDING + ("KILL",):
        number = getattr(signal, "SIG" + name, 16)
        with b.bundle() as u, ready(u) as r:
            os.kill(r.pid, number)
            result = r.end()
            assert result.code == 128 + number, "%s: %s" % (name, result)


@test
def signals_that_are_ignored(b):
    with b.bundle() as u, ready(u) as r:
        for name in ("CHLD", "URG", "WINCH", "CONT", "PIPE"):
            os.kill(r.pid, getattr(signal, "SIG" + name))
        time.sleep(0.05)
        assert r.process.poll() is None
        os.kill(r.pid, signal.SIGTERM)
        assert r.end().code == 143


@test
def signals_are_passed_on(b):
    for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM"):
        number = getattr(signal, "SIG" + name)
        with b.bundle() as u, ready(u) as r:
            result = r.end(send=number)
            assert result.code == 128 + number, "%s: %s" % (name, result)


@test
def server_has_time_to_finish(b):
    """SIGTERM to a guest that accepts connections: what is begun is answered, then it ends; a second one ends it at once."""
    server = os.path.join(os.path.dirname(b.original), "example", "http-server.wasm")
    if not os.path.exists(server):
        raise Skip("there is no %s" % server)
    for signals in (1, 2):
        with b.bundle() as u:
            shutil.copy(server, u.file("server.wasm"))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            u.namespace("network")
            u.process.update(args=["/server.wasm"], env=["PORT=%d" % port, "HOST=127.0.0.1"])
            with running(u) as r:
                client = eventually("a server", lambda p=port: connect(p))
                with client:
                    client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")  # half of it
                    wait_taken(port)
                    r.process.send_signal(signal.SIGTERM)
                    time.sleep(0.2)
                    assert r.process.poll() is None
                    if signals == 1:
                        client.sendall(b"\r\n")
                        assert b" 200 " in client.recv(4096)
                    else:  # two that come at once are one
                        eventually("its end", lambda r=r: r.process.send_signal(signal.SIGTERM) or r.process.poll() is not None)
                assert r.end().code == 143


def connect(port):
    try:
        return socket.create_connection(("127.0.0.1", port), 5)
    except ConnectionRefusedError:
        return None


@test
def stop_and_continue(b):
    with b.bundle() as u, ready(u) as r:
        os.kill(r.pid, signal.SIGSTOP)
        eventually("stopped", lambda: status(r.pid, "State")[0] == "T")
        os.kill(r.pid, signal.SIGCONT)
        eventually("going on", lambda: status(r.pid, "State")[0] == "S")
        assert r.process.poll() is None


@test
def blocked_signals_are_not_inherited(b):
    """Whoever waits for the container blocks signals; the guest must not have them blocked."""
    with b.bundle() as u, ready(u) as r:
        assert int(status(r.pid, "SigBlk")[0], 16) == 0, status(r.pid, "SigBlk")


def sections(*parts):
    """A module of these (id, payload)."""
    def number(n):
        out = b""
        while True:
            n, low = n >> 7, n & 127
            out += bytes([low | (128 if n else 0)])
            if not n:
                return out
    return b"\0asm\1\0\0\0" + b"".join(bytes([i]) + number(len(p)) + p for i, p in parts), number


@test
def module_is_read_behind_the_closed_cage(b):
    """A module that takes long to validate: while it does, the filter is there and the capabilities are not."""
    _, number = sections()
    body = b"\0" + b"\x01" * 7000000 + b"\x0b"
    code = number(6) + (number(len(body)) + body) * 6
    data, _ = sections((1, b"\1\x60\0\0"), (3, number(6) + b"\0" * 6), (7, b"\1\6_start\0\0"), (10, code))
    with b.bundle() as u:
        u.process["capabilities"] = {key: ["CAP_CHOWN"] for key in ("bounding", "effective", "permitted")}
        u.file("kit.wasm", data)
        seen = set()
        process = subprocess.Popen(u.command(), stderr=subprocess.PIPE)
        while process.poll() is None:
            for pid in children(process.pid):
                try:
                    seen.add((status(pid, "Seccomp")[0], status(pid, "CapEff")[0].strip("0"),
                              "phase creating" in read("/run/skiff/%s/state" % u.id)))
                except (OSError, KeyError, IndexError):
                    pass
        assert process.wait() == 0, process.stderr.read()
        assert ("2", "", True) in seen, seen


@test
def what_was_relocated_is_sealed(b):
    """Tables of functions lie in what the program headers call RELRO: it is not there to be written to."""
    with b.bundle("say", "ready", ";", "nap", "600000") as u, running(u) as r:
        assert r.line() == "ready"
        program = os.path.basename(os.path.realpath(b.skiff))
        maps = [line.split() for line in r.proc("maps").split("\n") if line.endswith("/" + program)]
        sizes = {}
        for words in maps:
            begin, end = (int(x, 16) for x in words[0].split("-"))
            sizes[words[1]] = sizes.get(words[1], 0) + end - begin
        assert sizes.get("r--p", 0) >= 8192 and "rwxp" not in sizes, maps
        assert sizes.get("rw-p", 0) < sizes["r--p"], maps
