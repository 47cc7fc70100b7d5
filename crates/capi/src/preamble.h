/*
 * mutual_trust.h: may this peer be trusted, and by which installed certificate?
 *
 * For programs that speak mutual TLS with OpenSSL, mbedTLS or GnuTLS, on either end. The adapters of these stacks are
 * beside this file: compile one of them into the program. A program with another stack calls mt_peer_server or
 * mt_peer_client for each connection, mt_peer_judge where that stack asks about the certificates of the peer, and
 * mt_peer_finished behind the handshake; it refuses if an answer is not 1. mt_judge_server and mt_judge_client judge
 * certificates alone, without a connection.
 *
 * This file is made from the library. Do not edit it.
 *
 * Answers. A call that answers with a status answers MT_OK (0) or why not. A judging call answers 1 if the peer may be
 * trusted and 0 in all other cases, faults of the program and of the library included. mt_status_text says what a status
 * means. An accepted verdict is no link: the peer may refuse us, and only the answer of the handshake says that there is one.
 *
 * Handles. What a call gives through an argument of the form "mt_x **" belongs to the caller, who frees it with
 * mt_x_free. Such an argument is set to NULL first, so it can be freed in any case. Handles can be freed in any order:
 * each keeps what it needs. A handle that was freed must not be used again: the library cannot tell.
 *
 * Bytes. What is handed over as mt_bytes, or as a pointer with a count, belongs to the caller and is read during the call
 * alone. NULL with a length of 0 is the empty text.
 *
 * Texts. A call with "char *text, size_t capacity" writes as much of the text as there is room for, whole characters of
 * UTF-8 and a NUL behind them, as snprintf does. It returns the length of the whole text without the NUL. With a
 * capacity of 0 it writes nothing, and text may be NULL. If nothing is written, the length is 0. Compare a text, or use it as a
 * name, only if the answer is below the capacity: in 8 bytes, the label "array-12" is cut to "array-1", which is another
 * client's.
 *
 * Threads. Each function says what it needs. All handles may be given to another thread.
 *
 * Processes. A handle counts in the process that made it. After fork, a child has what was in force at the fork, and no block
 * or change of its parent comes to it. Each process opens the store itself, after the fork, and calls mt_store_refresh.
 *
 * Times. A time in seconds is a clock that stands still until the next call that sets it. MT_TIME_SYSTEM is a clock that runs.
 */

#ifndef MUTUAL_TRUST_H
#define MUTUAL_TRUST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes or a text without NUL, of the caller. */
typedef struct mt_bytes {
    const void *data;
    size_t len;
} mt_bytes;

/* The bytes of a text that ends with a NUL. NULL is the empty text. */
static inline mt_bytes mt_text(const char *text)
{
    mt_bytes bytes;
    bytes.data = text;
    bytes.len = text == NULL ? 0 : strlen(text);
    return bytes;
}

/* So many bytes. */
static inline mt_bytes mt_data(const void *data, size_t len)
{
    mt_bytes bytes;
    bytes.data = data;
    bytes.len = len;
    return bytes;
}

/* The version of the interface that this header has; mt_abi_version() is that of the library. */
