/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a directory. See files.h. */
#include "user/base/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "user/base/cleanup.h"

/* Bytes, not the collation of a locale: the order decides which file overrides. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && !strcmp(name + n - m, suffix);
}

void files_free(char **paths)
{
	for (char **p = paths; p && *p; p++)
		free(*p);
	free(paths);
}

static void entries_free(struct dirent **entries, int n)
{
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
}

int files_list(const char *dir, const char *suffix, char ***ret)
{
	_cleanup_(files_freep) char **paths = NULL;
	struct dirent **entries = NULL;
	int n, r = 0;
	size_t at = 0;

	n = scandir(dir, &entries, is_visible, by_name);
	if (n < 0)
		return -errno;
	paths = calloc(n + 1, sizeof(*paths));
	if (!paths)
		r = -ENOMEM;
	for (int i = 0; i < n && !r; i++) {
		if (!ends_in(entries[i]->d_name, suffix))
			continue;
		if (asprintf(&paths[at], "%s/%s", dir, entries[i]->d_name) < 0) {
			paths[at] = NULL;
			r = -ENOMEM;
		}
		at++;
	}
	entries_free(entries, n);
	if (r < 0)
		return r;
	*ret = take_ptr(paths);
	return 0;
}

int files_make_parent(const char *path, char dir[PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	size_t len = slash && slash > path ? (size_t)(slash - path) : 1;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(dir, path, len);
	dir[len] = '\0';
	return mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;
}
