/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * List files of prefixes that are never dropped.
 *
 *	# our own
 *	198.51.100.0/24		# office
 *	2001:db8::/48
 *
 * One prefix a line; what stands behind # becomes its note. A file is taken whole or not at all.
 */
#ifndef BASE_ALLOWFILE_H
#define BASE_ALLOWFILE_H

#include <stdio.h>
#include "bpf/seine.h"
#include "user/base/prefix.h"

#define ALLOWFILE_MAX (1 << 20) /* prefixes: as many as [datapath] allow_entries can ask for */

struct listed {
	struct prefix prefix;
	char note[SEINE_NOTE]; /* cut to what an entry holds, between two characters */
};

/*
 * 0, or a negative errno with "file:line: sentence" in `why` (`size` bytes). The caller frees
 * `*ret`, which is in the order of the file.
 */
int allowfile_read(FILE *f, const char *name, char *why, size_t size, struct listed **ret,
		   size_t *ret_n);

#endif
