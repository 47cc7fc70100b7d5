/*
 * The adapter for GnuTLS 3.6 and later. mutual_trust_gnutls.h says how to use it.
 *
 * GnuTLS asks once about all that the peer sent, in place of what it would judge itself. At the Finished message of the
 * peer, behind its signature, the hook for handshake messages ends a handshake in which nothing was judged.
 */

#include "mutual_trust_gnutls.h"

#include <errno.h>
#include <sys/types.h>

/* One more than the library accepts, so that it sees that there are too many. */
#define MT_MAX_CHAIN 65

static void end(mt_gnutls *link);

static int verify(gnutls_session_t session)
{
    mt_gnutls *link = gnutls_session_get_ptr(session);
    mt_bytes chain[MT_MAX_CHAIN];
    unsigned int count = 0, i;
    const gnutls_datum_t *sent = gnutls_certificate_get_peers(session, &count);

    if (link == NULL || link->session != session || sent == NULL)
        return GNUTLS_E_CERTIFICATE_ERROR;
    /* A client that authenticates again after the handshake. GnuTLS would go on with it if the program does. */
    if (link->finished) {
        end(link);
        return GNUTLS_E_CERTIFICATE_ERROR;
    }
    for (i = 0; i < count && i < MT_MAX_CHAIN; i++)
        chain[i] = mt_data(sent[i].data, sent[i].size);
    if (gnutls_certificate_type_get2(session, GNUTLS_CTYPE_PEERS) == GNUTLS_CRT_X509 &&
        mt_peer_judge(link->peer, chain, i) == 1)
        return 0;
    /* An unknown client proves that it has its key. The connection ends then. */
    if (link->running && mt_peer_may_wait(link->peer) == 1)
        return 0;
    return GNUTLS_E_CERTIFICATE_ERROR;
}

/* Whether the handshake judged its peer, and may go on. */
static int settle(mt_gnutls *link)
{
    int resumed = gnutls_session_is_resumed(link->session) != 0;
    gnutls_protocol_t version = gnutls_protocol_get_version(link->session);
    link->finished = mt_peer_finished(link->peer, resumed ? 1 : 0) == 1 && version >= GNUTLS_TLS1_2;
    return link->finished;
}

static int message(gnutls_session_t session, unsigned int type, unsigned int when, unsigned int incoming,
                   const gnutls_datum_t *content)
{
    mt_gnutls *link = gnutls_session_get_ptr(session);
    (void)type, (void)when, (void)content;
    if (link == NULL || link->session != session)
        return GNUTLS_E_CERTIFICATE_ERROR;
    if (incoming && !settle(link))
        return GNUTLS_E_CERTIFICATE_ERROR;
    return 0;
}

static ssize_t no_read(gnutls_transport_ptr_t transport, void *data, size_t length)
{
    (void)transport, (void)data, (void)length;
    return 0;
}

/* Vectors: GnuTLS prefers a push function of them. */
static ssize_t no_writev(gnutls_transport_ptr_t transport, const giovec_t *vectors, int count)
{
    (void)transport, (void)vectors, (void)count;
    errno = EPIPE;
    return -1;
}

/* What GnuTLS asks about that: else it may be an older error, after which a program tries again for ever. */
static int broken(gnutls_transport_ptr_t transport)
{
    (void)transport;
    return EPIPE;
}

/* Whether the session is the one that has this link. Another one may be at its place in memory since gnutls_deinit. */
static int is_ours(const mt_gnutls *link)
{
    return link->session != NULL && link->peer != NULL && gnutls_session_get_ptr(link->session) == link;
}

/* Nothing is read or written any more, whatever the program does. */
static void end(mt_gnutls *link)
{
    link->running = 0;
    link->finished = 0;
    if (is_ours(link)) {
        gnutls_alert_send(link->session, GNUTLS_AL_FATAL, GNUTLS_A_ACCESS_DENIED);
        gnutls_transport_set_vec_push_function(link->session, no_writev);
        gnutls_transport_set_pull_function(link->session, no_read);
        gnutls_transport_set_errno_function(link->session, broken);
    }
}

/* Gives a session its peer. */
static uint32_t set_peer(mt_gnutls *link, gnutls_session_t session, mt_peer *peer, uint32_t status)
{
    if (status != MT_OK) {
        mt_peer_free(peer);
        return status;
    }
    link->peer = peer;
    link->session = session;
    gnutls_session_set_ptr(session, link);
    gnutls_session_set_verify_function(session, verify);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, message);
    return MT_OK;
}

uint32_t mt_gnutls_connect(mt_gnutls *link, gnutls_session_t session, const mt_judge *judge, const char *id,
                           const char *dialled)
{
    mt_peer *peer = NULL;
    uint32_t status;
    if (link == NULL || session == NULL)
        return MT_NULL;
    if (mt_abi_version() != MT_ABI_VERSION)
        return MT_FAULT;
    mt_gnutls_free(link);
    status = mt_peer_server(judge, mt_text(id), mt_text(dialled), &peer);
    return set_peer(link, session, peer, status);
}

uint32_t mt_gnutls_accept(mt_gnutls *link, gnutls_session_t session, const mt_judge *judge,
                          const mt_enrolment *enrolment, const char *address)
{
    mt_peer *peer = NULL;
    uint32_t status;
    if (link == NULL || session == NULL)
        return MT_NULL;
    if (mt_abi_version() != MT_ABI_VERSION)
        return MT_FAULT;
    mt_gnutls_free(link);
    status = mt_peer_client(judge, enrolment, mt_text(address), &peer);
    status = set_peer(link, session, peer, status);
    if (status == MT_OK) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        /* A client is not told which CAs there are. */
        gnutls_certificate_send_x509_rdn_sequence(session, 1);
    }
    return status;
}

int mt_gnutls_handshake(mt_gnutls *link)
{
    int result;
    if (link == NULL || !is_ours(link))
        return GNUTLS_E_INVALID_REQUEST;
    if (!link->running) {
        if (link->finished)
            return GNUTLS_E_SUCCESS;
        mt_peer_begin(link->peer);
        link->running = 1;
    }
    result = gnutls_handshake(link->session);
    if (result < 0 && gnutls_error_is_fatal(result) == 0)
        return result;
    link->running = 0;
    if (result == GNUTLS_E_SUCCESS && link->finished && gnutls_session_is_resumed(link->session) == 0)
        return GNUTLS_E_SUCCESS;
    end(link);
    return result < 0 ? result : GNUTLS_E_CERTIFICATE_ERROR;
}

int mt_gnutls_recheck(mt_gnutls *link)
{
    if (link == NULL)
        return 0;
    if (link->finished && is_ours(link) && mt_peer_recheck(link->peer) == 1)
        return 1;
    end(link);
    return 0;
}

uint32_t mt_gnutls_verdict(const mt_gnutls *link, mt_verdict **verdict)
{
    if (verdict == NULL)
        return MT_NULL;
    *verdict = NULL;
    if (link == NULL || link->peer == NULL)
        return MT_NOT_FOUND;
    return mt_peer_verdict(link->peer, verdict);
}

void mt_gnutls_free(mt_gnutls *link)
{
    if (link == NULL)
        return;
    mt_peer_free(link->peer);
    link->peer = NULL;
    link->session = NULL;
    link->running = 0;
    link->finished = 0;
}
