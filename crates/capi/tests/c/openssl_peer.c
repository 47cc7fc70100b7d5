/* A peer over OpenSSL: see common.h. */
#include "common.h"

#include <openssl/err.h>

#include "mutual_trust_openssl.h"

static SSL_CTX *ctx, *other_ctx;
static SSL_SESSION *session;
static SSL *kept;
static int this_round;

/* A program that keeps sessions all the same. */
static int keep(SSL *ssl, SSL_SESSION *made)
{
    (void)ssl;
    SSL_SESSION_free(session);
    session = made;
    return 1;
}

static SSL_CTX *make_context(int server)
{
    int version = is("tls", "12") ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX *made = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    demand(made != NULL, "context");
    if (value_or("cert", NULL) != NULL) {
        demand(SSL_CTX_use_certificate_chain_file(made, value("cert")) == 1, "certificate");
        demand(SSL_CTX_use_PrivateKey_file(made, value("key"), SSL_FILETYPE_PEM) == 1, "key");
    }
    SSL_CTX_set_min_proto_version(made, version);
    SSL_CTX_set_max_proto_version(made, version);
    return made;
}

/* A server of several names: from round switch=... on, the other context is for the name that is asked for. */
static int by_name(SSL *ssl, int *alert, void *argument)
{
    (void)alert, (void)argument;
    if (this_round >= atoi(value("switch"))) {
        demand(SSL_set_SSL_CTX(ssl, other_ctx) == other_ctx, "switch");
        if (is("from", "again"))
            demand(mt_openssl_from(ssl, "127.0.0.1") == MT_OK, "address after the switch");
    }
    return SSL_TLSEXT_ERR_OK;
}

static void set_up(void)
{
    int server = is("role", "server");
    ctx = make_context(server);
    if (is("role", "plain"))
        return;
    if (other_judge != NULL) {
        other_ctx = make_context(server);
        /* The enrolment is the other context's alone, if the address is given again. */
        demand(mt_openssl_server(other_ctx, other_judge, is("from", "again") ? enrolment : NULL) == MT_OK, "adapter");
        SSL_CTX_set_tlsext_servername_callback(ctx, by_name);
    }
    /* A context without the adapter, in which OpenSSL trusts the client. */
    if (value_or("bare", NULL) != NULL) {
        other_ctx = make_context(server);
        demand(SSL_CTX_load_verify_locations(other_ctx, value("bare"), NULL) == 1, "trust of OpenSSL");
        SSL_CTX_set_tlsext_servername_callback(ctx, by_name);
    }
    if (server && is("from", "again"))
        demand(mt_openssl_server(ctx, judge, NULL) == MT_OK, "adapter");
    else if (server)
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

static void ignore(const SSL *ssl, int where, int ret)
{
    (void)ssl, (void)where, (void)ret;
}

/* A program that asks a client of TLS 1.3 again for its certificate. It does not get in a second time. */
static void ask_again(SSL *ssl)
{
    char more[5];
    demand(SSL_verify_client_post_handshake(ssl) == 1, "request");
    demand(mt_openssl_handshake(ssl) == 1, "request");
    demand(SSL_write(ssl, "more", 4) == 4, "write");
    demand(SSL_read(ssl, more, 4) <= 0, "read after the answer");
    demand(SSL_write(ssl, "more", 4) <= 0, "write after the answer");
    demand(mt_openssl_handshake(ssl) != 1, "handshake after the answer");
    demand(mt_openssl_recheck(ssl) == 0, "trust after the answer");
}

/* A client without the adapter, which proves that it has its key as often as it is asked. */
static void plain(int round, int fd)
{
    SSL *ssl = SSL_new(ctx);
    char said[20] = "-";
    int finished;

    SSL_set_fd(ssl, fd);
    SSL_set_post_handshake_auth(ssl, 1);
    finished = SSL_connect(ssl) == 1;
    if (SSL_write(ssl, "ping", 4) != 4 || SSL_read(ssl, said, 4) != 4)
        strcpy(said, "-");
    /* The request comes with the next read. */
    if (SSL_read(ssl, said, 4) == 4)
        SSL_write(ssl, "more", 4);
    SSL_free(ssl);
    tell(round, finished, NULL, said);
}

/* Gives the connection one byte more. Returns 0 at the end. */
static int feed(SSL *ssl, int fd)
{
    char byte;
    return read(fd, &byte, 1) == 1 && BIO_write(SSL_get_rbio(ssl), &byte, 1) == 1;
}

/* Whether a call waits for a byte, and got it. */
static int waits(SSL *ssl, int result, int fd)
{
    return result <= 0 && SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ && feed(ssl, fd);
}

/*
 * A program that reads byte by byte. With drip=ours, it makes the whole handshake by our call. Else it makes our call until
 * the peer was judged, and then another one, which finishes the handshake.
 */
static int drip(SSL *ssl, int fd)
{
    const char *how = value("drip");
    mt_verdict *verdict = NULL;
    int result;
    SSL_set0_rbio(ssl, BIO_new(BIO_s_mem()));
    do
        result = mt_openssl_handshake(ssl);
    while (waits(ssl, result, fd) && (strcmp(how, "ours") == 0 || mt_openssl_verdict(ssl, &verdict) != MT_OK));
    mt_verdict_free(verdict);
    if (result == 1 || strcmp(how, "ours") == 0)
        return result == 1;
    if (strcmp(how, "handshake") == 0)
        while (waits(ssl, SSL_do_handshake(ssl), fd))
            ;
    if (strcmp(how, "write") == 0)
        while (waits(ssl, SSL_write(ssl, says(), (int)strlen(says())), fd))
            ;
    return 0;
}

/* Four bytes, also of a connection that is fed. */
static int four(SSL *ssl, char *said, int fd)
{
    int length;
    do
        length = SSL_read(ssl, said, 4);
    while (value_or("drip", NULL) != NULL && waits(ssl, length, fd));
    return length == 4;
}

static void attempt(int round, int fd)
{
    SSL *ssl = kept;
    int server = is("role", "server");
    int finished;
    char said[20] = "-";
    mt_verdict *verdict = NULL;

    if (is("role", "plain")) {
        plain(round, fd);
        return;
    }
    this_round = round;
    if (ssl == NULL)
        ssl = SSL_new(ctx);
    else
        demand(SSL_clear(ssl) == 1, "clear");
    /* Instead of the adapter's, which a program must not do. */
    if (is("info", "own"))
        SSL_set_info_callback(ssl, ignore);
    SSL_set_fd(ssl, fd);
    if (kept != NULL && is("recheck", "reset"))
        demand(mt_openssl_recheck(ssl) == 0, "recheck without a handshake");
    if (server) {
        SSL_set_accept_state(ssl);
        if (kept == NULL && (enrolment != NULL || is("from", "yes")))
            demand(mt_openssl_from(ssl, "127.0.0.1") == MT_OK, "address");
    } else {
        SSL_set_connect_state(ssl);
        if (!is("expect", "no"))
            demand(mt_openssl_expect(ssl, value_or("id", NULL), value_or("dialled", NULL)) == MT_OK, "expect");
        if (session != NULL)
            SSL_set_session(ssl, session);
    }
    /* A program may forget our call. */
    if (value_or("drip", NULL) != NULL)
        finished = drip(ssl, fd);
    else if (is("raw", "write"))
        finished = 1;
    else if (is("raw", "yes"))
        finished = SSL_do_handshake(ssl) == 1;
    else
        finished = mt_openssl_handshake(ssl) == 1;
    /* It may also forget to look at the answer. */
    if (server) {
        if (four(ssl, said, fd))
            SSL_write(ssl, says(), (int)strlen(says()));
        else
            strcpy(said, "-");
    } else if (SSL_write(ssl, says(), (int)strlen(says())) < 4 || SSL_read(ssl, said, 4) != 4) {
        strcpy(said, "-");
    }
    if (value_or("raw", NULL) != NULL)
        finished = finished && !(SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN);
    mt_openssl_verdict(ssl, &verdict);
    if (finished && is("ask", "again"))
        ask_again(ssl);
    if (finished && is("recheck", "yes")) {
        demand(mt_openssl_recheck(ssl) == 1, "trusted still");
        block(value("block"));
        demand(mt_openssl_recheck(ssl) == 0, "trusted no longer");
        demand(SSL_write(ssl, "more", 4) <= 0, "written after the end of trust");
    }
    if (finished)
        SSL_shutdown(ssl);
    /* A program that uses its connection again, for the next peer. */
    kept = is("reuse", "yes") ? ssl : NULL;
    if (kept == NULL)
        SSL_free(ssl);
    tell(round, finished, verdict, said);
}

static void tear_down(void)
{
    SSL_free(kept);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
    SSL_CTX_free(other_ctx);
}
