// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring of events, and the histograms of server time. What comes out of the ring was written by
 * the datapath, or by whoever else may write pinned maps: it is checked before it is passed on.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/kernel/handle.h"

struct events {
	struct ring_buffer *ring;
	struct datapath_listener listener;
	unsigned int left; /* that may still be taken in this turn */
};

static void pass_hello(const struct events *e, const struct seine_segment *piece, size_t size)
{
	size_t head = offsetof(struct seine_segment, data);

	if (size >= head && piece->len <= SEINE_SEGMENT && size - head >= piece->len)
		e->listener.hello(piece, e->listener.arg);
}

static void pass_connection(const struct events *e, const struct seine_connection *c, size_t size)
{
	if (size >= sizeof(*c))
		e->listener.connection(c, e->listener.arg);
}

/* libbpf has moved on behind the event when a negative result ends its turn: none is lost. */
static int on_event(void *arg, void *data, size_t size)
{
	struct events *e = arg;
	uint32_t kind;

	if (size >= sizeof(kind)) {
		kind = *(const uint32_t *)data;
		if (kind == SEINE_EVENT_HELLO)
			pass_hello(e, data, size);
		else if (kind == SEINE_EVENT_CONNECTION)
			pass_connection(e, data, size);
	}
	return --e->left ? 0 : -EAGAIN;
}

int datapath_listen(struct datapath *d, const struct datapath_listener *listener)
{
	_cleanup_(events_freep) struct events *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->listener = *listener;
	e->ring = ring_buffer__new(d->map[MAP_events], on_event, e, NULL);
	if (!e->ring)
		return -errno;
	events_freep(&d->events);
	d->events = take_ptr(e);
	return 0;
}

void events_freep(struct events **e)
{
	if (!*e)
		return;
	ring_buffer__free((*e)->ring);
	freep(e);
}

int datapath_events_fd(const struct datapath *d)
{
	return d->events ? ring_buffer__epoll_fd(d->events->ring) : -EBADF;
}

int datapath_take_events(struct datapath *d, unsigned int max)
{
	int r;

	if (!d->events || !max)
		return -EINVAL;
	d->events->left = max;
	r = ring_buffer__consume(d->events->ring);
	return r < 0 && r != -EAGAIN ? r : (int)(max - d->events->left);
}

int datapath_trips(struct datapath *d, struct seine_trips ret[SEINE_TLS_KINDS])
{
	_cleanup_(freep) struct seine_trips *rows = NULL;
	int cpus = libbpf_num_possible_cpus(), r;

	if (cpus < 0)
		return cpus;
	rows = calloc((size_t)cpus, sizeof(*rows));
	if (!rows)
		return -ENOMEM;

	for (uint32_t kind = 0; kind < SEINE_TLS_KINDS; kind++) {
		struct seine_trips sum = { 0 };

		r = bpf_map_lookup_elem(d->map[MAP_trips], &kind, rows);
		if (r < 0)
			return r;
		for (int cpu = 0; cpu < cpus; cpu++)
			for (unsigned int bin = 0; bin < SEINE_TRIP_BINS; bin++)
				sum.hist[bin] += rows[cpu].hist[bin];
		ret[kind] = sum;
	}
	return 0;
}
