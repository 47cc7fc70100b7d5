/*
 * The adapter for OpenSSL 1.1.1 and 3. mutual_trust_openssl.h says how to use it.
 *
 * SSL_CTX_set_cert_verify_callback takes the place of all that OpenSSL would judge of a chain. OpenSSL itself parses the
 * certificates before, and verifies the handshake signature under the key of the first one after.
 */

#include "mutual_trust_openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#if OPENSSL_VERSION_NUMBER < 0x10101000L
#error "OpenSSL 1.1.1 or later is needed"
#endif

/* One more than the library accepts, so that it sees that there are too many. */
#define MT_MAX_CHAIN 65

/* What belongs to a context. */
struct context {
    mt_judge *judge;
    mt_enrolment *enrolment; /* or NULL */
    void (*info)(const SSL *ssl, int where, int ret);
    int is_server;
};

/* What belongs to a connection. */
struct connection {
    mt_peer *peer;
    SSL_CTX *ctx; /* whose judge the program gave the peer; NULL if verify made it, for one handshake */
    int inside;   /* mt_openssl_handshake runs */
    int finished; /* it ended with a peer that is trusted */
};

static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
static int context_index = -1;
static int connection_index = -1;

static void free_context(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *argument)
{
    struct context *context = data;
    (void)parent, (void)all, (void)index, (void)number, (void)argument;
    if (context != NULL) {
        mt_judge_free(context->judge);
        mt_enrolment_free(context->enrolment);
        OPENSSL_free(context);
    }
}

static void free_connection(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *argument)
{
    struct connection *connection = data;
    (void)parent, (void)all, (void)index, (void)number, (void)argument;
    if (connection != NULL) {
        mt_peer_free(connection->peer);
        SSL_CTX_free(connection->ctx);
        OPENSSL_free(connection);
    }
}

/* SSL_dup: the copy has no peer of its own yet. Two connections must not share one. */
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
static int copy_connection(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **data, int index, long number,
                           void *argument)
{
    (void)to, (void)from, (void)index, (void)number, (void)argument;
    *data = NULL;
    return 1;
}
#else
static int copy_connection(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void *data, int index, long number,
                           void *argument)
{
    (void)to, (void)from, (void)index, (void)number, (void)argument;
    *(void **)data = NULL;
    return 1;
}
#endif

static void make_indexes(void)
{
    context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_context);
    connection_index = SSL_get_ex_new_index(0, NULL, NULL, copy_connection, free_connection);
}

static struct context *context_of(const SSL *ssl)
{
    if (context_index < 0 || ssl == NULL)
        return NULL;
    return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);
}

static struct connection *connection_of(const SSL *ssl)
{
    if (connection_index < 0 || ssl == NULL)
        return NULL;
    return SSL_get_ex_data(ssl, connection_index);
}

/* The connection's own data, made if there are none. */
static struct connection *make_connection(SSL *ssl)
{
    struct connection *connection = connection_of(ssl);
    if (connection != NULL || connection_index < 0)
        return connection;
    connection = OPENSSL_zalloc(sizeof(*connection));
    if (connection == NULL || SSL_set_ex_data(ssl, connection_index, connection) != 1) {
        OPENSSL_free(connection);
        return NULL;
    }
    return connection;
}

/* Replaces the peer. A reference is held: another context at the same place must not pass for this one. */
static void keep_peer(struct connection *connection, mt_peer *peer, SSL_CTX *ctx)
{
    mt_peer_free(connection->peer);
    SSL_CTX_free(connection->ctx);
    connection->peer = peer;
    connection->ctx = ctx != NULL && SSL_CTX_up_ref(ctx) == 1 ? ctx : NULL;
    connection->finished = 0;
}

/* Nothing is read or written any more, whatever the program does. */
static void end(SSL *ssl)
{
    BIO *to = SSL_get_wbio(ssl);
    BIO *none;

    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    /* SSL_write looks at that before the handshake that it makes, and not behind it: so writes meet memory that is
     * read-only. */
    if (to == NULL || (BIO_method_type(to) == BIO_TYPE_MEM && BIO_test_flags(to, BIO_FLAGS_MEM_RDONLY) != 0))
        return;
    none = BIO_new_mem_buf("", 0);
    /* The program may still have what it gave: that lives as long as the connection, or longer if there is no memory. */
    BIO_up_ref(to);
    SSL_set0_wbio(ssl, none);
    if (none != NULL)
        BIO_push(none, to);
}

/* The certificates that the peer sent, as they came. Returns 1 if they are accepted. */
static int judge(mt_peer *peer, X509_STORE_CTX *store)
{
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
    X509 *own = X509_STORE_CTX_get0_cert(store);
    unsigned char *der[MT_MAX_CHAIN] = {NULL};
    mt_bytes chain[MT_MAX_CHAIN];
    int count = sent == NULL ? 0 : sk_X509_num(sent);
    int used = 0;
    int accepted = 0;
    int read = 1;

    /* What is judged must be what the signature is verified under. */
    if (own == NULL || count < 1 || X509_cmp(own, sk_X509_value(sent, 0)) != 0)
        return 0;
    for (; used < count && used < MT_MAX_CHAIN; used++) {
        int length = i2d_X509(sk_X509_value(sent, used), &der[used]);
        if (length <= 0) {
            read = 0;
            break;
        }
        chain[used] = mt_data(der[used], (size_t)length);
    }
    if (read)
        accepted = mt_peer_judge(peer, chain, (size_t)used) == 1;
    for (count = 0; count < used; count++)
        OPENSSL_free(der[count]);
    return accepted;
}

static void info(const SSL *told, int where, int ret);

/* Whether a handshake that our own call left half done still ends if it is finished by another call. */
static int is_watched(const SSL *ssl)
{
    return SSL_get_info_callback(ssl) == NULL && SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl)) == info;
}

/* Whether the peer finished a handshake before: it authenticates after the handshake, or renegotiates. */
static int is_late(const SSL *ssl)
{
    unsigned char byte;
    return SSL_get_peer_finished(ssl, &byte, sizeof(byte)) > 0;
}

static int verify(X509_STORE_CTX *store, void *argument)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct context *context = context_of(ssl);
    struct connection *connection = context == NULL ? NULL : make_connection(ssl);
    int accepted = 0;

    (void)argument;
    if (connection != NULL)
        connection->finished = 0;
    if (connection != NULL && !is_late(ssl)) {
        /* The judge of the context in force decides: a callback of the program may have switched to it. */
        if (connection->ctx == NULL || connection->ctx != SSL_get_SSL_CTX(ssl)) {
            mt_peer *peer = NULL;
            if (context->is_server)
                mt_peer_client(context->judge, NULL, mt_text(NULL), &peer);
            keep_peer(connection, peer, NULL);
        }
        accepted = judge(connection->peer, store);
        /* An unknown client proves that it has its key. mt_openssl_handshake ends the connection then; nothing else lets
         * it go on. */
        if (!accepted && connection->inside && is_watched(ssl) && mt_peer_may_wait(connection->peer) == 1)
            accepted = 1;
    }
    X509_STORE_CTX_set_error(store, accepted ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    return accepted;
}

/* Whether the handshake that is finished judged its peer. */
static int settle(SSL *ssl)
{
    struct connection *connection = connection_of(ssl);
    int demanded = SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER;

    if (connection == NULL || connection->peer == NULL)
        return 0;
    if (mt_peer_finished(connection->peer, SSL_session_reused(ssl) ? 1 : 0) != 1)
        return 0;
    return demanded && SSL_get_verify_result(ssl) == X509_V_OK;
}

/* A handshake begins, also of a connection that is used again after SSL_clear. */
static void start(struct connection *connection)
{
    connection->finished = 0;
    if (connection->peer != NULL)
        mt_peer_begin(connection->peer);
}

/* Sees to it that a connection whose peer was not judged ends, also if the program calls SSL_connect or SSL_accept. */
static void info(const SSL *told, int where, int ret)
{
    /* It is given as const, and is the one of the program. */
    SSL *ssl = (SSL *)told;
    struct context *context = context_of(ssl);
    struct connection *connection = make_connection(ssl);

    if (connection == NULL) {
        end(ssl);
    } else if (where & SSL_CB_HANDSHAKE_START) {
        start(connection);
    } else if (where & SSL_CB_HANDSHAKE_DONE) {
        connection->finished = settle(ssl);
        if (!connection->finished)
            end(ssl);
    }
    if (context != NULL && context->info != NULL)
        context->info(told, where, ret);
}

/* No session of this end is resumed, by its identifier or by a ticket. */
static int not_resumable(SSL *ssl, int is_forward_secure)
{
    (void)ssl, (void)is_forward_secure;
    return 1;
}

static uint32_t set_up(SSL_CTX *ctx, const mt_judge *judge, const mt_enrolment *enrolment, int is_server)
{
    struct context *context;
    unsigned char identifier[SSL_MAX_SSL_SESSION_ID_LENGTH];
    uint32_t status;

    if (mt_abi_version() != MT_ABI_VERSION)
        return MT_FAULT;
    if (ctx == NULL || judge == NULL)
        return MT_NULL;
    if (!CRYPTO_THREAD_run_once(&once, make_indexes) || context_index < 0 || connection_index < 0)
        return MT_FAULT;
    if (SSL_CTX_get_ex_data(ctx, context_index) != NULL)
        return MT_EXISTS;
    context = OPENSSL_zalloc(sizeof(*context));
    if (context == NULL)
        return MT_FAULT;
    status = mt_judge_clone(judge, &context->judge);
    if (status == MT_OK && enrolment != NULL)
        status = mt_enrolment_clone(enrolment, &context->enrolment);
    if (status == MT_OK && SSL_CTX_set_ex_data(ctx, context_index, context) != 1)
        status = MT_FAULT;
    if (status != MT_OK) {
        free_context(NULL, context, NULL, 0, 0, NULL);
        return status;
    }
    context->is_server = is_server;
    context->info = SSL_CTX_get_info_callback(ctx);

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (is_server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
    SSL_CTX_set_info_callback(ctx, info);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
        return MT_FAULT;
    if (is_server) {
        SSL_CTX_set_num_tickets(ctx, 0);
        SSL_CTX_set_max_early_data(ctx, 0);
        SSL_CTX_set_not_resumable_session_callback(ctx, not_resumable);
        /* Sessions of other contexts do not fit. */
        if (RAND_bytes(identifier, sizeof(identifier)) != 1 ||
            SSL_CTX_set_session_id_context(ctx, identifier, sizeof(identifier)) != 1)
            return MT_FAULT;
    }
    return MT_OK;
}

uint32_t mt_openssl_client(SSL_CTX *ctx, const mt_judge *judge)
{
    return set_up(ctx, judge, NULL, 0);
}

uint32_t mt_openssl_server(SSL_CTX *ctx, const mt_judge *judge, const mt_enrolment *enrolment)
{
    return set_up(ctx, judge, enrolment, 1);
}

/* Gives a connection its peer. One that had another is judged anew. */
static uint32_t set_peer(SSL *ssl, mt_peer *peer, uint32_t status)
{
    struct connection *connection = make_connection(ssl);
    if (status != MT_OK || connection == NULL) {
        mt_peer_free(peer);
        return status != MT_OK ? status : MT_FAULT;
    }
    keep_peer(connection, peer, SSL_get_SSL_CTX(ssl));
    return MT_OK;
}

uint32_t mt_openssl_expect(SSL *ssl, const char *id, const char *dialled)
{
    struct context *context = context_of(ssl);
    mt_peer *peer = NULL;
    uint32_t status;
    if (context == NULL)
        return MT_NULL;
    if (context->is_server)
        return MT_ARGUMENT;
    status = mt_peer_server(context->judge, mt_text(id), mt_text(dialled), &peer);
    return set_peer(ssl, peer, status);
}

uint32_t mt_openssl_from(SSL *ssl, const char *address)
{
    struct context *context = context_of(ssl);
    mt_peer *peer = NULL;
    uint32_t status;
    if (context == NULL)
        return MT_NULL;
    if (!context->is_server)
        return MT_ARGUMENT;
    status = mt_peer_client(context->judge, context->enrolment, mt_text(address), &peer);
    return set_peer(ssl, peer, status);
}

int mt_openssl_handshake(SSL *ssl)
{
    struct connection *connection = context_of(ssl) == NULL ? NULL : make_connection(ssl);
    int result;

    if (connection == NULL)
        return -1;
    ERR_clear_error();
    /* The info callback does this as well, unless the program replaced it. */
    if (SSL_in_before(ssl))
        start(connection);
    connection->inside = 1;
    result = SSL_do_handshake(ssl);
    connection->inside = 0;
    if (result != 1)
        return result;
    /* The info callback asked already, unless the program replaced it. */
    if (!connection->finished)
        connection->finished = settle(ssl);
    if (connection->finished && !SSL_session_reused(ssl))
        return 1;
    connection->finished = 0;
    end(ssl);
#if OPENSSL_VERSION_NUMBER >= 0x30000000L
    ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
#else
    ERR_put_error(ERR_LIB_SSL, 0, SSL_R_CERTIFICATE_VERIFY_FAILED, __FILE__, __LINE__);
#endif
    return -1;
}

int mt_openssl_recheck(SSL *ssl)
{
    struct connection *connection = connection_of(ssl);
    if (connection != NULL && connection->finished && !SSL_in_before(ssl) && mt_peer_recheck(connection->peer) == 1)
        return 1;
    if (connection != NULL)
        connection->finished = 0;
    if (ssl != NULL)
        end(ssl);
    return 0;
}

uint32_t mt_openssl_verdict(const SSL *ssl, mt_verdict **verdict)
{
    struct connection *connection = connection_of(ssl);
    if (verdict == NULL)
        return MT_NULL;
    *verdict = NULL;
    if (connection == NULL || connection->peer == NULL)
        return MT_NOT_FOUND;
    return mt_peer_verdict(connection->peer, verdict);
}
