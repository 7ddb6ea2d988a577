# SPDX-License-Identifier: Apache-2.0
"""The node's configuration: what the command takes from it, what it says about it, and who goes before it."""

import contextlib
import os
import re
import shutil
import tempfile

import modules
from bench import test


@contextlib.contextmanager
def node(b, text, mode=0o644, **environment):
    """A configuration in a file of ours; (path, environment that names it)."""
    fd, path = tempfile.mkstemp(suffix=".toml", dir=b.folder)
    with os.fdopen(fd, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    try:
        yield path, dict(os.environ, SKIFF_CONFIG=path, **environment)
    finally:
        os.remove(path)


def value(r, key):
    found = re.search(r"^%s = (.*?)  # (.*)$" % key, r.out, re.M)
    assert found, (key, r)
    return found.groups()


@test
def config_without_a_file(b):
    r = b.expect(["config"], env={k: v for k, v in os.environ.items() if k != "SKIFF_CACHE"})
    assert r.out.startswith("# no file\n"), r
    for key, text in (("enabled", "true"), ("max_age", '"30d"'), ("stack", '"1M"'), ("level", '"warning"')):
        assert value(r, key) == (text, "default"), r
    assert b.expect(["config", "--config", ""]).out.startswith("# no file\n")


@test
def config_shows_what_holds(b):
    with node(b, '[cache]\ndir = "/a \\"b\\\\ \\u0007"\n\n[limits]\nfuel = 5\ntime = "90s"\n') as (path, env):
        for args, more in ((["config"], {"env": env}), (["config", "--config", path], {})):
            r = b.expect(args, **more)
            assert r.out.startswith("# %s\n" % path), r
            assert value(r, "fuel") == ("5", "line 5") and value(r, "time") == ('"90s"', "line 6"), r
        env.pop("SKIFF_CACHE")
        shown = b.expect(["config"], env=env)
        assert value(shown, "dir") == ('"/a \\"b\\\\ \\u0007"', "line 2"), shown
        # What is shown is a file itself.
        with node(b, shown.out) as (_, again):
            again.pop("SKIFF_CACHE")
            r = b.expect(["config"], env=again)
            assert re.sub(r"#.*", "", r.out) == re.sub(r"#.*", "", shown.out), r


@test
def config_of_the_environment(b):
    with node(b, '[cache]\nenabled = false\ndir = "/file"\n') as (_, env):
        env["SKIFF_CACHE"] = "/environment"
        r = b.expect(["config"], env=env)
        assert value(r, "dir") == ('"/environment"', "SKIFF_CACHE") and value(r, "enabled") == ("true", "SKIFF_CACHE"), r
        env["SKIFF_CACHE"] = ""
        assert value(b.expect(["config"], env=env), "enabled") == ("false", "SKIFF_CACHE")


@test
def config_unknown_keys(b):
    with node(b, "[limits]\nfule = 5\n[what]\n") as (path, env):
        warnings = "^skiff: warning: %s:2: unknown key 'limits.fule', did you mean 'limits.fuel'\\?\n" \
            "skiff: warning: %s:3: unknown section 'what'\n$" % (path, path)
        b.expect(["config"], err=warnings, env=env)
        b.expect(["run", "start_ok.wasm"], err=warnings, env=env)
        b.expect(["cache", "ls", "--cache", b.path("none")], err=warnings, env=env)
        b.expect(["start_ok.wasm"], err=warnings, env=env)
    with node(b, "[limits]\nfule = 5\n[log]\nlevel = 'error'\n") as (_, env):
        b.expect(["run", "start_ok.wasm"], env=env)


@test
def config_mistakes(b):
    for text, words in (("[limits]\nfuel = 'x'\n", ":2: limits.fuel: 'x' is not a number"),
                        ("x", ":1:2: expected '=' after a key"),
                        ("[limits]\n[limits]\n", ":2:2: 'limits' is there already"),
                        ("[log]\nlevel = 1\n", ":2: log.level: must be a string, is an integer")):
        with node(b, text) as (path, env):
            for args in (["config"], ["run", "start_ok.wasm"], ["cache", "ls"], ["run", "--config", path, "start_ok.wasm"]):
                b.sentence(args, 1, re.escape(path + words), env=env)
    b.sentence(["config", "--config", "nowhere.toml"], 1, "nowhere.toml: No such file")
    b.sentence(["config", "--config", "."], 1, "it is no file")
    b.sentence(["config", "x"], 2, "too many")
    b.sentence(["run", "start_ok.wasm"], 1, "nowhere.toml: No such file", env=dict(os.environ, SKIFF_CONFIG="nowhere.toml"))
    b.expect(["run", "--config", "", "start_ok.wasm"], env=dict(os.environ, SKIFF_CONFIG="nowhere.toml"))


@test
def config_that_others_may_write(b):
    with node(b, "", 0o666) as (path, env):
        b.sentence(["run", "start_ok.wasm"], 1, re.escape(path) + ": it is not used: it must belong to root", env=env)


@test
def config_of_the_cache(b):
    folder = tempfile.mkdtemp(prefix="skiff-config-")
    try:
        module = b.file("kept.wasm", modules.START_OK + modules.custom("ballast", bytes(8192)))
        where = os.path.join(folder, "cache")
        with node(b, '[cache]\ndir = "%s"\n' % where) as (_, env):
            env.pop("SKIFF_CACHE")
            b.expect(["cache", "add", module], env=env)
            assert os.path.isdir(where)
            assert '"directory": "%s"' % where in b.expect(["cache", "ls", "--json"], env=env).out
            b.expect(["cache", "ls", "--cache", os.path.join(folder, "other")], out="", env=env)
        with node(b, '[cache]\ndir = "%s"\nmax_size = 1\n' % where) as (_, env):
            env.pop("SKIFF_CACHE")
            assert "removed 1 of" in b.expect(["cache", "prune"], env=env).out
            b.expect(["cache", "add", module], env=env)
            assert "removed 0 of" in b.expect(["cache", "prune", "--max-size", "1G"], env=env).out
            # So does whoever adds, when it is time to.
            os.utime(os.path.join(where, "pruned"), (0, 0))
            b.expect(["cache", "add", module], env=env)
            assert "removed 0 of 0, kept 0 of 0" in b.expect(["cache", "prune"], env=env).out
    finally:
        shutil.rmtree(folder)
