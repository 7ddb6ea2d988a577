#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile.py SKIFF-ESCAPE [NAME...]: bundles and images made to have skiff do something to the host.

Each container that starts makes one attempt of attempts.def, to read a file of the host by its name. Whatever a
bundle says, the host is afterwards as it was: files, mounts, control groups, processes.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import escape  # noqa: E402
import node  # noqa: E402
import tap  # noqa: E402
from tap import Skip, test  # noqa: E402

RACE_SECONDS = float(os.environ.get("RACE_SECONDS") or 10)
STILL_SECONDS = 0.3
LIBC = ctypes.CDLL(None, use_errno=True)


class Hostile(node.Node):
    """`outside` is the part of the host that must not change, besides the rest."""

    def __init__(self, program):
        super().__init__(program)
        os.makedirs(self.path("outside", "inner"))
        node.write(self.path("outside", "file"), "outside")
        self.number = 0

    def image(self):
        """A root of its own, which may be spoilt."""
        self.number += 1
        self.rootfs = self.path("root-%d" % self.number)
        shutil.copytree(self.path("rootfs"), self.rootfs, symlinks=True, ignore=lambda *_: ["image"])
        return self.rootfs

    def host(self):
        state = {path: what for path, what in node.state_of(self.dir).items()
                 if path != self.dir and not path.startswith(
                     tuple(self.path(name) for name in ("root-", "bundle-", "volume", "shared")))}
        state.update(self.left())
        return state

    def forget(self):
        """What a delete does for a container whose maker was killed."""
        left = self.left()
        assert not left["processes"], left
        for group in reversed(left["control groups"]):
            os.rmdir(group)
        shutil.rmtree(os.path.join("/run/skiff", self.id), ignore_errors=True)

    def orders(self, name="open_secret"):
        return "fli %s %s %d\n" % (name, self.dir, self.victim.pid)

    def starts(self, change=None, name="open_secret", seconds=node.TIME_LIMIT):
        """(exit code, output, errors) of a container whose spec was changed."""
        spec = self.spec()
        if change:
            change(spec)
        return self.run(self.bundle("hostile", spec), self.orders(name), seconds)

    def holds(self, change=None, fails=None):
        """It runs and finds nothing; or, where that may be too, says why it does not run, in one line."""
        before = self.host()
        code, out, err = self.starts(change)
        after = self.host()
        assert after == before, escape.difference(before, after)
        if code == 0 and fails is not True:
            assert escape.verdict(code, out, err) in ("ENOENT", "ENOTDIR", "ELOOP"), (out, err)
        else:
            assert fails is not False, (code, err)
            assert code not in (0, None) and err.startswith("skiff: ") and err.count("\n") == 1, (code, out, err)
        return err


@test
def fences_that_are_not_there(h):
    """What is asked for and cannot be had is not left out in silence."""
    err = h.holds(lambda spec: spec["linux"].update(seccomp={
        "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": h.path("docker.sock"),
        "syscalls": [{"names": ["uname"], "action": "SCMP_ACT_NOTIFY"}]}), fails=True)
    assert "config.json: " in err, err


# -- Links ----------------------------------------------------------------------------------------

def replace(path, to):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
    os.symlink(to, path)


def targets(h):
    return [h.path("outside"), h.path("outside", "new"), h.path("outside", "file"), h.path("outside", "new", "er"),
            "/", "..", "../../../../../..", "../../../../../../.." + h.path("outside"), "/proc/self/root",
            "/proc/1/root" + h.path("outside"), "/dev/stdin", ".", "loop", "/etc/hosts", "a" * 200]


@test
def links_at_mount_points(h):
    for place in ("volume", "fixed", "etc/hosts", "dev", "proc", "sys", "dev/shm", "etc"):
        for to in targets(h):
            root = h.image()
            os.makedirs(os.path.dirname(os.path.join(root, place)), exist_ok=True)
            replace(os.path.join(root, place), os.path.basename(place) if to == "loop" else to)
            h.holds()
            shutil.rmtree(root)


@test
def links_above_mount_points(h):
    def change(spec):
        spec["mounts"].append({"destination": "/way/to/the/place", "type": "bind", "source": h.path("volume"),
                               "options": ["bind"]})

    for at in ("way", "way/to", "way/to/the", "way/to/the/place"):
        for to in targets(h):
            root = h.image()
            os.makedirs(os.path.join(root, os.path.dirname(at)), exist_ok=True)
            replace(os.path.join(root, at), os.path.basename(at) if to == "loop" else to)
            h.holds(change)
            shutil.rmtree(root)


@test
def links_at_masked_paths(h):
    for to in targets(h):
        root = h.image()
        replace(os.path.join(root, "masked"), to)
        replace(os.path.join(root, "fast"), to)
        h.holds(lambda spec: spec["linux"].update(maskedPaths=["/masked", "/masked/file", "/../masked"],
                                                  readonlyPaths=["/fast", "/fast/file", "/../../fast"]))
        shutil.rmtree(root)


@test
def dots_in_destinations(h):
    for place in ("/../.." + h.path("outside"), "/volume/../../../.." + h.path("outside", "new"), "/volume/..",
                  "/..", "/.", "/", "//", "/dev/../..//dev/..", "/volume/../../../../../etc/hosts/../../etc",
                  "/fixed/new", "/volume/../fixed/file", "/etc/hosts/.."):
        h.image()
        h.holds(lambda spec, place=place: spec["mounts"].append(
            {"destination": place, "type": "bind", "source": h.path("volume"), "options": ["bind"]}))


@test
def working_directories(h):
    for place in ("/../../.." + h.path("outside"), h.path("outside", "new"), "/volume/../../.." + h.path("outside"),
                  "/link", "/link/new", "/proc/self/cwd", "/dev/fd/3", "/etc/hosts", "/volume/to-secret"):
        os.symlink(h.path("outside"), os.path.join(h.image(), "link"))
        h.holds(lambda spec, place=place: spec["process"].update(cwd=place))


@test
def a_root_that_is_a_link(h):
    os.symlink(h.image(), h.path("bundle-root"))
    h.rootfs = h.path("bundle-root")
    h.holds(fails=False)


@test
def a_root_that_is_none(h):
    for root in (h.path("secret"), h.path("missing"), "/dev/null", h.path("volume", "disk"), h.path("docker.sock"), ""):
        h.rootfs = root
        h.holds(fails=True)


@test
def sources_that_are_links(h):
    h.image()
    os.symlink("itself", h.path("volume", "itself"))
    os.symlink(h.path("missing"), h.path("volume", "dangling"))
    for name in ("itself", "dangling"):
        h.holds(lambda spec, name=name: spec["mounts"].append(
            {"destination": "/more", "type": "bind", "source": h.path("volume", name), "options": ["bind"]}),
            fails=True)
    # What a configuration names is what it gets, wherever a link leads: but as a mount, not as the host's own place.
    os.symlink(h.path("outside"), h.path("volume", "good"))
    h.holds(lambda spec: spec["mounts"].append(
        {"destination": "/more", "type": "bind", "source": h.path("volume", "good"), "options": ["bind", "ro"]}),
        fails=False)


# -- Modules --------------------------------------------------------------------------------------

@test
def modules_that_are_links(h):
    for to in (h.path("rootfs/hello.wasm"), "../../../../../.." + h.path("rootfs/hello.wasm"), "/proc/self/exe",
               "/dev/stdin", "module", "/volume", "/dev/null", "/volume/disk"):
        os.symlink(to, os.path.join(h.image(), "module"))
        h.holds(lambda spec: spec["process"].update(args=["/module"]), fails=True)


@test
def a_module_without_end(h):
    h.image()
    for path in ("/dev/zero", "/dev/urandom", "/huge"):
        with open(os.path.join(h.rootfs, "huge"), "wb") as file:
            file.truncate(1 << 40)
        h.holds(lambda spec, path=path: (spec["process"].update(args=[path]),
                                         spec["linux"]["resources"].update(memory={"limit": 64 << 20})), fails=True)


# -- What never answers ----------------------------------------------------------------------------

def progress(h):
    """Of each process of skiff, how often it got and gave up a CPU; None: there is none, or one runs."""
    found = {}
    for pid in h.left()["processes"]:
        try:
            with open("/proc/%s/status" % pid, encoding="utf-8") as file:
                words = dict(line.split(":", 1) for line in file.read().strip().split("\n"))
        except OSError:
            return None
        if words["State"].split()[0] == "R":
            return None
        found[pid] = (words["voluntary_ctxt_switches"], words["nonvoluntary_ctxt_switches"])
    return found or None


def wait_for_standstill(h, process):
    """Until all of them have waited for a while: a busy machine takes long to bring them there."""
    end, before, since = time.monotonic() + node.TIME_LIMIT, None, 0.0
    while before is None or time.monotonic() - since < STILL_SECONDS:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "they do not come to wait"
        now = progress(h)
        if now is None or now != before:
            before, since = now, time.monotonic()
        time.sleep(0.02)


@contextlib.contextmanager
def hanging(h, change):
    """A skiff that hangs; ended by whoever uses it."""
    spec = h.spec()
    change(spec)
    process = subprocess.Popen([h.program, "run", "--no-cache", "--bundle", h.bundle("hanging", spec), h.id],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdin.write(h.orders())
    process.stdin.close()
    process.stdin = None
    try:
        wait_for_standstill(h, process)
        yield process
    finally:
        process.kill()
        process.wait()


def ends(h, change, waits):
    """Hangs, lets others start, and is gone with all it made at once when it is told to be."""
    for number in (signal.SIGTERM, signal.SIGINT):
        before = h.host()
        with hanging(h, change) as process:
            other = h.id
            h.id += "-other"
            code, out, err = h.starts()
            h.id = other
            assert escape.verdict(code, out, err) == "ENOENT", (code, out, err)
            process.send_signal(number)
            out, err = process.communicate(timeout=node.TIME_LIMIT)
            assert process.returncode == 128 + number, (process.returncode, err)
            assert " waited for '" in err and waits in err, err
        after = h.host()
        assert after == before, escape.difference(before, after)
    with hanging(h, change) as process:
        process.kill()
        process.wait()
        deadline = time.monotonic() + node.TIME_LIMIT
        while h.left()["processes"] and time.monotonic() < deadline:
            time.sleep(0.02)
    h.forget()


@contextlib.contextmanager
def silent_file_system(h):
    """A FUSE mount whose server has not even said hello."""
    place = h.path("silent-mount")
    os.makedirs(place, exist_ok=True)
    try:
        server = h.server = os.open("/dev/fuse", os.O_RDWR)
    except OSError as reason:
        raise Skip("FUSE: %s" % reason)
    data = "fd=%d,rootmode=40000,user_id=0,group_id=0" % server
    try:
        if LIBC.mount(b"silent", place.encode(), b"fuse", 0, data.encode()) < 0:
            raise Skip("FUSE: " + os.strerror(ctypes.get_errno()))
        yield place
    finally:
        LIBC.umount2(place.encode(), 2)
        with contextlib.suppress(OSError):
            os.close(server)


def without_walking(h):
    """Nobody may look into the mount."""
    h.host = h.left


@test
def a_volume_that_never_answers(h):
    with silent_file_system(h) as place:
        without_walking(h)
        ends(h, lambda spec: spec["mounts"].append(
            {"destination": "/more", "type": "bind", "source": place + "/inner", "options": ["bind"]}), place + "/inner")
        # Nobody has to ask its server to put it in place.
        code, out, err = h.starts(lambda spec: spec["mounts"].append(
            {"destination": "/more/inner", "type": "bind", "source": place, "options": ["bind"]}))
        assert escape.verdict(code, out, err) == "ENOENT", (code, out, err)


@test
def a_root_that_never_answers(h):
    with silent_file_system(h) as place:
        without_walking(h)
        ends(h, lambda spec: spec["root"].update(path=place), "")


@test
def a_module_that_never_answers(h):
    with silent_file_system(h) as place:
        without_walking(h)
        h.image()

        def change(spec):
            spec["mounts"].append({"destination": "/more", "type": "bind", "source": place, "options": ["bind"]})
            spec["process"].update(args=["/more/module"])
        ends(h, change, "'/more/module'")


@test
def a_working_directory_that_never_answers(h):
    with silent_file_system(h) as place:
        without_walking(h)
        h.image()

        def change(spec):
            spec["mounts"].append({"destination": "/more", "type": "bind", "source": place, "options": ["bind"]})
            spec["process"].update(cwd="/more/inner")
        ends(h, change, "'/more/inner'")


def serve_badly(server):
    """Says hello to the kernel, takes whatever it asks for, and never answers."""
    with contextlib.suppress(OSError):
        unique = int.from_bytes(os.read(server, 1 << 17)[8:16], "little")
        hello = struct.pack("<IIIIHHIIHH28x", 7, 31, 0, 0, 8, 8, 4096, 1, 0, 0)
        os.write(server, struct.pack("<IiQ", 16 + len(hello), 0, unique) + hello)
        while os.read(server, 1 << 17):
            pass


@test
def a_process_that_cannot_even_be_killed(h):
    """The kernel waits for an answer to what a server has taken; skiff does not."""
    with silent_file_system(h) as place:
        without_walking(h)
        child = os.fork()
        if child == 0:
            serve_badly(h.server)
            os._exit(0)
        os.close(h.server)
        with hanging(h, lambda spec: spec["mounts"].append(
                {"destination": "/more", "type": "bind", "source": place + "/inner", "options": ["bind"]})) as process:
            process.send_signal(signal.SIGTERM)
            assert process.wait(node.TIME_LIMIT) == 128 + signal.SIGTERM
            err = os.read(process.stderr.fileno(), 4096).decode()  # not to its end: what hangs has it, too
            assert "does not end" in err and place + "/inner" in err, err
            assert h.left()["processes"] and h.left()["names"] == [h.id], "what does not end keeps its name"
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        deadline = time.monotonic() + node.TIME_LIMIT
        while h.left()["processes"] and time.monotonic() < deadline:
            time.sleep(0.02)
    h.forget()


@test
def a_module_that_is_a_pipe(h):
    os.mkfifo(os.path.join(h.image(), "pipe"))
    h.holds(lambda spec: spec["process"].update(args=["/pipe"]), fails=True)


@test
def namespaces_that_are_pipes(h):
    os.mkfifo(h.path("pipe"))
    for kind in ("pid", "ipc", "uts", "network", "cgroup"):
        h.holds(lambda spec, kind=kind: spec["linux"].update(
            namespaces=[{"type": "mount"}, {"type": kind, "path": h.path("pipe")}]), fails=True)


# -- Races ----------------------------------------------------------------------------------------

def swap(h, stop):
    """What another container does in a volume it shares: now a directory, now a link out of it."""
    place, aside = h.path("shared", "place"), h.path("shared", "aside")
    os.symlink(h.path("outside"), aside)
    while not stop.is_set():
        LIBC.renameat2(-100, place.encode(), -100, aside.encode(), 2)  # RENAME_EXCHANGE


@test
def a_race_in_a_shared_volume(h):
    """Places of mounts, of working directories and of what is masked, exchanged all the while."""
    h.image()
    os.makedirs(h.path("shared", "place", "inner"))
    before, stop, runs = h.host(), threading.Event(), 0

    def change(spec):
        spec["mounts"].append({"destination": "/shared", "type": "bind", "source": h.path("shared"),
                               "options": ["bind"]})
        for place in ("/shared/place/inner", "/shared/place/new%d" % runs, "/shared/place/file"):
            spec["mounts"].append({"destination": place, "type": "bind", "source": h.path("volume"),
                                   "options": ["bind"]})
        spec["linux"]["maskedPaths"] = ["/shared/place/inner", "/shared/aside"]
        spec["process"]["cwd"] = "/shared/place/work%d" % runs

    swapper = threading.Thread(target=swap, args=(h, stop))
    swapper.start()
    try:
        deadline = time.monotonic() + RACE_SECONDS
        while time.monotonic() < deadline:
            code, out, err = h.starts(change)
            found = escape.verdict(code, out, err)
            assert found == "ENOENT" or err.startswith("skiff: "), found
            runs += 1
    finally:
        stop.set()
        swapper.join()
    after = h.host()
    assert after == before, escape.difference(before, after)
    print("# %d containers" % runs)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    why = node.apart()
    if why:
        print("skipped: " + why)
        return 77

    for index, (title, work) in enumerate(tap.TESTS):
        tap.TESTS[index] = (title, lambda program, work=work: run_in(program, work))
    return tap.run_tests(os.path.realpath(sys.argv[1]), sys.argv[2:])


def run_in(program, work):
    with Hostile(program) as h:
        work(h)


if __name__ == "__main__":
    sys.exit(main())
