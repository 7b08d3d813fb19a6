/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allow list as files: every *.list of a directory, one prefix a line.
 *
 * Entries of files and entries added on the command line stand in the same kernel table. Those of
 * files carry a note that begins with '@' and the file's name, "@office: VPN", by which they are
 * known again when the file no longer has them.
 */
#ifndef ALLOWDIR_H
#define ALLOWDIR_H

#include "user/kernel/datapath.h"

#define ALLOWDIR_MARK '@'

/* All files or nothing: "file:line: sentence" in `why` (DATAPATH_WHY bytes). No directory: no
 * entries. */
int allowdir_read(const char *dir, uint32_t now_sec, char *why, struct allow_entry **ret,
		  size_t *ret_n);

/* Was it read from a file? */
bool allowdir_owns(const struct allow_entry *e);

/* The one with exactly this prefix, of `n`; NULL: none. */
const struct allow_entry *allow_find(const struct allow_entry *list, size_t n,
				     const struct prefix *p);

/* Makes the kernel hold these entries of files and no others; the operator's own are left alone. */
int allowdir_apply(struct datapath *d, const struct allow_entry *list, size_t n, char *why);

#endif
