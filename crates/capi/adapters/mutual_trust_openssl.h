/*
 * mutual_trust for programs that speak TLS with OpenSSL 1.1.1 or 3. Compile openssl.c into the program.
 *
 *   SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
 *   ... own certificate and key into ctx ...
 *   mt_openssl_client(ctx, judge);
 *   SSL *ssl = SSL_new(ctx);
 *   SSL_set_fd(ssl, fd);
 *   mt_openssl_expect(ssl, "keys-1", "kms1.example");
 *   if (mt_openssl_handshake(ssl) != 1) ... refused, or SSL_get_error says what to wait for ...
 *
 * Sessions are never resumed: a resumed session asks us nothing about the peer, so it would outlive a change of trust. The
 * functions below switch it off at both ends. If the program switches it on again, the connection is refused.
 */

#ifndef MUTUAL_TRUST_OPENSSL_H
#define MUTUAL_TRUST_OPENSSL_H

#include <openssl/ssl.h>

#include "mutual_trust.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Makes a context judge servers. Call it after everything else that is set in the context, and set no verification, info
 * callback or session cache afterwards. ctx keeps what it needs of the judge; call mt_judge_free when you like.
 * Returns MT_OK, or why not; then do not use ctx.
 * Threads: the one that sets up ctx.
 */
uint32_t mt_openssl_client(SSL_CTX *ctx, const mt_judge *judge);

/*
 * Makes a context demand certificates of clients and judge them. With an enrolment, which may be NULL, unknown clients may
 * wait there: give each connection its address (mt_openssl_from). They are refused in any case. As mt_openssl_client
 * otherwise. If a callback of the program switches to another context by the name that a client asked for, that one needs
 * this call as well, and its judge decides. mt_openssl_handshake refuses a connection whose context was not given this
 * call. SSL_accept does not: OpenSSL then judges the client alone.
 *
 * A client is asked for its certificate in the handshake, and no more: if the program asks again
 * (SSL_verify_client_post_handshake), the answer ends the connection.
 */
uint32_t mt_openssl_server(SSL_CTX *ctx, const mt_judge *judge, const mt_enrolment *enrolment);

/*
 * Says which server is expected on a connection that a client makes: its id, the name or address that was dialled, or both;
 * one may be NULL. With both, the id decides: mt_judge_server says more. Without this call, every server is refused, and also if
 * the connection has another context since (SSL_set_SSL_CTX). SNI is set as usual (SSL_set_tlsext_host_name).
 * Threads: the one that makes the handshake.
 */
uint32_t mt_openssl_expect(SSL *ssl, const char *id, const char *dialled);

/*
 * Says from which IP address a client comes, as getnameinfo writes it with NI_NUMERICHOST. An enrolment needs it: without this
 * call, an unknown client is refused and does not wait. A callback that switches to another context calls it again, if unknown
 * clients may wait in the enrolment of that one.
 * Threads: the one that makes the handshake.
 */
uint32_t mt_openssl_from(SSL *ssl, const char *address);

/*
 * Makes the handshake, instead of SSL_connect, SSL_accept and SSL_do_handshake. Returns 1 when it is finished and the peer
 * is trusted. Otherwise SSL_get_error(ssl, result) says whether to wait (SSL_ERROR_WANT_READ, ...) and call again, or that it
 * failed; mt_openssl_verdict says why we refused. After a failure, reads and writes fail.
 *
 * A client over TLS 1.3 is finished before the server has judged it: a refusal by the server comes with the first read.
 * Threads: one at a time for each connection.
 */
int mt_openssl_handshake(SSL *ssl);

/*
 * Judges the peer of an open connection again, by what is in force now. Returns 1 if it is still trusted. Otherwise the
 * connection is at its end: no alert is sent, reads and writes fail, and the program closes it.
 * Threads: the one that reads and writes. It wakes from poll once in a while for this. Another thread may only call
 * shutdown(fd, SHUT_RDWR), which wakes it. (mt_peer_recheck is for any thread; it does not touch the connection.)
 */
int mt_openssl_recheck(SSL *ssl);

/*
 * Gives the last verdict on the peer; free *verdict with mt_verdict_free. MT_NOT_FOUND if it was not judged: it presented
 * nothing, or the handshake did not come so far.
 * Threads: one at a time for each connection.
 */
uint32_t mt_openssl_verdict(const SSL *ssl, mt_verdict **verdict);

#ifdef __cplusplus
}
#endif

#endif /* MUTUAL_TRUST_OPENSSL_H */
