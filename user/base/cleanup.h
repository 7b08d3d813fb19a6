/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ownership one can see: an owned local carries `_cleanup_(...)`, starts at NULL or -1, and leaves
 * its function only through take_ptr() or take_fd().
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

#define take_ptr(p) \
	({ \
		__typeof__(p) p_ = (p); \
		(p) = NULL; \
		p_; \
	})

static inline int take_fd_at(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
#define take_fd(fd) take_fd_at(&(fd))

static inline void freep(void *p)
{
	free(*(void **)p);
	*(void **)p = NULL;
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
	*f = NULL;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
