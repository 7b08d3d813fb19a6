/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line per event. See log.h. */
#include "user/base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE 1024 /* longer lines are cut: a line is written in one piece */

/* systemd names device and inode of the stream it connected (systemd.exec(5), $JOURNAL_STREAM). */
static bool to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[48];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return !strcmp(stream, own);
}

/* What a line quotes may come from outside: it must not begin a line of its own, or steer a
 * terminal. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

void log_at(enum log_level level, const char *format, ...)
{
	char text[LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_printable(text);
	if (to_journal())
		fprintf(stderr, "<%d>%s\n", level, text);
	else
		fprintf(stderr, "%s\n", text);
}
