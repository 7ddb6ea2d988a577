#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""v2.py SKIFF [WORD...]: containers on a machine with cgroup v2 alone; WORD: only tests whose name has it.

Each limit is looked at in the file where the kernel keeps it, each verb by what the kernel says of the group. For the
machine of vm.py: it takes root, changes groups at the top, and expects the disk /dev/vda and the user 1000.
"""

import contextlib
import ctypes
import json
import math
import os
import platform
import signal
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "cage")]

from box import Box, eventually, read, ready, running  # noqa: E402
from tap import Skip, SkipAll, run_tests, test  # noqa: E402

TOP = "/sys/fs/cgroup"
USER = 1000
MIB = 1 << 20
BPF_PROG_QUERY, BPF_CGROUP_DEVICE, BPF = 16, 6, {"x86_64": 321, "aarch64": 280}
CLONE_INTO_CGROUP, CLONE3 = 0x200000000, 435


def group(u):
    found = u.cgroups()
    assert len(found) == 1, "one group: %s" % found
    return found[0]


def value(folder, name):
    return read(os.path.join(folder, name)).strip()


def rows(folder, name):
    return dict(line.split(" ", 1) for line in value(folder, name).split("\n"))


def put(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def files_are(u, resources, **expected):
    """With these resources these files have these contents; "__" stands for a point."""
    u.linux["resources"] = resources
    with ready(u):
        folder = group(u)
        found = {name: value(folder, name.replace("__", ".")) for name in expected}
        assert found == expected, "%s: %s, and should be %s" % (resources, found, expected)


def verb(b, *words, code=0, user=None):
    """What a verb says on standard output."""
    more = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    done = subprocess.run([b.skiff] + list(words), capture_output=True, text=True, check=False, timeout=60, **more)
    assert done.returncode == code, "%s: %d, %s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def command_of(b, u, name, *more):
    """`create` and its like for a bundle; skiff run has written its config.json then."""
    words = u.command()
    return [b.skiff, name] + words[words.index("--bundle"):-1] + list(more) + [words[-1]]


@contextlib.contextmanager
def created(b, *commands, **linux):
    """A container that waits to be started."""
    with b.bundle(*commands) as u:
        u.linux.update(linux)
        with open(os.path.join(u.folder, "out"), "wb") as out:
            done = subprocess.run(command_of(b, u, "create"), stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=60,
                                  check=False)
        try:
            assert done.returncode == 0, read(os.path.join(u.folder, "out"))
            yield u
        finally:
            subprocess.run([b.skiff, "delete", "--force", u.id], capture_output=True, check=False, timeout=60)


def state(b, u):
    return json.loads(verb(b, "state", u.id))


# -- Limits ------------------------------------------------------------------------------------------


@test
def machine(b):
    """It is what this is for."""
    del b
    mounts = [line.split(" - ")[1] for line in read("/proc/self/mountinfo").strip().split("\n")]
    assert not [line for line in mounts if line.startswith("cgroup ")], mounts
    assert [line for line in mounts if line.startswith("cgroup2 ")], mounts
    print("# Linux " + platform.release())


@test
def memory(b):
    with b.bundle() as u:
        files_are(u, {"memory": {"limit": 64 * MIB, "swap": 96 * MIB, "reservation": 16 * MIB}},
                  memory__max=str(64 * MIB), memory__swap__max=str(32 * MIB), memory__low=str(16 * MIB))
    with b.bundle() as u:
        files_are(u, {"memory": {"limit": 64 * MIB, "swap": 64 * MIB}}, memory__swap__max="0")
    with b.bundle() as u:
        files_are(u, {"memory": {"limit": 64 * MIB, "swap": -1}}, memory__swap__max="max")
    with b.bundle() as u:
        files_are(u, {"memory": {"limit": -1}}, memory__max="max", memory__swap__max="max")
    with b.bundle() as u:
        u.linux["resources"] = {"memory": {"swap": 64 * MIB}}
        u.refused("memory.swap")


@test
def cpu(b):
    with b.bundle() as u:
        files_are(u, {"cpu": {"quota": 50000, "period": 200000, "burst": 10000}}, cpu__max="50000 200000",
                  cpu__max__burst="10000")
    with b.bundle() as u:
        files_are(u, {"cpu": {"period": 50000}}, cpu__max="max 50000")
    with b.bundle() as u:
        files_are(u, {"cpu": {"quota": -1}}, cpu__max="max 100000")
    with b.bundle() as u:
        files_are(u, {"cpu": {"idle": 1, "shares": 512}}, cpu__idle="1")
    with b.bundle() as u:
        u.linux["resources"] = {"cpu": {"realtimeRuntime": 1000}}
        u.refused("cpu.realtimeRuntime", "real-time")


def weight(shares):
    """The curve through (2, 1), (1024, 100) and (262144, 10000)."""
    log = math.log2(shares)
    return math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34) - 1e-9)


@test
def cpu_weight(b):
    for shares in (2, 3, 100, 512, 1024, 1025, 2048, 20000, 262144):
        with b.bundle() as u:
            files_are(u, {"cpu": {"shares": shares}}, cpu__weight=str(weight(shares)))


@test
def cpuset(b):
    with b.bundle() as u:
        files_are(u, {"cpu": {"cpus": "0", "mems": "0"}}, cpuset__cpus="0", cpuset__mems="0",
                  cpuset__cpus__effective="0")
    with b.bundle() as u:
        u.linux["resources"] = {"cpu": {"cpus": "9000"}}
        u.refused("cpu.cpus")


@test
def pids(b):
    with b.bundle() as u:
        files_are(u, {"pids": {"limit": 44}}, pids__max="44")
    with b.bundle() as u:
        files_are(u, {"pids": {"limit": -1}}, pids__max="max")


def disk():
    try:
        number = os.stat("/dev/vda").st_rdev
    except FileNotFoundError as missing:
        raise Skip("there is no /dev/vda") from missing
    return {"major": os.major(number), "minor": os.minor(number)}


@test
def io_max(b):
    number = disk()
    name = "%(major)d:%(minor)d" % number
    limits = {"throttleReadBpsDevice": 1048576, "throttleWriteBpsDevice": 2097152, "throttleReadIOPSDevice": 300,
              "throttleWriteIOPSDevice": 400}
    with b.bundle() as u:
        files_are(u, {"blockIO": {key: [dict(number, rate=rate)] for key, rate in limits.items()}},
                  io__max=name + " rbps=1048576 wbps=2097152 riops=300 wiops=400")
    with b.bundle() as u:
        u.linux["resources"] = {"blockIO": {"throttleReadBpsDevice": [{"major": 250, "minor": 7, "rate": 1}]}}
        u.refused("blockIO.throttleReadBpsDevice")


@test
def io_weight(b):
    if os.path.exists(os.path.join(TOP, "session", "io.bfq.weight")):
        raise Skip("bfq is loaded")
    name = "%(major)d:%(minor)d" % disk()
    with b.bundle() as u:
        files_are(u, {"blockIO": {"weight": 505}}, io__weight="default 5000")
    with b.bundle() as u:
        u.linux["resources"] = {"blockIO": {"weightDevice": [dict(disk(), weight=1000)]}}
        u.refused("blockIO.weightDevice", "io.cost.qos")
        put(TOP, "io.cost.qos", name + " enable=1")
        try:
            files_are(u, {"blockIO": {"weight": 10, "weightDevice": [dict(disk(), weight=1000)]}},
                      io__weight="default 1\n%s 10000" % name)
        finally:
            put(TOP, "io.cost.qos", name + " enable=0")
    with b.bundle() as u:
        u.linux["resources"] = {"blockIO": {"leafWeight": 100}}
        u.refused("blockIO.leafWeight")


@test
def io_weight_of_bfq(b):
    """Loaded, it has files of its own, with the old range."""
    if not os.path.exists("/vm/later/bfq.ko"):
        raise Skip("there is no module bfq")
    subprocess.run(["/vm/busybox", "insmod", "/vm/later/bfq.ko"], capture_output=True, check=False)
    put("/sys/block/vda/queue", "scheduler", "bfq")
    name = "%(major)d:%(minor)d" % disk()
    with b.bundle() as u:
        files_are(u, {"blockIO": {"weight": 505}}, io__bfq__weight="default 505")
    with b.bundle() as u:
        files_are(u, {"blockIO": {"weight": 10, "weightDevice": [dict(disk(), weight=1000)]}},
                  io__bfq__weight="default 10\n%s 1000" % name)


@test
def hugetlb(b):
    with b.bundle() as u:
        files_are(u, {"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]}, hugetlb__2MB__max=str(4 * MIB),
                  hugetlb__2MB__rsvd__max=str(4 * MIB))
    with b.bundle() as u:
        u.linux["resources"] = {"hugepageLimits": [{"pageSize": "3MB", "limit": 0}]}
        u.refused("hugepageLimits")


@test
def unified(b):
    with b.bundle() as u:
        files_are(u, {"pids": {"limit": 9}, "unified": {
            "memory.high": str(48 * MIB), "memory.low": str(8 * MIB), "memory.min": "4096", "memory.oom.group": "1",
            "pids.max": "55", "cpu.weight.nice": "-5", "io.max": "%(major)d:%(minor)d rbps=1000000" % disk()}},
                  memory__high=str(48 * MIB), memory__low=str(8 * MIB), memory__min="4096", memory__oom__group="1",
                  pids__max="55", cpu__weight__nice="-5",
                  io__max="%(major)d:%(minor)d rbps=1000000 wbps=max riops=max wiops=max" % disk())
    for name in ("cgroup.procs", "cgroup.kill", "../pids.max", "no.such"):
        with b.bundle() as u:
            u.linux["resources"] = {"unified": {name: "1"}}
            u.refused("unified")
    with b.bundle() as u:
        u.linux["resources"] = {"unified": {"memory.max": "many"}}
        u.refused("unified", "memory.max", "many")


@test
def what_version_2_does_not_have(b):
    for resources, word in (({"memory": {"swappiness": 60}}, "memory.swappiness"),
                            ({"memory": {"disableOOMKiller": True}}, "memory.disableOOMKiller"),
                            ({"network": {"classID": 5}}, "network.classID")):
        with b.bundle() as u:
            u.linux["resources"] = resources
            u.refused(word)
    with b.bundle() as u:
        files_are(u, {"memory": {"kernel": 1 << 20, "disableOOMKiller": False, "useHierarchy": True}}, memory__max="max")


# -- Devices -----------------------------------------------------------------------------------------


def programs(folder):
    """How many programs for devices are attached to it."""
    class Query(ctypes.Structure):
        _fields_ = [("fd", ctypes.c_uint32), ("type", ctypes.c_uint32), ("query", ctypes.c_uint32),
                    ("flags", ctypes.c_uint32), ("ids", ctypes.c_uint64), ("count", ctypes.c_uint32)]

    ids = (ctypes.c_uint32 * 8)()
    fd = os.open(folder, os.O_RDONLY)
    query = Query(fd, BPF_CGROUP_DEVICE, 0, 0, ctypes.addressof(ids), 8)
    r = ctypes.CDLL(None, use_errno=True).syscall(BPF[platform.machine()], BPF_PROG_QUERY, ctypes.byref(query),
                                                  ctypes.sizeof(query))
    os.close(fd)
    assert r == 0, os.strerror(ctypes.get_errno())
    return query.count


@test
def devices(b):
    """A node that is made for it: refused by the program, until a rule allows it."""
    number = disk()
    for rules, out in ((None, "read /dev/disk: Operation not permitted\n"),
                       ([dict(number, allow=True, type="b", access="rm")], "64 bytes\n"),
                       ([dict(number, allow=True, type="b", access="wm")], "read /dev/disk: Operation not permitted\n"),
                       ([{"allow": True}], "64 bytes\n"),
                       ([{"allow": True}, dict(number, allow=False, type="b", access="r")],
                        "read /dev/disk: Operation not permitted\n")):
        with b.bundle("read", "/dev/disk", "64") as u:
            u.linux["devices"] = [dict(number, path="/dev/disk", type="b", fileMode=0o666)]
            u.linux["resources"] = {} if rules is None else {"devices": rules}
            r = u.run()
            assert r.out == out, "%s: %s" % (rules, r)
    with b.bundle() as u, ready(u):
        assert programs(group(u)) == 1


# -- Life --------------------------------------------------------------------------------------------


@test
def life(b):
    with created(b, "say", "begin", ";", "nap", "20000") as u:
        folder, pid = group(u), state(b, u)["pid"]
        assert state(b, u)["status"] == "created" and value(folder, "cgroup.procs") == str(pid)
        assert rows(folder, "cgroup.events") == {"populated": "1", "frozen": "0"}
        verb(b, "start", u.id)
        eventually("begin", lambda: read(os.path.join(u.folder, "out")) == "begin\n")
        verb(b, "pause", u.id)
        assert value(folder, "cgroup.freeze") == "1" and rows(folder, "cgroup.events")["frozen"] == "1"
        assert state(b, u)["status"] == "paused"
        verb(b, "resume", u.id)
        eventually("thawed", lambda: rows(folder, "cgroup.events")["frozen"] == "0")
        assert state(b, u)["status"] == "running"
        assert verb(b, "exec", u.id, "/kit.wasm", "say", "beside") == "beside\n"
        verb(b, "kill", u.id, "KILL")
        eventually("stopped", lambda: state(b, u)["status"] == "stopped")
        assert rows(folder, "cgroup.events")["populated"] == "0"
        verb(b, "delete", u.id)
        assert not os.path.exists(folder)


@test
def kill_all(b):
    """By cgroup.kill, frozen or not, with what exec has added."""
    for frozen in (False, True):
        with created(b, "nap", "20000") as u:
            verb(b, "start", u.id)
            folder = group(u)
            with subprocess.Popen([b.skiff, "exec", u.id, "/kit.wasm", "say", "x", ";", "nap", "20000"],
                                  stdout=subprocess.PIPE) as beside:
                assert beside.stdout.readline() == b"x\n" and len(value(folder, "cgroup.procs").split()) == 2
                if frozen:
                    verb(b, "pause", u.id)
                verb(b, "kill", "--all", u.id, "KILL")
                assert beside.wait(20) == 137
            eventually("nobody", lambda f=folder: rows(f, "cgroup.events")["populated"] == "0")


@test
def delete_of_what_is_frozen(b):
    with created(b, "nap", "20000") as u:
        verb(b, "start", u.id)
        verb(b, "pause", u.id)
        verb(b, "delete", "--force", u.id)
        assert not u.cgroups()


@test
def out_of_memory(b):
    with created(b, "grow", "200") as u:
        verb(b, "delete", u.id)
        u.linux["resources"] = {"memory": {"limit": 32 * MIB, "swap": 32 * MIB}}
        r = u.run()
        assert r.code == 137 and "needed more memory than its %d bytes" % (32 * MIB) in r.err, str(r)
        subprocess.run(command_of(b, u, "create"), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)
        folder = group(u)
        verb(b, "start", u.id)
        eventually("stopped", lambda: state(b, u)["status"] == "stopped")
        assert rows(folder, "memory.events")["oom_kill"] == "1"


@test
def first_page_is_charged(b):
    """Nothing of the container is in the group of whoever started it."""
    with b.bundle("grow", "64", ";", "say", "ready", ";", "nap", "20000") as u:
        with running(u) as r:
            r.line(), r.line()
            used = int(value(group(u), "memory.current"))
            assert 64 * MIB <= used < 80 * MIB, used


@test
def parents_are_made_and_removed(b):
    for kept in (False, True):
        with b.bundle() as u:
            top = "vm-parent-%d" % os.getpid()
            u.linux["cgroupsPath"] = "/%s/one/two/%s" % (top, u.id)
            u.linux["resources"] = {"memory": {"limit": 64 * MIB}, "cpu": {"shares": 2}, "pids": {"limit": 5}}
            if kept:
                os.mkdir(os.path.join(TOP, top))
            with ready(u):
                folder = os.path.join(TOP, top, "one/two", u.id)
                assert [value(folder, name) for name in ("memory.max", "cpu.weight", "pids.max")] == \
                    [str(64 * MIB), "1", "5"]
            eventually("gone", lambda f=folder: not os.path.exists(os.path.dirname(os.path.dirname(f))))
            assert os.path.exists(os.path.join(TOP, top)) == kept
            if kept:
                os.rmdir(os.path.join(TOP, top))


@test
def beside_our_own(b):
    """A relative path: a group that has processes hands nothing on, so the container's lies beside it."""
    own = read("/proc/self/cgroup").strip().split("::", 1)[1]
    with b.bundle() as u:
        u.linux["cgroupsPath"] = u.id
        u.linux["resources"] = {"memory": {"limit": 64 * MIB}}
        with ready(u):
            assert group(u) == TOP + os.path.join(os.path.dirname(own), u.id), group(u)


@test
def below_a_group_with_processes(b):
    """There the kernel hands no controllers down: said, and nothing left."""
    parent = os.path.join(TOP, "vm-busy-%d" % os.getpid())
    os.mkdir(parent)
    with subprocess.Popen(["sleep", "100"]) as sleeper:
        try:
            put(parent, "cgroup.procs", str(sleeper.pid))
            with b.bundle("say", "x") as u:
                u.linux["cgroupsPath"] = "/%s/%s" % (os.path.basename(parent), u.id)
                u.linux["resources"] = {"memory": {"limit": 64 * MIB}}
                u.refused("memory.limit", "handed down")
                u.linux["resources"] = {"pids": {"limit": 20}}
                u.refused("pids.limit", "handed down")
                assert value(parent, "cgroup.type") == "domain", value(parent, "cgroup.type")
                u.linux["resources"] = {}
                u.expect("x\n")
        finally:
            sleeper.kill()
            sleeper.wait()
            eventually("empty", lambda: rows(parent, "cgroup.events")["populated"] == "0")
            os.rmdir(parent)


@test
def cgroup_namespace(b):
    with b.bundle() as u:
        u.namespace("cgroup", path=None)
        u.linux["namespaces"][-1].pop("path")
        with ready(u) as r:
            assert os.readlink("/proc/%d/ns/cgroup" % r.pid) != os.readlink("/proc/self/ns/cgroup")
            assert value(group(u), "cgroup.procs") == str(r.pid)


@test
def threaded_group(b):
    """A group of threads takes no process of its own: said, and nothing left."""
    parent = os.path.join(TOP, "vm-threads-%d" % os.getpid())
    os.mkdir(parent)
    try:
        os.mkdir(parent + "/threads")
        put(parent + "/threads", "cgroup.type", "threaded")
        with b.bundle("say", "x") as u:
            u.linux["cgroupsPath"] = "/%s/%s" % (os.path.basename(parent), u.id)
            u.refused("cgroup")
    finally:
        os.rmdir(parent + "/threads")
        os.rmdir(parent)


# -- systemd -----------------------------------------------------------------------------------------


def systemctl(*words):
    done = subprocess.run(["systemctl"] + list(words), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, "systemctl %s: %s" % (" ".join(words), done.stderr)


def need_systemd():
    if not os.path.isdir("/run/systemd/system"):
        raise Skip("systemd does not run here")


def disturb(slices):
    """Units come and go beside it, with limits of their own; all is loaded again."""
    unit = ["systemd-run", "--wait", "--slice", slices, "-p", "MemoryMax=100M", "-p", "IOWeight=50", "-p", "DeviceAllow=/dev/null rw", "true"]
    done = subprocess.run(unit, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    systemctl("daemon-reload")
    systemctl("daemon-reexec")


def still_limited(b, parent, slices="system.slice"):
    """Do the limits of a container below that group outlive what systemd does? What is different then."""
    def look(folder):
        return {name: value(folder, name) if os.path.exists(os.path.join(folder, name)) else None
                for name in ("memory.max", "pids.max", "cpu.max", "cpu.weight", "io.max", "cgroup.procs")}

    with b.bundle("say", "ready", ";", "nap", "600000") as u:
        u.linux["resources"] = {"memory": {"limit": 64 * MIB}, "pids": {"limit": 20},
                                "cpu": {"shares": 512, "quota": 50000, "period": 100000},
                                "blockIO": {"throttleReadBpsDevice": [dict(disk(), rate=1048576)]}}
        u.linux["cgroupsPath"] = "%s/%s" % (parent, u.id)
        with running(u) as r:
            r.line()
            folder = group(u)
            before = look(folder)
            disturb(slices)
            after = look(folder)
            assert programs(folder) == 1
    return {name: after[name] for name in before if after[name] != before[name]}


@test
def systemd_lets_be_what_is_at_the_top(b):
    need_systemd()
    different = still_limited(b, "/vm-parent-%d" % os.getpid())
    assert not different, different


@test
def systemd_lets_be_what_is_delegated(b):
    need_systemd()
    name = "vm-holder-%d.service" % os.getpid()
    folder = os.path.join(TOP, "system.slice", name)
    subprocess.run(["systemd-run", "--unit", name, "-p", "Delegate=yes", "sleep", "1000"], check=True, capture_output=True,
                   timeout=60)
    try:
        os.mkdir(folder + "/own")
        put(folder + "/own", "cgroup.procs", value(folder, "cgroup.procs"))
        different = still_limited(b, "/system.slice/" + name)
        assert not different, different
    finally:
        systemctl("stop", name)


@test
def systemd_takes_away_below_its_slices(b):
    """A slice is systemd's own; who wants a group there asks systemd for it. If this fails, it has learnt to share."""
    need_systemd()
    name = "vm-plain-%d" % os.getpid()
    subprocess.run(["systemd-run", "--unit", name, "--slice", "vmplain.slice", "sleep", "1000"], check=True,
                   capture_output=True, timeout=60)
    try:
        different = still_limited(b, "/vmplain.slice", "vmplain.slice")
        assert different and all(now is None for now in different.values()), different
        print("# lost: " + " ".join(sorted(different)))
    finally:
        systemctl("stop", name)


# -- Users -------------------------------------------------------------------------------------------


def as_user(procs):
    """For the child: into that group, then the user."""
    def go():
        with open(procs, "w", encoding="utf-8") as file:
            file.write("0")
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
        os.environ.clear()
        os.environ.update({"PATH": "/usr/bin", "HOME": "/tmp", "XDG_RUNTIME_DIR": "/run/user/%d" % USER})
    return go


@contextlib.contextmanager
def session(delegated):
    """A group for the user as systemd makes it: NAME/app.slice... of which he owns the directory and three files."""
    folder = os.path.join(TOP, "vm-user-%d" % os.getpid())
    os.makedirs(folder + "/shell")
    os.makedirs("/run/user/%d" % USER, exist_ok=True)
    os.chown("/run/user/%d" % USER, USER, USER)
    put(TOP, "cgroup.subtree_control", "+memory +pids +cpu")
    if delegated:
        for path in (folder, folder + "/shell"):
            for name in ("", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"):
                os.chown(path + name, USER, USER)
    try:
        yield folder
    finally:
        for path in (folder + "/shell", folder):
            eventually("empty", lambda p=path: rows(p, "cgroup.events")["populated"] == "0")
            os.rmdir(path)


@contextlib.contextmanager
def users_bundle(b, *words):
    with b.bundle(*words) as u:
        u.namespace("user", uidMappings=None)
        u.linux["namespaces"][-1].pop("uidMappings")
        u.linux["uidMappings"] = [{"containerID": 0, "hostID": USER, "size": 1}]
        u.linux["gidMappings"] = [{"containerID": 0, "hostID": USER, "size": 1}]
        u.linux["cgroupsPath"] = u.id
        for where, _, names in os.walk(u.folder):
            for path in [where] + [os.path.join(where, name) for name in names]:
                os.chown(path, USER, USER)
        yield u


@test
def user_with_a_group_of_his_own(b):
    """Delegated: limits hold; a controller that was not handed to him is left out, with a word."""
    with session(True) as folder, users_bundle(b) as u:
        u.linux["resources"] = {"memory": {"limit": 64 * MIB}, "pids": {"limit": 20}}
        with ready(u, preexec_fn=as_user(folder + "/shell/cgroup.procs"), user=None) as r:
            place = os.path.join(folder, u.id)
            assert group(u) == place, group(u)
            assert value(place, "memory.max") == str(64 * MIB) and value(place, "pids.max") == "20"
            assert os.stat(place).st_uid == USER and value(place, "cgroup.procs").split()
            assert r.process.poll() is None
        eventually("gone", lambda: not os.path.exists(place))


@test
def user_without(b):
    """Not his: no group, a sentence for each limit, and the container runs."""
    with session(False) as folder, users_bundle(b, "say", "x") as u:
        u.linux["resources"] = {"memory": {"limit": 64 * MIB}}
        r = u.run(preexec_fn=as_user(folder + "/shell/cgroup.procs"))
        assert (r.code, r.out) == (0, "x\n"), str(r)
        assert "Permission denied" in r.err and "memory.limit: left out: the container could get no group" in r.err, str(r)
        assert not u.cgroups()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        box = Box(sys.argv[1])
    except SkipAll as reason:
        print(reason)
        return 77
    try:
        return run_tests(box, sys.argv[2:])
    finally:
        box.close()


if __name__ == "__main__":
    sys.exit(main())
