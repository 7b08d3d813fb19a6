/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * History, not kept yet.
 */
#include <errno.h>
#include "user/store/history.h"

void history_close(struct history *h)
{
	(void)h;
}

int history_put(enum span span, uint32_t start, const struct deed *deed, void *history)
{
	(void)span;
	(void)start;
	(void)deed;
	(void)history;
	return 0;
}

int history_past(struct history *h, const uint8_t source[16], uint32_t now_sec, struct past *ret)
{
	(void)h;
	(void)source;
	(void)now_sec;
	(void)ret;
	return 0;
}

int history_pasts(struct history *h, uint32_t now_sec,
		  int (*visit)(const uint8_t source[16], const struct past *past, void *arg),
		  void *arg)
{
	(void)h;
	(void)now_sec;
	(void)visit;
	(void)arg;
	return 0;
}
