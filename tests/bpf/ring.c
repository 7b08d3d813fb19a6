// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the ring by libbpf, as the agent does.
 */
#include "tests/bpf/ring.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

struct ring ring;

static struct ring_buffer *buffer;

static int take(void *context, void *data, size_t bytes)
{
	uint32_t event;

	(void)context;
	memcpy(&event, data, sizeof(event));
	if (event == SEINE_EVENT_HELLO && bytes == sizeof(struct seine_segment)) {
		if (ring.segments < RING_KEPT)
			memcpy(&ring.segment[ring.segments], data, bytes);
		ring.segments++;
	} else if (event == SEINE_EVENT_CONNECTION && bytes == sizeof(struct seine_connection)) {
		if (ring.connections < RING_KEPT)
			memcpy(&ring.connection[ring.connections], data, bytes);
		ring.connections++;
	} else {
		ring.others++;
	}
	return 0;
}

int ring_open(void **state)
{
	int r = stage_open(state);

	if (r)
		return r;
	buffer = ring_buffer__new(bed_map(bed, "seine_events"), take, NULL, NULL);
	return buffer ? 0 : -errno;
}

int ring_close(void **state)
{
	ring_buffer__free(buffer);
	return stage_close(state);
}

int ring_empty(void **state)
{
	struct seine_cfg cfg;

	stage_empty(state);
	cfg = settings();
	cfg.hello_one_in = 1;
	cfg.hellos_per_sec = 100000;
	cfg.connection_one_in = 1;
	bed_configure(bed, &cfg);
	ring_read();
	memset(&ring, 0, sizeof(ring));
	return 0;
}

void ring_read(void)
{
	assert_true(ring_buffer__consume(buffer) >= 0);
	assert_int_equal(ring.others, 0);
}
