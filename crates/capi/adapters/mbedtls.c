/*
 * The adapter for mbedTLS 2.28 and 3.6. mutual_trust_mbedtls.h says how to use it.
 *
 * mbedTLS builds a path by itself and asks for each certificate of it, the peer's own last. The adapter clears what mbedTLS
 * found against them, and judges all that the peer sent when it is asked about the peer's own. A refusal must be a fatal
 * error: flags alone do not refuse under MBEDTLS_SSL_VERIFY_OPTIONAL.
 */

#include "mutual_trust_mbedtls.h"

#include <mbedtls/version.h>

/* One more than the library accepts, so that it sees that there are too many. */
#define MT_MAX_CHAIN 65

/* Fields that mbedTLS has no function for. Since 3.0 they have other names. */
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#define MT_FIELD(ssl, name) ((ssl)->MBEDTLS_PRIVATE(name))
#else
#define MT_FIELD(ssl, name) ((ssl)->name)
#endif

/* Whether no handshake has begun, as after mbedtls_ssl_session_reset. */
static int is_new(const mbedtls_ssl_context *ssl)
{
    return MT_FIELD(ssl, state) == MBEDTLS_SSL_HELLO_REQUEST;
}

static int is_over(mbedtls_ssl_context *ssl)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03020000
    return mbedtls_ssl_is_handshake_over(ssl);
#else
    return MT_FIELD(ssl, state) == MBEDTLS_SSL_HANDSHAKE_OVER;
#endif
}

static int verify(void *argument, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    mt_mbedtls *link = argument;
    mt_bytes chain[MT_MAX_CHAIN];
    size_t count = 0;
    const mbedtls_x509_crt *sent;

    *flags = 0;
    if (depth > 0)
        return 0;
    /* What an earlier handshake found does not count any more. */
    link->finished = 0;
    for (sent = certificate; sent != NULL && sent->raw.p != NULL && count < MT_MAX_CHAIN; sent = sent->next)
        chain[count++] = mt_data(sent->raw.p, sent->raw.len);
    if (mt_peer_judge(link->peer, chain, count) == 1)
        return 0;
    /* An unknown client proves that it has its key. mt_mbedtls_handshake ends the connection then; nothing else lets it go
     * on. */
    if (link->inside && mt_peer_may_wait(link->peer) == 1)
        return 0;
    return MBEDTLS_ERR_X509_FATAL_ERROR;
}

/* A connection without a peer that is expected: mbedtls_ssl_write would make its handshake. */
static int refuse(void *argument, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    (void)argument, (void)certificate, (void)depth, (void)flags;
    return MBEDTLS_ERR_X509_FATAL_ERROR;
}

static int no_write(void *context, const unsigned char *data, size_t length)
{
    (void)context, (void)data, (void)length;
    return MBEDTLS_ERR_SSL_CONN_EOF;
}

static int no_read(void *context, unsigned char *data, size_t length)
{
    (void)context, (void)data, (void)length;
    return MBEDTLS_ERR_SSL_CONN_EOF;
}

/* Between two calls of ours, another call of the program must not finish the handshake of a client that may wait. */
static void hold(mt_mbedtls *link)
{
    link->transport = MT_FIELD(link->ssl, p_bio);
    link->send = MT_FIELD(link->ssl, f_send);
    link->receive = MT_FIELD(link->ssl, f_recv);
    link->receive_timeout = MT_FIELD(link->ssl, f_recv_timeout);
    link->held = 1;
    mbedtls_ssl_set_bio(link->ssl, NULL, no_write, no_read, NULL);
}

/* Undoes that, unless the program gave the connection another transport since. */
static void let_go(mt_mbedtls *link)
{
    if (link->held && MT_FIELD(link->ssl, f_send) == no_write)
        mbedtls_ssl_set_bio(link->ssl, link->transport, link->send, link->receive, link->receive_timeout);
    link->held = 0;
}

/* Nothing is read or written any more, whatever the program does. */
static void end(mt_mbedtls *link)
{
    link->running = 0;
    link->finished = 0;
    link->held = 0;
    if (link->ssl != NULL) {
        mbedtls_ssl_send_alert_message(link->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED);
        mbedtls_ssl_session_reset(link->ssl);
        mbedtls_ssl_set_bio(link->ssl, NULL, no_write, no_read, NULL);
    }
}

uint32_t mt_mbedtls_configure(mbedtls_ssl_config *conf, int endpoint, mbedtls_x509_crt *any)
{
    if (mt_abi_version() != MT_ABI_VERSION)
        return MT_FAULT;
    if (conf == NULL || any == NULL)
        return MT_NULL;
    mbedtls_ssl_conf_ca_chain(conf, any, NULL);
    mbedtls_ssl_conf_verify(conf, refuse, NULL);
    if (endpoint == MBEDTLS_SSL_IS_CLIENT) {
        /* Lets our yes stand where mbedTLS does not like the extended key usage. Our no is a fatal error in any mode, and a
         * server always presents a certificate. A client over TLS 1.3 ignores this mode and demands. */
        mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_OPTIONAL);
    } else if (endpoint == MBEDTLS_SSL_IS_SERVER) {
        /* Else a client without a certificate would get in if the program calls mbedtls_ssl_handshake. */
        mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
#if defined(MBEDTLS_SSL_SRV_C)
        /* A client is not told which CAs there are. */
        mbedtls_ssl_conf_cert_req_ca_list(conf, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
        mbedtls_ssl_conf_session_cache(conf, NULL, NULL, NULL);
#if defined(MBEDTLS_SSL_SESSION_TICKETS)
        mbedtls_ssl_conf_session_tickets_cb(conf, NULL, NULL, NULL);
#endif
#endif
    } else {
        return MT_ARGUMENT;
    }
#if defined(MBEDTLS_SSL_SESSION_TICKETS) && defined(MBEDTLS_SSL_CLI_C)
    mbedtls_ssl_conf_session_tickets(conf, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
#if defined(MBEDTLS_SSL_RENEGOTIATION)
    mbedtls_ssl_conf_renegotiation(conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#if MBEDTLS_VERSION_NUMBER >= 0x03020000
    mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
    return MT_OK;
}

/* Gives a connection its peer. */
static uint32_t set_peer(mt_mbedtls *link, mbedtls_ssl_context *ssl, mt_peer *peer, uint32_t status)
{
    if (status != MT_OK) {
        mt_peer_free(peer);
        return status;
    }
    link->peer = peer;
    link->ssl = ssl;
    mbedtls_ssl_set_verify(ssl, verify, link);
    return MT_OK;
}

uint32_t mt_mbedtls_connect(mt_mbedtls *link, mbedtls_ssl_context *ssl, const mt_judge *judge, const char *id,
                            const char *dialled)
{
    mt_peer *peer = NULL;
    uint32_t status;
    if (link == NULL || ssl == NULL)
        return MT_NULL;
    mt_mbedtls_free(link);
    status = mt_peer_server(judge, mt_text(id), mt_text(dialled), &peer);
    return set_peer(link, ssl, peer, status);
}

uint32_t mt_mbedtls_accept(mt_mbedtls *link, mbedtls_ssl_context *ssl, const mt_judge *judge,
                           const mt_enrolment *enrolment, const char *address)
{
    mt_peer *peer = NULL;
    uint32_t status;
    if (link == NULL || ssl == NULL)
        return MT_NULL;
    mt_mbedtls_free(link);
    status = mt_peer_client(judge, enrolment, mt_text(address), &peer);
    return set_peer(link, ssl, peer, status);
}

int mt_mbedtls_handshake(mt_mbedtls *link)
{
    int result;
    if (link == NULL || link->ssl == NULL || link->peer == NULL)
        return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
    if (link->finished && is_over(link->ssl))
        return 0;
    /* Also of a link that is used again after mbedtls_ssl_session_reset, in the midst of a handshake or later. */
    if (!link->running || is_new(link->ssl)) {
        mt_peer_begin(link->peer);
        link->finished = 0;
        link->running = 1;
    }
    let_go(link);
    link->inside = 1;
    result = mbedtls_ssl_handshake(link->ssl);
    link->inside = 0;
    if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE
#if defined(MBEDTLS_ERR_SSL_ASYNC_IN_PROGRESS)
        || result == MBEDTLS_ERR_SSL_ASYNC_IN_PROGRESS
#endif
#if defined(MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS)
        || result == MBEDTLS_ERR_SSL_CRYPTO_IN_PROGRESS
#endif
    ) {
        if (mt_peer_may_wait(link->peer) == 1)
            hold(link);
        return result;
    }
    if (result != 0) {
        /* mbedTLS sent an alert. What it says of the peer stays. */
        link->running = 0;
        mbedtls_ssl_session_reset(link->ssl);
        mbedtls_ssl_set_bio(link->ssl, NULL, no_write, no_read, NULL);
        return result;
    }
    link->running = 0;
    /* A resumed session asks us nothing: then nothing was judged since mt_peer_begin, and the answer is no. */
    link->finished = mt_peer_finished(link->peer, 0) == 1;
    if (link->finished)
        return 0;
    end(link);
    return MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
}

int mt_mbedtls_recheck(mt_mbedtls *link)
{
    if (link == NULL)
        return 0;
    if (link->finished && is_over(link->ssl) && mt_peer_recheck(link->peer) == 1)
        return 1;
    end(link);
    return 0;
}

uint32_t mt_mbedtls_verdict(const mt_mbedtls *link, mt_verdict **verdict)
{
    if (verdict == NULL)
        return MT_NULL;
    *verdict = NULL;
    if (link == NULL || link->peer == NULL)
        return MT_NOT_FOUND;
    return mt_peer_verdict(link->peer, verdict);
}

void mt_mbedtls_free(mt_mbedtls *link)
{
    if (link == NULL)
        return;
    mt_peer_free(link->peer);
    link->peer = NULL;
    link->ssl = NULL;
    link->running = 0;
    link->inside = 0;
    link->held = 0;
    link->finished = 0;
}
