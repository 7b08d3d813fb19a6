/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one spelling of actions, modes, origins, gap classes and ids. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/request.h"

static const char *const action_names[] = {
	[SEINE_WATCH] = "watch",
	[SEINE_CANARY] = "canary",
	[SEINE_DROP] = "drop",
	[SEINE_LIMIT] = "limit",
};
static const char *const mode_names[] = {
	[SEINE_OBSERVE] = "observe",
	[SEINE_ENFORCE] = "enforce",
};
static const char *const origin_names[] = {
	[SEINE_EXTERNAL] = "external", [SEINE_OPERATOR] = "operator", [SEINE_AUTO] = "auto",
	[SEINE_FEED] = "feed",	       [SEINE_FLEET] = "fleet",
};
static const char *const gap_names[] = {
	[SEINE_GAP_UNKNOWN] = "unknown",
	[SEINE_GAP_NONE] = "none",
	[SEINE_GAP_SINGLE] = "single",
	[SEINE_GAP_DUAL] = "dual",
};

/* Numbers from a map may be anything. */
#define NAME(names, i) ((unsigned int)(i) < ARRAY_LEN(names) ? (names)[i] : "unknown")

const char *action_name(enum seine_action action)
{
	return NAME(action_names, action);
}

const char *mode_name(enum seine_mode mode)
{
	return NAME(mode_names, mode);
}

const char *origin_name(enum seine_origin origin)
{
	return NAME(origin_names, origin);
}

const char *gap_name(enum seine_gap gap)
{
	return NAME(gap_names, gap);
}

static int name_find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -ENOENT;
}

int action_parse(const char *name, enum seine_action *ret)
{
	int i = name_find(action_names, ARRAY_LEN(action_names), name);

	if (i < 0)
		return i;
	*ret = i;
	return 0;
}

int mode_parse(const char *name, enum seine_mode *ret)
{
	int i = name_find(mode_names, ARRAY_LEN(mode_names), name);

	if (i < 0)
		return i;
	*ret = i;
	return 0;
}

int origin_parse(const char *name, enum seine_origin *ret)
{
	int i = name_find(origin_names, ARRAY_LEN(origin_names), name);

	if (i < 0)
		return i;
	*ret = i;
	return 0;
}

static int hex_parse(const char *text, size_t digits_min, size_t digits_max, uint64_t *ret)
{
	size_t len = strlen(text);

	if (len < digits_min || len > digits_max || strspn(text, "0123456789abcdefABCDEF") != len)
		return -ENOENT;
	*ret = strtoull(text, NULL, 16);
	return *ret ? 0 : -ENOENT;
}

int campaign_parse(const char *text, uint32_t *ret)
{
	uint64_t id;
	int r;

	r = hex_parse(strncmp(text, "c-", 2) == 0 ? text + 2 : text, 1, 8, &id);
	if (r < 0)
		return r;
	*ret = id;
	return 0;
}

int hello_parse(const char *text, uint64_t *ret)
{
	uint64_t key;
	int r;

	r = hex_parse(text, 16, 16, &key);
	if (r < 0)
		return r;
	*ret = key;
	return 0;
}
