/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory with a descriptor. Whether a descriptor is memory is asked by its seals before anything
 * else: that question never reaches a file system, which might be somebody's who does not answer.
 */
#include "user/control/bulk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include "user/base/cleanup.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* Linux 6.3 */
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define PIECE (256 * 1024)

__attribute__((format(printf, 3, 4))) static int fail(int r, char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, BULK_WHY, format, ap);
	va_end(ap);
	return r;
}

int bulk_new(char *why, int *ret)
{
	int fd = memfd_create("seine", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("seine", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return fail(-errno, why, "memory for a file: %s", strerror(errno));
	*ret = fd;
	return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			bytes += n;
			len -= n;
		}
	}
	return 0;
}

/* ---- reading a file ---- */

static time_t now_sec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

struct loading {
	int from, to;
	const char *name;
	size_t len, max;
	bulk_progress progress;
	time_t told;
};

static void tell(struct loading *l)
{
	time_t now = now_sec();

	if (now == l->told)
		return;
	l->told = now;
	if (l->progress)
		l->progress(l->len);
}

/* Takes in the next piece; 1: there may be more, 0: that was all. */
static int load_piece(struct loading *l, char *piece, char *why)
{
	struct pollfd p = { .fd = l->from, .events = POLLIN };
	ssize_t n;
	int r;

	r = poll(&p, 1, 1000);
	if (r < 0 && errno != EINTR)
		return fail(-errno, why, "%s: %s", l->name, strerror(errno));
	tell(l);
	if (r <= 0)
		return 1;
	n = read(l->from, piece, PIECE);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n < 0)
		return fail(-errno, why, "%s: %s", l->name, strerror(errno));
	if ((size_t)n > l->max - l->len)
		return fail(-EFBIG, why, "%s: larger than %zu MiB", l->name, l->max >> 20);
	r = write_all(l->to, piece, n);
	if (r < 0)
		return fail(r, why, "%s: memory for a file: %s", l->name, strerror(-r));
	l->len += n;
	return n > 0;
}

static int load(struct loading *l, char *why)
{
	_cleanup_(freep) char *piece = malloc(PIECE);
	int r;

	if (!piece)
		return fail(-ENOMEM, why, "%s: out of memory", l->name);
	do {
		r = load_piece(l, piece, why);
	} while (r > 0);
	return r;
}

int bulk_load(const char *path, size_t max, bulk_progress progress, char *why, int *ret)
{
	bool standard = strcmp(path, "-") == 0;
	_cleanup_(closep) int from = -1, to = -1;
	struct loading l = { .max = max, .progress = progress, .told = now_sec() };
	int r;

	from = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
			: open(path, O_RDONLY | O_CLOEXEC);
	l.name = standard ? "standard input" : path;
	if (from < 0)
		return fail(-errno, why, "%s: %s", l.name, strerror(errno));
	r = bulk_new(why, &to);
	if (r < 0)
		return r;
	l.from = from;
	l.to = to;
	r = load(&l, why);
	if (r < 0)
		return r;
	if (fcntl(to, F_ADD_SEALS, SEALS) < 0)
		return fail(-errno, why, "%s: cannot seal memory: %s", l.name, strerror(errno));

	*ret = take_fd(to);
	return 0;
}

int bulk_copy(int fd, int to, char *why)
{
	_cleanup_(freep) char *piece = malloc(PIECE);
	ssize_t n = 1;
	int r = 0;

	if (!piece)
		return fail(-ENOMEM, why, "out of memory");
	for (off_t at = 0; n && r == 0; at += n) {
		n = pread(fd, piece, PIECE, at);
		r = n < 0 ? -errno : write_all(to, piece, n);
	}
	return r < 0 ? fail(r, why, "cannot write: %s", strerror(-r)) : 0;
}

/* ---- what somebody passed ---- */

/* 0, with its seals and size, when it is memory as memfd_create() makes it. */
static int inspect(int fd, char *why, int *ret_seals, struct stat *ret)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;

	if (seals < 0)
		return fail(-EINVAL, why,
			    "what came with the request is not memory of memfd_create");
	if (fstat(fd, ret) < 0 || fstatfs(fd, &fs) < 0)
		return fail(-errno, why, "memory of the request: %s", strerror(errno));
	if (!S_ISREG(ret->st_mode) || fs.f_type != TMPFS_MAGIC || ret->st_nlink)
		return fail(-EINVAL, why,
			    "what came with the request is not memory of memfd_create");
	*ret_seals = seals;
	return 0;
}

int bulk_map(int fd, size_t max, char *why, struct bulk *ret)
{
	struct stat st;
	int seals, r;
	void *map;

	r = inspect(fd, why, &seals, &st);
	if (r < 0)
		return r;
	if ((seals & SEALS) != SEALS)
		return fail(-EINVAL, why, "the memory that came with the request is not sealed");
	if ((uint64_t)st.st_size > max)
		return fail(-EFBIG, why, "larger than %zu MiB", max >> 20);
	/* Reading where nothing was ever written would take the agent's memory. */
	if ((uint64_t)st.st_blocks * 512 < (uint64_t)st.st_size)
		return fail(-EINVAL, why, "the memory that came with the request has holes");
	if (!st.st_size) {
		*ret = (struct bulk){ .bytes = "" };
		return 0;
	}
	map = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return fail(-errno, why, "memory of the request: %s", strerror(errno));
	*ret = (struct bulk){ .bytes = map, .len = st.st_size };
	return 0;
}

void bulk_unmap(struct bulk *b)
{
	if (b->len)
		munmap((void *)b->bytes, b->len);
	*b = (struct bulk){ 0 };
}

int bulk_open(int fd, char *why, FILE **ret)
{
	_cleanup_(closep) int own = -1;
	int seals, flags, r;
	struct stat st;
	FILE *f;

	r = inspect(fd, why, &seals, &st);
	if (r < 0)
		return r;
	flags = fcntl(fd, F_GETFL);
	if ((seals & ~(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_EXEC)) || st.st_size ||
	    (flags & O_ACCMODE) == O_RDONLY)
		return fail(-EINVAL, why,
			    "the memory for the answer is not empty, or not writable");
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0 || lseek(own, 0, SEEK_SET) < 0)
		return fail(-errno, why, "memory for the answer: %s", strerror(errno));
	f = fdopen(own, "w");
	if (!f)
		return fail(-errno, why, "memory for the answer: %s", strerror(errno));
	(void)take_fd(own);
	*ret = f;
	return 0;
}
