/*
 * mutual_trust.h: may this peer be trusted, and by which installed certificate?
 *
 * For programs that speak mutual TLS with OpenSSL, mbedTLS or GnuTLS, on either end. The adapters of these stacks are
 * beside this file: compile one of them into the program. A program with another stack calls mt_judge_server or
 * mt_judge_client where that stack asks about the certificates of the peer, and refuses if the answer is not 1.
 *
 * This file is made from the library. Do not edit it.
 *
 * Answers. A call that answers with a status answers MT_OK (0) or why not. A judging call answers 1 if the peer may be
 * trusted and 0 in all other cases, faults of the program and of the library included.
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
 * capacity of 0 it writes nothing, and text may be NULL. If nothing is written, the length is 0.
 *
 * Threads. Each function says what it needs. All handles may be given to another thread.
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
