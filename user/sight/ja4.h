/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JA4, the fingerprint of a TLS client, exactly as FoxIO published it under the BSD licence
 * (technical_details/JA4.md of github.com/FoxIO-LLC/ja4):
 *
 *	t13d1516h2_8daaf6152771_e5627efa2ab1
 *	transport, version, SNI, numbers of ciphers and extensions, ALPN _ ciphers _ extensions
 */
#ifndef SIGHT_JA4_H
#define SIGHT_JA4_H

#include "user/sight/client_hello.h"

#define JA4_TEXT 40 /* with NUL */

enum ja4_transport { JA4_TCP, JA4_QUIC };

/* `buf` holds JA4_TEXT bytes. Both return buf. */
const char *ja4_format(const struct client_hello *h, enum ja4_transport transport, char *buf);
/* The same without extensions that come and go with resumption: padding (0015), session ticket
 * (0023), pre-shared key (0029), early data (002a). */
const char *ja4_stable_format(const struct client_hello *h, enum ja4_transport transport,
			      char *buf);

/*
 * Both at once, for less. Few lists of ciphers and extensions are in use, and hashing them is most
 * of the work: a memo keeps the hashes of lists seen before, whole lists, so that no two can be
 * taken for one another. NULL: without.
 */
struct ja4_memo;
int ja4_memo_new(struct ja4_memo **ret);
void ja4_memo_free(struct ja4_memo *m);
void ja4_format_both(const struct client_hello *h, enum ja4_transport transport,
		     struct ja4_memo *memo, char *buf, char *stable);

#endif
