# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: a skiff in a folder of its own, expectations, the list of tests."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test"))
import modules  # noqa: E402
from tap import TESTS, Skip, run_tests, test, test_of_time, wait_taken  # noqa: E402,F401

TIME_LIMIT = 60  # of one run, in seconds


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return "exit code %s\nstdout: %r\nstderr: %r" % (self.code, self.out, self.err)


class Bench:
    """A skiff and a folder with modules."""

    def __init__(self, skiff):
        self.folder = tempfile.mkdtemp(prefix="skiff-cli-")
        os.chmod(self.folder, 0o755)
        self.skiff = os.path.join(self.folder, "skiff")
        shutil.copy(skiff, self.skiff)
        os.chmod(self.skiff, 0o755)
        for title in dir(modules):
            data = getattr(modules, title)
            if isinstance(data, bytes) and title.isupper():
                self.file(title.lower() + ".wasm", data)

    def path(self, file):
        return os.path.join(self.folder, file)

    def file(self, title, data):
        with open(self.path(title), "wb") as out:
            out.write(data)
        return self.path(title)

    def run(self, *args, **more):
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stdin", subprocess.DEVNULL)
        if "input" in more:
            del more["stdin"]
        program = more.pop("program", self.skiff)
        done = subprocess.run([program] + [str(a) for a in args], stderr=subprocess.PIPE,
                              cwd=self.folder, timeout=TIME_LIMIT, check=False, **more)
        return Result(done.returncode, (done.stdout or b"").decode(errors="replace"),
                      done.stderr.decode(errors="replace"))

    def expect(self, args, code=0, out=None, err=None, **more):
        """Run; `out` is compared, `err` is a regular expression (None: stderr is empty)."""
        r = self.run(*args, **more)
        shown = "skiff %s: %s" % (" ".join(map(str, args)), r)
        assert r.code == code, "exit code should be %d\n%s" % (code, shown)
        assert out is None or r.out == out, "stdout should be %r\n%s" % (out, shown)
        if err is None:
            assert r.err == "", "stderr should be empty\n" + shown
        else:
            assert re.search(err, r.err), "stderr should match %r\n%s" % (err, shown)
        assert "\x1b" not in r.out + r.err, "control characters\n" + shown
        return r

    def sentence(self, args, code, pattern, **more):
        """A mistake: nothing on stdout, exactly one line on stderr."""
        r = self.expect(args, code, "", "^skiff: .*" + pattern, **more)
        assert r.err.count("\n") == 1 and r.err.endswith("\n"), "one line expected\n" + str(r)
        assert len(r.err) < 1200, "a sentence, not a book\n" + str(r)
        return r
