/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of networks as a file: one prefix a line, the number of the autonomous system that it
 * belongs to, and whatever else somebody wants to know about it.
 *
 *	# from our routers
 *	198.51.100.0/24  64500   Example Access
 *	2001:db8::/32    AS64501
 *
 * A file is taken whole or not at all. Prefixes may lie in each other; see user/sight/asns.h.
 */
#ifndef NETWORKS_H
#define NETWORKS_H

#include <stddef.h>
#include <stdio.h>
#include "user/sight/asns.h"

/* Prefixes; the tables of the whole Internet hold 1.3 million. */
#define NETWORKS_MAX (1 << 21)

/* 0, or a negative errno with "file:line: sentence" in `why` (`size` bytes). Caller frees `*ret`,
 * which is settled. */
int networks_parse(FILE *f, const char *name, char *why, size_t size, struct asns **ret);

/* The same of a file; an empty path is no table: `*ret` is NULL. */
int networks_read(const char *path, char *why, size_t size, struct asns **ret);

#endif
