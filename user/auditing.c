// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows of the audit. See auditing.h. */
#include "user/auditing.h"

#include <stdarg.h>
#include <string.h>

void auditing_begin(struct auditing *x, struct agent *a, const struct moment *m, const char *verb)
{
	*x = (struct auditing){
		.audit = { .at_unix = m->unix_sec,
			   .uid = m->who ? m->who->uid : SEINE_NO_ACTOR,
			   .pid = m->who ? (uint32_t)m->who->pid : 0,
			   .verb = verb,
			   .result = "done" },
	};
	snprintf(x->actor, sizeof(x->actor), "%s",
		 m->who ? who_name(&a->who, m->who->uid) : "seined");
	x->audit.actor = x->actor;
	x->audit.object = x->object;
	x->audit.text = x->text;
}

void auditing_clear(struct auditing *x)
{
	free(x->before);
	free(x->after);
	free(x->evidence);
}

void auditing_object(struct auditing *x, const char *object)
{
	snprintf(x->object, sizeof(x->object), "%s", object);
}

void auditing_prefix(struct auditing *x, const struct prefix *p)
{
	char text[PREFIX_TEXT];

	auditing_object(x, prefix_format(p, text));
}

void auditing_text(struct auditing *x, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(x->text, sizeof(x->text), format, ap);
	va_end(ap);
}

static const char *hold(char **to, json_t *value)
{
	free(*to);
	*to = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(ANSWER_DIGITS)) : NULL;
	json_decref(value);
	return *to;
}

void auditing_before(struct auditing *x, json_t *value)
{
	x->audit.before = hold(&x->before, value);
}

void auditing_after(struct auditing *x, json_t *value)
{
	x->audit.after = hold(&x->after, value);
}

void auditing_evidence(struct auditing *x, json_t *value)
{
	x->audit.evidence = hold(&x->evidence, value);
}
