# SPDX-License-Identifier: Apache-2.0
#
# The short names of what one does here; Meson and Ninja do the work. `make run` and `make test` need nothing
# but Debian 12, git, make and this checkout: tools/setup installs what is missing and says so.
#
#   SUITES=DIR     conformance suites (default: ../shared/suites, if there)
#   SUITE=DIR      WASI's own test programs, for make wasi
#   PREFIX=DIR     where install puts things (default: /usr/local); DESTDIR=DIR goes in front of it
#   FUZZ_SECONDS=N how long `make test` runs each fuzz target (default: 60)
#   COUNT=N        modules for make smith (default: 2000); SEED=N: the first of them; MUTANTS=N: of each; NODE=, WASM_TOOLS=
#   LAB=COMMAND    for make interop: starts commands on machines of Debian's releases, see test/interop/interop.py; SHARE=DIR
#   JOBS=N         compilers at a time (default: one a core)

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
CC_BUILD ?= clang-19
MESON = meson
B = build

SMITH = $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(MUTANTS),--mutants $(MUTANTS)) \
	$(if $(NODE),--node '$(NODE)') $(if $(WASM_TOOLS),--wasm-tools '$(WASM_TOOLS)') --keep $(B)/smith-findings

export SUITES JOBS

.PHONY: all help setup build run test spec wasi smith bench fuzz vm interop lint install clean

all: build

help:
	@echo "make run      build, run an example in a container of an image, say how long it took"
	@echo "make test     everything that can be tested; closes with the counts"
	@echo "make build    build/skiff, build/libskiff.so, tests, examples"
	@echo "make spec     the specification's test suite, group by group"
	@echo "make wasi     WASI's own test suite (SUITE=DIR: where it is)"
	@echo "make smith    generated modules: both interpreters and V8 against each other (COUNT=N, SEED=N)"
	@echo "make bench    speed against other engines and native code"
	@echo "make fuzz     fuzz all targets until stopped (FUZZ_SECONDS=N: that long)"
	@echo "make vm       containers on an emulated machine with cgroup v2 alone (VM='--suite trixie', VM=--systemd)"
	@echo "make interop  which engine takes which shape of image, run on machines of Debian's releases (LAB=COMMAND)"
	@echo "make lint     layers, formatting, clang-tidy, sizes"
	@echo "make install  to PREFIX (/usr/local), below DESTDIR"
	@echo "make clean    remove what was built"

setup:
	@tools/setup build

$(B)/build.ninja: | setup
	CC=$(CC_BUILD) $(MESON) setup $(B) $(if $(SUITES),-Dsuites='$(abspath $(SUITES))')

build: setup $(B)/build.ninja
	@$(if $(SUITES),$(MESON) configure $(B) -Dsuites='$(abspath $(SUITES))')
	ninja -C $(B) -j $(JOBS)

run: setup $(B)/build.ninja
	@ninja -C $(B) -j $(JOBS) skiff skiff-image example/echo.wasm example/echo-native
	@tools/run-example $(B)

test:
	@tools/setup test
	@tools/test

spec: build
	@tools/test --show spec

ifdef SUITE
wasi: build
	@test/wasi/suite.py --skiff $(B)/skiff --jobs $(JOBS) '$(abspath $(SUITE))'
else
wasi:
	@echo "make wasi: SUITE=DIR is missing: a folder with WASI's own test programs, as their repository has them:" >&2
	@echo "  git clone --depth 1 -b prod/testsuite-base https://github.com/WebAssembly/wasi-testsuite DIR" >&2
	@echo "  make wasi SUITE=DIR" >&2
	@exit 2
endif

# Needs what Debian 12 does not have: wasm-tools, and a node that has all of WebAssembly 3.0. run.py says what is missing.
smith: build
	@test/smith/run.py --check $(SMITH)
	@[ -e $(B)-gcc/build.ninja ] || CC=gcc $(MESON) setup $(B)-gcc
	ninja -C $(B) -j $(JOBS) smith-run
	ninja -C $(B)-gcc -j $(JOBS) smith-run
	@test/smith/run.py --skiff $(B)/smith-run --second $(B)-gcc/smith-run $(SMITH)

bench:
	@tools/setup bench
	@$(MAKE) --no-print-directory build
	@bench/run $(BENCH)

fuzz:
	@tools/setup test
	@tools/test fuzz-for-long

vm:
	@tools/setup vm
	@$(MAKE) --no-print-directory build
	@test/vm/vm.py --build $(B) $(VM)

# A command line's variable goes to the environment of what is called; the lab's command has a LAB of its own there.
interop:
	@$(if $(LAB),,echo "make interop: LAB is missing: a command that starts others on machines of Debian's releases;" \
		"test/interop/interop.py --help says how" >&2; exit 2)
	@tools/setup interop
	@$(MAKE) --no-print-directory build
	@test/interop/interop.py --lab '$(LAB)' --build $(B) $(if $(SHARE),--share '$(SHARE)') $(INTEROP)

lint:
	@tools/setup test
	@$(MAKE) --no-print-directory $(B)/build.ninja
	@tools/test lint

install: build
	$(MESON) configure $(B) -Dprefix='$(abspath $(PREFIX))'
	$(MESON) install -C $(B) $(if $(DESTDIR),--destdir '$(abspath $(DESTDIR))')

clean:
	rm -rf $(B) $(B)-gcc $(B)-asan $(B)-fuzz
