# SPDX-License-Identifier: Apache-2.0
"""Guests of WASI for the tests of the command line, as text: wat2wasm translates them."""

IMPORTS = {
    "args_sizes_get": "i32 i32", "args_get": "i32 i32", "environ_sizes_get": "i32 i32",
    "environ_get": "i32 i32", "fd_write": "i32 i32 i32 i32", "fd_read": "i32 i32 i32 i32",
    "fd_close": "i32", "fd_prestat_get": "i32 i32", "fd_prestat_dir_name": "i32 i32 i32",
    "path_open": "i32 i32 i32 i32 i32 i64 i64 i32 i32", "poll_oneoff": "i32 i32 i32 i32",
    "sock_accept": "i32 i32 i32", "sock_open": "i32 i32 i32",
}

# Helpers of all guests. Cells below 1024 are scratch.
COMMON = r"""
(memory (export "memory") 300)
(func $put (param $at i32) (param $size i32) (result i32)
  (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $size))
  (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
(func $line (param $at i32) (param $size i32)
  (drop (call $put (local.get $at) (local.get $size)))
  (i32.store8 (i32.const 12) (i32.const 10))
  (drop (call $put (i32.const 12) (i32.const 1))))
(func $sleep (param $ms i32) (result i32)
  (memory.fill (i32.const 64) (i32.const 0) (i32.const 48))
  (i32.store (i32.const 80) (i32.const 1))
  (i64.store (i32.const 88) (i64.mul (i64.extend_i32_u (local.get $ms)) (i64.const 1000000)))
  (call $poll_oneoff (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 160)))
"""


def guest(text, *names):
    """A module that imports these functions of preview 1 and those that COMMON needs."""
    wanted = dict.fromkeys(("fd_write", "poll_oneoff", "proc_exit") + names)
    lines = ['(import "wasi_snapshot_preview1" "%s" (func $%s (param %s)%s))' % (
        name, name, IMPORTS.get(name, "i32"), "" if name == "proc_exit" else " (result i32)")
        for name in wanted]
    return "(module\n" + "\n".join(lines) + COMMON + text + ")\n"


# Its arguments, then its environment: the strings as they lie in memory, a line each.
SHOW = guest(r"""
(func (export "_start")
  (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
  (drop (call $args_get (i32.const 1048576) (i32.const 2097152)))
  (call $line (i32.const 2097152) (i32.load (i32.const 20)))
  (drop (call $environ_sizes_get (i32.const 16) (i32.const 20)))
  (drop (call $environ_get (i32.const 1048576) (i32.const 2097152)))
  (call $line (i32.const 2097152) (i32.load (i32.const 20))))
(func (export "nine") (result i32) (i32.const 9))
""", "args_sizes_get", "args_get", "environ_sizes_get", "environ_get")

# preopens: the names of its directories. look, make: the errno of opening "in", and of making "new".
FILES = guest(r"""
(data (i32.const 1024) "in") (data (i32.const 1032) "new") (data (i32.const 1040) "link")
(func (export "preopens") (local $fd i32)
  (local.set $fd (i32.const 3))
  (block $end
    (loop $next
      (br_if $end (call $fd_prestat_get (local.get $fd) (i32.const 16)))
      (drop (call $fd_prestat_dir_name (local.get $fd) (i32.const 2048) (i32.load (i32.const 20))))
      (call $line (i32.const 2048) (i32.load (i32.const 20)))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br $next))))
(func (export "look") (param $fd i32) (result i32)
  (call $path_open (local.get $fd) (i32.const 0) (i32.const 1024) (i32.const 2) (i32.const 0)
    (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
(func (export "follow") (param $fd i32) (result i32)
  (call $path_open (local.get $fd) (i32.const 1) (i32.const 1040) (i32.const 4) (i32.const 0)
    (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
(func $make (export "make") (param $fd i32) (result i32)
  (call $path_open (local.get $fd) (i32.const 0) (i32.const 1032) (i32.const 3) (i32.const 1)
    (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16)))
;; the errno of writing a mebibyte into it
(func (export "fill") (param $fd i32) (result i32)
  (drop (call $make (local.get $fd)))
  (i32.store (i32.const 0) (i32.const 65536)) (i32.store (i32.const 4) (i32.const 1048576))
  (drop (call $fd_write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
  (call $fd_write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)))
""", "fd_prestat_get", "fd_prestat_dir_name", "path_open")

# Says "up" and sleeps for three quarters of a second; then its exit code is 7.
SLEEPS = guest(r"""
(data (i32.const 1024) "up")
(func (export "_start")
  (call $line (i32.const 1024) (i32.const 2))
  (drop (call $sleep (i32.const 750)))
  (call $proc_exit (i32.const 7)))
""")

# Says "up" and waits for standard input.
WAITS = guest(r"""
(data (i32.const 1024) "up")
(func (export "_start")
  (call $line (i32.const 1024) (i32.const 2))
  (i32.store (i32.const 0) (i32.const 2048)) (i32.store (i32.const 4) (i32.const 16))
  (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))))
""", "fd_read")

# Says "up" and runs for ever.
SPINS = guest(r"""
(data (i32.const 1024) "up")
(func (export "_start") (call $line (i32.const 1024) (i32.const 2)) (loop (br 0)))
""")

# Writes until it cannot; its exit code is the errno.
FLOODS = guest(r"""
(func (export "_start") (local $errno i32)
  (loop $on
    (br_if $on (i32.eqz (local.tee $errno (call $put (i32.const 2048) (i32.const 4096))))))
  (call $proc_exit (local.get $errno)))
""")

# Says "up"; answers each connection's first bytes with "ok" after a tenth of a second.
SERVES = guest(r"""
(data (i32.const 1024) "up") (data (i32.const 1032) "ok")
(func $answer (param $fd i32)
  (i32.store (i32.const 0) (i32.const 2048)) (i32.store (i32.const 4) (i32.const 16))
  (drop (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
  (drop (call $sleep (i32.const 100)))
  (i32.store (i32.const 0) (i32.const 1032)) (i32.store (i32.const 4) (i32.const 2))
  (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
  (drop (call $fd_close (local.get $fd))))
(func (export "_start")
  (call $line (i32.const 1024) (i32.const 2))
  (loop $on
    (if (call $sock_accept (i32.const 3) (i32.const 0) (i32.const 512))
      (then (call $proc_exit (i32.const 99))))
    (call $answer (i32.load (i32.const 512)))
    (br $on)))
""", "fd_read", "fd_close", "sock_accept")

# The errno of opening a socket.
SOCKET = guest(r"""
(func (export "_start")
  (call $proc_exit (call $sock_open (i32.const 1) (i32.const 2) (i32.const 16))))
""", "sock_open")

# A library: "count" is 5 only where "_initialize" has run.
REACTOR = guest(r"""
(global $count (mut i32) (i32.const 0))
(func (export "_initialize") (global.set $count (i32.add (global.get $count) (i32.const 5))))
(func (export "count") (result i32) (global.get $count))
(func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
(func (export "negative") (result i32 i64) (i32.const -1) (i64.const -2))
(func (export "show") (result i32)
  (drop (call $args_sizes_get (i32.const 16) (i32.const 20)))
  (drop (call $args_get (i32.const 1048576) (i32.const 2097152)))
  (call $line (i32.const 2097152) (i32.load (i32.const 20)))
  (i32.const 0))
(func (export "leave") (param i32) (call $proc_exit (local.get 0)))
(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
(func (export "die") unreachable)
""", "args_sizes_get", "args_get")

TYPED_INITIALIZE = '(module (func (export "_initialize") (param i32)) (func (export "f")))'
MISSPELT = '(module (import "wasi_snapshot_preview1" "proc_exi" (func (param i32))) (func (export "_start")))'

# Threads. Each export starts some that do one thing, and does one thing itself.
CROWD = r"""
(module
(import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
(import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(import "env" "memory" (memory 1 2 shared))
(export "memory" (memory 0))
(func $wait (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
(func $spin (loop $again (br $again)))
(func $read
  (i32.store (i32.const 100) (i32.const 200)) (i32.store (i32.const 104) (i32.const 1))
  (drop (call $fd_read (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 300))))
(func $up
  (i32.store (i32.const 400) (i32.const 0x0a7075))
  (i32.store (i32.const 404) (i32.const 400)) (i32.store (i32.const 408) (i32.const 3))
  (drop (call $fd_write (i32.const 1) (i32.const 404) (i32.const 1) (i32.const 300))))
(func $divides (drop (i32.div_u (i32.const 1) (i32.const 0))))
(func $do (param $what i32)
  (if (i32.eq (local.get $what) (i32.const 1)) (then (call $wait)))
  (if (i32.eq (local.get $what) (i32.const 2)) (then (call $spin)))
  (if (i32.eq (local.get $what) (i32.const 3)) (then (call $read)))
  (if (i32.eq (local.get $what) (i32.const 4)) (then (call $divides)))
  (if (i32.eq (local.get $what) (i32.const 5)) (then (call $proc_exit (i32.const 33))))
  (if (i32.eq (local.get $what) (i32.const 6))
    (then (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
          (drop (memory.atomic.notify (i32.const 8) (i32.const -1))))))
(func $wasi_thread_start (export "wasi_thread_start") (param $tid i32) (param $what i32)
  (call $do (local.get $what)))
(func $start (param $what i32)
  (if (i32.le_s (call $spawn (local.get $what)) (i32.const 0)) (then (unreachable))))
;; Threads that wait, spin, read and do what is said; then do what is said here.
(func (export "with") (param $theirs i32) (param $ours i32)
  (call $start (i32.const 1)) (call $start (i32.const 2)) (call $start (i32.const 3))
  (call $up)
  (call $start (local.get $theirs))
  (call $do (local.get $ours)))
;; How many of n can be started that wait.
(func (export "many") (param $n i32) (result i32) (local $i i32)
  (loop $next
    (if (i32.lt_u (local.get $i) (local.get $n))
      (then (if (i32.gt_s (call $spawn (i32.const 1)) (i32.const 0))
              (then (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $next))))))
  (local.get $i))
;; Start n that add 1, and wait until they have.
(func (export "_start") (call $sum (i32.const 20)) (drop))
(func $sum (export "sum") (param $n i32) (result i32) (local $i i32) (local $seen i32)
  (loop $next
    (call $start (i32.const 6))
    (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
  (loop $look
    (if (i32.ne (local.tee $seen (i32.atomic.load (i32.const 8))) (local.get $n))
      (then (drop (memory.atomic.wait32 (i32.const 8) (local.get $seen) (i64.const -1)))
            (br $look))))
  (local.get $seen)))
"""

# Two threads and the first one write and read the same bytes in all ways there are, none of them ordered.
RACES = r"""
(module
(import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
(import "env" "memory" (memory 1 1 shared))
(export "memory" (memory 0))
(data $text "of no interest to anybody")
(data (i32.const 4096) "written for each instance")
(func $plain
  (i64.store32 (i32.const 4096) (i64.load16_u (i32.const 4097)))
  (f64.store (i32.const 4099) (f64.load (i32.const 4096)))
  (v128.store (i32.const 4096) (i32x4.add (v128.load (i32.const 4100)) (v128.load32x2_s (i32.const 4096))))
  (v128.store (i32.const 4096) (v128.load8_lane 3 (i32.const 4100) (v128.load32_splat (i32.const 4096))))
  (v128.store16_lane 3 (i32.const 4100) (v128.load32_zero (i32.const 4096))))
(func $bulk
  (memory.fill (i32.const 4096) (i32.const 7) (i32.const 64))
  (memory.copy (i32.const 4100) (i32.const 4096) (i32.const 60))
  (memory.init $text (i32.const 4096) (i32.const 0) (i32.const 20)))
(func $host
  (drop (call $random_get (i32.const 4096) (i32.const 8)))
  (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 4104)))
  (i32.store (i32.const 200) (i32.const 4096)) (i32.store (i32.const 204) (i32.const 0))
  (drop (call $fd_write (i32.const 1) (i32.const 200) (i32.const 1) (i32.const 208))))
(func $work (local $n i32)
  (loop $again
    (call $plain) (call $bulk) (call $host)
    (drop (i32.atomic.rmw.add (i32.const 4096) (i32.load (i32.const 4100))))
    (drop (i32.atomic.rmw8.cmpxchg_u (i32.const 4096) (i32.const 0) (i32.const 1)))
    (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 300)))))
(func (export "wasi_thread_start") (param $tid i32) (param $what i32)
  (call $work)
  (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
  (drop (memory.atomic.notify (i32.const 8) (i32.const 1))))
(func (export "_start") (local $seen i32)
  (drop (call $spawn (i32.const 0))) (drop (call $spawn (i32.const 0)))
  (call $work)
  (loop $look
    (if (i32.ne (local.tee $seen (i32.atomic.load (i32.const 8))) (i32.const 2))
      (then (drop (memory.atomic.wait32 (i32.const 8) (local.get $seen) (i64.const -1)))
            (br $look))))))
"""
