/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's control socket: a unix stream socket that takes one JSON object a line and answers
 * each with one.
 *
 * The server never waits for a client. It has an epoll descriptor of its own, so that the agent's
 * loop polls one descriptor and calls control_server_dispatch() when it is readable. An answer is
 * made and written as the client takes it; until it has gone, nothing more is read from that
 * client. Whoever is too slow is cut off, sooner while others wait for a seat. Who may do what is
 * decided in peer.h, how often in rates.h.
 *
 * A descriptor may come with a request, from those who may change something: it belongs to the next
 * request that is answered, and is closed after that. Only one is taken.
 *
 * An answer with a topic is not the end: from then on the client gets each line that is published
 * about it, until one of the two hangs up. A client that does not keep up loses lines, and is told
 * how many (backlog.h).
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <jansson.h>
#include "user/control/answer.h"
#include "user/control/peer.h"

#define CONTROL_WHY 256
#define CONTROL_CLIENTS 16	    /* at a time; further ones wait to be accepted */
#define CONTROL_REQUEST (64 * 1024) /* bytes of one request ... */
/* ... and of one from somebody who may change things: as many seeds as there may be */
#define CONTROL_REQUEST_LARGE (18 * 1024 * 1024)
#define CONTROL_PATIENCE_SEC 5 /* for a whole request, and between parts of an answer */

#define CONTROL_SEATS 8	     /* of the clients, for one user other than root and the agent's */
#define CONTROL_GRACE_MS 250 /* who neither asks nor takes for so long makes room for who waits */

#define CONTROL_FOLLOWERS 4  /* of the clients; others always find the agent free */
#define CONTROL_STALL_SEC 60 /* a follower that takes nothing for so long is cut off */

/* Answers one request into `ret`, which is zero; without a head the client is cut off. */
typedef void (*control_handler)(void *arg, const struct control_peer *peer, const json_t *request,
				struct answer *ret);

struct control_server;

/*
 * Listens at `path`; its directory is made if it is missing. What a dead agent left there is
 * removed; -EADDRINUSE when a living one holds it. `why` (CONTROL_WHY bytes) gets a sentence.
 */
int control_server_new(const char *path, control_handler fn, void *arg, char *why,
		       struct control_server **ret);
void control_server_free(struct control_server *s); /* NULL is fine */

/* Tells which requests change something; without it, none do. */
void control_server_set_changes(struct control_server *s, bool (*changes)(const json_t *request));

int control_server_fd(const struct control_server *s);
void control_server_dispatch(struct control_server *s);

/* How many clients follow a topic; 0: any. `s` may be NULL. */
unsigned int control_server_followers(const struct control_server *s, unsigned int topic);
/* Sends a line (without newline) to all who follow the topic, as fast as each of them takes it. */
void control_server_publish(struct control_server *s, unsigned int topic, const char *line,
			    size_t len);

#endif
