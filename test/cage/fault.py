#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fault.py SKIFF STRIKE [--all] [WORD...]: kill skiff wherever it can be killed; WORD: only tests whose name has it.

Each operation is done again and again: at its first system call skiff is killed, at its second, and so on until it
comes through; the same for the container's process, and for skiff at each call of the container's process
(STRIKE, made of strike.c, does that). After each there is one `skiff delete --force ID`, and then five counts are as they were
before: processes, mounts, control groups in every hierarchy, files below /run/skiff, and descriptors.

Without --all every few calls are tried; with it all are, and what has a time to last lasts ten times as long.
"""

import contextlib
import ctypes
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from box import Box, children, eventually, is_zombie, read, write  # noqa: E402
from tap import TESTS, SkipAll, run_tests, test  # noqa: E402
import users  # noqa: E402

TESTS.clear()  # those of users.py are run.py's

STRIDE = 13
SECONDS = 4.0
PARENT = "cage-fault-%d" % os.getpid()
LIMIT = 60
PR_SET_CHILD_SUBREAPER = 36


def wait(*processes):
    """Their exit codes. Others that end meanwhile are ours to wait for, too: a pid namespace ends after all in it have."""
    end = time.monotonic() + LIMIT
    own = {process.pid for process in processes}
    while any(process.poll() is None for process in processes):
        if time.monotonic() > end:
            for process in processes:
                process.kill()
            raise AssertionError("they do not end: %s" % [process.args for process in processes])
        for pid in children(os.getpid()):
            if pid not in own:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        time.sleep(0.0005)
    return [process.returncode for process in processes]


class Fault:
    """A bundle, its container's name, and what there was before it."""

    def __init__(self, box, bundle, how):
        """`how`: what spawn() needs to be somebody else."""
        self.box, self.bundle, self.how = box, bundle, how
        self.stride, self.seconds = box.stride, box.seconds
        self.id = bundle.id
        self.states = os.path.join(how["env"]["XDG_RUNTIME_DIR"], "skiff") if how else "/run/skiff"
        if not how:
            bundle.linux["cgroupsPath"] = "/%s/%s" % (PARENT, bundle.id)
        self.report = os.path.join(bundle.folder, "report")
        self.groups = [line.split()[4] for line in read("/proc/self/mountinfo").strip().split("\n")
                       if re.search(r" - cgroup2? ", line)]
        self.write()
        self.before = self.counts()

    def write(self):
        write(os.path.join(self.bundle.folder, "config.json"), json.dumps(self.bundle.config))

    def guest(self, *words):
        self.bundle.process["args"] = ["/kit.wasm"] + [str(word) for word in words]
        self.write()

    def skiff(self, *words, ident=None):
        # Of a created container's streams nobody waits for the end.
        with open(os.path.join(self.bundle.folder, "said"), "w+", encoding="utf-8") as said:
            code = wait(self.spawn(*words, ident or self.id, stderr=said))[0]
            said.seek(0)
            return code, said.read()

    def must(self, *words, ident=None):
        code, said = self.skiff(*words, ident=ident)
        assert code == 0 and said == "", "%s: exit code %d: %s" % (" ".join(words), code, said)

    def spawn(self, *words, program=None, stderr=subprocess.DEVNULL):
        # pylint: disable-next=consider-using-with
        return subprocess.Popen([program or self.box.skiff] + list(words), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=stderr, **self.how)

    def create(self):
        self.must("create", "--no-cache", "--bundle", self.bundle.folder)

    def pid(self):
        done = subprocess.run([self.box.skiff, "state", self.id], capture_output=True, text=True, check=True,
                              **self.how)
        return json.loads(done.stdout)["pid"]

    # -- The five counts ---------------------------------------------------------------------------

    def processes(self):
        """All that we or those we started have started and nobody waits for, and who is left of them."""
        for pid in children(os.getpid()):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return children(os.getpid())

    def counts(self, ident=None):
        mounts = [line for line in read("/proc/self/mountinfo").split("\n")
                  if self.bundle.folder in line or " nsfs " in line and "skiff" in line or PARENT in line]
        groups = [top for top in self.groups if os.path.exists(os.path.join(top, PARENT))]
        groups += [top for top in self.groups if os.path.exists(os.path.join(top, ident or self.id))]
        run = [name for name in (self.id, ident) if name and os.path.exists(os.path.join(self.states, name))]
        descriptors = len(os.listdir("/proc/self/fd"))
        return {"processes": self.processes(), "mounts": mounts, "groups": groups, "files": run,
                "descriptors": descriptors}

    def check(self, what, ident=None):
        """One delete, and all is as it was."""
        code, said = self.skiff("delete", "--force", ident=ident)
        assert code == 0 and said == "", "%s: delete: exit code %d: %s" % (what, code, said)
        with contextlib.suppress(AssertionError):
            eventually("as before", lambda: self.counts(ident) == self.before)
        now = self.counts(ident)
        left = {key: value for key, value in now.items() if value != self.before[key]}
        assert not left, "%s: left behind: %s" % (what, left)

    # -- A strike ----------------------------------------------------------------------------------

    def strike(self, seen, victims, number, command, pid=0):
        """(Was there such a call, the command's exit code, its process)."""
        done = wait(self.spawn(self.report, seen, str(pid), victims, str(number), self.box.skiff, *command,
                               program=self.box.strike))
        assert done == [0], "the driver failed: %s" % done
        _, struck, code, own = map(int, read(self.report).split())
        return bool(struck), code, own

    def at_each_step(self, command, prepare=None, seen="self", victims="s", ident=None):
        """Strike at the first call, the next one, and so on; how many calls there were."""
        number = 1
        while True:
            pid = prepare() if prepare else 0
            struck, code, own = self.strike(seen, victims, number, command, pid or 0)
            what = "call %d of %s, %s killed" % (number, seen, victims)
            if struck and seen == "self" and "s" in victims:
                assert code == -1, "%s: exit code %d" % (what, code)
            self.check(what, ident(own) if ident else None)
            if not struck:
                assert code == 0, "nobody was killed: exit code %d" % code
                return number
            number += self.stride


def operation(title, command, guest=("nap", 600000), prepare=None, seen=("self",), kind="", ident=None):
    """A test: kill at each step of it. `seen`: WHO, or WHO/VICTIMS; `kind` is that of fault()."""
    def work(b):
        with b.fault(kind) as f:
            f.guest(*guest)
            told = []
            for who in seen:
                name, _, victims = who.partition("/")
                steps = f.at_each_step(command(f), prepare and (lambda: prepare(f)), name, victims or name[0], ident)
                told.append("%s %s%d" % (who, "about " if f.stride > 1 else "", steps - 1))
            print("# calls: " + ", ".join(told))
    work.__name__ = title
    return test(work)


BOTH = ("self", "child", "child/s", "child/sc")


def create(f):
    return ["create", "--no-cache", "--bundle", f.bundle.folder, f.id]


def execute(f, *options):
    return ["exec", "--no-cache"] + list(options) + [f.id, "/kit.wasm", "say", "hello"]


def created(f):
    f.create()
    return f.pid()


def running(f):
    f.create()
    f.must("start")
    return f.pid()


def paused(f):
    running(f)
    f.must("pause")


def stopped(f):
    f.create()
    os.kill(f.pid(), signal.SIGKILL)
    eventually("its end", lambda: not f.processes())


operation("create", create, seen=BOTH)
operation("create_with_hooks", create, seen=BOTH, kind="hooks")
operation("start", lambda f: ["start", f.id], prepare=created, seen=("self", "other/o", "other/s", "other/so"))
operation("start_with_hooks", lambda f: ["start", f.id], prepare=created, kind="hooks")
operation("exec", execute, prepare=running, seen=BOTH + ("self/o", "child/o"))
operation("exec_detached", lambda f: execute(f, "--detach"), prepare=running, seen=BOTH)
operation("delete", lambda f: ["delete", f.id], prepare=stopped)
operation("delete_by_force", lambda f: ["delete", "--force", f.id], prepare=running)
operation("delete_paused", lambda f: ["delete", "--force", f.id], prepare=paused)
operation("delete_with_hooks", lambda f: ["delete", "--force", f.id], prepare=running, kind="hooks")
operation("pause", lambda f: ["pause", f.id], prepare=running)
operation("resume", lambda f: ["resume", f.id], prepare=paused)
operation("run", lambda f: ["run", "--no-cache", "--bundle", f.bundle.folder, f.id], guest=("say", "hello"), seen=BOTH)
operation("run_with_hooks", lambda f: ["run", "--no-cache", "--bundle", f.bundle.folder, f.id], guest=("say", "hello"),
          seen=BOTH, kind="hooks")
operation("create_in_users", create, seen=BOTH, kind="users")
operation("create_as_somebody", create, seen=BOTH, kind="somebody")
operation("exec_as_somebody", execute, prepare=running, seen=BOTH, kind="somebody")
operation("delete_as_somebody", lambda f: ["delete", "--force", f.id], prepare=running, kind="somebody")
operation("run_as_somebody", lambda f: ["run", "--no-cache", "--bundle", f.bundle.folder, f.id], guest=("say", "hello"),
          seen=BOTH, kind="somebody")
operation("run_cage", lambda f: ["run", "--no-cache", "--cage", f.box.kit, "say", "hello"], seen=BOTH,
          ident=lambda own: "run-%d" % own)


# -- At random -------------------------------------------------------------------------------------


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@test
def any_time(b):
    """Skiff, its child, or both, some time after an operation began."""
    with b.fault() as f:
        chance, rounds, end = random.Random(7), 0, time.monotonic() + f.seconds
        f.guest("nap", 3)
        commands = ((None, create(f)), (created, ["start", f.id]), (running, execute(f)),
                    (running, ["delete", "--force", f.id]),
                    (None, ["run", "--no-cache", "--bundle", f.bundle.folder, f.id]))
        while time.monotonic() < end:
            prepare, command = commands[rounds % len(commands)]
            rounds += 1
            f.guest("nap", 600000 if prepare else chance.choice((0, 3)))
            if prepare:
                prepare(f)
            process = f.spawn(*command)
            time.sleep(chance.random() * 0.008)
            below, victims = children(process.pid), chance.choice(("s", "c", "sc", "cs"))
            for victim in victims:
                for pid in [process.pid] if victim == "s" else below:
                    kill(pid)
            if "s" not in victims and command[0] == "run":
                wait(process)
            kill(process.pid)
            wait(process)
            f.check("round %d, %s" % (rounds, command[0]))
        print("# %d rounds" % rounds)


@test
def two_at_once(b):
    """Delete beside start, exec, another delete, create and run: whoever wins, each ends, and nothing is left."""
    with b.fault() as f:
        chance, rounds, end = random.Random(8), 0, time.monotonic() + f.seconds
        f.guest("nap", 600000)
        run = ["run", "--no-cache", "--bundle", f.bundle.folder, f.id]
        delete = ["delete", "--force", f.id]
        pairs = ((created, ["start", f.id], delete), (running, execute(f), delete), (running, delete, delete),
                 (created, delete, create(f)), (None, create(f), delete), (None, run, delete),
                 (None, create(f), create(f)), (created, ["start", f.id], ["start", f.id]),
                 (running, ["delete", f.id], ["kill", f.id, "KILL"]))
        while time.monotonic() < end:
            prepare, one, other = pairs[rounds % len(pairs)]
            rounds += 1
            if prepare:
                prepare(f)
            first = f.spawn(*one)
            time.sleep(chance.random() * 0.006)
            second = f.spawn(*other)
            if one[0] == "run":
                time.sleep(0.02)
                f.skiff("delete", "--force")
            codes = wait(first, second)
            assert all(code in (0, 1, 137) for code in codes), (one, other, codes)
            f.check("round %d, %s beside %s" % (rounds, other[0], one[0]))
        print("# %d rounds" % rounds)


class FaultBox(Box):
    def __init__(self, skiff, strike, everything):
        super().__init__(skiff)
        self.strike = os.path.abspath(strike)
        self.stride, self.seconds = (1, SECONDS * 10) if everything else (STRIDE, SECONDS)

    @contextlib.contextmanager
    def fault(self, kind=""):
        """kind: with `hooks`, in a namespace of `users`, as `somebody` who is not root, or none of that."""
        with self.bundle() as u, contextlib.ExitStack() as stack:
            how = {}
            if kind == "hooks":
                u.config["hooks"] = {kind: [{"path": "/bin/true"}] for kind in
                                     ("prestart", "createRuntime", "createContainer", "poststart", "poststop")}
            elif kind == "users":
                users.in_users(u)
            elif kind == "somebody":
                how = stack.enter_context(users.somebody(self))
                users.rootless(u)
            f = Fault(self, u, how)
            try:
                yield f
            finally:
                f.skiff("delete", "--force")


def main():
    words = [word for word in sys.argv[1:] if word != "--all"]
    if len(words) < 2:
        sys.exit(__doc__)
    # Who loses his parent becomes a child of ours: so nobody gets lost.
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("no subreaper")
    try:
        box = FaultBox(words[0], words[1], "--all" in sys.argv)
    except SkipAll as reason:
        print(reason)
        return 77
    try:
        return run_tests(box, words[2:])
    finally:
        box.close()


if __name__ == "__main__":
    sys.exit(main())
