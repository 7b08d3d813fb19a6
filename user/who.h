/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of those who ask for something. Reading the user database costs a file, and a list has
 * many rows: names are kept.
 */
#ifndef WHO_H
#define WHO_H

#include <stdint.h>

#define WHO_NAME 32
#define WHO_KEPT 16

struct who_names {
	struct {
		uint32_t uid;
		char name[WHO_NAME]; /* empty: free */
	} list[WHO_KEPT];
	unsigned int next; /* the one that goes when there is no room */
};

/* "root", or "uid 4711" where the system knows no name. */
const char *who_name(struct who_names *names, uint32_t uid);

#endif
