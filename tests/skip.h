/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaves a cmocka test that cannot run here. cmocka's skip() has no room for a reason, and
 * tests/run takes no skip without one.
 */
#ifndef TESTS_SKIP_H
#define TESTS_SKIP_H

#define skip_because(reason) \
	do { \
		print_message("# skip: %s\n", reason); \
		skip(); \
	} while (0)

#endif
