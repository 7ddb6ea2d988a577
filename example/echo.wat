;; SPDX-License-Identifier: Apache-2.0
;; A program for WASI: prints its arguments, one a line.
;;
;; Memory: 0 the number of arguments, 4 the size of their strings, 8 a vector of two parts to write (where, how many),
;; 24 the bytes written, 28 a newline; from 64 on the pointers, behind them the strings.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\1c\00\00\00\01\00\00\00") ;; the second part: the newline
  (data (i32.const 28) "\n")

  (func $size (param $text i32) (result i32)
    (local $at i32)
    (local.set $at (local.get $text))
    (block $end
      (loop $next
        (br_if $end (i32.eqz (i32.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i32.sub (local.get $at) (local.get $text)))

  (func $print_line (param $text i32)
    (i32.store (i32.const 8) (local.get $text))
    (i32.store (i32.const 12) (call $size (local.get $text)))
    (if (call $fd_write (i32.const 1) (i32.const 8) (i32.const 2) (i32.const 24))
      (then (call $proc_exit (i32.const 1)))))

  (func (export "_start")
    (local $i i32) (local $count i32)
    (if (call $args_sizes_get (i32.const 0) (i32.const 4))
      (then (call $proc_exit (i32.const 1))))
    (local.set $count (i32.load (i32.const 0)))
    ;; More than this page holds is not for an example.
    (if (i32.gt_u
          (i32.add (i32.mul (local.get $count) (i32.const 4)) (i32.load (i32.const 4)))
          (i32.const 65000))
      (then (call $proc_exit (i32.const 1))))
    (if (call $args_get (i32.const 64)
          (i32.add (i32.const 64) (i32.mul (local.get $count) (i32.const 4))))
      (then (call $proc_exit (i32.const 1))))
    (block $end
      (loop $next
        (local.set $i (i32.add (local.get $i) (i32.const 1))) ;; the first is the program's name
        (br_if $end (i32.ge_u (local.get $i) (local.get $count)))
        (call $print_line
          (i32.load (i32.add (i32.const 64) (i32.mul (local.get $i) (i32.const 4)))))
        (br $next)))))
