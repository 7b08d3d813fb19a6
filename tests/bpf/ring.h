/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of events, read by a test: what has come since the test began, of each kind as much as
 * there is room for, and how many there were.
 */
#ifndef TESTS_RING_H
#define TESTS_RING_H

#include "tests/bpf/stage.h"

#define RING_KEPT 64

struct ring {
	uint32_t segments, connections, others;
	struct seine_segment segment[RING_KEPT];
	struct seine_connection connection[RING_KEPT];
};

extern struct ring ring;

/* For cmocka, in place of stage_open() and so on. Each test begins with an empty ring, into which
 * all hellos and all ended connections go. */
int ring_open(void **state);
int ring_close(void **state);
int ring_empty(void **state);

#define RING_TEST(name, f, with) ((struct CMUnitTest){ name, f, ring_empty, stage_audit, with })

/* Takes out what is there. */
void ring_read(void);

#endif
