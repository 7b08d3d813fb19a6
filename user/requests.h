/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent answers on its control socket.
 *
 * One table in requests.c leads from verb to handler and says which verbs change something.
 * Handlers read struct agent and build JSON; changes go through the functions of agent.h. There
 * is one file of handlers per noun: requests_status.c, requests_source.c, requests_campaign.c,
 * requests_list.c, requests_check.c, requests_hello.c, requests_seed.c.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include <jansson.h>
#include <stdint.h>
#include "user/agent.h"
#include "user/control/server.h"

/* A control_handler; `agent` is the struct agent. */
void requests_handle(void *agent, const struct control_peer *peer, const json_t *request,
		     struct answer *ret);

/* Does it change something, and has to wait when too much was changed? Not the emergency stop, and
 * no verb that there is not. */
bool requests_change(const json_t *request);

/* When and by whom something is asked. Both clocks at once: maps count seconds since boot, answers
 * give the time of day. */
struct moment {
	uint32_t now_sec;
	int64_t unix_sec;
	const struct control_peer *who; /* NULL: nobody, the agent acts by itself */
};
struct moment moment_now(void);

/*
 * 0 with an answer in `ret`, or a negative errno and a sentence in `why` (REQUEST_WHY bytes); see
 * answer_code_of_errno() for what the caller is told.
 */
typedef int (*request_fn)(struct agent *a, const json_t *request, const struct moment *m, char *why,
			  struct answer *ret);

int request_status(struct agent *a, const json_t *request, const struct moment *m, char *why,
		   struct answer *ret);
int request_src(struct agent *a, const json_t *request, const struct moment *m, char *why,
		struct answer *ret);
int request_source(struct agent *a, const json_t *request, const struct moment *m, char *why,
		   struct answer *ret);
int request_net(struct agent *a, const json_t *request, const struct moment *m, char *why,
		struct answer *ret);
int request_campaign_list(struct agent *a, const json_t *request, const struct moment *m, char *why,
			  struct answer *ret);
int request_campaign_show(struct agent *a, const json_t *request, const struct moment *m, char *why,
			  struct answer *ret);
int request_campaign_explain(struct agent *a, const json_t *request, const struct moment *m,
			     char *why, struct answer *ret);
int request_campaign_history(struct agent *a, const json_t *request, const struct moment *m,
			     char *why, struct answer *ret);
int request_campaign_seed(struct agent *a, const json_t *request, const struct moment *m, char *why,
			  struct answer *ret);
int request_campaign_seeds(struct agent *a, const json_t *request, const struct moment *m,
			   char *why, struct answer *ret);
int request_campaign_unseed(struct agent *a, const json_t *request, const struct moment *m,
			    char *why, struct answer *ret);
int request_check(struct agent *a, const json_t *request, const struct moment *m, char *why,
		  struct answer *ret);
int request_drop_list(struct agent *a, const json_t *request, const struct moment *m, char *why,
		      struct answer *ret);
int request_drop_add(struct agent *a, const json_t *request, const struct moment *m, char *why,
		     struct answer *ret);
int request_drop_conflicts(struct agent *a, const json_t *request, const struct moment *m,
			   char *why, struct answer *ret);
int request_drop_watch(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret);
int request_drop_flush(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret);
int request_drop_replace(struct agent *a, const json_t *request, const struct moment *m, char *why,
			 struct answer *ret);
int request_drop_import(struct agent *a, const json_t *request, const struct moment *m, char *why,
			struct answer *ret);
int request_drop_export(struct agent *a, const json_t *request, const struct moment *m, char *why,
			struct answer *ret);
int request_campaign_approve(struct agent *a, const json_t *request, const struct moment *m,
			     char *why, struct answer *ret);
int request_campaign_reject(struct agent *a, const json_t *request, const struct moment *m,
			    char *why, struct answer *ret);
int request_campaign_pause(struct agent *a, const json_t *request, const struct moment *m,
			   char *why, struct answer *ret);
int request_trial_show(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret);
int request_trial_begin(struct agent *a, const json_t *request, const struct moment *m, char *why,
			struct answer *ret);
int request_trial_confirm(struct agent *a, const json_t *request, const struct moment *m, char *why,
			  struct answer *ret);
int request_trial_revert(struct agent *a, const json_t *request, const struct moment *m, char *why,
			 struct answer *ret);
int request_log(struct agent *a, const json_t *request, const struct moment *m, char *why,
		struct answer *ret);
int request_log_follow(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret);
int request_drop_del(struct agent *a, const json_t *request, const struct moment *m, char *why,
		     struct answer *ret);
int request_allow_list(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret);
int request_allow_add(struct agent *a, const json_t *request, const struct moment *m, char *why,
		      struct answer *ret);
int request_hello_list(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret);
int request_hello_show(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret);
int request_hello_name(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret);
int request_connections(struct agent *a, const json_t *request, const struct moment *m, char *why,
			struct answer *ret);
int request_allow_del(struct agent *a, const json_t *request, const struct moment *m, char *why,
		      struct answer *ret);

/* --- Parts that several answers show ---------------------------------------------------------- */

json_t *json_time(const struct moment *m, uint32_t sec); /* time of day, or null for 0 */
json_t *json_entry(struct agent *a, const struct entry *e, const struct moment *m);
json_t *json_hello_name(const struct agent *a, uint64_t key); /* null: it has none */
json_t *json_allow(struct agent *a, const struct allow_entry *allow, const struct moment *m);
json_t *json_event(const struct audit *row);
json_t *json_standing(struct agent *a, uint32_t campaign, const struct moment *m); /* or null */
/* Whom entries (sorted by prefix) would hit, or null before anything is known. -ENOMEM. */
int json_impact(struct agent *a, const struct entry *list, size_t n, const struct moment *m,
		json_t **ret);
json_t *json_features(const struct agent *a, const struct features *f, const struct moment *m);

/*
 * Gives an answer rows: copies `n` rows of `size` bytes, whose addresses are in `rows`, and makes
 * each into JSON when its turn comes. -ENOMEM.
 */
typedef json_t *(*json_row)(struct agent *a, const void *row, const struct moment *m);
int request_put_rows(struct agent *a, const struct moment *m, const char *member,
		     const void *const *rows, size_t n, size_t size, json_row make,
		     struct answer *ret);

/* May one more follow something? -EBUSY. */
int request_follow(const struct agent *a, char *why);

/* -EPERM with the rule in `why`, as of now. */
int request_guarded(struct agent *a, const struct prefix *p, const struct moment *m, char *why);

/* NULL: it belongs to none that was found in the last round. */
const struct campaign *request_campaign_of(const struct agent *a, const uint8_t source[16]);

/* The row a source is accounted to: IPv6 is masked. */
struct prefix request_source_of(const struct agent *a, const struct prefix *address);

/* Writes into `why` and returns r. */
__attribute__((format(printf, 3, 4))) int request_fail(int r, char *why, const char *format, ...);

#endif
