/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The datapath's verdict, told in user space. tests/unit/test_check.c holds the order of the rules.
 */
#include "user/base/cleanup.h"
#include "user/control/check.h"
#include "user/judge/share.h"

static const struct {
	const char *name, *sentence;
} words[] = {
	[CHECK_PASSED] = { "passed", "passes: no entry covers it" },
	[CHECK_SWITCHED_OFF] = { "switched_off", "passes: everything is switched off" },
	[CHECK_ALLOWED] = { "allowed", "passes: listed, but the allow list wins" },
	[CHECK_WATCHED] = { "watched", "passes: its entry only watches" },
	[CHECK_HELLO_DIFFERS] = { "hello_differs", "passes: its entry is for another ClientHello" },
	[CHECK_CANARY_SPARED] = { "canary_spared", "passes: outside the share of its canary" },
	[CHECK_HELD_OUT] = { "held_out", "passes: held out of a drop, to measure by" },
	[CHECK_AGENT_SILENT] = { "agent_silent", "passes: automatic entry without a living agent" },
	[CHECK_WOULD_DROP] = { "would_drop", "passes, and would be dropped when enforcing" },
	[CHECK_LIMITED] = { "limited", "is dropped beyond the rate of its entry" },
	[CHECK_DROPPED] = { "dropped", "is dropped" },
};

const char *check_name(enum check_verdict v)
{
	return words[v].name;
}

const char *check_sentence(enum check_verdict v)
{
	return words[v].sentence;
}

bool check_drops(enum check_verdict v)
{
	return v == CHECK_DROPPED || v == CHECK_LIMITED;
}

static bool in_force(uint32_t expires_sec, uint32_t now_sec)
{
	return !expires_sec || expires_sec > now_sec;
}

/* The longest in force for every ClientHello or for this one; 0: none is known. */
static const struct entry *find_entry(const struct check_state *s, const struct prefix *address,
				      uint64_t hello_key)
{
	for (int len = address->len; len >= 0; len--) {
		struct prefix p = prefix_parent(address, len);
		const struct entry *e = entries_find(s->entries, &p);

		if (e && in_force(e->row.expires_sec, s->now_sec) &&
		    (!e->row.hello_key || e->row.hello_key == hello_key))
			return e;
	}
	return NULL;
}

/* The longest in force, whatever it asks for. */
static const struct entry *find_any(const struct check_state *s, const struct prefix *address)
{
	for (int len = address->len; len >= 0; len--) {
		struct prefix p = prefix_parent(address, len);
		const struct entry *e = entries_find(s->entries, &p);

		if (e && in_force(e->row.expires_sec, s->now_sec))
			return e;
	}
	return NULL;
}

/* The datapath asks a longest-prefix trie: an expired longer one hides a shorter one here as it
 * does there. */
static const struct allow_entry *find_allow(const struct check_state *s,
					    const struct prefix *address)
{
	const struct allow_entry *longest = NULL;

	for (const struct allow_entry *a = s->allows; a < s->allows + s->n_allows; a++)
		if (prefix_covers(&a->prefix, address) &&
		    (!longest || a->prefix.len > longest->prefix.len))
			longest = a;
	return longest && in_force(longest->row.expires_sec, s->now_sec) ? longest : NULL;
}

static bool spared(const struct check_state *s, const struct prefix *address,
		   const struct seine_entry *row)
{
	struct prefix source = *address;

	if (!prefix_is_v4(address) && s->meta.source_bits < 128)
		source = prefix_parent(address, s->meta.source_bits);
	return share_spares(&s->meta, row, source.ip);
}

static enum check_verdict act(const struct check_state *s, const struct prefix *address,
			      const struct check *c)
{
	const struct seine_entry *row = &c->entry->row;

	if (row->hello_key && row->hello_key != s->hello_key)
		return CHECK_HELLO_DIFFERS;
	if (c->allow)
		return CHECK_ALLOWED;
	switch (row->action) {
	case SEINE_DROP:
		if (spared(s, address, row))
			return CHECK_HELD_OUT;
		break;
	case SEINE_LIMIT: break;
	case SEINE_CANARY:
		if (spared(s, address, row))
			return CHECK_CANARY_SPARED;
		break;
	default: return CHECK_WATCHED;
	}
	if (row->origin == SEINE_AUTO && !s->agent_alive)
		return CHECK_AGENT_SILENT;
	if (s->cfg.mode != SEINE_ENFORCE)
		return CHECK_WOULD_DROP;
	return row->action == SEINE_LIMIT ? CHECK_LIMITED : CHECK_DROPPED;
}

static bool stops(enum check_verdict v)
{
	return check_drops(v) || v == CHECK_WOULD_DROP;
}

/* A SYN shows no ClientHello: what drops it decides. A connection that gets further meets the
 * longest entry for what it shows then. */
void check_address(const struct check_state *s, const struct prefix *address, struct check *ret)
{
	struct check c = {
		.entry = find_entry(s, address, 0),
		.allow = find_allow(s, address),
	};

	if (s->off) {
		c.verdict = CHECK_SWITCHED_OFF;
		*ret = c;
		return;
	}
	c.verdict = c.entry ? act(s, address, &c) : CHECK_PASSED;
	if (!stops(c.verdict)) {
		const struct entry *later = find_entry(s, address, s->hello_key);

		c.entry = later ? later : find_any(s, address);
		c.verdict = c.entry ? act(s, address, &c) : CHECK_PASSED;
	}
	*ret = c;
}
