#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# all.sh: what vm.py runs in its machine when it is told nothing else: all tests that ask a kernel for control groups, then those
# of the cage, and of what an escaped guest finds those about devices, which groups stand guard over: all of them
# (test/escape/escape.py) take half an hour. Each closes with its own counts; the last line names those that failed.
failed=
run() {
	echo "== $1"
	shift
	"$@" || failed="$failed $1"
}

run "control groups, as root" "$BUILD/sandbox-cgroup_kernel_test"
run "containers on cgroup v2" test/vm/v2.py "$BUILD/skiff"
[ -d /run/systemd/system ] || run "the cage" test/cage/run.py "$BUILD/skiff"
if [ -e "$BUILD/skiff-escape" ]; then
	# A row of --attempts is a name and a number, whose third bit says that devices stop it too.
	names=$("$BUILD/skiff-escape" --attempts | awk 'int($2 / 4) % 2 { print $1 }')
	# The words in $names are attempts.
	# shellcheck disable=SC2086
	run "what an escaped guest finds" python3 test/escape/escape.py "$BUILD/skiff-escape" $names
	run "hostile bundles" python3 test/escape/hostile.py "$BUILD/skiff-escape"
fi
[ -z "$failed" ] || echo "failed:$failed"
[ -z "$failed" ]
