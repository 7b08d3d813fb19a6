/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a directory that belong to somebody, by their suffix, in the order of their names. */
#ifndef BASE_FILES_H
#define BASE_FILES_H

#include <limits.h>
#include <stddef.h>

/*
 * `*ret`: their paths, ended by NULL; names that begin with a dot are left out. 0 or a negative
 * errno; -ENOENT: no such directory.
 */
int files_list(const char *dir, const char *suffix, char ***ret);
void files_free(char **paths);
static inline void files_freep(char ***paths)
{
	files_free(*paths);
	*paths = NULL;
}

/* Makes the directory of a file if it is missing, but none above it; `dir` gets its path. 0 or a
 * negative errno. */
int files_make_parent(const char *path, char dir[PATH_MAX]);

#endif
