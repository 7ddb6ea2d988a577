# SPDX-License-Identifier: Apache-2.0
"""User namespaces, ids of mounts, and containers of whoever is not root."""

import contextlib
import ctypes
import errno
import os
import platform
import resource
import shutil
import signal
import socket
import stat
import subprocess

from around import hook
from box import NAMESPACES, TIME_LIMIT, eventually, need, quiet, read, ready, running, status, write
from tap import Skip, test

MOUNT_SETATTR = 442
BASE, SIZE = 200000, 65536
SOMEBODY = 54321
CAP_SYS_RESOURCE = 24


def has_detached_mounts():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(MOUNT_SETATTR, -1, b"", 0, None, 0)
    return ctypes.get_errno() != errno.ENOSYS


def later_test(work):
    """Of what takes Linux 5.12."""
    def checked(b):
        if not has_detached_mounts():
            raise Skip("it takes Linux 5.12")
        work(b)

    checked.__name__ = work.__name__
    test(checked)
    return work


def give(path, user):
    """A tree to a user."""
    for folder, _, files in os.walk(path):
        for name in [folder] + [os.path.join(folder, f) for f in files]:
            os.lchown(name, user, user)


def maps(host=BASE, size=SIZE, inside=0):
    return [{"containerID": inside, "hostID": host, "size": size}]


def in_users(u, rows=None):
    """A user namespace of its own; the root belongs to it, as engines see to."""
    u.namespace("user", path="")
    del u.linux["namespaces"][-1]["path"]
    u.linux["uidMappings"] = u.linux["gidMappings"] = rows if rows is not None else maps()
    give(u.root, (rows if rows is not None else maps())[0]["hostID"])


def squeezed(text):
    return [line.split() for line in text.strip().split("\n")]


def owner(path):
    st = os.lstat(path)
    return (st.st_uid, st.st_gid)


def namespace_owner(fd):
    """The user namespace that a namespace belongs to, as its text in /proc/self/ns has it."""
    parent = ctypes.CDLL(None, use_errno=True).ioctl(fd, 0xb701)  # NS_GET_USERNS
    assert parent >= 0, os.strerror(ctypes.get_errno())
    try:
        return "user:[%d]" % os.fstat(parent).st_ino
    finally:
        os.close(parent)


def owner_of(r, kind):
    fd = os.open("/proc/%d/ns/%s" % (r.pid, kind), os.O_RDONLY)
    try:
        return namespace_owner(fd)
    finally:
        os.close(fd)


# -- A user namespace of its own -----------------------------------------------------------------------


@later_test
def users_new(b):
    with b.bundle() as u:
        in_users(u)
        u.linux["namespaces"] += [{"type": "cgroup"}, {"type": "time"}]
        u.config["hostname"] = "mapped"
        with ready(u) as r:
            assert squeezed(r.proc("uid_map")) == [["0", str(BASE), str(SIZE)]], r.proc("uid_map")
            assert squeezed(r.proc("gid_map")) == [["0", str(BASE), str(SIZE)]]
            assert status(r.pid, "Uid") == [str(BASE)] * 4 and status(r.pid, "Gid") == [str(BASE)] * 4
            assert status(r.pid, "Groups") == [], status(r.pid, "Groups")
            its = os.readlink("/proc/%d/ns/user" % r.pid)
            assert its != os.readlink("/proc/self/ns/user")
            for kind in ("mnt", "ipc", "uts", "net", "cgroup", "time"):
                assert owner_of(r, kind) == its, kind
            # launch.h says why
            assert owner_of(r, "pid") == os.readlink("/proc/self/ns/user")
            for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                assert int(status(r.pid, kind)[0], 16) == 0, kind


@test
def users_where_the_kernel_cannot(b):
    if has_detached_mounts():
        raise Skip("it can")
    with b.bundle("exit", "0") as u:
        in_users(u)
        u.refused("a user namespace takes Linux 5.12")
        u.namespace("user")
        del u.linux["uidMappings"], u.linux["gidMappings"]
        u.mount("/data", "volume", options=["idmap"])
        os.makedirs(os.path.join(u.folder, "volume"))
        u.config["mounts"][-1].update(uidMappings=maps(), gidMappings=maps())
        u.refused("mount '/data': mapping its ids takes Linux 5.12")


@later_test
def users_files_belong_to_it(b):
    """Places of mounts, what the guest makes, and every tmpfs."""
    with b.bundle("put", "/new", "x", ";", "put", "/run/new", "y", ";", "cat", "/run/new", ";", "put", "/dev/new",
                  "z", ";", "cat", "/etc/hosts", ";", "cat", "/dev/null", ";", "put", "/dev/null", "gone") as u:
        in_users(u)
        u.mount("/run", kind="tmpfs", source="tmpfs", options=["nosuid", "mode=0755"])
        u.mount("/etc/hosts", u.outside("hosts", "127.0.0.1 me\n"), options=["ro"])
        u.expect("y127.0.0.1 me\n")
        for name in ("new", "etc", "etc/hosts", "run", "dev"):
            assert owner(os.path.join(u.root, name)) == (BASE, BASE), (name, owner(os.path.join(u.root, name)))


@later_test
def users_other_than_root(b):
    with b.bundle("put", "/home/new", "x", ";", "put", "/new", "y", ";", "nap", "600000") as u:
        os.makedirs(os.path.join(u.root, "home"))
        in_users(u)
        os.chown(os.path.join(u.root, "home"), BASE + 1000, BASE + 100)
        u.process["user"] = {"uid": 1000, "gid": 100, "additionalGids": [5, 7]}
        with running(u) as r:
            assert r.line() == "put /new: Permission denied"
            assert status(r.pid, "Uid") == [str(BASE + 1000)] * 4
            assert status(r.pid, "Gid") == [str(BASE + 100)] * 4
            assert status(r.pid, "Groups") == [str(BASE + 5), str(BASE + 7)]
            assert owner(os.path.join(u.root, "home/new")) == (BASE + 1000, BASE + 100)


@later_test
def users_without_a_root(b):
    """The namespace has one user only, who is not 0."""
    with b.bundle("put", "new", "x", ";", "cat", "/etc/hosts") as u:
        in_users(u, maps(BASE, 1, 77))
        u.process["cwd"] = "/made/for/it"
        u.mount("/etc/hosts", u.outside("hosts", "me\n"))
        u.process["user"] = {"uid": 77, "gid": 77}
        u.expect("me\n")
        for name in ("etc", "made", "made/for/it", "made/for/it/new"):
            assert owner(os.path.join(u.root, name)) == (BASE, BASE), name


@later_test
def users_root_is_nobody_outside(b):
    """What root of the host has, root of the container may not touch, and what it makes is not root's."""
    with b.bundle("cat", "/data/secret", ";", "put", "/data/new", "x", ";", "put", "/data/open/new", "y") as u:
        in_users(u)
        os.chmod(u.outside("data/secret", "s\n"), 0o600)
        os.makedirs(os.path.join(u.folder, "data/open"))
        os.chmod(os.path.join(u.folder, "data/open"), 0o777)
        u.mount("/data", os.path.join(u.folder, "data"))
        u.expect("cat /data/secret: Permission denied\nput /data/new: Permission denied\n", code=1)
        assert owner(os.path.join(u.folder, "data/open/new")) == (BASE, BASE)


@later_test
def users_source_is_found_by_root(b):
    """A volume below a directory that only root of the host may pass."""
    with b.bundle("cat", "/data/file") as u:
        in_users(u)
        u.outside("private/volume/file", "found\n")
        os.chmod(os.path.join(u.folder, "private"), 0o700)
        u.mount("/data", os.path.join(u.folder, "private/volume"))
        u.expect("found\n")


@later_test
def users_with_what_takes_rights(b):
    """Hard limits above ours, a score below ours, sysctls, names: set by whoever may, before or after."""
    with b.bundle() as u:
        in_users(u)
        u.config["hostname"] = "mapped"
        u.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "12345678"}
        # In some sandboxes root may not raise a limit, nor lower a score.
        may_raise = int(status(os.getpid(), "CapEff")[0], 16) >> CAP_SYS_RESOURCE & 1
        u.process["oomScoreAdj"] = -500 if may_raise else 500
        u.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 3000, "hard": 4000},
                                {"type": "RLIMIT_NPROC", "soft": 600, "hard": 1500},
                                {"type": "RLIMIT_AS", "soft": 1 << 45, "hard": 1 << 46}]

        def lower():
            resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 2000))
            resource.setrlimit(resource.RLIMIT_NPROC, (500, 1000))

        with ready(u, preexec_fn=lower if may_raise else None) as r:
            limits = {line[:26].strip(): line[26:].split()[:2] for line in r.proc("limits").split("\n")}
            assert limits["Max open files"] == ["3000", "4000"], limits
            assert limits["Max processes"] == ["600", "1500"], limits
            assert r.proc("oom_score_adj").strip() == str(u.process["oomScoreAdj"])
            for kind, name, value in (("net", "net/ipv4/ip_forward", "1"), ("ipc", "kernel/shmmax", "12345678")):
                done = subprocess.run([need("nsenter"), "--%s=/proc/%d/ns/%s" % (kind, r.pid, kind), "cat",
                                       "/proc/sys/" + name], capture_output=True, text=True, check=True)
                assert done.stdout.strip() == value, (name, done.stdout)
            done = subprocess.run([need("nsenter"), "--uts=/proc/%d/ns/uts" % r.pid, "uname", "-n"],
                                  capture_output=True, text=True, check=True)
            assert done.stdout == "mapped\n"


@later_test
def users_with_an_engines_mounts(b):
    """As an engine writes them that maps users."""
    with b.bundle("cat", "/etc/resolv.conf", ";", "put", "/dev/shm/new", "x", ";", "cat", "/dev/shm/new", ";", "ls",
                  "/dev", ";", "cat", "/proc/kcore", ";", "put", "/dev/new", "y") as u:
        in_users(u)
        quiet = ["nosuid", "noexec", "nodev"]
        u.config["mounts"] = [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": quiet},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": quiet + ["ro"]},
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro"] + quiet},
            {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": quiet},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": quiet + ["mode=1777", "size=64m"]},
        ]
        for name in ("resolv.conf", "hostname", "hosts"):
            u.mount("/etc/" + name, u.outside(name, name + "\n"), options=["rprivate"])
        u.linux["maskedPaths"] = ["/proc/kcore", "/sys/firmware", "/etc/hostname"]
        u.linux["readonlyPaths"] = ["/proc/sys", "/etc/hosts"]
        r = u.run()
        names = ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"]
        lines = r.out.split("\n")
        assert lines[0] == "resolv.conf" and sorted([lines[1][1:]] + lines[2:12]) == names, str(r)
        assert lines[12:] == ["cat /proc/kcore: No such file or directory", ""], str(r)


@later_test
def users_devices(b):
    """A listed device is the host's own, bound; nobody makes another."""
    with b.bundle("stat", "/dev/thing") as u:
        in_users(u)
        u.linux["devices"] = [{"path": "/dev/thing", "type": "c", "major": 1, "minor": 3}]
        u.refused("/dev/thing", "No such file")
        u.linux["devices"] = [{"path": "/dev/ptmx", "type": "c", "major": 1, "minor": 3}]
        u.refused("'/dev/ptmx'", "not the one wanted")
        u.linux["devices"] = [{"path": "/dev/ptmx", "type": "c", "major": 5, "minor": 2}]
        u.process["args"] = ["/kit.wasm", "ls", "/dev"]
        assert "ptmx\n" in u.expect().out


@later_test
def users_terminal(b):
    with b.bundle("tty", ";", "nap", "600000") as u, socket.socket(socket.AF_UNIX) as listener:
        in_users(u)
        u.process.update(terminal=True, user={"uid": 12, "gid": 12})
        path = os.path.join(u.folder, "console")
        listener.bind(path)
        listener.listen()
        with running(u, "--console-socket", path) as r:
            listener.settimeout(TIME_LIMIT)
            connection, _ = listener.accept()
            with connection:
                _, fds, _, _ = socket.recv_fds(connection, 100, 4)
            try:
                link = "/proc/%d/fd/0" % r.pid
                eventually("a terminal", lambda: "/pts/" in os.readlink(link))
                assert os.stat(link).st_uid == BASE + 12
            finally:
                os.close(fds[0])


@later_test
def users_hook_in_the_container(b):
    with b.bundle("cat", "/tmp/out") as u:
        source = write(os.path.join(u.folder, "hook.c"), """#include <stdio.h>
#include <unistd.h>
int main(void) { FILE *f = fopen("/tmp/out", "w"); fprintf(f, "%d\\n", (int)getuid()); return fclose(f); }""")
        subprocess.run([need("clang-19"), "-static", "-o", u.file("bin/hook"), source], check=True)
        os.chmod(os.path.join(u.root, "bin/hook"), 0o755)
        os.makedirs(os.path.join(u.root, "tmp"))
        in_users(u)
        u.config["hooks"] = {"startContainer": [{"path": "/bin/hook"}]}
        u.expect("0\n")
        assert owner(os.path.join(u.root, "tmp/out")) == (BASE, BASE)


@later_test
def users_maker_killed(b):
    """Its process does not outlive whoever makes it, nor the helper that has the maps."""
    with b.bundle("nap", "600000") as u:
        in_users(u)
        u.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "30"]}]}
        with running(u) as r:
            eventually("a child", lambda: len(b.processes(u.id)) > 1)
            r.process.send_signal(signal.SIGKILL)
            eventually("none", lambda: not b.processes(u.id))
        # the next of that name removes what is left of it
        u.config["hooks"] = {}
        u.process["args"] = ["/kit.wasm", "say", "again"]
        u.expect("again\n")


def in_its_life(u, **how):
    """Created, started, looked into by one more process, paused where that can be, ended, deleted."""
    def skiff(*words, code=0):
        done = subprocess.run([u.box.skiff] + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=TIME_LIMIT, **how)
        assert done.returncode == code and quiet(done.stderr) == "", done
        return done.stdout

    u.process["args"] = ["/kit.wasm", "nap", "600000"]
    pid_file = os.path.join(u.folder, "pid")
    u.command()
    with open(os.devnull, "w") as nothing:
        done = subprocess.run([u.box.skiff, "create", "--no-cache", "--bundle", u.folder, "--pid-file", pid_file, u.id],
                              stdin=subprocess.DEVNULL, stdout=nothing, stderr=nothing, check=False, timeout=TIME_LIMIT, **how)
    assert done.returncode == 0
    pid = int(read(pid_file))
    try:
        skiff("start", u.id)
        assert skiff("exec", "--no-cache", u.id, "/kit.wasm", "put", "/new", "x", ";", "say", "beside") == "beside\n"
        command = [u.box.skiff, "exec", "--no-cache", u.id, "/kit.wasm", "say", "there", ";", "nap", "600000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, **how) as p:
            assert p.stdout.readline() == b"there\n"
            other = int(read("/proc/%d/task/%d/children" % (p.pid, p.pid)).split()[0])
            for name in ("user", "mnt", "pid", "net", "ipc", "uts"):
                assert (os.readlink("/proc/%d/ns/%s" % (other, name)) ==
                        os.readlink("/proc/%d/ns/%s" % (pid, name))), name
            for field in ("Uid", "Gid", "CapEff", "CapPrm", "CapBnd", "Seccomp", "NoNewPrivs"):
                assert status(other, field) == status(pid, field), field
            skiff("kill", u.id, "KILL")
            p.wait(TIME_LIMIT)
    finally:
        skiff("delete", "--force", u.id)
    eventually("gone", lambda: not os.path.exists("/proc/%d" % pid))


@later_test
def users_life(b):
    with b.bundle() as u:
        in_users(u)
        in_its_life(u)
        assert owner(os.path.join(u.root, "new")) == (BASE, BASE)


# -- By path ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def pause(*command):
    """A process that holds namespaces, as the pause process of a pod does."""
    with subprocess.Popen([need("unshare"), "--user"] + list(command) + ["sh", "-c", "echo there; exec sleep 600"],
                          stdout=subprocess.PIPE) as p:
        try:
            assert p.stdout.readline() == b"there\n"
            for name in ("uid_map", "gid_map"):
                write("/proc/%d/%s" % (p.pid, name), "0 %d 1000" % BASE)
            yield p.pid
        finally:
            p.kill()


@later_test
def users_by_path(b):
    with b.bundle() as u, pause("--uts", "--net", "--ipc") as pid:
        give(u.root, BASE)
        u.mount("/run", kind="tmpfs", source="tmpfs")
        for kind, name in (("user", "user"), ("network", "net"), ("ipc", "ipc"), ("uts", "uts")):
            u.namespace(kind, path="/proc/%d/ns/%s" % (pid, name))
        with ready(u) as r:
            for name in ("user", "net", "ipc", "uts"):
                assert (os.readlink("/proc/%d/ns/%s" % (pid, name)) ==
                        os.readlink("/proc/%d/ns/%s" % (r.pid, name))), name
            assert owner_of(r, "mnt") == os.readlink("/proc/%d/ns/user" % pid)
            assert status(r.pid, "Uid") == [str(BASE)] * 4
            assert owner(os.path.join(u.root, "run")) == (BASE, BASE)


@later_test
def users_by_path_with_others_new(b):
    with b.bundle() as u, pause() as pid:
        give(u.root, BASE)
        u.namespace("user", path="/proc/%d/ns/user" % pid)
        with ready(u) as r:
            for kind in ("mnt", "ipc", "uts", "net"):
                assert owner_of(r, kind) == os.readlink("/proc/%d/ns/user" % pid), kind


@later_test
def users_by_path_refused(b):
    with b.bundle("say", "ran") as u:
        u.namespace("user", path="/proc/self/ns/nothing")
        u.refused("user namespace '/proc/self/ns/nothing'", "No such file")
        u.namespace("user", path="/proc/self/ns/net")
        u.refused("user namespace is none")
        with pause() as pid:
            give(u.root, BASE)
            u.namespace("user", path="/proc/%d/ns/user" % pid)
            u.process["user"] = {"uid": 5000, "gid": 5000}
            u.refused("5000")


# -- Ids of mounts ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def tmpfs(u):
    path = os.path.join(u.folder, "mapped")
    os.makedirs(path)
    subprocess.run([need("mount"), "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path], check=True)
    u.box.mounted.add(os.path.realpath(path))
    try:
        yield path
    finally:
        subprocess.run(["umount", "-R", path], check=True)
        u.box.mounted.discard(os.path.realpath(path))


def tmpfs_has_idmaps():
    return tuple(int(number) for number in platform.release().split("-")[0].split("+")[0].split(".")[:2]) >= (6, 3)


def need_idmaps():
    if not tmpfs_has_idmaps():
        raise Skip("this kernel maps no ids of a tmpfs: 6.3 was the first")


@later_test
def idmap_by_the_containers_maps(b):
    """Both directions: root's files are the container's root's, and what it makes there is root's."""
    need_idmaps()
    with b.bundle("cat", "/data/secret", ";", "put", "/data/new", "x", ";", "put", "/plain/new", "y") as u, \
            tmpfs(u) as path:
        in_users(u)
        os.chmod(write(os.path.join(path, "secret"), "s\n"), 0o600)
        u.mount("/data", path, options=["idmap"])
        u.mount("/plain", path)
        u.expect("s\nput /plain/new: Permission denied\n", code=1)
        assert owner(os.path.join(path, "new")) == (0, 0)


@later_test
def idmap_by_its_own_maps(b):
    """On the disk 0 to 9 are 70000 and on of the host, which are the container's users."""
    need_idmaps()
    with b.bundle("cat", "/data/secret", ";", "put", "/data/new", "x") as u, tmpfs(u) as path:
        u.process["user"] = {"uid": 70003, "gid": 70004}
        os.chmod(write(os.path.join(path, "secret"), "s\n"), 0o600)
        os.chown(os.path.join(path, "secret"), 3, 3)
        os.chmod(path, 0o777)
        u.mount("/data", path)
        u.config["mounts"][-1].update(uidMappings=maps(70000, 10), gidMappings=maps(70000, 10))
        u.expect("s\n")
        assert owner(os.path.join(path, "new")) == (3, 4)


@later_test
def idmap_of_one_mount_or_all(b):
    need_idmaps()
    with b.bundle("cat", "/one/below/secret", ";", "cat", "/all/below/secret") as u, tmpfs(u) as path:
        in_users(u)
        os.makedirs(os.path.join(path, "below"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path + "/below"], check=True)
        u.box.mounted.add(os.path.realpath(path + "/below"))
        os.chmod(write(os.path.join(path, "below/secret"), "s\n"), 0o600)
        u.mount("/one", path, options=["idmap"])
        u.mount("/all", path, options=["ridmap"])
        u.expect("cat /one/below/secret: Permission denied\ns\n", code=1)


@later_test
def idmap_that_cannot_be(b):
    """The file system is named by its place; nothing runs."""
    with b.bundle("say", "ran") as u:
        u.mount("/data", "/proc/sys", options=["idmap"])
        u.config["mounts"][-1].update(uidMappings=maps(), gidMappings=maps())
        u.refused("mount '/data': map its ids", "Invalid argument")


# -- Whoever is not root ---------------------------------------------------------------------------------


@contextlib.contextmanager
def somebody(b, **variables):
    """How to run as an ordinary user; afterwards what they keep states in is empty."""
    home = os.path.join(b.folder, "home")
    os.makedirs(home)
    os.chown(home, SOMEBODY, SOMEBODY)

    def become():
        os.setgroups([])
        os.setresgid(SOMEBODY, SOMEBODY, SOMEBODY)
        os.setresuid(SOMEBODY, SOMEBODY, SOMEBODY)

    try:
        yield {"preexec_fn": become, "env": dict({"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": home}, **variables)}
        found = [name for _, dirs, files in os.walk(home) for name in dirs + files if name != "skiff"]
        assert not found, found
    finally:
        shutil.rmtree(home)


def rootless(u, inside=0):
    """As `crun spec --rootless` writes it."""
    u.linux["namespaces"] = [{"type": kind} for kind in NAMESPACES + ("user", "cgroup")]
    u.linux["uidMappings"] = u.linux["gidMappings"] = maps(SOMEBODY, 1, inside)
    u.config["hostname"] = "rootless"
    quiet = ["nosuid", "noexec", "nodev"]
    u.config["mounts"] = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": quiet + ["mode=1777", "size=65536k"]},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": quiet},
        {"destination": "/sys", "type": "none", "source": "/sys", "options": ["rbind"] + quiet + ["ro"]},
    ]
    u.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 512, "hard": 512}]
    give(u.folder, SOMEBODY)


@test
def somebody_runs_a_bundle(b):
    with b.bundle("put", "/new", "x", ";", "put", "/dev/shm/new", "y", ";", "cat", "/dev/null", ";", "put",
                  "/dev/null", "z") as u, somebody(b) as how:
        rootless(u)
        with ready(u, **how) as r:
            assert squeezed(r.proc("uid_map")) == [["0", str(SOMEBODY), "1"]], r.proc("uid_map")
            assert r.proc("setgroups").strip() == "deny"
            assert status(r.pid, "Uid") == [str(SOMEBODY)] * 4
            its = os.readlink("/proc/%d/ns/user" % r.pid)
            for kind in ("mnt", "ipc", "uts", "net", "pid", "cgroup"):
                assert owner_of(r, kind) == its, kind
            for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd"):
                assert int(status(r.pid, kind)[0], 16) == 0, kind
            assert status(r.pid, "NSpid")[-1] == "1"
        assert owner(os.path.join(u.root, "new")) == (SOMEBODY, SOMEBODY)
        assert not os.path.exists(os.path.join(u.root, "dev/shm")), "places are made in mounts"


@test
def somebody_has_volumes(b):
    with b.bundle("cat", "/data/file", ";", "put", "/data/new", "x", ";", "cat", "/etc/hosts", ";", "put",
                  "/fixed/new", "y", ";", "cat", "/host/shadow") as u, somebody(b) as how:
        rootless(u)
        u.outside("volume/file", "volume\n")
        os.chown(os.path.join(u.folder, "volume"), SOMEBODY, SOMEBODY)
        u.mount("/data", "volume")
        u.mount("/fixed", "volume", options=["ro"])
        u.mount("/etc/hosts", u.outside("hosts", "me\n"))
        u.mount("/host", "/etc")
        u.expect("volume\nme\nput /fixed/new: Read-only file system\ncat /host/shadow: Permission denied\n", code=1,
                 **how)
        assert owner(os.path.join(u.folder, "volume/new")) == (SOMEBODY, SOMEBODY)


@test
def somebody_binds_what_others_mounted(b):
    """What is mounted below a source comes along: the kernel uncovers nothing for an ordinary user."""
    with b.bundle("ls", "/data/below", ";", "put", "/data/new", "x") as u, somebody(b) as how, tmpfs(u) as path:
        rootless(u)
        os.makedirs(os.path.join(path, "below"))
        write(os.path.join(path, "below/covered"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,mode=0755", "tmpfs", path + "/below"], check=True)
        u.box.mounted.add(os.path.realpath(path + "/below"))
        u.config["mounts"].append({"destination": "/data", "source": path, "options": ["bind"], "type": "bind"})
        u.expect("", **how)
        assert owner(os.path.join(path, "new")) == (SOMEBODY, SOMEBODY)


@test
def somebody_without_a_runtime_directory(b):
    """The state is below /tmp then, where nobody else may have made the directory."""
    path = "/tmp/skiff-%d" % SOMEBODY
    with b.bundle("say", "ran") as u, somebody(b) as how:
        rootless(u)
        del how["env"]["XDG_RUNTIME_DIR"]
        try:
            u.expect("ran\n", **how)
            assert owner(path) == (SOMEBODY, SOMEBODY) and stat.S_IMODE(os.stat(path).st_mode) == 0o700
            assert os.listdir(path) == []
            os.chown(path, 0, 0)
            r = u.run(**how)
            assert r.code == 1 and path in r.err and r.err.count("\n") == 1, str(r)
            os.chown(path, SOMEBODY, SOMEBODY)
            os.chmod(path, 0o777)
            assert "written by others" in u.run(**how).err
            os.rmdir(path)
            os.symlink(how["env"].get("HOME", b.folder), path)
            assert u.run(**how).code == 1
        finally:
            if os.path.islink(path):
                os.remove(path)
            shutil.rmtree(path, ignore_errors=True)


@test
def somebody_is_told_of_limits(b):
    """A warning for each that was asked for and is not there; none where none was."""
    with b.bundle("say", "ran") as u, somebody(b) as how:
        rootless(u)
        u.expect("ran\n", **how)
        u.linux["resources"] = {"memory": {"limit": 64 << 20}, "pids": {"limit": 10},
                                "devices": [{"allow": False, "access": "rwm"}]}
        r = u.expect("ran\n", err="memory", **how)
        lines = r.err.strip().split("\n")
        assert len(lines) == 2 and all(line.startswith("skiff: warning: linux.resources.") for line in lines), str(r)


@later_test
def somebody_wants_more(b):
    """Each a sentence that says what helps."""
    with b.bundle("say", "ran") as u, somebody(b) as how:
        rootless(u)

        def refused(*words):
            r = u.run(**how)
            assert r.code == 1 and r.out == "" and r.err.count("\n") == 1, str(r)
            assert all(word in r.err for word in words), str(r)

        rows = u.linux["uidMappings"]
        u.linux["uidMappings"] = maps(SOMEBODY, 1) + maps(100000, 10, 1)
        refused("newuidmap", "/etc/subuid")
        u.linux["uidMappings"] = rows
        if tmpfs_has_idmaps():  # which may be what the bundle lies on
            u.mount("/data", u.folder, options=["idmap"])
            refused("mount '/data': map its ids", "root")
            u.config["mounts"].pop()
        u.process["user"] = {"uid": 0, "gid": 0, "additionalGids": [0]}
        refused("additionalGids")
        u.process["user"] = {"uid": 0, "gid": 0}
        u.namespace("user")
        del u.linux["uidMappings"], u.linux["gidMappings"]
        refused("needs a user namespace")


MAPPER = r'''#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **args)
{
	const char *slash = strrchr(args[0], '/'), *name = slash != NULL ? slash + 1 : args[0];
	char path[64], text[256] = "";
	int fd;
	snprintf(path, sizeof(path), "/proc/%s/%s", args[1], strcmp(name, "newuidmap") == 0 ? "uid_map" : "gid_map");
	for (int i = 2; i + 2 < count; i += 3)
		sprintf(text + strlen(text), "%s %s %s\n", args[i], args[i + 1], args[i + 2]);
	fd = open(path, O_WRONLY);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : 1;
}'''


@test
def somebody_with_a_range(b):
    """More ids by newuidmap and newgidmap: ours here grant whatever is asked."""
    with b.bundle("put", "/home/new", "x", ";", "nap", "600000") as u, somebody(b) as how:
        tools = os.path.join(u.folder, "tools")
        source = write(os.path.join(tools, "mapper.c"), MAPPER)
        for name in ("newuidmap", "newgidmap"):
            subprocess.run([need("clang-19"), "-static", "-o", os.path.join(tools, name), source], check=True)
        os.makedirs(os.path.join(u.root, "home"))
        rootless(u)
        for name in ("newuidmap", "newgidmap"):
            os.chown(os.path.join(tools, name), 0, 0)
            os.chmod(os.path.join(tools, name), 0o4755)
        os.chown(os.path.join(u.root, "home"), BASE + 1000, BASE + 1000)
        u.linux["uidMappings"] = u.linux["gidMappings"] = maps(SOMEBODY, 1) + maps(BASE + 1, SIZE, 1)
        u.process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [7]}
        how["env"]["PATH"] = tools
        with running(u, **how) as r:
            eventually("a file", lambda: os.path.exists(os.path.join(u.root, "home/new")))
            assert squeezed(r.proc("uid_map")) == [["0", str(SOMEBODY), "1"], ["1", str(BASE + 1), str(SIZE)]]
            assert status(r.pid, "Uid") == [str(BASE + 1000)] * 4
            assert status(r.pid, "Groups") == [str(BASE + 7)]
            assert owner(os.path.join(u.root, "home/new")) == (BASE + 1000, BASE + 1000)
            assert owner(os.path.join(u.root, "dev")) == (SOMEBODY, SOMEBODY)


@test
def somebody_is_killed(b):
    """The container's process does not outlive them while it waits."""
    with b.bundle("say", "ran") as u, somebody(b) as how:
        rootless(u)
        u.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "30"]}]}
        with running(u, **how) as r:
            eventually("a child", lambda: len(b.processes(u.id)) > 1)
            r.process.send_signal(signal.SIGKILL)
            eventually("none", lambda: not b.processes(u.id))
        u.config["hooks"] = {}
        u.expect("ran\n", **how)


@test
def somebody_without_user_namespaces(b):
    """The knob is named. It is turned in a user namespace only: that of the test."""
    with b.bundle("say", "ran") as u, somebody(b) as how:
        rootless(u)
        u.linux["uidMappings"] = u.linux["gidMappings"] = maps(0, 1)
        command = u.command()
        done = subprocess.run([need("unshare"), "-Ur", "sh", "-c",
                               'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh"] + command,
                              capture_output=True, text=True, check=False, **how)
        assert done.returncode == 1 and "user.max_user_namespaces is 0" in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


@later_test
def somebody_as_root_of_their_own(b):
    """As engines run us that are in a user namespace already: we are root, and may make no node."""
    with b.bundle("put", "/dev/null", "x", ";", "cat", "/dev/zero/no", ";", "ls", "/dev") as u, somebody(b) as how:
        rootless(u)
        u.namespace("user")
        u.namespace("cgroup")
        del u.linux["uidMappings"], u.linux["gidMappings"]
        done = subprocess.run([need("unshare"), "-Urm"] + u.command(), capture_output=True, text=True, check=False,
                              **how)
        assert done.stderr == "" and "null\n" in done.stdout and done.returncode == 1, str(done)
        u.namespace("user", path="")
        del u.linux["namespaces"][-1]["path"]
        u.linux["uidMappings"] = u.linux["gidMappings"] = maps(0, 1)
        u.process["args"] = ["/kit.wasm", "say", "nested"]
        done = subprocess.run([need("unshare"), "-Urm"] + u.command(), capture_output=True, text=True, check=False,
                              **how)
        assert (done.returncode, done.stdout, done.stderr) == (0, "nested\n", ""), str(done)


@test
def somebody_joins_their_own(b):
    with b.bundle() as u, somebody(b) as how:
        rootless(u)
        with subprocess.Popen([need("unshare"), "-Urn", "sh", "-c", "echo there; exec sleep 600"],
                              stdout=subprocess.PIPE, **how) as p:
            try:
                assert p.stdout.readline() == b"there\n"
                del u.linux["uidMappings"], u.linux["gidMappings"]
                u.namespace("user", path="/proc/%d/ns/user" % p.pid)
                u.namespace("network", path="/proc/%d/ns/net" % p.pid)
                with ready(u, **how) as r:
                    for name in ("user", "net"):
                        assert (os.readlink("/proc/%d/ns/%s" % (p.pid, name)) ==
                                os.readlink("/proc/%d/ns/%s" % (r.pid, name))), name
            finally:
                p.kill()


@test
def somebody_has_a_life(b):
    with b.bundle() as u, somebody(b) as how:
        rootless(u)
        in_its_life(u, **how)
        assert owner(os.path.join(u.root, "new")) == (SOMEBODY, SOMEBODY)


@test
def somebody_has_a_terminal(b):
    with b.bundle("tty") as u, somebody(b) as how:
        rootless(u)
        u.process["terminal"] = True
        u.expect("1 1 1\r\n", **how)


@test
def somebody_cages_a_module(b):
    with b.bundle() as u, somebody(b) as how:
        shared = os.path.join(u.folder, "shared")
        os.makedirs(shared)
        os.chown(shared, SOMEBODY, SOMEBODY)
        command = [b.skiff, "run", "--cage", "--no-cache", "--dir", "/data:" + shared, b.kit, "put", "/data/new", "x",
                   ";", "cat", "/data/new", ";", "say", "", ";", "ls", "/", ";", "cat", "/etc/passwd"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIME_LIMIT, **how)
        assert done.returncode == 1 and quiet(done.stderr) == "", str(done)
        lines = done.stdout.split("\n")
        assert lines[0] == "x" and sorted(lines[1:4]) == ["data", "dev", "kit.wasm"], str(done)
        assert lines[4:] == ["cat /etc/passwd: No such file or directory", ""], str(done)
        assert owner(os.path.join(shared, "new")) == (SOMEBODY, SOMEBODY)


@test
def somebody_is_themselves_in_a_cage(b):
    with somebody(b) as how:
        with subprocess.Popen([b.skiff, "run", "--cage", "--no-cache", b.kit, "say", "ready", ";", "nap", "600000"],
                              stdout=subprocess.PIPE, **how) as p:
            try:
                assert p.stdout.readline() == b"ready\n"
                inner = int(read("/proc/%d/task/%d/children" % (p.pid, p.pid)).split()[0])
                assert squeezed(read("/proc/%d/uid_map" % inner)) == [[str(SOMEBODY), str(SOMEBODY), "1"]]
                assert int(status(inner, "CapEff")[0], 16) == 0 and int(status(inner, "CapBnd")[0], 16) == 0
                p.send_signal(signal.SIGTERM)
                p.wait(TIME_LIMIT)
            finally:
                p.kill()


@later_test
def nobody_traces_who_makes_a_view(b):
    """Before it joins the user namespace, whose root may trace whom he finds there: with the host's files open."""
    with b.bundle("say", "guest") as u:
        in_users(u)
        log = os.path.join(u.folder, "log")
        # A file of /proc belongs to a process' user and group, or to root's where nobody may look into it.
        hook(u, "createRuntime", 'pid=$(sed "s/.*pid.:\\([0-9]*\\).*/\\1/"); stat -c %%g /proc/$pid/environ > %s\n' % log,
             env=["PATH=/bin:/usr/bin"])
        u.expect("guest\n", group=SOMEBODY)
        assert read(log) == "0\n", read(log)
