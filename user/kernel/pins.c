// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the maps live while no process has them open.
 *
 * A directory of pins comes into being by rename(2), complete, so that a loader that dies half way
 * leaves nothing behind that another would adopt. The bpf file system knows no names with dots.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include "user/base/cleanup.h"
#include "user/kernel/chatter.h"
#include "user/kernel/handle.h"

#define PIN_DIR_MODE 0750

const char *const datapath_map_name[MAP_COUNT] = {
#define X(name) [MAP_##name] = "seine_" #name,
	DATAPATH_MAPS(X)
#undef X
};

int path_join(char path[PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int pins_open(const char *dir, char *why, int map[MAP_COUNT])
{
	char path[PATH_MAX];

	if (access(dir, F_OK) < 0)
		return datapath_fail(-errno, why, "no maps are pinned in %s", dir);

	for (int i = 0; i < MAP_COUNT; i++) {
		int r = path_join(path, dir, datapath_map_name[i]);

		if (r < 0)
			return r;
		map[i] = bpf_obj_get(path);
		if (map[i] < 0)
			return datapath_fail(map[i] == -ENOENT ? -ESTALE : map[i], why,
					     "cannot open %s: %s", path, strerror(-map[i]));
	}
	return 0;
}

int pins_remove(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.' && unlinkat(dirfd(d), e->d_name, 0) < 0)
			break;
	}
	closedir(d);
	return rmdir(dir) < 0 ? -errno : 0;
}

int pins_create(const char *dir, const int map[MAP_COUNT], char *why)
{
	char stage[PATH_MAX], path[PATH_MAX];
	int r;

	/* Only the holder of the lock comes here, so one name is enough. */
	if (snprintf(stage, sizeof(stage), "%s_new", dir) >= (int)sizeof(stage))
		return datapath_fail(-ENAMETOOLONG, why, "%s is too long a name", dir);
	(void)pins_remove(stage);
	if (mkdir(stage, PIN_DIR_MODE) < 0)
		return datapath_fail(-errno, why, "cannot make %s: %s", stage, strerror(errno));

	for (int i = 0; i < MAP_COUNT; i++) {
		r = path_join(path, stage, datapath_map_name[i]);
		if (r == 0)
			r = bpf_obj_pin(map[i], path);
		if (r < 0)
			return datapath_fail(r, why, "cannot pin %s: %s", path, strerror(-r));
	}
	if (rename(stage, dir) < 0)
		return datapath_fail(-errno, why, "cannot make %s: %s", dir, strerror(errno));
	return 0;
}

int pins_replace(const char *dir, const char *name, int fd)
{
	char stage[PATH_MAX], path[PATH_MAX];
	int r;

	r = path_join(path, dir, name);
	if (r == 0)
		r = path_join(stage, dir, PIN_STAGE);
	if (r < 0)
		return r;
	if (unlink(stage) < 0 && errno != ENOENT)
		return -errno;
	r = bpf_obj_pin(fd, stage);
	if (r < 0)
		return r;
	return rename(stage, path) < 0 ? -errno : 0;
}

/* Makes the last part of `pin_dir`, on a bpf file system. */
static int dir_make(const char *pin_dir, char *why)
{
	struct statfs fs;

	if (mkdir(pin_dir, PIN_DIR_MODE) < 0 && errno != EEXIST)
		return datapath_fail(-errno, why, "cannot make %s: %s", pin_dir, strerror(errno));
	if (statfs(pin_dir, &fs) < 0)
		return datapath_fail(-errno, why, "%s: %s", pin_dir, strerror(errno));
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	rmdir(pin_dir);
	return datapath_fail(-EINVAL, why,
			     "%s is not on a bpf file system; try: mount -t bpf bpf /sys/fs/bpf",
			     pin_dir);
}

int pins_lock(const char *pin_dir, char *why, int *ret)
{
	_cleanup_(closep) int fd = -1;
	int r;

	r = dir_make(pin_dir, why);
	if (r < 0)
		return r;
	fd = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return datapath_fail(-errno, why, "%s: %s", pin_dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return datapath_fail(-EBUSY, why, "another seined uses the maps in %s", pin_dir);
	*ret = take_fd(fd);
	return 0;
}

/* Sizes that the configuration sets are the pinned map's own affair; everything else must be equal.
 */
int pins_check(int fd, const struct bpf_map *map, char *why)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int r;

	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r < 0)
		return datapath_fail(r, why, "%s: %s", bpf_map__name(map), strerror(-r));
	if (info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	    info.value_size == bpf_map__value_size(map) &&
	    info.map_flags == bpf_map__map_flags(map))
		return 0;
	return datapath_fail(-EPROTO, why,
			     "the pinned map %s has another layout than this seined; "
			     "remove its directory to start anew",
			     bpf_map__name(map));
}

int datapath_unpin(const char *pin_dir)
{
	_cleanup_(closep) int lock = -1;
	char why[DATAPATH_WHY], dir[PATH_MAX];
	int r;

	r = pins_lock(pin_dir, why, &lock);
	if (r < 0)
		return r;
	if (snprintf(dir, sizeof(dir), "%s/%d", pin_dir, SEINE_ABI) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	return pins_remove(dir);
}
