/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of seeds. See seedfile.h. */
#include "user/control/seedfile.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/line.h"
#include "user/base/prefix.h"
#include "user/base/refuse.h"

#define BLANKS " \t"

static void cut_comment(char *line)
{
	for (char *c = line; *c; c++)
		if (*c == '#' && (c == line || strchr(BLANKS, c[-1]))) {
			*c = '\0';
			return;
		}
}

static int take_note(const char *text, char *why, size_t size, char *ret)
{
	_cleanup_(json_decrefp) json_t *utf8 = json_string(text);

	if (strlen(text) >= SEED_NOTE)
		return refuse(why, size, "note: longer than %d bytes", SEED_NOTE - 1);
	if (!utf8)
		return refuse(why, size, "note: not valid UTF-8");
	for (const char *c = text; *c; c++)
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
			return refuse(why, size, "note: control characters are not accepted");
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

int seed_parse(char *line, char *why, size_t size, struct seed *ret)
{
	struct seed seed = { 0 };
	struct prefix address;
	char *note;
	int r;

	cut_comment(line);
	line = line_trim(line);
	if (!*line)
		return 0;
	note = line + strcspn(line, BLANKS);
	if (*note)
		*note++ = '\0';
	if (strchr(line, '/'))
		return refuse(why, size,
			      "%.64s: a prefix; a seed is one address: name those known to be bad",
			      line);
	r = prefix_parse_address(line, why, size, &address);
	if (r < 0)
		return r;
	r = take_note(line_trim(note), why, size, seed.note);
	if (r < 0)
		return r;
	memcpy(seed.source, address.ip, sizeof(seed.source));
	*ret = seed;
	return 1;
}

static int add(struct seeds *s, size_t *room, const struct seed *seed)
{
	if (s->n == *room) {
		size_t more = *room ? *room * 2 : 64;
		struct seed *list = reallocarray(s->list, more, sizeof(*list));

		if (!list)
			return -ENOMEM;
		s->list = list;
		*room = more;
	}
	s->list[s->n++] = *seed;
	return 0;
}

/* 1: a line was read, 0: the file has ended; -EINVAL: the line is bad, and others may follow. */
static int take_line(struct line_reader *l, char *why, struct seeds *s, size_t *room)
{
	char sentence[SEEDFILE_WHY], *text;
	struct seed seed;
	int r;

	r = line_next(l, why, SEEDFILE_WHY, &text);
	if (r <= 0)
		return r;
	r = seed_parse(text, sentence, sizeof(sentence), &seed);
	if (r < 0)
		return line_refuse(l, why, SEEDFILE_WHY, "%s", sentence);
	if (r == 1 && s->n == SEEDS_MAX) {
		(void)line_refuse(l, why, SEEDFILE_WHY, "more than %d seeds", SEEDS_MAX);
		return -E2BIG;
	}
	if (r == 1 && add(s, room, &seed) < 0) {
		(void)line_refuse(l, why, SEEDFILE_WHY, "out of memory");
		return -ENOMEM;
	}
	return 1;
}

static void seeds_clear(struct seeds *s)
{
	free(s->list);
}

int seedfile_read(FILE *f, const char *name, seedfile_bad bad, void *arg, struct seeds *ret)
{
	struct line_reader l = { .file = f, .name = name };
	_cleanup_(seeds_clear) struct seeds seeds = { 0 };
	char why[SEEDFILE_WHY];
	size_t room = 0;
	int r, error = 0;

	do {
		r = take_line(&l, why, &seeds, &room);
		if (r < 0) {
			bad(why, arg);
			error = r;
		}
	} while (r > 0 || r == -EINVAL);
	if (error < 0)
		return error;
	ret->n = seeds.n;
	ret->list = take_ptr(seeds.list);
	return 0;
}
