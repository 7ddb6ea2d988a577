;; SPDX-License-Identifier: Apache-2.0
;; Fibonacci numbers by calling oneself: almost nothing but calls, so it shows what a call costs.
;;
;;   skiff run --invoke fib fib.wasm 30
(module
  (func $fib (export "fib") (param $n i32) (result i64)
    (if (i32.lt_u (local.get $n) (i32.const 2))
      (then (return (i64.extend_i32_u (local.get $n)))))
    (i64.add
      (call $fib (i32.sub (local.get $n) (i32.const 1)))
      (call $fib (i32.sub (local.get $n) (i32.const 2))))))
