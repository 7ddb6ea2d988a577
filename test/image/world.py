# SPDX-License-Identifier: Apache-2.0
"""What the drivers for images share: images made of bytes, a store of their own, and skiff run with both."""

import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
REF_NAME = "org.opencontainers.image.ref.name"
EMPTY_MODULE = b"\0asm\1\0\0\0"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def to_bytes(value):
    return json.dumps(value, separators=(",", ":")).encode()


def layer_of(files):
    """(packed, digest of what is packed) of {path: bytes}"""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0), digest(plain.getvalue())


class Image:
    """A manifest and its blobs; `layers` are {path: bytes}, or packed bytes."""

    def __init__(self, layers, platform="wasi/wasm", layer_type=LAYER):
        self.blobs = {}
        system, machine = platform.split("/")
        descriptors, diffs = [], []
        for layer in layers:
            data, diff = layer_of(layer) if isinstance(layer, dict) else (layer, digest(layer))
            descriptors.append(self.add(layer_type, data))
            diffs.append(diff)
        config = to_bytes({"architecture": machine, "os": system, "config": {"Entrypoint": ["/app.wasm"]},
                           "rootfs": {"type": "layers", "diff_ids": diffs}})
        self.layers = descriptors
        self.manifest = to_bytes({"schemaVersion": 2, "mediaType": MANIFEST,
                                  "config": self.add(CONFIG, config), "layers": descriptors})
        self.platform = {"os": system, "architecture": machine}
        self.digest = digest(self.manifest)
        self.type = MANIFEST
        self.blobs[self.digest] = self.manifest

    def add(self, kind, data):
        self.blobs[digest(data)] = data
        return {"mediaType": kind, "digest": digest(data), "size": len(data)}

    def descriptor(self):
        return {"mediaType": self.type, "digest": self.digest, "size": len(self.manifest), "platform": self.platform}


class Index:
    def __init__(self, images):
        self.images = images
        self.manifest = to_bytes({"schemaVersion": 2, "mediaType": INDEX,
                                  "manifests": [image.descriptor() for image in images]})
        self.digest = digest(self.manifest)
        self.type = INDEX
        self.blobs = {self.digest: self.manifest}
        for image in images:
            self.blobs.update(image.blobs)


def hello(text=b"hello", size=0):
    """An image for one platform, with `size` bytes that do not get smaller by packing."""
    noise = b"".join(hashlib.sha256(text + b"%d" % i).digest() for i in range((size + 31) // 32))
    return Image([{"app.wasm": EMPTY_MODULE}, {"text": text, "noise": noise}])


class Store:
    """A store of images below a folder, and skiff with it."""

    def __init__(self, skiff, folder):
        self.skiff, self.folder = skiff, folder
        self.path = os.path.join(folder, "store")
        self.home = os.path.join(folder, "home")
        os.makedirs(self.home, exist_ok=True)
        self.env = {name: value for name, value in os.environ.items()
                    if "proxy" not in name.lower() and not name.startswith(("SKIFF_", "DOCKER_", "REGISTRY_"))}
        self.env.update(SKIFF_STORE=self.path, HOME=self.home, SKIFF_REGISTRIES="", SKIFF_CONFIG="",
                        XDG_RUNTIME_DIR=self.home, TERM="dumb")

    def start(self, *words, env=None, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.Popen([self.skiff, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env={**self.env, **(env or {})}, **more)

    def run(self, *words, env=None, limit=60, stdin=None, program=None):
        """(exit code, standard output, standard error); past the limit it is a failure, not a wait."""
        try:
            done = subprocess.run([program or self.skiff, *words], capture_output=True, text=True, errors="replace",
                                  env={**self.env, **(env or {})}, timeout=limit, check=False,
                                  **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}))
        except subprocess.TimeoutExpired as late:
            raise AssertionError("%s did not end within %d s" % (" ".join(words), limit)) from late
        return done.returncode, done.stdout, done.stderr

    def good(self, *words, **more):
        code, out, err = self.run(*words, **more)
        assert code == 0, "%s: %d: %s" % (" ".join(words), code, err)
        return out

    def bad(self, expected, *words, **more):
        """It fails, with one sentence that has these words."""
        code, out, err = self.run(*words, **more)
        assert code in (1, 2), "%s: exit code %d: %s%s" % (" ".join(words), code, out, err)
        last = err.strip().split("\n")[-1]
        assert expected in last, "%s: %r is not in %r" % (" ".join(words), expected, err)
        return err

    def put(self, name, image):
        """By hand: as the layout says."""
        os.makedirs(os.path.join(self.path, "blobs", "sha256"), exist_ok=True)
        with open(os.path.join(self.path, "oci-layout"), "w", encoding="utf-8") as file:
            file.write('{"imageLayoutVersion":"1.0.0"}')
        for key, data in image.blobs.items():
            with open(self.blob(key), "wb") as file:
                file.write(data)
        names = self.names()
        names[name] = {"mediaType": image.type, "digest": image.digest, "size": len(image.manifest)}
        with open(os.path.join(self.path, "index.json"), "w", encoding="utf-8") as file:
            json.dump({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
                {**descriptor, "annotations": {REF_NAME: key}} for key, descriptor in names.items()]}, file)

    def blob(self, key):
        return os.path.join(self.path, "blobs", *key.split(":"))

    def names(self):
        try:
            with open(os.path.join(self.path, "index.json"), encoding="utf-8") as file:
                manifests = json.load(file)["manifests"]
        except FileNotFoundError:
            return {}
        return {m["annotations"][REF_NAME]: {k: m[k] for k in ("mediaType", "digest", "size")} for m in manifests}

    def check(self):
        """Everything that is there by a digest is what it says; every name leads to something."""
        names = self.names()
        folder = os.path.join(self.path, "blobs", "sha256")
        for key in os.listdir(folder) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, key), "rb") as file:
                data = file.read()
            assert digest(data) == "sha256:" + key, "the blob %s has other bytes" % key
        for name, descriptor in names.items():
            assert os.path.getsize(self.blob(descriptor["digest"])) == descriptor["size"], name

    def has(self, image):
        self.check()
        return all(os.path.exists(self.blob(key)) for key in image.blobs)

    def clear(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Folder:
    """A temporary folder, and the processes that end with it."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="skiff-image-")
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        shutil.rmtree(self.path, ignore_errors=True)


def wait_for(condition, limit=60, what="it"):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError("%s did not happen within %d s" % (what, limit))


def certificate(folder, name="localhost"):
    """(certificate, key), made by openssl, for this machine only."""
    cert, key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key,
                    "-out", cert, "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
    return cert, key
