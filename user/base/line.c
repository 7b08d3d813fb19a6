/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text files, line by line. See line.h. */
#include "user/base/line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include "user/base/refuse.h"

#define BLANKS " \t"

int line_refuse(const struct line_reader *l, char *why, size_t size, const char *format, ...)
{
	char sentence[256];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	return refuse(why, size, "%s:%u: %s", l->name, l->number, sentence);
}

char *line_trim(char *text)
{
	size_t n;

	text += strspn(text, BLANKS);
	n = strlen(text);
	while (n && strchr(BLANKS, text[n - 1]))
		text[--n] = '\0';
	return text;
}

static bool is_control(char c)
{
	unsigned char byte = c;

	return (byte < ' ' && byte != '\t') || byte == 0x7f;
}

static int check(const struct line_reader *l, size_t n, char *why, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		if (is_control(l->text[i]))
			return line_refuse(l, why, size, "holds a control character (byte %zu)",
					   i + 1);
	}
	return 0;
}

static void skip_rest(struct line_reader *l)
{
	int c;

	do {
		c = getc_unlocked(l->file);
	} while (c != EOF && c != '\n');
}

int line_next(struct line_reader *l, char *why, size_t size, char **ret)
{
	size_t n = 0;
	int c, r;

	l->number++;
	while ((c = getc_unlocked(l->file)) != EOF && c != '\n') {
		if (n == LINE_BYTES) {
			skip_rest(l);
			return line_refuse(l, why, size, "longer than %d bytes", LINE_BYTES);
		}
		l->text[n++] = c;
	}
	if (ferror(l->file)) {
		r = -errno;
		(void)refuse(why, size, "%s: %s", l->name, strerror(-r));
		return r;
	}
	if (c == EOF && !n)
		return 0;

	if (c == '\n' && n && l->text[n - 1] == '\r')
		n--;
	r = check(l, n, why, size);
	if (r < 0)
		return r;
	l->text[n] = '\0';
	*ret = line_trim(l->text);
	return 1;
}
