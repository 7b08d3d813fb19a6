/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings: any file is refused with a reason, or gives settings that print as a file with the same
 * ones. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "user/base/cleanup.h"
#include "user/conf.h"

/* conf_load() wants a path: /proc has one for a file without a name. */
static int load(const char *data, size_t size, char *why, size_t room, struct conf *ret)
{
	_cleanup_(closep) int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return conf_load(path, why, room, ret);
}

static char *print(const struct conf *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		abort();
	conf_print(c, f);
	fclose(f);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *first = NULL, *second = NULL;
	char why[256] = "";
	struct conf conf;

	if (load((const char *)data, size, why, sizeof(why), &conf) < 0) {
		if (strncmp(why, "/proc/self/fd/", 14))
			abort();
		return 0;
	}
	first = print(&conf);
	if (load(first, strlen(first), why, sizeof(why), &conf) < 0)
		abort();
	second = print(&conf);
	if (strcmp(first, second))
		abort();
	return 0;
}
