/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of ClientHellos -> sights. See hellos.h.
 *
 * A hello that comes in one piece, as most do, is read where it lies. Others wait in a slot, found
 * by the connection's tag, until their last piece comes; slots stand in a list by age, and bytes
 * have a budget, so that neither many nor large unfinished ones cost more than was agreed. Of
 * connections whose hello is complete a table with one place per tag remembers a hash of it, to
 * know what comes again.
 */
#include "user/sight/hellos.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bpf/hash.h"
#include "bpf/hello.h"
#include "user/sight/waiting.h"

/* Pieces of one tag further apart are of two connections: no server waits longer for a hello. */
#define SAME_NS 60000000000ll

_Static_assert(HELLOS_BYTES == PIECES_BYTES, "two names of one limit");

struct finished {
	uint64_t tag; /* 0: none */
	uint64_t hash;
	uint64_t time_ns;
};

struct hellos {
	struct waiting *waiting;
	struct finished *finished; /* at tag & mask */
	struct ja4_memo *memo;
	size_t mask;
	uint64_t complete, bad;
};

int hellos_new(size_t max, struct hellos **ret)
{
	struct hellos *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	r = waiting_new(max, &h->waiting);
	if (r == 0)
		r = ja4_memo_new(&h->memo);
	if (r < 0) {
		hellos_free(h);
		return r;
	}
	while (h->mask + 1 < max)
		h->mask = h->mask * 2 + 1;
	h->finished = calloc(h->mask + 1, sizeof(*h->finished));
	if (!h->finished) {
		hellos_free(h);
		return -ENOMEM;
	}
	*ret = h;
	return 0;
}

void hellos_free(struct hellos *h)
{
	if (!h)
		return;
	waiting_free(h->waiting);
	free(h->finished);
	ja4_memo_free(h->memo);
	free(h);
}

void hellos_stats(const struct hellos *h, struct hellos_stats *ret)
{
	*ret = (struct hellos_stats){ .complete = h->complete,
				      .bad = h->bad,
				      .forgotten = waiting_forgotten(h->waiting) };
}

/* What waits for the piece's connection: in *ret, or NULL there. A slot of another connection that
 * had the same tag is given up. */
static void find_own(struct hellos *h, const struct seine_segment *piece, struct unfinished **ret)
{
	struct unfinished *u = waiting_find(h->waiting, piece->tag);
	bool quic = piece->flags & SEINE_F_QUIC;

	if (u && (u->quic != quic || (int64_t)(piece->time_ns - u->time_ns) > SAME_NS ||
		  (u->hello_key && piece->hello_key && u->hello_key != piece->hello_key))) {
		waiting_forget(h->waiting, u);
		u = NULL;
	}
	if (u)
		u->time_ns = piece->time_ns;
	*ret = u;
}

/* A new slot for the piece's connection. */
static int begin(struct hellos *h, const struct seine_segment *piece, struct unfinished **ret)
{
	int r = waiting_begin(h->waiting, piece->tag, ret);

	if (r < 0)
		return r;
	(*ret)->time_ns = piece->time_ns;
	(*ret)->quic = piece->flags & SEINE_F_QUIC;
	return 0;
}

/* ---- what is complete ---- */

static struct finished *finished_at(struct hellos *h, uint64_t tag)
{
	return &h->finished[tag & h->mask];
}

/* Was this connection's hello complete a short time ago? */
static bool is_finished(struct hellos *h, const struct seine_segment *piece)
{
	const struct finished *f = finished_at(h, piece->tag);

	return f->tag == piece->tag && (int64_t)(piece->time_ns - f->time_ns) < SAME_NS;
}

static uint64_t bytes_hash(const uint8_t *data, size_t len)
{
	uint64_t hash = len, word;

	for (; len >= sizeof(word); len -= sizeof(word), data += sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		hash = seine_mix64(hash ^ word);
	}
	word = 0;
	memcpy(&word, data, len);
	return seine_mix64(hash ^ word);
}

/* The message is all there. */
static int finish(struct hellos *h, const struct seine_segment *piece, const uint8_t *message,
		  size_t len, struct hello_sight *ret)
{
	enum ja4_transport transport = piece->flags & SEINE_F_QUIC ? JA4_QUIC : JA4_TCP;
	struct finished *f = finished_at(h, piece->tag);
	uint64_t hash = bytes_hash(message, len);
	struct client_hello hello;

	/* The random in it makes a hello of another connection differ. */
	if (f->tag == piece->tag && f->hash == hash)
		return 0;
	if (client_hello_parse(message, len, &hello) < 0)
		return -EBADMSG;

	*ret = (struct hello_sight){ .tag = piece->tag,
				     .hello_key = piece->hello_key,
				     .time_ns = piece->time_ns,
				     .source = piece->source,
				     .sport = piece->sport,
				     .dport = piece->dport,
				     .flags = piece->flags };
	ja4_format_both(&hello, transport, h->memo, ret->ja4, ret->ja4_stable);
	*f = (struct finished){ .tag = piece->tag, .hash = hash, .time_ns = piece->time_ns };
	h->complete++;
	return 1;
}

/* The length of the handshake message that begins here, with its header: 0 when that has not come,
 * -EBADMSG when it is no ClientHello, or longer than any is let be. */
static int message_len(const uint8_t *message, size_t len)
{
	size_t whole;

	if (len && message[0] != CLIENT_HELLO)
		return -EBADMSG;
	if (len < CLIENT_HELLO_HEADER)
		return 0;
	whole = CLIENT_HELLO_HEADER + (message[1] << 16 | message[2] << 8 | message[3]);
	return whole > HELLOS_BYTES ? -EBADMSG : (int)whole;
}

/* ---- TCP ---- */

/* The whole hello in one record in one piece: *ret_len is the message's length, or 0. */
static void whole_hello(const struct seine_segment *piece, size_t *ret_len)
{
	uint32_t record;
	int whole;

	*ret_len = 0;
	if (piece->offset || piece->len < TLS_RECORD_HEADER + CLIENT_HELLO_HEADER ||
	    tls_record(piece->data, &record) != TLS_HANDSHAKE)
		return;
	whole = message_len(piece->data + TLS_RECORD_HEADER, CLIENT_HELLO_HEADER);
	if (whole > 0 && (uint32_t)whole <= record &&
	    (uint32_t)whole <= piece->len - TLS_RECORD_HEADER)
		*ret_len = whole;
}

/* Reads records as far as they have come: the message's length when it is complete, 0, or -EBADMSG.
 */
static int read_records(struct unfinished *u)
{
	size_t ready = pieces_ready(&u->pieces);
	uint8_t *bytes = u->pieces.bytes;

	for (;;) {
		int whole = message_len(bytes, u->message);
		size_t take = ready - u->read;
		uint32_t record;
		uint8_t type;

		if (whole < 0 || (whole && u->message >= (size_t)whole))
			return whole;
		if (u->record_left) {
			if (!take)
				return 0;
			if (take > u->record_left)
				take = u->record_left;
			memmove(bytes + u->message, bytes + u->read, take);
			u->message += take;
			u->read += take;
			u->record_left -= take;
			continue;
		}
		if (take <= TLS_RECORD_HEADER)
			return 0;
		type = tls_record(bytes + u->read, &record);
		u->read += TLS_RECORD_HEADER;
		/* Comes before a second hello, to look like TLS 1.2 (RFC 8446 D.4). */
		if (type == TLS_CHANGE_CIPHER && record == 1 && !u->message)
			u->read++;
		else if (type == TLS_HANDSHAKE)
			u->record_left = record;
		else
			return -EBADMSG;
	}
}

/* Offsets without a key count from the connection's first byte. Is that the hello's, too? */
static bool same_origin(const struct seine_segment *piece)
{
	return !(piece->flags & (SEINE_F_LATE_HELLO | SEINE_F_BALANCED));
}

static int add_tcp(struct hellos *h, const struct seine_segment *piece, struct hello_sight *ret)
{
	struct unfinished *u;
	size_t whole;
	int r;

	find_own(h, piece, &u);
	if (u && !same_origin(piece) && !u->hello_key != !piece->hello_key) {
		if (!piece->hello_key)
			return 0;
		waiting_forget(h->waiting, u);
		u = NULL;
	}
	whole_hello(piece, &whole);
	if (!u && whole)
		return finish(h, piece, piece->data + TLS_RECORD_HEADER, whole, ret);
	if (!u && piece->offset && is_finished(h, piece))
		return 0;
	if (!u) {
		r = begin(h, piece, &u);
		if (r < 0)
			return r;
	}
	if (piece->hello_key)
		u->hello_key = piece->hello_key;

	r = waiting_put(h->waiting, u, piece->offset, piece->data, piece->len);
	if (r < 0)
		return r;
	r = read_records(u);
	if (!r)
		return 0;
	r = r < 0 ? r : finish(h, piece, u->pieces.bytes, r, ret);
	waiting_drop(h->waiting, u);
	return r;
}

/* ---- QUIC ---- */

/* Opens an Initial: with the keys of what is under way, if any, else with those of its own id. The
 * second is also right after a Retry and for a new connection; then *u is given up. 1: it carries
 * `frames` under `*ret_keys`, 0: keys nobody knows any more, -EBADMSG, -ENOMEM. */
static int open_initial(struct hellos *h, const struct seine_segment *piece, const uint8_t *data,
			const struct quic_packet *p, struct unfinished **u,
			struct quic_keys *ret_keys, uint8_t *frames, size_t *ret_len)
{
	int r;

	if (*u) {
		*ret_keys = (*u)->keys;
		r = quic_open(ret_keys, data, p, frames, ret_len);
		if (r != -EBADMSG)
			return r < 0 ? r : 1;
		if (p->dcid_len == (*u)->dcid_len && !memcmp(p->dcid, (*u)->dcid, p->dcid_len))
			return 0;
	}
	r = quic_open_first(data, p, ret_keys, frames, ret_len);
	if (r == -EBADMSG && (*u || is_finished(h, piece)))
		return 0;
	if (r < 0)
		return r;
	if (*u) {
		waiting_forget(h->waiting, *u);
		*u = NULL;
	}
	return 1;
}

/* Takes the CRYPTO frames of one packet into *u, which begins with the first of them. */
static int take_frames(struct hellos *h, const struct seine_segment *piece,
		       const struct quic_packet *p, const struct quic_keys *keys,
		       const uint8_t *frames, size_t len, struct unfinished **u)
{
	struct quic_crypto crypto;
	size_t at = 0;
	int r;

	while ((r = quic_crypto_next(frames, len, &at, &crypto)) > 0) {
		if (!*u) {
			r = begin(h, piece, u);
			if (r < 0)
				return r;
			(*u)->keys = *keys;
			(*u)->dcid_len = p->dcid_len;
			memcpy((*u)->dcid, p->dcid, p->dcid_len);
		}
		r = waiting_put(h->waiting, *u, crypto.offset, crypto.data, crypto.len);
		if (r < 0) {
			*u = NULL;
			return r;
		}
	}
	return r;
}

static int add_initial(struct hellos *h, const struct seine_segment *piece, const uint8_t *data,
		       const struct quic_packet *p, struct unfinished **u)
{
	uint8_t frames[QUIC_PACKET_BYTES];
	struct quic_keys keys;
	size_t len;
	int r;

	r = open_initial(h, piece, data, p, u, &keys, frames, &len);
	if (r <= 0)
		return r;
	return take_frames(h, piece, p, &keys, frames, len, u);
}

static int finish_quic(struct hellos *h, const struct seine_segment *piece, struct unfinished *u,
		       struct hello_sight *ret)
{
	size_t ready = pieces_ready(&u->pieces);
	int r = message_len(u->pieces.bytes, ready);

	if (!r || (r > 0 && ready < (size_t)r))
		return 0;
	r = r < 0 ? r : finish(h, piece, u->pieces.bytes, r, ret);
	waiting_drop(h->waiting, u);
	return r;
}

static int add_quic(struct hellos *h, const struct seine_segment *piece, struct hello_sight *ret)
{
	struct quic_packet p, first;
	struct unfinished *u;
	int r;

	if (piece->offset) /* the rest of a datagram longer than any Initial's */
		return 0;
	find_own(h, piece, &u);
	if (quic_packet_read(piece->data, piece->len, &first) < 0)
		return -EBADMSG;
	p = first;
	for (size_t at = 0;;) {
		r = p.initial ? add_initial(h, piece, piece->data + at, &p, &u) : 0;
		if (r < 0)
			return r;
		/* Only packets with the first one's id belong to it (RFC 9000 12.2). */
		at += p.len;
		if (quic_packet_read(piece->data + at, piece->len - at, &p) < 0 ||
		    p.dcid_len != first.dcid_len || memcmp(p.dcid, first.dcid, p.dcid_len))
			break;
	}
	return u ? finish_quic(h, piece, u, ret) : 0;
}

int hellos_add(struct hellos *h, const struct seine_segment *piece, struct hello_sight *ret)
{
	int r;

	if (piece->len > SEINE_SEGMENT)
		r = -EBADMSG;
	else if (!piece->len)
		r = 0;
	else if (piece->flags & SEINE_F_QUIC)
		r = add_quic(h, piece, ret);
	else
		r = add_tcp(h, piece, ret);
	h->bad += r == -EBADMSG;
	return r;
}
