/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `seine check` says, rule by rule in the order of bpf/verdict.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/control/check.h"

#define NOW 1000
#define KEY 0xc0ffeeull

static struct prefix prefix(const char *text)
{
	struct prefix p;
	char why[256];

	assert_int_equal(prefix_parse(text, why, sizeof(why), &p), 0);
	return p;
}

/* The state in which an address in 203.0.113.0/24 is dropped; tests change one thing about it. */
struct world {
	struct entries *entries;
	struct allow_entry allow;
	struct check_state state;
};

static void put(struct world *w, const char *text, struct seine_entry row)
{
	struct entry e = { .prefix = prefix(text), .row = row };

	assert_int_equal(entries_put(w->entries, &e), 0);
}

static struct seine_entry drop(void)
{
	return (struct seine_entry){ .action = SEINE_DROP, .origin = SEINE_OPERATOR };
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(entries_new(4, &w->entries), 0);
	w->state = (struct check_state){
		.agent_alive = true,
		.cfg.mode = SEINE_ENFORCE,
		.meta = { .seed0 = 1, .seed1 = 2, .source_bits = 64 },
		.entries = w->entries,
		.allows = &w->allow,
		.now_sec = NOW,
	};
	put(w, "203.0.113.0/24", drop());
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	entries_free(w->entries);
	free(w);
	return 0;
}

static enum check_verdict verdict(const struct world *w, const char *address)
{
	struct prefix p = prefix(address);
	struct check c;

	check_address(&w->state, &p, &c);
	return c.verdict;
}

static void listed_is_dropped(void **state)
{
	const struct world *w = *state;

	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_DROPPED);
	assert_int_equal(verdict(w, "203.0.114.7"), CHECK_PASSED);
	assert_int_equal(verdict(w, "2001:db8::1"), CHECK_PASSED);
}

static void the_switch_comes_first(void **state)
{
	struct world *w = *state;

	w->state.off = true;
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_SWITCHED_OFF);
	assert_int_equal(verdict(w, "203.0.114.7"), CHECK_SWITCHED_OFF);
}

static void allowed_wins(void **state)
{
	struct world *w = *state;

	w->allow.prefix = prefix("203.0.113.7");
	w->state.n_allows = 1;
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_ALLOWED);
	assert_int_equal(verdict(w, "203.0.113.8"), CHECK_DROPPED);
	w->allow.row.expires_sec = NOW;
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_DROPPED);
}

static void observing_drops_nothing(void **state)
{
	struct world *w = *state;

	w->state.cfg.mode = SEINE_OBSERVE;
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_WOULD_DROP);
	assert_false(check_drops(CHECK_WOULD_DROP));
}

static void expired_gives_way_to_the_wider(void **state)
{
	struct world *w = *state;
	struct seine_entry gone = drop();

	gone.expires_sec = NOW;
	put(w, "203.0.113.0/24", gone);
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_PASSED);
	put(w, "203.0.0.0/16", drop());
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_DROPPED);
}

static void the_longest_decides(void **state)
{
	struct world *w = *state;

	put(w, "203.0.113.7", (struct seine_entry){ .action = SEINE_WATCH });
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_WATCHED);
	assert_int_equal(verdict(w, "203.0.113.8"), CHECK_DROPPED);
}

static void a_hello_must_match(void **state)
{
	struct world *w = *state;
	struct seine_entry qualified = drop();

	qualified.hello_key = KEY;
	put(w, "198.51.100.0/24", qualified);
	assert_int_equal(verdict(w, "198.51.100.7"), CHECK_HELLO_DIFFERS);
	w->state.hello_key = KEY;
	assert_int_equal(verdict(w, "198.51.100.7"), CHECK_DROPPED);

	/* One without a condition comes first, even where it is wider. */
	w->state.hello_key = 0;
	put(w, "198.51.0.0/16", (struct seine_entry){ .action = SEINE_WATCH });
	assert_int_equal(verdict(w, "198.51.100.7"), CHECK_WATCHED);
}

static void what_lets_the_syn_pass_does_not_protect_the_hello(void **state)
{
	struct world *w = *state;
	struct seine_entry qualified = drop();

	qualified.hello_key = KEY;
	w->state.hello_key = KEY;
	put(w, "198.51.100.7", qualified);
	put(w, "198.51.100.0/24", (struct seine_entry){ .action = SEINE_WATCH });
	assert_int_equal(verdict(w, "198.51.100.7"), CHECK_DROPPED);
	assert_int_equal(verdict(w, "198.51.100.8"), CHECK_WATCHED);
	w->state.hello_key = KEY + 1;
	assert_int_equal(verdict(w, "198.51.100.7"), CHECK_WATCHED);
}

static void what_drops_the_syn_leaves_no_hello_to_watch(void **state)
{
	struct world *w = *state;

	w->state.hello_key = KEY;
	put(w, "203.0.113.7", (struct seine_entry){ .action = SEINE_WATCH, .hello_key = KEY });
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_DROPPED);
	w->state.cfg.mode = SEINE_OBSERVE;
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_WOULD_DROP);
}

static void automatic_ones_need_the_agent(void **state)
{
	struct world *w = *state;
	struct seine_entry automatic = drop();

	automatic.origin = SEINE_AUTO;
	put(w, "198.51.100.0/24", automatic);
	assert_int_equal(verdict(w, "198.51.100.7"), CHECK_DROPPED);
	w->state.agent_alive = false;
	assert_int_equal(verdict(w, "198.51.100.7"), CHECK_AGENT_SILENT);
	assert_int_equal(verdict(w, "203.0.113.7"), CHECK_DROPPED);
}

static void a_limit_drops_in_part(void **state)
{
	struct world *w = *state;

	put(w, "198.51.100.0/24", (struct seine_entry){ .action = SEINE_LIMIT, .rate_pps = 1 });
	assert_int_equal(verdict(w, "198.51.100.7"), CHECK_LIMITED);
	assert_true(check_drops(CHECK_LIMITED));
}

static void a_canary_takes_its_share(void **state)
{
	struct world *w = *state;
	struct seine_entry canary = { .action = SEINE_CANARY, .share = SEINE_SHARE / 4 };
	int dropped = 0;

	put(w, "198.18.0.0/15", canary);
	for (int i = 0; i < 4096; i++) {
		char address[16];

		snprintf(address, sizeof(address), "198.18.%d.%d", i / 256, i % 256);
		dropped += verdict(w, address) == CHECK_DROPPED;
	}
	assert_in_range(dropped, 1024 - 150, 1024 + 150);
}

/* Whom a canary takes, a drop with a larger share takes too; the rest is held out. */
static void a_drop_holds_out_the_rest(void **state)
{
	struct world *w = *state;
	struct seine_entry canary = { .action = SEINE_CANARY, .share = 500 };
	struct seine_entry drop = { .action = SEINE_DROP, .share = 9500 };
	int held_out = 0;

	for (int i = 0; i < 4096; i++) {
		enum check_verdict first;
		char address[16];

		snprintf(address, sizeof(address), "198.18.%d.%d", i / 256, i % 256);
		put(w, "198.18.0.0/15", canary);
		first = verdict(w, address);
		put(w, "198.18.0.0/15", drop);
		if (verdict(w, address) == CHECK_HELD_OUT) {
			assert_int_equal(first, CHECK_CANARY_SPARED);
			held_out++;
		}
	}
	assert_in_range(held_out, 205 - 60, 205 + 60);
}

/* Sources are masked to /64: all addresses in it share the canary's fate. */
static void a_canary_sees_ipv6_sources(void **state)
{
	struct world *w = *state;
	struct seine_entry canary = { .action = SEINE_CANARY, .share = SEINE_SHARE / 2 };
	enum check_verdict first;

	put(w, "2001:db8::/32", canary);
	first = verdict(w, "2001:db8:1:2::1");
	assert_int_equal(verdict(w, "2001:db8:1:2::2"), first);
	assert_int_equal(verdict(w, "2001:db8:1:2:ffff::"), first);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(listed_is_dropped),
		WITH_WORLD(the_switch_comes_first),
		WITH_WORLD(allowed_wins),
		WITH_WORLD(observing_drops_nothing),
		WITH_WORLD(expired_gives_way_to_the_wider),
		WITH_WORLD(the_longest_decides),
		WITH_WORLD(a_hello_must_match),
		WITH_WORLD(what_lets_the_syn_pass_does_not_protect_the_hello),
		WITH_WORLD(what_drops_the_syn_leaves_no_hello_to_watch),
		WITH_WORLD(automatic_ones_need_the_agent),
		WITH_WORLD(a_limit_drops_in_part),
		WITH_WORLD(a_canary_takes_its_share),
		WITH_WORLD(a_drop_holds_out_the_rest),
		WITH_WORLD(a_canary_sees_ipv6_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
