// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What earlier agents have left below the pin directory: maps of older ABI numbers, and directories
 * that a killed agent had not finished.
 *
 * While an older program is on an interface its maps stay, and its map of settings tells that it is
 * ours, so that the new program may take its place (hook.c). Once no program is loaded that uses
 * any of its maps a directory goes. Only names that this program or an older one gives are touched,
 * and the caller holds the lock, so that no other agent is at work here.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/kernel/handle.h"

#define PIN_PREFIX "seine_"
#define STAGE_SUFFIX "_new"
#define PINS_MAX 256	  /* in a directory; one with more is not ours */
#define PROGRAM_MAPS 1024 /* a program that uses more is taken to use everything */

/* ---- names ---- */

/* "2" and "2_new", of ABI numbers up to our own. The pins in use are no orphan. */
static bool orphan_name(const char *name)
{
	char *end;
	unsigned long abi;

	if (name[0] < '1' || name[0] > '9')
		return false;
	errno = 0;
	abi = strtoul(name, &end, 10);
	if (errno || abi > SEINE_ABI)
		return false;
	return !strcmp(end, STAGE_SUFFIX) || (!*end && abi < SEINE_ABI);
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* `d->dir` without the ABI number. */
static int parent_of(const struct datapath *d, char ret[PATH_MAX])
{
	const char *slash = strrchr(d->dir, '/');

	if (!slash)
		return -EINVAL;
	memcpy(ret, d->dir, (size_t)(slash - d->dir));
	ret[slash - d->dir] = '\0';
	return 0;
}

typedef int (*orphan_fn)(const char *path, void *arg);

static int each_orphan(const struct datapath *d, orphan_fn fn, void *arg)
{
	_cleanup_(dir_closep) DIR *dir = NULL;
	char parent[PATH_MAX], path[PATH_MAX];
	struct dirent *e;
	int r;

	r = parent_of(d, parent);
	if (r < 0)
		return r;
	dir = opendir(parent);
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		if (!orphan_name(e->d_name) || path_join(path, parent, e->d_name) < 0)
			continue;
		r = fn(path, arg);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- whose they are ---- */

struct pins {
	uint32_t id[PINS_MAX];
	size_t n;
};

/* Adds the ids of all maps pinned in a directory. -EPERM: it holds something that is not ours. */
static int pins_read(const char *path, struct pins *ret)
{
	_cleanup_(dir_closep) DIR *dir = opendir(path);
	struct dirent *e;

	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		_cleanup_(closep) int fd = -1;
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);
		char pin[PATH_MAX];

		if (e->d_name[0] == '.')
			continue;
		if (strncmp(e->d_name, PIN_PREFIX, strlen(PIN_PREFIX)) != 0 || ret->n == PINS_MAX ||
		    path_join(pin, path, e->d_name) < 0)
			return -EPERM;
		fd = bpf_obj_get(pin);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
			return -EPERM;
		ret->id[ret->n++] = info.id;
	}
	return 0;
}

static bool shares_a_map(const struct pins *pins, const uint32_t *ids, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		for (size_t j = 0; j < pins->n; j++) {
			if (ids[i] == pins->id[j])
				return true;
		}
	}
	return false;
}

static bool program_uses_any(uint32_t id, const struct pins *pins)
{
	_cleanup_(closep) int fd = bpf_prog_get_fd_by_id(id);
	uint32_t ids[PROGRAM_MAPS];
	struct bpf_prog_info info = { .nr_map_ids = PROGRAM_MAPS,
				      .map_ids = (uint64_t)(uintptr_t)ids };
	uint32_t len = sizeof(info);

	if (fd < 0)
		return fd != -ENOENT; /* it has just gone, or cannot be asked */
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0 || info.nr_map_ids > PROGRAM_MAPS)
		return true;
	return shares_a_map(pins, ids, info.nr_map_ids);
}

/* Loaded is enough: whoever has loaded it may be about to attach it. */
static bool in_use(const struct pins *pins)
{
	uint32_t id = 0;
	int r;

	if (!pins->n)
		return false;
	while ((r = bpf_prog_get_next_id(id, &id)) == 0) {
		if (program_uses_any(id, pins))
			return true;
	}
	return r != -ENOENT;
}

/* ---- what is done with them ---- */

static int on_older(const char *path, void *arg)
{
	struct datapath *d = arg;
	char pin[PATH_MAX];
	int fd;

	if (d->n_older == DATAPATH_OLDER || path_join(pin, path, "seine_cfg") < 0)
		return 0;
	fd = bpf_obj_get(pin);
	if (fd >= 0)
		d->older[d->n_older++] = fd;
	return 0;
}

void orphans_know(struct datapath *d)
{
	(void)each_orphan(d, on_older, d);
}

void orphans_forget(struct datapath *d)
{
	while (d->n_older)
		closep(&d->older[--d->n_older]);
}

static int on_orphan(const char *path, void *arg)
{
	unsigned int *removed = arg;
	struct pins pins = { .n = 0 };

	if (pins_read(path, &pins) == 0 && !in_use(&pins) && pins_remove(path) == 0)
		(*removed)++;
	return 0;
}

int datapath_collect(struct datapath *d, unsigned int *ret)
{
	unsigned int removed = 0;
	char stage[PATH_MAX];
	int r;

	if (d->lock < 0)
		return -EBADF;
	orphans_forget(d);
	if (path_join(stage, d->dir, PIN_STAGE) == 0)
		(void)unlink(stage);
	r = each_orphan(d, on_orphan, &removed);
	if (r < 0)
		return r;
	*ret = removed;
	return 0;
}
