/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The strict reader of configuration files. See ini.h. */
#include "user/base/ini.h"

#include <string.h>
#include "user/base/line.h"

#define SECTION 32 /* of a section's name, with NUL */
#define SENTENCE 200

struct ini {
	struct line_reader lines;
	char section[SECTION];
	ini_fn fn;
	void *arg;
	char *why;
	size_t size;
};

#define ini_refuse(i, ...) line_refuse(&(i)->lines, (i)->why, (i)->size, __VA_ARGS__)

static int read_section(struct ini *i, char *line)
{
	size_t n = strlen(line);
	char *name;

	if (line[n - 1] != ']')
		return ini_refuse(i, "a section ends with ]");
	line[n - 1] = '\0';
	name = line_trim(line + 1);
	if (!*name || strlen(name) >= SECTION || strpbrk(name, "[]="))
		return ini_refuse(i, "no section can have this name");
	snprintf(i->section, SECTION, "%s", name);
	return 0;
}

static int read_pair(struct ini *i, char *line)
{
	char *equals = strchr(line, '='), *key, *value;
	char sentence[SENTENCE] = "";
	int r;

	if (!equals)
		return ini_refuse(i, "neither [section] nor key = value");
	*equals = '\0';
	key = line_trim(line);
	value = line_trim(equals + 1);
	if (!*key)
		return ini_refuse(i, "a key is missing before =");
	if (!*value)
		return ini_refuse(i, "%.64s: the value is missing", key);
	if (!*i->section)
		return ini_refuse(i, "%.64s: stands before the first [section]", key);

	r = i->fn(i->section, key, value, i->arg, sentence, sizeof(sentence));
	if (r < 0)
		(void)ini_refuse(i, "%s", sentence);
	return r;
}

static int read_line(struct ini *i, char *line)
{
	switch (*line) {
	case '\0':
	case '#':
	case ';': return 0;
	case '[': return read_section(i, line);
	default: return read_pair(i, line);
	}
}

int ini_read(FILE *f, const char *name, ini_fn fn, void *arg, char *why, size_t size)
{
	struct ini i = {
		.lines = { .file = f, .name = name },
		.fn = fn,
		.arg = arg,
		.why = why,
		.size = size,
	};
	char *line;
	int r;

	while ((r = line_next(&i.lines, why, size, &line)) > 0) {
		r = read_line(&i, line);
		if (r < 0)
			return r;
	}
	return r;
}
