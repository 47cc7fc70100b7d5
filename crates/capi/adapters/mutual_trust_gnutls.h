/*
 * mutual_trust for programs that speak TLS with GnuTLS 3.6 or later. Compile gnutls.c into the program.
 *
 *   mt_gnutls link = {0};                                                      for each connection
 *   gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_TICKETS);
 *   ... priorities, credentials, transport ...
 *   mt_gnutls_connect(&link, session, judge, "keys-1", "kms1.example");
 *   while ((result = mt_gnutls_handshake(&link)) < 0 && gnutls_error_is_fatal(result) == 0) ...
 *   ... gnutls_record_recv, gnutls_record_send ...
 *   gnutls_deinit(session);
 *   mt_gnutls_free(&link);
 *
 * Sessions are never resumed: a resumed session asks us nothing about the peer, so it would outlive a change of trust. Give
 * gnutls_init the flag GNUTLS_NO_TICKETS, and call none of gnutls_session_set_data, gnutls_session_ticket_enable_server and
 * gnutls_db_set_retrieve_function. If the program does so all the same, a resumed handshake fails.
 */

#ifndef MUTUAL_TRUST_GNUTLS_H
#define MUTUAL_TRUST_GNUTLS_H

#include <gnutls/gnutls.h>

#include "mutual_trust.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The peer of one connection. All zero at first. Its place in memory must not change until mt_gnutls_free. */
typedef struct mt_gnutls {
    /* For the program: gnutls_session_get_ptr gives the adapter's link, and this is the program's pointer. */
    void *user;
    /* Of the adapter: look at none of it. */
    gnutls_session_t session;
    mt_peer *peer;
    int running;
    int finished;
} mt_gnutls;

/*
 * Makes a session judge its server, after each gnutls_init. Which server is expected is said by its id, by the name or address
 * that was dialled, or by both; one may be NULL: mt_judge_server says more. It sets the pointer of the session, its verify function
 * and its hook for handshake messages: set none of them afterwards. A link that was used before is freed first. Another session than
 * the one that has the link makes no handshake with it.
 * Threads: the one that makes the handshake.
 */
uint32_t mt_gnutls_connect(mt_gnutls *link, gnutls_session_t session, const mt_judge *judge, const char *id,
                           const char *dialled);

/*
 * Makes a session demand a certificate of its client and judge it, as mt_gnutls_connect does. With an enrolment, which may
 * be NULL, an unknown client may wait there under address, its IP address as getnameinfo writes it with NI_NUMERICHOST. It is
 * refused in any case.
 *
 * A client is asked for its certificate in the handshake, and no more: if the program asks again (gnutls_reauth), the answer
 * ends the connection.
 */
uint32_t mt_gnutls_accept(mt_gnutls *link, gnutls_session_t session, const mt_judge *judge,
                          const mt_enrolment *enrolment, const char *address);

/*
 * Makes the handshake, instead of gnutls_handshake. Returns GNUTLS_E_SUCCESS when it is finished and the peer is trusted;
 * otherwise an error of GnuTLS. If gnutls_error_is_fatal says that it is not fatal, call again. mt_gnutls_verdict says why
 * we refused. After a refusal, reads and writes fail.
 *
 * A client over TLS 1.3 is finished before the server has judged it: a refusal by the server comes with the first read.
 * Threads: one at a time for each connection.
 */
int mt_gnutls_handshake(mt_gnutls *link);

/*
 * Judges the peer of an open connection again, by what is in force now. Returns 1 if it is still trusted. Otherwise the
 * connection is at its end: an alert is sent, reads and writes fail, and the program closes it.
 * Threads: the one that reads and writes. It wakes from poll once in a while for this. Another thread may only call
 * shutdown(fd, SHUT_RDWR), which wakes it. (mt_peer_recheck is for any thread; it does not touch the connection.)
 */
int mt_gnutls_recheck(mt_gnutls *link);

/*
 * Gives the last verdict on the peer; free *verdict with mt_verdict_free. MT_NOT_FOUND if it was not judged.
 * Threads: one at a time for each connection.
 */
uint32_t mt_gnutls_verdict(const mt_gnutls *link, mt_verdict **verdict);

/* Frees what a link holds, after gnutls_deinit. The link can be used again. */
void mt_gnutls_free(mt_gnutls *link);

#ifdef __cplusplus
}
#endif

#endif /* MUTUAL_TRUST_GNUTLS_H */
