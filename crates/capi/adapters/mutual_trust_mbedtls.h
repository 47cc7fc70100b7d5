/*
 * mutual_trust for programs that speak TLS with mbedTLS 2.28 or 3.6. Compile mbedtls.c into the program.
 *
 *   mt_mbedtls_configure(&conf, MBEDTLS_SSL_IS_CLIENT, &own_certificate);      once
 *   mt_mbedtls link = {0};                                                     for each connection
 *   mbedtls_ssl_setup(&ssl, &conf);
 *   mbedtls_ssl_set_hostname(&ssl, "kms1.example");
 *   mbedtls_ssl_set_bio(&ssl, ...);
 *   mt_mbedtls_connect(&link, &ssl, judge, "keys-1", "kms1.example");
 *   while ((result = mt_mbedtls_handshake(&link)) == MBEDTLS_ERR_SSL_WANT_READ || ...) ...
 *   ... mbedtls_ssl_read, mbedtls_ssl_write ...
 *   mbedtls_ssl_free(&ssl);
 *   mt_mbedtls_free(&link);
 *
 * Sessions are never resumed: a resumed session asks us nothing about the peer, so it would outlive a change of trust.
 * mt_mbedtls_configure switches it off. If the program switches it on again, mt_mbedtls_handshake refuses the connection;
 * mbedtls_ssl_handshake alone would not.
 */

#ifndef MUTUAL_TRUST_MBEDTLS_H
#define MUTUAL_TRUST_MBEDTLS_H

#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "mutual_trust.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The peer of one connection. All zero at first. Its place in memory must not change until mt_mbedtls_free. */
typedef struct mt_mbedtls {
    /* Of the adapter: look at none of it. */
    mbedtls_ssl_context *ssl;
    mt_peer *peer;
    int running;
    int inside;
    int finished;
    int held;
    void *transport;
    mbedtls_ssl_send_t *send;
    mbedtls_ssl_recv_t *receive;
    mbedtls_ssl_recv_timeout_t *receive_timeout;
} mt_mbedtls;

/*
 * Sets up a configuration after mbedtls_ssl_config_defaults: the peer must present a certificate, sessions are not resumed,
 * TLS 1.2 is the least version. endpoint is MBEDTLS_SSL_IS_CLIENT or MBEDTLS_SSL_IS_SERVER. any is any certificate, such as
 * the program's own: mbedTLS asks for the certificate of some CA before it asks us, and what it finds by it does not
 * count. It must live as long as conf, and no CA list is set afterwards.
 * Threads: the one that sets up conf.
 */
uint32_t mt_mbedtls_configure(mbedtls_ssl_config *conf, int endpoint, mbedtls_x509_crt *any);

/*
 * Makes a connection judge its server, after mbedtls_ssl_setup. Which server is expected is said by its id, by the name or
 * address that was dialled, or by both; one may be NULL: mt_judge_server says more. ssl must live until mt_mbedtls_free. A link that was used before
 * is freed first.
 * Threads: the one that makes the handshake.
 */
uint32_t mt_mbedtls_connect(mt_mbedtls *link, mbedtls_ssl_context *ssl, const mt_judge *judge, const char *id,
                            const char *dialled);

/*
 * Makes a connection judge its client, as mt_mbedtls_connect does. With an enrolment, which may be NULL, an unknown client
 * may wait there under address, its IP address as getnameinfo writes it with NI_NUMERICHOST. It is refused in any case.
 *
 * A connection that is used again, after mbedtls_ssl_session_reset and mbedtls_ssl_set_bio, judges its next peer anew. If
 * that may wait in an enrolment, call this again, for its address.
 */
uint32_t mt_mbedtls_accept(mt_mbedtls *link, mbedtls_ssl_context *ssl, const mt_judge *judge,
                           const mt_enrolment *enrolment, const char *address);

/*
 * Makes the handshake, instead of mbedtls_ssl_handshake. Returns 0 when it is finished and the peer is trusted; otherwise an
 * error of mbedTLS, of which MBEDTLS_ERR_SSL_WANT_READ and MBEDTLS_ERR_SSL_WANT_WRITE mean to call again.
 * mt_mbedtls_verdict says why we refused. After a refusal, reads and writes fail.
 *
 * Until it returned 0, call nothing else with the connection but mbedtls_ssl_session_reset and mbedtls_ssl_set_bio before the
 * next peer. Reads and writes fail meanwhile if the client is unknown and may wait in an enrolment.
 *
 * A client over TLS 1.3 is finished before the server has judged it: a refusal by the server comes with the first read.
 * Threads: one at a time for each connection.
 */
int mt_mbedtls_handshake(mt_mbedtls *link);

/*
 * Judges the peer of an open connection again, by what is in force now. Returns 1 if it is still trusted. Otherwise the
 * connection is at its end: an alert is sent, reads and writes fail, and the program closes it.
 * Threads: the one that reads and writes. It wakes from poll once in a while for this. Another thread may only call
 * shutdown(fd, SHUT_RDWR), which wakes it. (mt_peer_recheck is for any thread; it does not touch the connection.)
 */
int mt_mbedtls_recheck(mt_mbedtls *link);

/*
 * Gives the last verdict on the peer; free *verdict with mt_verdict_free. MT_NOT_FOUND if it was not judged.
 * Threads: one at a time for each connection.
 */
uint32_t mt_mbedtls_verdict(const mt_mbedtls *link, mt_verdict **verdict);

/* Frees what a link holds, before or after mbedtls_ssl_free. The link can be used again. */
void mt_mbedtls_free(mt_mbedtls *link);

#ifdef __cplusplus
}
#endif

#endif /* MUTUAL_TRUST_MBEDTLS_H */
