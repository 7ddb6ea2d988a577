/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects.h: structs, arrays, i31 and casts. What makes an object, or works on a range of one, goes out of line
 * (exec/runtime_objects.c), with the topmost operand written to its place first: the collector reads operands from
 * there. See machine.h for the words used; no include guard.
 */

/* The object at `ref`, which may be null. */
#define OBJECT_OR_TRAP(name, ref, NULL_TRAP)        \
	const struct object *name = object_of(ref); \
	if (UNLIKELY(name == NULL))                 \
	TRAP(NULL_TRAP)

/* Make the value at `from` the topmost, replacing `drop` slots. */
#define LOAD_VALUE(storage_, from, drop, next_)                 \
	do {                                                    \
		const uint8_t *next = (next_);                  \
		const uint8_t *place = (from);                  \
		uint8_t byte;                                   \
		uint16_t half;                                  \
		uint32_t word;                                  \
		slot wide;                                      \
		v128 vector;                                    \
		sp -= (drop) - 1;                               \
		switch ((enum storage)(storage_)) {             \
		case STORAGE_8:                                 \
			byte = *place;                          \
			tos = byte;                             \
			NEXT(next);                             \
		case STORAGE_16:                                \
			memcpy(&half, place, sizeof(half));     \
			tos = half;                             \
			NEXT(next);                             \
		case STORAGE_32:                                \
			memcpy(&word, place, sizeof(word));     \
			tos = word;                             \
			NEXT(next);                             \
		case STORAGE_64:                                \
		case STORAGE_REF:                               \
			memcpy(&wide, place, sizeof(wide));     \
			tos = wide;                             \
			NEXT(next);                             \
		case STORAGE_V128:                              \
			memcpy(&vector, place, sizeof(vector)); \
			sp++;                                   \
			RET_v(vector);                          \
		}                                               \
		NEXT(next);                                     \
	} while (0)

/* Write the topmost value; a v128's lower half lies below it. */
#define STORE_VALUE(storage_, to)                     \
	do {                                          \
		uint8_t *place = (to);                \
		slot value = tos;                     \
		switch ((enum storage)(storage_)) {   \
		case STORAGE_8:                       \
			memcpy(place, &value, 1);     \
			break;                        \
		case STORAGE_16:                      \
			memcpy(place, &value, 2);     \
			break;                        \
		case STORAGE_32:                      \
			memcpy(place, &value, 4);     \
			break;                        \
		case STORAGE_64:                      \
		case STORAGE_REF:                     \
			memcpy(place, &value, 8);     \
			break;                        \
		case STORAGE_V128:                    \
			memcpy(place, &sp[-1], 8);    \
			memcpy(place + 8, &value, 8); \
			break;                        \
		}                                     \
	} while (0)

#define SIGN_8(value) ((uint32_t)(int32_t)(int8_t)(value))
#define SIGN_16(value) ((uint32_t)(int32_t)(int16_t)(value))

/* A packed value with its sign. */
#define LOAD_SIGNED(storage_, from, drop, next_)            \
	do {                                                \
		const uint8_t *place = (from);              \
		uint16_t half;                              \
		sp -= (drop) - 1;                           \
		if ((storage_) == STORAGE_8) {              \
			tos = SIGN_8(*place);               \
		} else {                                    \
			memcpy(&half, place, sizeof(half)); \
			tos = SIGN_16(half);                \
		}                                           \
		NEXT(next_);                                \
	} while (0)

/* -- Structs --------------------------------------------------------------------------------- */

INSTR(STRUCT_NEW)
{
	uint32_t type, slots = 0;
	const uint8_t *next = leb_u32(pc + 1, &type);
	const struct type_info *info = in->type_infos[type];
	slot ref;

	for (uint32_t i = 0; i < info->count; i++)
		slots += 1 + (info->fields[i].storage == STORAGE_V128);
	*sp = tos;
	TRY_RUNTIME(runtime_struct_new(th, in, type, sp - slots + 1, &ref));
	sp -= slots;
	sp++;
	tos = ref;
	NEXT(next);
}

INSTR(STRUCT_NEW_DEFAULT)
{
	uint32_t type;
	const uint8_t *next = leb_u32(pc + 1, &type);
	slot ref;

	*sp = tos;
	TRY_RUNTIME(runtime_struct_new(th, in, type, NULL, &ref));
	sp++;
	tos = ref;
	NEXT(next);
}

#define STRUCT_FIELD(next, field)                                      \
	uint32_t type, index;                                          \
	const uint8_t *next = leb_u32(leb_u32(pc + 1, &type), &index); \
	const struct field *field = &in->type_infos[type]->fields[index]

INSTR(STRUCT_GET)
{
	STRUCT_FIELD(after, field);
	OBJECT_OR_TRAP(object, tos, TRAP_NULL_STRUCTURE);
	LOAD_VALUE(field->storage, object_at(object, field->at), 1, after);
}

INSTR(STRUCT_GET_S)
{
	STRUCT_FIELD(after, field);
	OBJECT_OR_TRAP(object, tos, TRAP_NULL_STRUCTURE);
	LOAD_SIGNED(field->storage, object_at(object, field->at), 1, after);
}

INSTR(STRUCT_GET_U)
{
	STRUCT_FIELD(after, field);
	OBJECT_OR_TRAP(object, tos, TRAP_NULL_STRUCTURE);
	LOAD_VALUE(field->storage, object_at(object, field->at), 1, after);
}

INSTR(STRUCT_SET)
{
	STRUCT_FIELD(after, field);
	uint32_t slots = 1 + (field->storage == STORAGE_V128);
	OBJECT_OR_TRAP(object, sp[-(int32_t)slots], TRAP_NULL_STRUCTURE);
	STORE_VALUE(field->storage, object_at(object, field->at));
	DROP_NEXT(slots + 1, after);
}

/* -- Arrays ---------------------------------------------------------------------------------- */

INSTR(ARRAY_NEW)
{
	uint32_t type;
	const uint8_t *next = leb_u32(pc + 1, &type);
	uint32_t slots = 1 + (in->type_infos[type]->storage == STORAGE_V128);
	slot ref;

	*sp = tos;
	TRY_RUNTIME(runtime_array_new(th, in, type, sp - slots, (uint32_t)tos, &ref));
	sp -= slots;
	tos = ref;
	NEXT(next);
}

INSTR(ARRAY_NEW_DEFAULT)
{
	uint32_t type;
	const uint8_t *next = leb_u32(pc + 1, &type);
	slot ref;

	*sp = tos;
	TRY_RUNTIME(runtime_array_new(th, in, type, NULL, (uint32_t)tos, &ref));
	tos = ref;
	NEXT(next);
}

INSTR(ARRAY_NEW_FIXED)
{
	uint32_t type, count;
	const uint8_t *next = leb_u32(leb_u32(pc + 1, &type), &count);
	uint32_t slots = count << (in->type_infos[type]->storage == STORAGE_V128);
	slot ref;

	*sp = tos;
	TRY_RUNTIME(runtime_array_new_fixed(th, in, type, count, sp - slots + 1, &ref));
	sp -= slots;
	sp++;
	tos = ref;
	NEXT(next);
}

#define ARRAY_FROM_SEGMENT(ID, runtime)                                                      \
	INSTR(ID)                                                                            \
	{                                                                                    \
		uint32_t type, segment;                                                      \
		const uint8_t *next = leb_u32(leb_u32(pc + 1, &type), &segment);             \
		slot ref;                                                                    \
		*sp = tos;                                                                   \
		TRY_RUNTIME(runtime(th, in, type, segment, DEEP_i(1), (uint32_t)tos, &ref)); \
		sp--;                                                                        \
		tos = ref;                                                                   \
		NEXT(next);                                                                  \
	}
ARRAY_FROM_SEGMENT(ARRAY_NEW_DATA, runtime_array_new_data)
ARRAY_FROM_SEGMENT(ARRAY_NEW_ELEM, runtime_array_new_elem)

/* The element that array and index, the topmost operands behind `above` slots, mean. */
#define ARRAY_ELEMENT(next, info, place, ref, index)         \
	uint32_t type;                                       \
	const uint8_t *next = leb_u32(pc + 1, &type);        \
	const struct type_info *info = in->type_infos[type]; \
	uint32_t at = (uint32_t)(index);                     \
	OBJECT_OR_TRAP(array, ref, TRAP_NULL_ARRAY);         \
	if (UNLIKELY(at >= array->length))                   \
		TRAP(TRAP_OUT_OF_BOUNDS_ARRAY);              \
	uint8_t *place = array_at(info, array, at)

INSTR(ARRAY_GET)
{
	ARRAY_ELEMENT(after, info, element, sp[-1], tos);
	LOAD_VALUE(info->storage, element, 2, after);
}

INSTR(ARRAY_GET_S)
{
	ARRAY_ELEMENT(after, info, element, sp[-1], tos);
	LOAD_SIGNED(info->storage, element, 2, after);
}

INSTR(ARRAY_GET_U)
{
	ARRAY_ELEMENT(after, info, element, sp[-1], tos);
	LOAD_VALUE(info->storage, element, 2, after);
}

INSTR(ARRAY_SET)
{
	uint32_t wide;
	leb_u32(pc + 1, &wide);
	wide = in->type_infos[wide]->storage == STORAGE_V128;
	ARRAY_ELEMENT(after, info, element, sp[-2 - (int32_t)wide], sp[-1 - (int32_t)wide]);
	STORE_VALUE(info->storage, element);
	DROP_NEXT(3 + wide, after);
}

INSTR(ARRAY_LEN)
{
	OBJECT_OR_TRAP(array, tos, TRAP_NULL_ARRAY);
	tos = array->length;
	NEXT(pc + 1);
}

INSTR(ARRAY_FILL)
{
	uint32_t type;
	const uint8_t *next = leb_u32(pc + 1, &type);
	uint32_t slots = 1 + (in->type_infos[type]->storage == STORAGE_V128);
	const slot *value = sp - slots;

	TRY_RUNTIME(runtime_array_fill(th, in, type, value[-2], (uint32_t)value[-1], value,
				       (uint32_t)tos));
	DROP_NEXT(slots + 3, next);
}

INSTR(ARRAY_COPY)
{
	uint32_t to, from;
	const uint8_t *next = leb_u32(leb_u32(pc + 1, &to), &from);

	TRY_RUNTIME(runtime_array_copy(th, in, to, DEEP_l(4), DEEP_i(3), DEEP_l(2), DEEP_i(1),
				       (uint32_t)tos));
	DROP_NEXT(5, next);
}

#define ARRAY_INIT(ID, runtime)                                                             \
	INSTR(ID)                                                                           \
	{                                                                                   \
		uint32_t type, segment;                                                     \
		const uint8_t *next = leb_u32(leb_u32(pc + 1, &type), &segment);            \
		TRY_RUNTIME(runtime(th, in, type, segment, DEEP_l(3), DEEP_i(2), DEEP_i(1), \
				    (uint32_t)tos));                                        \
		DROP_NEXT(4, next);                                                         \
	}
ARRAY_INIT(ARRAY_INIT_DATA, runtime_array_init_data)
ARRAY_INIT(ARRAY_INIT_ELEM, runtime_array_init_elem)

/* -- i31, equality, conversion --------------------------------------------------------------- */

INSTR(REF_EQ)
{
	sp--;
	tos = *sp == tos;
	NEXT(pc + 1);
}

INSTR(REF_I31)
{
	tos = ref_from_i31((uint32_t)tos);
	NEXT(pc + 1);
}

INSTR(I31_GET_S)
{
	if (UNLIKELY(tos == 0))
		TRAP(TRAP_NULL_I31);
	tos = ref_to_i31_s(tos);
	NEXT(pc + 1);
}

INSTR(I31_GET_U)
{
	if (UNLIKELY(tos == 0))
		TRAP(TRAP_NULL_I31);
	tos = ref_to_i31_u(tos);
	NEXT(pc + 1);
}

INSTR(ANY_CONVERT_EXTERN)
{
	NEXT(pc + 1);
}

INSTR(EXTERN_CONVERT_ANY)
{
	NEXT(pc + 1);
}

/* -- Casts ----------------------------------------------------------------------------------- */

#define REF_TEST_INSTR(ID, of_null)                                               \
	INSTR(ID)                                                                 \
	{                                                                         \
		tos = tos == 0 ? (of_null) : machine_ref_is(th, in, tos, pc + 1); \
		NEXT(leb_skip(pc + 1));                                           \
	}
REF_TEST_INSTR(REF_TEST, 0)
REF_TEST_INSTR(REF_TEST_NULL, 1)

#define REF_CAST_INSTR(ID, of_null)                                                          \
	INSTR(ID)                                                                            \
	{                                                                                    \
		if (UNLIKELY(!(tos == 0 ? (of_null) : machine_ref_is(th, in, tos, pc + 1)))) \
			TRAP(TRAP_CAST_FAILURE);                                             \
		NEXT(leb_skip(pc + 1));                                                      \
	}
REF_CAST_INSTR(REF_CAST, 0)
REF_CAST_INSTR(REF_CAST_NULL, 1)

/* Flags, label, the type that comes and the type asked for. The branch is counted from the first byte of the
 * instruction, which the prefix has left behind. */
#define CAST_BRANCH_INSTR(ID, on_failure)                                                    \
	INSTR(ID)                                                                            \
	{                                                                                    \
		const uint8_t *wanted = leb_skip(leb_skip(pc + 2));                          \
		bool is = tos == 0 ? (pc[1] & 2) != 0 : machine_ref_is(th, in, tos, wanted); \
		if (is == !(on_failure)) {                                                   \
			pc = machine_fb_start(pc);                                           \
			BRANCH();                                                            \
		}                                                                            \
		side++;                                                                      \
		NEXT(leb_skip(wanted));                                                      \
	}
CAST_BRANCH_INSTR(BR_ON_CAST, false)
CAST_BRANCH_INSTR(BR_ON_CAST_FAIL, true)
