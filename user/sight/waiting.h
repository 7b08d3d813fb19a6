/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ClientHellos of which something is missing, by the tag of their connection. They stand in a list
 * by age, and their bytes have a budget, so that neither many nor large ones cost more than was
 * agreed: the oldest go first.
 */
#ifndef SIGHT_WAITING_H
#define SIGHT_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "user/sight/pieces.h"
#include "user/sight/quic.h"

#define WAITING_SHARE 4096 /* bytes budgeted for each; post-quantum hellos have some 2000 */

struct unfinished {
	uint64_t tag, hello_key; /* key 0: no piece with a key has come */
	uint64_t time_ns;	 /* of the last piece */
	uint32_t older, newer;	 /* places in the list */
	bool quic;
	struct pieces pieces;
	/* TCP: the message's bytes move to the front of pieces.bytes as records are read. */
	size_t read;	    /* bytes of the stream, so far */
	size_t record_left; /* of the present record */
	size_t message;	    /* bytes of the message, so far */
	/* QUIC: of the client's first packet. */
	struct quic_keys keys;
	uint8_t dcid[QUIC_CID_BYTES], dcid_len;
};

struct waiting;

/* `max` at once. -EINVAL: not between 1 and 2^32 - 2; -ENOMEM. */
int waiting_new(size_t max, struct waiting **ret);
void waiting_free(struct waiting *w);

/* NULL: none. */
struct unfinished *waiting_find(struct waiting *w, uint64_t tag);

/* A new one, of which there must be none with this tag; the oldest makes room. -ENOMEM. */
int waiting_begin(struct waiting *w, uint64_t tag, struct unfinished **ret);

/* Puts bytes into one. On failure it is gone. -EBADMSG: more than any hello has; -ENOMEM. */
int waiting_put(struct waiting *w, struct unfinished *u, uint64_t offset, const uint8_t *data,
		size_t len);

/* It is not needed any more; or it is given up, which is counted. */
void waiting_drop(struct waiting *w, struct unfinished *u);
void waiting_forget(struct waiting *w, struct unfinished *u);
uint64_t waiting_forgotten(const struct waiting *w);

#endif
