// SPDX-License-Identifier: GPL-2.0-or-later
/* See allowdir.h. */
#include "user/allowdir.h"

#include <errno.h>
#include <string.h>
#include "user/base/allowfile.h"
#include "user/base/cleanup.h"
#include "user/base/files.h"

#define SUFFIX ".list"

struct allows {
	struct allow_entry *list;
	size_t n;
};

static int fail(int r, char *why, const char *what)
{
	snprintf(why, DATAPATH_WHY, "allow list: %s: %s", what, strerror(-r));
	return r;
}

static int allows_append(struct allows *a, const struct listed *listed, size_t n, const char *name,
			 uint32_t now_sec)
{
	void *list = reallocarray(a->list, a->n + n + 1, sizeof(*a->list));

	if (!list)
		return -ENOMEM;
	a->list = list;
	for (size_t i = 0; i < n; i++) {
		struct allow_entry *e = &a->list[a->n++];
		char note[2 * SEINE_NOTE + 4];

		*e = (struct allow_entry){ .prefix = listed[i].prefix,
					   .row = { .origin = SEINE_OPERATOR,
						    .added_sec = now_sec,
						    .actor = SEINE_NO_ACTOR } };
		snprintf(note, sizeof(note), "%c%.*s%s%s", ALLOWDIR_MARK, SEINE_NOTE, name,
			 listed[i].note[0] ? ": " : "", listed[i].note);
		memcpy(e->row.note, note, strnlen(note, SEINE_NOTE - 1));
	}
	return 0;
}

static int file_read(struct allows *a, const char *path, uint32_t now_sec, char *why)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	_cleanup_(freep) struct listed *listed = NULL;
	_cleanup_(freep) char *name = NULL;
	const char *base = strrchr(path, '/') + 1;
	size_t n = 0;
	int r;

	if (!f)
		return fail(-errno, why, path);
	r = allowfile_read(f, path, why, DATAPATH_WHY, &listed, &n);
	if (r < 0)
		return r;
	name = strndup(base, strlen(base) - strlen(SUFFIX));
	r = name ? allows_append(a, listed, n, name, now_sec) : -ENOMEM;
	return r < 0 ? fail(r, why, path) : 0;
}

int allowdir_read(const char *dir, uint32_t now_sec, char *why, struct allow_entry **ret,
		  size_t *ret_n)
{
	_cleanup_(files_freep) char **files = NULL;
	struct allows all = { 0 };
	int r;

	r = files_list(dir, SUFFIX, &files);
	if (r < 0 && r != -ENOENT)
		return fail(r, why, dir);
	r = 0;
	for (char **f = files; f && *f && r == 0; f++)
		r = file_read(&all, *f, now_sec, why);
	if (r < 0) {
		free(all.list);
		return r;
	}
	*ret = all.list;
	*ret_n = all.n;
	return 0;
}

bool allowdir_owns(const struct allow_entry *e)
{
	return e->row.origin == SEINE_OPERATOR && e->row.note[0] == ALLOWDIR_MARK;
}

const struct allow_entry *allow_find(const struct allow_entry *list, size_t n,
				     const struct prefix *p)
{
	for (size_t i = 0; i < n; i++) {
		if (prefix_compare(&list[i].prefix, p) == 0)
			return &list[i];
	}
	return NULL;
}

int allowdir_apply(struct datapath *d, const struct allow_entry *list, size_t n, char *why)
{
	_cleanup_(freep) struct allow_entry *held = NULL;
	size_t n_held = 0;
	int r;

	r = datapath_allows(d, &held, &n_held);
	/* New ones first: a file that was renamed must not leave its entries out for a moment. */
	for (size_t i = 0; i < n && r == 0; i++) {
		const struct allow_entry *old = allow_find(held, n_held, &list[i].prefix);

		if (!old || allowdir_owns(old))
			r = datapath_allow_put(d, &list[i]);
	}
	for (size_t i = 0; i < n_held && r == 0; i++) {
		if (allowdir_owns(&held[i]) && !allow_find(list, n, &held[i].prefix))
			r = datapath_allow_remove(d, &held[i].prefix);
	}
	if (r == -ENOSPC)
		return snprintf(why, DATAPATH_WHY, "allow list: full"), r;
	return r < 0 ? fail(r, why, "cannot be written") : 0;
}
