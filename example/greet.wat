;; SPDX-License-Identifier: Apache-2.0
;; The guest of embed-host.c: it can only print because its host offers host.print, and it
;; misbehaves on demand.
(module
  (import "host" "print" (func $print (param $at i32) (param $bytes i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "hello from the guest")

  (func (export "greet")
    (call $print (i32.const 16) (i32.const 20)))

  ;; Asks the host to print what lies outside of its memory.
  (func (export "lie")
    (call $print (i32.const 65530) (i32.const 100)))

  (func (export "divide") (param $a i32) (param $b i32) (result i32)
    (i32.div_s (local.get $a) (local.get $b)))

  (func (export "spin")
    (loop $again
      (br $again))))
