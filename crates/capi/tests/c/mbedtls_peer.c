/* A peer over mbedTLS: see common.h. */
#include "common.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#include "mutual_trust_mbedtls.h"

static mbedtls_ssl_config conf;
static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_bytes;
static mbedtls_x509_crt own;
static mbedtls_pk_context key;
static mbedtls_ssl_session session;
static mbedtls_ssl_cache_context cache;
static int has_session;
static mbedtls_ssl_context kept_ssl;
static mt_mbedtls kept_link;

static void set_up(void)
{
    int endpoint = is("role", "server") ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT;
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    demand(psa_crypto_init() == PSA_SUCCESS, "PSA");
#endif
    mbedtls_ssl_config_init(&conf);
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random_bytes);
    mbedtls_x509_crt_init(&own);
    mbedtls_pk_init(&key);
    mbedtls_ssl_session_init(&session);
    mbedtls_ssl_cache_init(&cache);
    mbedtls_ssl_init(&kept_ssl);
    demand(mbedtls_ctr_drbg_seed(&random_bytes, mbedtls_entropy_func, &entropy, NULL, 0) == 0, "random bytes");
    demand(mbedtls_ssl_config_defaults(&conf, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) == 0,
           "configuration");
    mbedtls_ssl_conf_rng(&conf, mbedtls_ctr_drbg_random, &random_bytes);
    demand(mbedtls_x509_crt_parse_file(&own, value("cert")) == 0, "certificate");
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    demand(mbedtls_pk_parse_keyfile(&key, value("key"), NULL, mbedtls_ctr_drbg_random, &random_bytes) == 0, "key");
#else
    demand(mbedtls_pk_parse_keyfile(&key, value("key"), NULL) == 0, "key");
#endif
    demand(mbedtls_ssl_conf_own_cert(&conf, &own, &key) == 0, "own certificate");
    demand(mt_mbedtls_configure(&conf, endpoint, &own) == MT_OK, "adapter");
    if (is("resume", "yes")) {
        mbedtls_ssl_conf_session_tickets(&conf, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
#if defined(MBEDTLS_SSL_PROTO_TLS1_3) && MBEDTLS_VERSION_NUMBER >= 0x03060100
        mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
            &conf, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
        if (endpoint == MBEDTLS_SSL_IS_SERVER)
            mbedtls_ssl_conf_session_cache(&conf, &cache, mbedtls_ssl_cache_get, mbedtls_ssl_cache_set);
    }
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
    if (is("tls", "12"))
        mbedtls_ssl_conf_max_tls_version(&conf, MBEDTLS_SSL_VERSION_TLS1_2);
    else
        mbedtls_ssl_conf_min_tls_version(&conf, MBEDTLS_SSL_VERSION_TLS1_3);
#endif
    if (is("verify", "none"))
        mbedtls_ssl_conf_authmode(&conf, MBEDTLS_SSL_VERIFY_NONE);
}

/* Reads four bytes. Session tickets come in between. */
static int four(mbedtls_ssl_context *ssl, char *said)
{
    int length;
    do
        length = mbedtls_ssl_read(ssl, (unsigned char *)said, 4);
    while (length == MBEDTLS_ERR_SSL_WANT_READ
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
           || length == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
#endif
    );
    return length == 4;
}

/* Receives one byte, after it was asked twice. */
static int receive_one(void *net, unsigned char *data, size_t length)
{
    static int asked;
    (void)length;
    asked = !asked;
    return asked ? MBEDTLS_ERR_SSL_WANT_READ : mbedtls_net_recv(net, data, 1);
}

/*
 * A program that reads byte by byte. With drip=ours, it makes the whole handshake by our call. Else it makes our call until
 * the peer was judged, and then another one, which would finish the handshake.
 */
static int drip(mt_mbedtls *link, mbedtls_ssl_context *ssl)
{
    const char *how = value("drip");
    mt_verdict *verdict = NULL;
    int result;
    do
        result = mt_mbedtls_handshake(link);
    while (result == MBEDTLS_ERR_SSL_WANT_READ &&
           (strcmp(how, "ours") == 0 || mt_mbedtls_verdict(link, &verdict) != MT_OK));
    mt_verdict_free(verdict);
    if (strcmp(how, "handshake") == 0)
        while (mbedtls_ssl_handshake(ssl) == MBEDTLS_ERR_SSL_WANT_READ)
            ;
    if (strcmp(how, "write") == 0)
        while (mbedtls_ssl_write(ssl, (const unsigned char *)says(), strlen(says())) == MBEDTLS_ERR_SSL_WANT_READ)
            ;
    return result;
}

static void attempt(int round, int fd)
{
    mbedtls_ssl_context once_ssl;
    mbedtls_net_context net;
    mt_mbedtls once_link = {0};
    /* A program that uses its connection again, for the next peer. */
    int reuse = is("reuse", "yes"), again = reuse && round > 0;
    mbedtls_ssl_context *ssl = reuse ? &kept_ssl : &once_ssl;
    mt_mbedtls *link = reuse ? &kept_link : &once_link;
    int server = is("role", "server");
    int result, finished;
    char said[20] = "-";
    mt_verdict *verdict = NULL;

    mbedtls_net_init(&net);
    net.fd = fd;
    if (again) {
        demand(mbedtls_ssl_session_reset(ssl) == 0, "reset");
    } else {
        mbedtls_ssl_init(ssl);
        demand(mbedtls_ssl_setup(ssl, &conf) == 0, "setup");
    }
    mbedtls_ssl_set_bio(ssl, &net, mbedtls_net_send,
                        value_or("drip", NULL) != NULL ? receive_one : mbedtls_net_recv, NULL);
    if (again) {
        if (is("recheck", "reset"))
            demand(mt_mbedtls_recheck(link) == 0, "recheck without a handshake");
    } else if (server) {
        demand(mt_mbedtls_accept(link, ssl, judge, enrolment, enrolment == NULL ? NULL : "127.0.0.1") == MT_OK,
               "accept");
    } else {
        demand(mbedtls_ssl_set_hostname(ssl, "kms1.example") == 0, "host name");
        if (!is("expect", "no"))
            demand(mt_mbedtls_connect(link, ssl, judge, value_or("id", NULL), value_or("dialled", NULL)) == MT_OK,
                   "expect");
        if (has_session)
            demand(mbedtls_ssl_set_session(ssl, &session) == 0, "session");
    }
    do
        result = value_or("drip", NULL) != NULL ? drip(link, ssl)
                 : is("raw", "write")           ? 0
                 : is("raw", "yes")             ? mbedtls_ssl_handshake(ssl)
                                                : mt_mbedtls_handshake(link);
    while (value_or("drip", NULL) == NULL &&
           (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE));
    finished = result == 0;
    /* A program may forget to look at the answer. */
    if (server) {
        if (four(ssl, said))
            mbedtls_ssl_write(ssl, (const unsigned char *)says(), strlen(says()));
        else
            strcpy(said, "-");
    } else if (mbedtls_ssl_write(ssl, (const unsigned char *)says(), strlen(says())) < 4 ||
               !four(ssl, said)) {
        strcpy(said, "-");
    }
    /* The write that makes the handshake, and not our call. */
    if (is("raw", "write"))
        finished = strcmp(said, "-") != 0;
    /* Over TLS 1.3, a session to resume comes with the first read. */
    if (finished && !server && !has_session && is("resume", "yes")) {
        demand(mbedtls_ssl_get_session(ssl, &session) == 0, "session");
        has_session = 1;
    }
    mt_mbedtls_verdict(link, &verdict);
    if (finished && is("recheck", "yes")) {
        demand(mt_mbedtls_recheck(link) == 1, "trusted still");
        block(value("block"));
        demand(mt_mbedtls_recheck(link) == 0, "trusted no longer");
        demand(mbedtls_ssl_write(ssl, (const unsigned char *)"more", 4) < 0, "written after the end of trust");
    }
    if (finished)
        mbedtls_ssl_close_notify(ssl);
    if (!reuse) {
        mbedtls_ssl_free(ssl);
        mt_mbedtls_free(link);
    }
    tell(round, finished, verdict, said);
}

static void tear_down(void)
{
    mbedtls_ssl_free(&kept_ssl);
    mt_mbedtls_free(&kept_link);
    mbedtls_ssl_cache_free(&cache);
    mbedtls_ssl_session_free(&session);
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&own);
    mbedtls_ssl_config_free(&conf);
    mbedtls_ctr_drbg_free(&random_bytes);
    mbedtls_entropy_free(&entropy);
}
