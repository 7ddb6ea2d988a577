;; SPDX-License-Identifier: Apache-2.0
;; What generated modules import from. One text for all engines, so that an import does the same in each; instantiated
;; anew for each module. run.py makes of its exports the list of imports that the generator may choose from, under the
;; module name "p". It imports one function of the embedder's itself.
(module
  (import "host" "mix" (func $mix (param i32) (result i32)))
  (type $nothing (func))

  (memory $m (export "m") 1 3)
  (memory $m64 (export "m64") i64 1 2)
  (memory $shared (export "shared") 1 2 shared)
  (table $t (export "t") 8 20 funcref)
  (table $t64 (export "t64") i64 3 9 externref)
  (table $any (export "any") 4 8 anyref)
  (global $number (export "number") (mut i32) (i32.const 0))
  (global (export "long") i64 (i64.const 16))
  (global (export "double") (mut f64) (f64.const -0x1.8p-3))
  (global (export "vector") (mut v128) (v128.const i32x4 1 -2 0x7fffffff 0x80000000))
  (global (export "function") (mut funcref) (ref.func $step))
  (global (export "small") i31ref (ref.i31 (i32.const -5)))
  (tag $alarm (export "alarm") (param i32))
  (tag (export "empty"))
  (tag (export "pair") (param i64 f32))
  (elem (table $t) (i32.const 0) func $step $throw $nest)
  (data (memory $m) (i32.const 16) "generated modules find this text in the memory they import")

  (func $step (export "step")
    (global.set $number (i32.add (i32.mul (global.get $number) (i32.const 31)) (i32.const 7))))

  (func $throw (export "throw") (param i32)
    (if (i32.and (local.get 0) (i32.const 1)) (then (throw $alarm (local.get 0))))
    (call $step))

  ;; Calls back: what a module puts into the table it imports is reached from here.
  (func $nest (export "nest") (param i32) (result i32)
    (local.set 0 (i32.and (local.get 0) (i32.const 7)))
    (call $step)
    (if (ref.test (ref $nothing) (table.get $t (local.get 0)))
      (then (call_indirect $t (type $nothing) (local.get 0))))
    (global.get $number))

  ;; The same, and nothing that is thrown gets past it.
  (func (export "guard") (param i32) (result i32)
    (block $caught
      (try_table (catch_all $caught) (return (call $nest (local.get 0)))))
    (i32.const -1))

  (func (export "host") (param i32 i64) (result i64 i32)
    (i64.mul (local.get 1) (i64.extend_i32_s (local.get 0)))
    (call $mix (local.get 0)))

  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "floats") (param f32 f64) (result f64)
    (f64.min (f64.promote_f32 (local.get 0)) (local.get 1)))
  (func (export "turn") (param v128) (result v128)
    (i32x4.add (local.get 0) (v128.const i32x4 1 2 3 4)))
  (func (export "convert") (param externref) (result anyref) (any.convert_extern (local.get 0)))
  (func (export "make") (param i32) (result eqref) (ref.i31 (local.get 0)))
  (func (export "pick") (param i32) (result funcref)
    (table.get $t (i32.and (local.get 0) (i32.const 7)))))
