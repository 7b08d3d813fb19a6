/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text files, line by line. Lines are bounded and hold no control characters, so that whatever is
 * quoted from them can be logged; what is wrong is named by file and line.
 */
#ifndef BASE_LINE_H
#define BASE_LINE_H

#include <stdio.h>

#define LINE_BYTES 4096 /* far beyond any value; keeps a broken file from growing memory */

struct line_reader {
	FILE *file;
	const char *name; /* what messages call the file */
	unsigned int number;
	char text[LINE_BYTES + 1];
};

/*
 * 1: `*ret` is the next line without the blanks around it; it stays until the next call and may be
 * written to. 0: the file has ended. Negative errno: `why` (`size` bytes) has "name:number:
 * sentence"; after -EINVAL, a bad line, the next call goes on with the line behind it.
 */
int line_next(struct line_reader *l, char *why, size_t size, char **ret);

/* Puts "name:number: sentence" into `why`. Always -EINVAL. */
__attribute__((format(printf, 4, 5))) int line_refuse(const struct line_reader *l, char *why,
						      size_t size, const char *format, ...);

/* Cuts blanks off the end, and returns where the rest begins. */
char *line_trim(char *text);

#endif
