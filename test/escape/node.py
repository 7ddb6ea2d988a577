# SPDX-License-Identifier: Apache-2.0
"""A host with things worth to get at, and bundles to run on it. For escape.py and hostile.py, as root."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DOCKER = os.path.join(os.path.dirname(HERE), "oci", "docker-28.json")

TIME_LIMIT = 60  # of one run, in seconds: it is there for what hangs, not for what is slow

# (module (func (export "_start")))
HELLO = bytes.fromhex("0061736d0100000001040160000003020100070a01065f737461727400000a040102000b")

CAPS = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",
        "CAP_AUDIT_WRITE"]
NAMESPACES = ("pid", "network", "ipc", "uts")
DEVICES = [{"allow": False, "access": "rwm"}] + [
    {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"}
    for major, minor in ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0))]

ANY_DEVICE = [{"allow": True, "access": "rwm"}]


def apart():
    """Go on in a mount namespace of our own, where nobody else mounts; None, or why it cannot be."""
    if os.geteuid() != 0:
        return "only root makes mounts"
    if "SKIFF_APART" in os.environ:
        return None
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True)
    if done.returncode != 0:
        return done.stderr.strip()
    os.execvpe("unshare", ["unshare", "-m", sys.executable] + sys.argv, dict(os.environ, SKIFF_APART="1"))


def write(path, text, mode=0o644):
    with open(path, "wb" if isinstance(text, bytes) else "w") as file:
        file.write(text)
    os.chmod(path, mode)


def a_disk():
    """The number of a block device, best one that is there."""
    for name in sorted(os.listdir("/sys/block"), key=lambda name: name.startswith("loop")):
        with open("/sys/block/%s/dev" % name) as file:
            return os.makedev(*map(int, file.read().split(":")))
    return os.makedev(7, 0)


def state_of(folder, but=None):
    """{path: what is not to change}; of the directory `but` only what lies in it."""
    found = {}
    for where, _, names in os.walk(folder):
        for path in [where] + [os.path.join(where, name) for name in names]:
            if path == but:
                continue
            st = os.lstat(path)
            content = b""
            if stat.S_ISREG(st.st_mode) and st.st_size < 65536:
                with open(path, "rb") as file:
                    content = file.read()
            found[path] = (st.st_mode, st.st_uid, st.st_gid, st.st_size, st.st_ino, st.st_rdev, st.st_mtime_ns,
                           content, os.listxattr(path, follow_symlinks=False))
    return found


class Node:
    """Everything lies in self.dir, which has the one name under which guests look for it."""

    def __init__(self, program):
        self.program = os.path.realpath(program)
        self.dir = tempfile.mkdtemp(prefix="skiff-escape-", dir="/run")
        self.id = os.path.basename(self.dir)
        self.mounted, self.listeners = [], []
        self.victim = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        self.rootfs = self.path("rootfs")
        os.chmod(self.dir, 0o755)
        self.make_files()
        self.make_rootfs()
        self.listen()

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.victim.kill()
        self.victim.wait()
        for listener in self.listeners:
            listener.close()
        for path in reversed(self.mounted):
            subprocess.run(["umount", "-l", path], check=False)
        if os.path.exists("/dev/shm/" + self.id):
            os.unlink("/dev/shm/" + self.id)
        shutil.rmtree(self.dir)

    def devices(self, folder):
        for name, kind, number in (("disk", stat.S_IFBLK, a_disk()), ("mem", stat.S_IFCHR, os.makedev(1, 1)),
                                   ("kmsg", stat.S_IFCHR, os.makedev(1, 11))):
            os.mknod(self.path(folder, name), kind | 0o666, number)
            os.chmod(self.path(folder, name), 0o666)

    def mount(self, *words):
        subprocess.run(("mount",) + words, check=True)
        self.mounted.append(words[-1])

    def make_files(self):
        write(self.path("secret"), "secret")
        write("/dev/shm/" + os.path.basename(self.dir), "secret")
        write(self.path("hosts"), "127.0.0.1 localhost\n", 0o666)
        os.mkdir(self.path("cache"))
        shutil.copy(self.program, self.path("skiff"))
        for folder in ("fixed", "volume"):
            os.mkdir(self.path(folder))
            write(self.path(folder, "file"), folder, 0o666)
            shutil.copy(self.program, self.path(folder, "program"))
            self.devices(folder)
        os.mkdir(self.path("volume", "inner"))
        self.mount("-t", "tmpfs", "none", self.path("volume", "inner"))
        self.devices("volume/inner")
        os.symlink(self.path("secret"), self.path("volume", "to-secret"))
        os.symlink("../" * 12 + self.path("secret"), self.path("volume", "up-to-secret"))
        os.chmod(self.path("volume"), 0o777)

    def make_rootfs(self):
        for folder in ("", "image", "etc", "dev", "proc", "sys", "tmp", "fixed", "volume"):
            os.mkdir(self.path("rootfs", folder))
        write(self.path("rootfs/hello.wasm"), HELLO, 0o755)
        write(self.path("rootfs/etc/hosts"), "")
        write(self.path("rootfs/etc/passwd"), "root:x:0:0::/:\n", 0o666)
        self.devices("rootfs/image")
        shutil.copy(self.program, self.path("rootfs/image/program"))
        shutil.copy(self.program, self.path("rootfs/image/set-user-id"))
        os.chmod(self.path("rootfs/image/set-user-id"), 0o4755)

    def listen(self):
        """As containerd, Docker and a log do, and what an embedder puts into a volume."""
        names = ("containerd.sock", "docker.sock", "volume/sock", "fixed/sock")
        places = [(name, socket.SOCK_STREAM) for name in names]
        for name, kind in places + [("log.sock", socket.SOCK_DGRAM)]:
            self.listener(socket.AF_UNIX, kind, self.path(name))
            os.chmod(self.path(name), 0o666)
        self.listener(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.dir)
        self.listener(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 20000 + self.victim.pid % 20000))

    def listener(self, family, kind, address):
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen(64)
        listener.setblocking(False)
        self.listeners.append(listener)

    def left(self):
        """What no container may leave: mounts, its control groups, its processes, its name."""
        with open("/proc/self/mountinfo") as file:
            mounts = file.read()
        groups = [root for root, _, _ in os.walk("/sys/fs/cgroup") if self.id in root]
        processes = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/exe" % pid) == self.program:
                    processes.append(pid)
            except OSError:
                pass
        names = [name for name in os.listdir("/run/skiff") if self.id in name] if os.path.isdir("/run/skiff") else []
        return {"names": names, "mounts": mounts, "control groups": groups, "processes": processes}

    # -- Bundles ---------------------------------------------------------------------------------

    def spec(self, uid=0, profile=False, namespaces=NAMESPACES, devices=True, users=False, scratch=False):
        with open(DOCKER, encoding="utf-8") as file:
            docker = json.load(file)
        mounts = [mount for mount in docker["mounts"] if mount["type"] != "bind"]
        mounts += [{"destination": "/fixed", "type": "bind", "source": self.path("fixed"), "options": ["rbind", "ro"]},
                   {"destination": "/volume", "type": "bind", "source": self.path("volume"), "options": ["rbind"]},
                   {"destination": "/etc/hosts", "type": "bind", "source": self.path("hosts"),
                    "options": ["bind", "ro"]}]
        spec = {"ociVersion": "1.2.0",
                "process": {"user": {"uid": uid, "gid": uid}, "cwd": "/", "args": ["/hello.wasm"],
                            "capabilities": {kind: CAPS for kind in ("bounding", "permitted", "effective")}},
                "root": {"path": self.rootfs}, "mounts": mounts,
                "linux": {"namespaces": [{"type": kind} for kind in ("mount",) + tuple(namespaces)],
                          "resources": {"devices": DEVICES if devices else ANY_DEVICE},
                          "maskedPaths": docker["linux"]["maskedPaths"],
                          "readonlyPaths": docker["linux"]["readonlyPaths"]}}
        if users:
            ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
            spec["linux"]["namespaces"].append({"type": "user"})
            spec["linux"].update(uidMappings=ids, gidMappings=ids)
        if scratch:
            spec["annotations"] = {"skiff.root": "scratch"}
        if profile:
            spec["linux"]["seccomp"] = docker["linux"]["seccomp"]
        return spec

    def bundle(self, name, spec):
        folder = self.path("bundle-" + name)
        os.makedirs(folder, exist_ok=True)
        write(os.path.join(folder, "config.json"), json.dumps(spec))
        return folder

    def run(self, bundle, said="", seconds=TIME_LIMIT):
        """(exit code, output, errors); a code None: it was ended after so many seconds."""
        process = subprocess.Popen([self.program, "run", "--no-cache", "--bundle", bundle, self.id],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, errors="replace")
        try:
            out, err = process.communicate(said, timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=seconds)
            return None, out, err
        return process.returncode, out, err
