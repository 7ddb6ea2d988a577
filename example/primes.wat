;; SPDX-License-Identifier: Apache-2.0
;; The sieve of Eratosthenes: count the primes below a limit.
;;
;;   skiff run --invoke count primes.wasm 1000000
;;
;; Byte n of the memory is 1 where n is known to be composite. The memory starts with one page and
;; grows to fit the limit, so it traps (unreachable) where the host grants no more memory.
(module
  (memory (export "memory") 1)

  ;; Make the memory hold at least $bytes.
  (func $reserve (param $bytes i32)
    (local $pages i32)
    (local.set $pages
      (i32.add (i32.shr_u (local.get $bytes) (i32.const 16)) (i32.const 1)))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq
              (memory.grow (i32.sub (local.get $pages) (memory.size)))
              (i32.const -1))
          (then unreachable)))))

  ;; Mark the multiples of $prime from its square on.
  (func $strike (param $prime i32) (param $limit i32)
    (local $at i32)
    (local.set $at (i32.mul (local.get $prime) (local.get $prime)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $limit)))
        (i32.store8 (local.get $at) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (local.get $prime)))
        (br $next))))

  (func (export "count") (param $limit i32) (result i32)
    (local $n i32)
    (local $found i32)
    (call $reserve (local.get $limit))
    ;; A second call starts with a clean sieve.
    (memory.fill (i32.const 0) (i32.const 0) (local.get $limit))
    (local.set $n (i32.const 2))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $n) (local.get $limit)))
        (if (i32.eqz (i32.load8_u (local.get $n)))
          (then
            (local.set $found (i32.add (local.get $found) (i32.const 1)))
            ;; Above this the square would not fit the limit, nor 32 bits.
            (if (i32.lt_u (local.get $n) (i32.const 65536))
              (then (call $strike (local.get $n) (local.get $limit))))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next)))
    (local.get $found)))
