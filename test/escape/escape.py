#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""escape.py SKIFF-ESCAPE [-v] [NAME...]: does an escaped guest find anything?

SKIFF-ESCAPE is skiff with a guest that has taken over its process (driver.c). Each attempt of attempts.def is made in a
container of its own: as root and as an ordinary user, with Docker's seccomp profile and without, as root of a user
namespace, as root in a root whose changes go nowhere, and in the host's namespaces; all must be refused. Then, for each layer a row lists, with no other layer on but the mount
view and devices: so it is known which layer stops what. Some are made with nothing closed, and must come through.
Afterwards the host must be as it was. The last line counts containers.
"""

import errno
import os
import re
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
import node  # noqa: E402

LAYERS = ["view", "descriptors", "devices", "namespaces", "identity", "landlock", "filter"]
LETTER = {"identity": "i", "landlock": "l", "filter": "f"}
REFUSED = {"EPERM", "EACCES", "ENOSYS", "killed"}
ALSO = {"view": {"ENOENT", "ENOTDIR", "EROFS", "EXDEV", "EBUSY", "ELOOP"}, "descriptors": {"ENOENT"},
        "namespaces": {"ESRCH", "ECONNREFUSED"}, "filter": {"faulted"}}
KILLED, FAULTED = 128 + 31, 128 + 11

# Each with all layers closed; the arguments of Node.spec().
FULL = {"root": {}, "user": {"uid": 65534}, "root-profile": {"profile": True},
        "user-profile": {"uid": 65534, "profile": True}, "mapped": {"users": True}, "scratch": {"scratch": True},
        "host-namespaces": {"namespaces": ()}}
# A layer alone has neither namespaces nor rules for devices beside it, unless it is these.
ALONE = {"alone": {"namespaces": (), "devices": False}, "alone-namespaces": {"devices": False},
         "alone-devices": {"namespaces": ()}}
# What comes through where nothing is closed: else nothing is shown by its being refused.
OPEN = ["volume_chmod", "volume_chown", "volume_set_user_id", "unix_in_volume", "unix_abstract", "unix_pair",
        "netlink_route", "packet", "tcp_to_host", "fork", "clone_process", "unshare_user", "unshare_mount",
        "kill_probe", "pidfd_victim", "ptrace_parent", "mount_tmpfs", "mount_bind", "umount_dev",
        "chroot", "handle_open", "mknod_disk", "mknod_and_open_in_dev", "map_executable", "protect_data",
        "protect_own_code", "memfd_executable", "setuid", "setgroups", "capset", "dumpable", "bpf_map", "io_uring",
        "user_fault", "keys_add", "seccomp_again", "kernel_name"]


def table(program):
    text = subprocess.run([program, "--attempts"], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        name, bits, words = line.split(" ", 2)
        yield name, [layer for i, layer in enumerate(LAYERS) if int(bits) >> i & 1], words


def verdict(code, out, err):
    """A word: an errno, killed, faulted, or what else happened."""
    came = re.search(r"^came to (-?\d+)$", out, re.M)
    if came and int(came.group(1)) < 0:
        return errno.errorcode.get(-int(came.group(1)), came.group(1))
    if came:
        return "came through (%s)" % came.group(1)
    if code == KILLED:
        return "killed"
    if code == FAULTED:
        return "faulted"
    return "exit code %s: %s" % (code, (err or out).strip()[:200])


class Suite:
    def __init__(self, place, rows, verbose):
        self.place, self.rows, self.verbose = place, rows, verbose
        self.passed, self.failed = 0, 0
        self.through = []
        self.by_layer = {layer: 0 for layer in LAYERS}

    def bundles(self):
        return {name: self.place.bundle(name, self.place.spec(**more)) for name, more in {**FULL, **ALONE}.items()}

    def attempt(self, bundle, letters, name):
        made = self.place.path("volume", "made")
        result = verdict(*self.place.run(bundle, "%s %s %s %d\n" % (letters, name, self.place.dir,
                                                                    self.place.victim.pid)))
        for path in (made, self.place.path("volume", "got"), self.place.path("volume", "other")):
            if os.path.isdir(path):
                os.rmdir(path)
            elif os.path.lexists(path):
                os.unlink(path)
        return result

    def check(self, name, where, result, layers):
        allowed = REFUSED.union(*(ALSO.get(layer, set()) for layer in layers))
        if result in allowed:
            self.passed += 1
            return True
        self.failed += 1
        self.through.append("%s, %s: NOT refused: %s" % (name, where, result))
        return False

    def control(self, bundles, name):
        result = self.attempt(bundles["alone"], "-", name)
        if result.startswith("came through"):
            self.passed += 1
        else:
            self.failed += 1
            self.through.append("%s, nothing closed: %s, so it shows nothing" % (name, result))

    def row(self, bundles, name, layers, words):
        seen = []
        for where in FULL:
            if where == "host-namespaces" and layers == ["namespaces"]:
                continue
            result = self.attempt(bundles[where], "fli", name)
            self.check(name, where, result, layers)
            seen.append("%s %s" % (where, result))
        for layer in layers:
            result = self.attempt(bundles.get("alone-" + layer, bundles["alone"]), LETTER.get(layer, "-"), name)
            if self.check(name, "by %s alone" % layer, result, [layer]):
                self.by_layer[layer] += 1
            seen.append("by %s alone %s" % (layer, result))
        if self.verbose:
            print("%s (%s): %s" % (name, words, ", ".join(seen)), flush=True)

    def run(self):
        bundles = self.bundles()
        for name in OPEN:
            if name in [row[0] for row in self.rows]:
                self.control(bundles, name)
        self.host()  # and what the sockets heard is forgotten
        before = self.host()
        for row in self.rows:
            self.row(bundles, *row)
        after = self.host()
        for what, value in after.items():
            if value == before.get(what):
                self.passed += 1
            else:
                self.failed += 1
                self.through.append("the host's %s changed: %s" % (what, difference(before.get(what), value)))

    def host(self):
        """What no attempt may change."""
        place = self.place
        state = {"files": node.state_of(place.dir, place.path("volume")), "names of the system": os.uname(),
                 "victim": place.victim.poll(),
                 "its priority": os.getpriority(os.PRIO_PROCESS, place.victim.pid),
                 "sockets": [heard(listener) for listener in place.listeners]}
        for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/mounts", "/proc/swaps"):
            if os.path.exists(path):
                with open(path) as file:
                    state[path] = file.read()
        if "/proc/swaps" in state:  # but for how much of it is in use, which anybody changes
            state["/proc/swaps"] = [line.split()[:3] for line in state["/proc/swaps"].splitlines()]
        state.update(place.left())
        return state


def heard(listener):
    """How often, since it was asked last."""
    times = 0
    while True:
        try:
            if listener.type == socket.SOCK_STREAM:
                listener.accept()[0].close()
            else:
                listener.recv(1)
        except BlockingIOError:
            return times
        times += 1


def difference(before, after):
    if isinstance(after, dict):
        return [path for path in set(before) | set(after) if before.get(path) != after.get(path)]
    return "%r, was %r" % (after, before)


def main():
    words = [word for word in sys.argv[1:] if word != "-v"]
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    why = node.apart()
    if why:
        print("skipped: " + why)
        return 77
    rows = [row for row in table(words[0]) if len(words) == 1 or row[0] in words[1:]]
    with node.Node(words[0]) as place:
        suite = Suite(place, rows, "-v" in sys.argv)
        suite.run()
    for line in suite.through:
        print(line)
    print("escape: %d attempts; held alone: %s" % (
        len(rows), ", ".join("%s %d" % item for item in suite.by_layer.items())))
    print("%d passed, %d failed, 0 skipped" % (suite.passed, suite.failed))
    return 1 if suite.failed else 0


if __name__ == "__main__":
    sys.exit(main())
