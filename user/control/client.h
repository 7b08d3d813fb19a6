/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line's side of the control socket: one request, one answer, and where something is
 * followed all the lines behind it; then it is closed.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#define CLIENT_WHY 256
#define CLIENT_PATIENCE_SEC \
	30 /* for the next part of an answer; a round over a million sources takes 5 */
#define CLIENT_ANSWER (256 << 20) /* bytes; a guard against whoever else may sit at the socket */

/*
 * Called once each second that passes without an answer, from the second one on, so that a person
 * can be told what is going on. May be NULL.
 */
typedef void (*client_waiting)(unsigned int seconds);

/*
 * 0 with the agent's answer, which may be an error of its own (answer_is_error()). Otherwise
 * nobody could be asked: -ENOENT, -ECONNREFUSED, -EACCES, -ETIMEDOUT, -EPROTO... and a sentence
 * in `why` (CLIENT_WHY bytes). The descriptor `passed` goes along with the request and stays the
 * caller's; -1: none.
 */
int client_ask(const char *path, const json_t *request, int passed, client_waiting waiting,
	       char *why, json_t **ret);

/*
 * The same with all that comes: calls `line` with the answer, then with each line, however long
 * that takes, until it says false (0) or the agent hangs up (-EPROTO).
 */
typedef bool (*client_line)(const json_t *line, void *arg);
int client_follow(const char *path, const json_t *request, client_waiting waiting, client_line line,
		  void *arg, char *why);

#endif
