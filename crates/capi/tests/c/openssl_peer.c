/* A peer over OpenSSL: see common.h. */
#include "common.h"

#include <openssl/err.h>

#include "mutual_trust_openssl.h"

static SSL_CTX *ctx;
static SSL_SESSION *session;

/* A program that keeps sessions all the same. */
static int keep(SSL *ssl, SSL_SESSION *made)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = made;
    return 1;
}

static void set_up(void)
{
    int server = is("role", "server");
    int version = is("tls", "12") ? TLS1_2_VERSION : TLS1_3_VERSION;
    ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    demand(ctx != NULL, "context");
    if (value_or("cert", NULL) != NULL) {
        demand(SSL_CTX_use_certificate_chain_file(ctx, value("cert")) == 1, "certificate");
        demand(SSL_CTX_use_PrivateKey_file(ctx, value("key"), SSL_FILETYPE_PEM) == 1, "key");
    }
    SSL_CTX_set_min_proto_version(ctx, version);
    SSL_CTX_set_max_proto_version(ctx, version);
    if (server)
        demand(mt_openssl_server(ctx, judge, enrolment) == MT_OK, "adapter");
    else
        demand(mt_openssl_client(ctx, judge) == MT_OK, "adapter");
    if (is("resume", "yes")) {
        SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_BOTH);
        if (server)
            SSL_CTX_set_num_tickets(ctx, 2);
        else
            SSL_CTX_sess_set_new_cb(ctx, keep);
        /* A server that a program made resumable by all means. */
        if (is("force", "yes"))
            SSL_CTX_set_not_resumable_session_callback(ctx, NULL);
    }
    if (is("verify", "none"))
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
}

static void attempt(int round, int fd)
{
    SSL *ssl = SSL_new(ctx);
    int server = is("role", "server");
    int finished;
    char said[20] = "-";
    mt_verdict *verdict = NULL;

    SSL_set_fd(ssl, fd);
    if (server) {
        SSL_set_accept_state(ssl);
        if (enrolment != NULL)
            demand(mt_openssl_from(ssl, "127.0.0.1") == MT_OK, "address");
    } else {
        SSL_set_connect_state(ssl);
        if (!is("expect", "no"))
            demand(mt_openssl_expect(ssl, value_or("id", NULL), value_or("dialled", NULL)) == MT_OK, "expect");
        if (session != NULL)
            SSL_set_session(ssl, session);
    }
    /* A program may forget our call. */
    if (is("raw", "yes"))
        finished = SSL_do_handshake(ssl) == 1;
    else
        finished = mt_openssl_handshake(ssl) == 1;
    /* It may also forget to look at the answer. */
    if (server) {
        if (SSL_read(ssl, said, 4) == 4)
            SSL_write(ssl, says(), (int)strlen(says()));
        else
            strcpy(said, "-");
    } else if (SSL_write(ssl, says(), (int)strlen(says())) < 4 || SSL_read(ssl, said, 4) != 4) {
        strcpy(said, "-");
    }
    if (is("raw", "yes"))
        finished = finished && !(SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN);
    mt_openssl_verdict(ssl, &verdict);
    if (finished && is("recheck", "yes")) {
        demand(mt_openssl_recheck(ssl) == 1, "trusted still");
        block(value("block"));
        demand(mt_openssl_recheck(ssl) == 0, "trusted no longer");
        demand(SSL_write(ssl, "more", 4) <= 0, "written after the end of trust");
    }
    if (finished)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    tell(round, finished, verdict, said);
}

static void tear_down(void)
{
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}
