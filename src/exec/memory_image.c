/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/memory_image.h"

#include "base/base.h"
#include "base/io.h"

/* No segment may fail: what lies in front of one that does would be written and what lies behind it not. */
static bool is_constant(const struct image *image, const struct image_data *data)
{
	const struct image_memory *memories = IMAGE_ITEMS(image, struct image_memory, memories);
	uint64_t size = memories[data->memory].limits.min * PAGE_BYTES;
	uint64_t at = data->offset.value;

	return data->offset.kind == INIT_VALUE && at <= size && data->bytes.size <= size - at;
}

static bool is_imaged(const struct image_data *data)
{
	return data->mode == MODE_ACTIVE && data->memory == 0 && data->bytes.size != 0;
}

/* A memory that may move, or that others have too, cannot be mapped over. */
static bool is_fixed(const struct image *image)
{
	const struct image_memory *memories = IMAGE_ITEMS(image, struct image_memory, memories);

	return image->memories.count != 0 && image->imported_memories == 0 &&
	       !memories[0].limits.is64 && !memories[0].limits.shared;
}

bool memory_image_extent(const struct image *image, uint64_t holes, struct memory_image *ret)
{
	const struct image_data *datas = IMAGE_ITEMS(image, struct image_data, datas);
	uint64_t begin = UINT64_MAX, end = 0, bytes = 0;

	if (!is_fixed(image))
		return false;
	for (uint32_t i = 0; i < image->datas.count; i++) {
		if (datas[i].mode == MODE_ACTIVE && !is_constant(image, &datas[i]))
			return false;
		if (!is_imaged(&datas[i]))
			continue;
		begin = MIN(begin, datas[i].offset.value);
		end = MAX(end, datas[i].offset.value + datas[i].bytes.size);
		bytes += datas[i].bytes.size;
	}
	if (bytes == 0)
		return false;
	ret->begin = begin / MEMORY_IMAGE_PAGE * MEMORY_IMAGE_PAGE;
	ret->end = align_up(end, MEMORY_IMAGE_PAGE);
	/* One page is allowed with less: mapped, it is shared by all instances; copied, it is one more page each. */
	return ret->end - ret->begin <= MAX(bytes + MAX(bytes, holes), (uint64_t)MEMORY_IMAGE_PAGE);
}

int memory_image_write(const struct image *image, const struct memory_image *memory)
{
	const struct image_data *datas = IMAGE_ITEMS(image, struct image_data, datas);
	int err = 0;

	for (uint32_t i = 0; err == 0 && i < image->datas.count; i++)
		if (is_imaged(&datas[i]))
			err = io_write_at(memory->fd, image_module(image) + datas[i].bytes.at,
					  datas[i].bytes.size,
					  memory->at + datas[i].offset.value - memory->begin);
	return err;
}
