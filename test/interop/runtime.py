#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""runtime.py: skiff with the command line of runc, for engines that call an OCI runtime by it; what is not wasm goes to crun.

A container is skiff's if its program begins as a module does. `create` remembers that in MARKS, and each later verb asks there.
Of runc's global options the log is written, since engines take their message from there; skiff has a root of its own.
"""

import json
import os
import subprocess
import sys

SKIFF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "skiff")
MARKS = "/run/skiff-interop/marks"
VALUED = {"--root", "--log", "--log-format", "--criu", "--rootless", "--cgroup-manager"}
OURS = {"create", "start", "state", "kill", "delete", "pause", "resume"}
DROPPED = {"--all", "-a", "--no-new-keyring", "--no-pivot"}


def split(words):
    """The global options by name, and the rest."""
    found = {}
    while words and words[0].startswith("-"):
        name, _, value = words.pop(0).partition("=")
        found[name] = value or (words.pop(0) if name in VALUED else "")
    return found, words


def is_wasm(bundle):
    with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    root = os.path.join(bundle, config["root"]["path"])
    path = os.path.join(root, config["process"]["args"][0].lstrip("/"))
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\0asm"
    except OSError:
        return path.endswith(".wasm")


def value_of(words, *names):
    for at, word in enumerate(words):
        for name in names:
            if word == name:
                return words[at + 1]
            if word.startswith(name + "="):
                return word[len(name) + 1:]
    return "."


def ours(verb, words):
    if verb not in OURS or not words:
        return False
    at = -2 if verb == "kill" and len([word for word in words if not word.startswith("-")]) > 1 else -1
    mark = os.path.join(MARKS, words[at])
    if verb == "create" and is_wasm(value_of(words, "--bundle", "-b")):
        os.makedirs(MARKS, exist_ok=True)
        with open(mark, "wb"):
            pass
    found = os.path.exists(mark)
    if verb == "delete" and found:
        os.unlink(mark)
    return found


def main():
    options, words = split(sys.argv[1:])
    if not words or not ours(words[0], words[1:]):
        os.execvp("crun", ["crun"] + sys.argv[1:])
    command = [SKIFF] + [word for word in words if word not in DROPPED]
    if "--log" not in options:
        os.execv(SKIFF, command)
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        # What it said went where the container's own words go: it says it again.
        again = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = again.stdout.decode(errors="replace").strip()
        if words[0] == "kill":
            text = "container not running: " + text  # by these words containerd's shim knows that all is well
        with open(options["--log"], "a", encoding="utf-8") as log:
            log.write(json.dumps({"level": "error", "msg": text}) + "\n")
        sys.stderr.write(text + "\n" if words[0] == "kill" else "")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
