/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLS bytes that clients send: ClientHellos of different software, with different ciphers and
 * extensions, so with different hello keys; and what comes behind them.
 */
#ifndef SIM_SOFTWARE_H
#define SIM_SOFTWARE_H

#include "tests/unit/hello_bytes.h"

#define SOFTWARE_KINDS 48

/* The first of each kind of library; every sixth one from there is a variant of it. */
enum software {
	SOFTWARE_BROWSER, /* its key share fills a segment, so its hello has two */
	SOFTWARE_OPENSSL,
	SOFTWARE_GO,
	SOFTWARE_NODE,
	SOFTWARE_JAVA,
	SOFTWARE_RUST,
	SOFTWARE_BASES
};

#define SOFTWARE_RANDOM 11 /* where the 32 bytes stand that differ in every hello */

/* The hello of kind `kind` in one TLS record; its random is zero. */
void software_hello(unsigned int kind, struct bytes *ret);

/* ChangeCipherSpec and Finished; the alert that ends a connection. Both return their bytes, of
 * SOFTWARE_SHORT at most. */
#define SOFTWARE_SHORT 64
size_t software_flight(uint8_t *ret);
size_t software_goodbye(uint8_t *ret);

/* Bytes [at, at + len) of a request of `total` bytes of TLS records. A total that would end within
 * a record's header is none: software_request_bytes() gives the next one that is. */
uint32_t software_request_bytes(uint32_t bytes);
void software_request(uint32_t total, uint32_t at, size_t len, uint8_t *ret);

#endif
