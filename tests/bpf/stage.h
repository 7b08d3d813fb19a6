/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What test programs of the datapath have in common: one bed, emptied before each test and audited
 * behind it, and looks at its rows, which fail the test when there is none.
 *
 *	static const struct CMUnitTest tests[] = { STAGE_TEST("one request", test_one, NULL), ... };
 *
 *	return cmocka_run_group_tests(tests, stage_open, stage_close);
 */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/bpf/talk.h"

#define SRC "192.0.2.7"
#define NET "192.0.2.0/24"

extern struct bed *bed;

int stage_open(void **state);
int stage_close(void **state);
int stage_empty(void **state);
/* Every packet has taken exactly one way out, and nothing inside has failed. */
int stage_audit(void **state);

#define STAGE_TEST(name, f, with) ((struct CMUnitTest){ name, f, stage_empty, stage_audit, with })

struct seine_source source(const char *address);
/* Of the only connection there is. */
struct seine_flow flow(void);
struct seine_shake shake(void);
struct seine_stats stats(void);
struct seine_cfg settings(void);

/* Handshakes without timing, whatever the reason. */
uint64_t untrusted(void);
/* Packets that have left, by any way. */
uint64_t ways_out(void);
void assert_nothing_learnt(void);

#endif
