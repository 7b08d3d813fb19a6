// SPDX-License-Identifier: GPL-2.0-or-later
/* History beside a simulation. */
#include "tests/sim/archive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "user/base/cleanup.h"

/* As in user/remember.c, so that what waits is what would wait live. */
#define ROWS_PER_CYCLE 50000
#define SIZE_MAX_BYTES (4ull << 30) /* the agent's default */
#define FILE_NAME "history.db"

static int make_dir(struct archive *a)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(a->dir, sizeof(a->dir), "%s/seine-sim-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (mkdtemp(a->dir))
		return 0;
	a->dir[0] = '\0';
	return -errno;
}

static void remove_dir(const char *dir)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char path[PATH_MAX + sizeof(FILE_NAME) + 8];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		snprintf(path, sizeof(path), "%s/" FILE_NAME "%s", dir, parts[i]);
		unlink(path);
	}
	rmdir(dir);
}

void archive_free(struct archive *a)
{
	if (!a)
		return;
	history_close(a->history);
	if (a->dir[0])
		remove_dir(a->dir);
	free(a);
}

int archive_open(uint32_t window_sec, int64_t epoch_sec, struct archive **ret)
{
	_cleanup_(archive_freep) struct archive *a = calloc(1, sizeof(*a));
	char path[PATH_MAX + sizeof(FILE_NAME)], why[HISTORY_WHY] = "";
	struct history_settings s = {
		.path = path,
		.window_sec = window_sec,
		.size_max = SIZE_MAX_BYTES,
		.epoch_sec = epoch_sec,
	};
	int r;

	if (!a)
		return -ENOMEM;
	r = make_dir(a);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/" FILE_NAME, a->dir);
	r = history_open(&s, why, &a->history);
	if (r < 0) {
		fprintf(stderr, "history: %s\n", why);
		return r;
	}
	*ret = take_ptr(a);
	return 0;
}

int archive_write(struct archive *a, uint32_t cycles, uint32_t now_sec)
{
	char why[HISTORY_WHY] = "";
	int64_t left = 1;

	for (uint32_t i = 0; i < cycles && left > 0; i++)
		left = history_flush(a->history, ROWS_PER_CYCLE, now_sec, why);
	if (left >= 0)
		return 0;
	fprintf(stderr, "history: %s\n", why);
	return (int)left;
}

int archive_note(struct archive *a)
{
	int r = history_state(a->history, &a->last);

	if (r == 0 && a->n < ARCHIVE_DAYS) {
		a->bytes[a->n] = a->last.bytes;
		a->rows[a->n++] = a->last.sources;
	}
	return r;
}
