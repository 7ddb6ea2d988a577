# SPDX-License-Identifier: Apache-2.0
"""A store of images made by hand, as src/oci/store.h says what lies where, and `skiff run` with it."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cage"))
from box import Box, Result, eventually, is_zombie, read, write  # noqa: E402

TIME_LIMIT = 60
ID = re.compile(r"[0-9a-f]{12}\n")
REF_NAME = "org.opencontainers.image.ref.name"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# Beside skiff in place of the real one: says what it is asked, and does what files say.
STUB = """#!/bin/sh
echo "$@" >> '%s/asked'
echo "stub: $1" >&2
echo "on standard output"
[ ! -f '%s/stub-'"$1" ] || . '%s/stub-'"$1"
"""


def tree(path):
    """All that lies there, with owners, modes, times and content."""
    found = {}
    for folder, dirs, files in os.walk(path):
        for name in ["."] + dirs + files:
            whole = os.path.join(folder, name)
            st = os.lstat(whole)
            found[os.path.normpath(whole)] = (st.st_mode, st.st_uid, st.st_gid, st.st_size, st.st_mtime_ns,
                                              read(whole) if name in files and st.st_size < 10000 else "")
    return found


class Store:
    """Images by whole names. `owner`: whom all of it belongs to."""

    def __init__(self, path, kit, owner=0):
        self.path, self.kit, self.owner = path, kit, owner
        self.names = {}
        write(os.path.join(path, "lock"))
        write(os.path.join(path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}')
        self.write_index()

    def write_index(self):
        rows = [{"mediaType": MANIFEST, "digest": digest, "size": 1, "annotations": {REF_NAME: name}}
                for name, digest in self.names.items()]
        write(os.path.join(self.path, "index.json"), json.dumps({"schemaVersion": 2, "manifests": rows}))
        self.give()

    def give(self):
        for folder, _, files in os.walk(self.path):
            for name in [folder] + [os.path.join(folder, f) for f in files]:
                os.lchown(name, self.owner, self.owner)

    def blob(self, value):
        data = json.dumps(value).encode()
        digest = hashlib.sha256(data).hexdigest()
        write(os.path.join(self.path, "blobs", "sha256", digest), data)
        return "sha256:" + digest

    def root(self, number):
        return os.path.join(self.path, "roots", "%064d" % number)

    def image(self, name, files=(), module=None, ready=True, **config):
        """As `docker build` makes one; the root's path. `module`: an artifact whose module has this path."""
        number = len(self.names) + 1
        config.setdefault("Entrypoint", ["/kit.wasm"])
        digest = self.blob({"architecture": "wasm", "os": "wasi", "config": config, "number": number,
                            "rootfs": {"type": "layers", "diff_ids": ["sha256:%064d" % number]}})
        manifest = self.blob({"schemaVersion": 2, "mediaType": MANIFEST, "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 1}, "layers": []})
        root = self.root(number)
        os.makedirs(root)
        os.chmod(root, 0o755)
        shutil.copy(self.kit, os.path.join(root, (module or "/kit.wasm").lstrip("/")))
        for path, data in dict(files).items():
            write(os.path.join(root, path), data)
        lines = ["skiff-ready 1", "manifest " + manifest, "config " + digest, "root %064d" % number]
        if module:
            lines.append("module sha256:%064d %s" % (number, module))
        text = "".join(line + "\n" for line in lines)
        write(os.path.join(self.path, "ready" if ready else "to-be-ready", manifest.split(":")[1]), text)
        self.names[name] = manifest
        self.write_index()
        return root


class Node(Box):
    """skiff with a store of its own; what containers leave is looked for after each test."""

    def __init__(self, skiff):
        super().__init__(skiff)
        write(os.path.join(self.folder, "skiff-image"), STUB % ((self.folder,) * 3))
        os.chmod(os.path.join(self.folder, "skiff-image"), 0o755)
        self.top = self.store = None

    @contextlib.contextmanager
    def node(self, owner=0):
        """Empty at first; afterwards no container may be left."""
        self.top = tempfile.mkdtemp(dir=self.folder)
        os.chmod(self.top, 0o755)
        os.chown(self.top, owner, owner)
        self.store = Store(os.path.join(self.top, "images"), self.kit, owner)
        how = {}
        if owner:
            os.makedirs(os.path.join(self.top, "run"))
            os.chown(os.path.join(self.top, "run"), owner, owner)

            def become():
                os.setgroups([])
                os.setresgid(owner, owner, owner)
                os.setresuid(owner, owner, owner)

            how = {"preexec_fn": become, "cwd": "/"}
        self.how = how
        try:
            yield self.store
            assert not self.ids(), "states are left: %s" % self.ids()
            assert not self.logs(), "logs are left: %s" % self.logs()
            eventually("no process is left", lambda: not self.processes(), 5.0)
        finally:
            for ident in self.ids():
                self.skiff_does("rm", "-f", ident)
            for pid in self.processes():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            shutil.rmtree(self.top, ignore_errors=True)

    @property
    def state_root(self):
        return os.path.join(self.top, "run", "skiff") if self.how else "/run/skiff"

    def is_ours(self, ident):
        """Others make containers, too, in the same directory."""
        try:
            return self.folder in read(os.path.join(self.state_root, ident, "config.json"))
        except OSError:
            return False

    def ids(self):
        with contextlib.suppress(FileNotFoundError):
            return [ident for ident in os.listdir(self.state_root) if self.is_ours(ident)]
        return []

    def logs(self):
        with contextlib.suppress(FileNotFoundError):
            return os.listdir(os.path.join(self.top, "containers"))
        return []

    def environment(self, **more):
        env = dict(os.environ, SKIFF_STORE=self.store.path, **more)
        if self.how:
            env["XDG_RUNTIME_DIR"] = os.path.join(self.top, "run")
        return env

    def begin(self, *words, env=(), **more):
        for stream in ("stdin", "stdout", "stderr"):
            more.setdefault(stream, subprocess.PIPE)
        # pylint: disable-next=consider-using-with
        return subprocess.Popen([self.skiff] + [str(word) for word in words], env=self.environment(**dict(env)),
                                **self.how, **more)

    def skiff_does(self, *words, env=(), **more):
        if "input" not in more:
            more.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([self.skiff] + [str(word) for word in words], env=self.environment(**dict(env)),
                              capture_output=True, timeout=TIME_LIMIT, check=False, **self.how, **more)
        return Result(done.returncode, done.stdout, done.stderr)

    def expect(self, *words, out=None, code=0, err="", **more):
        """`err`: what standard error has; "": nothing; None: anything."""
        r = self.skiff_does(*words, **more)
        assert r.code == code, "%s: exit code should be %d: %s" % (words, code, r)
        assert out is None or r.out == out, "%s: stdout should be %r: %s" % (words, out, r)
        if err is not None:
            assert (err in r.err) if err else r.err == "", "%s: stderr should have %r: %s" % (words, err, r)
        return r

    def refused(self, *words, has=(), code=1, **more):
        r = self.expect(*words, out="", code=code, err=None, **more)
        assert r.err.count("\n") == 1 and r.err.startswith("skiff: "), "one sentence: %s" % r
        for word in [has] if isinstance(has, str) else has:
            assert word in r.err, "the sentence should have %r: %s" % (word, r)
        return r

    # -- Detached ones -------------------------------------------------------------------------------------

    def detach(self, *words, **more):
        """Its ID."""
        r = self.expect("run", "-d", *words, **more)
        assert r.out.count("\n") == 1, str(r)
        return r.out.strip()

    def up(self, *words, image="kit", options=(), **more):
        """It has done what `words` say, said "ready", and waits."""
        ident = self.detach(*options, image, *words, *([";"] if words else []), "say", "ready", ";", "nap", "60000", **more)
        eventually("ready: %s" % self.skiff_does("logs", ident), lambda: "ready\n" in self.skiff_does("logs", ident).out)
        return ident

    def row(self, ident):
        """What ps has of it; None: nothing."""
        rows = json.loads(self.expect("ps", "-a", "--json").out)
        return next((row for row in rows if row["id"] == ident), None)

    def wait(self, ident):
        """Until its end is known."""
        return eventually("the end of " + ident, lambda: (lambda r: r if r is None or "exit" in r else None)(self.row(ident)), 20.0)

    def init(self, ident):
        return self.row(ident)["pid"]

    def keeper(self, ident):
        """Who looks after it."""
        pid = self.init(ident)
        return int(read("/proc/%d/stat" % pid).rsplit(")", 1)[1].split()[1])

    def log(self, ident, name="log"):
        return read(os.path.join(self.top, "containers", ident, name))


def gone(pid):
    return is_zombie(pid) or not os.path.exists("/proc/%d" % pid)
