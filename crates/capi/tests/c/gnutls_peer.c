/* A peer over GnuTLS: see common.h. */
#include "common.h"

#include <errno.h>
#include <stdint.h>

#include "mutual_trust_gnutls.h"

static gnutls_certificate_credentials_t credentials;
static gnutls_datum_t session_data;
static gnutls_datum_t ticket_key;

static void set_up(void)
{
    demand(gnutls_certificate_allocate_credentials(&credentials) == 0, "credentials");
    demand(gnutls_certificate_set_x509_key_file(credentials, value("cert"), value("key"), GNUTLS_X509_FMT_PEM) == 0,
           "certificate");
    if (is("resume", "yes") && is("role", "server"))
        demand(gnutls_session_ticket_key_generate(&ticket_key) == 0, "key of tickets");
}

/* Reads four bytes. Session tickets and other messages come in between. */
static int four(gnutls_session_t session, char *said)
{
    ssize_t length;
    do
        length = gnutls_record_recv(session, said, 4);
    while (length == GNUTLS_E_AGAIN || length == GNUTLS_E_INTERRUPTED);
    return length == 4;
}

/*
 * A program that forgot the link of a session: another session is at its place in memory. Returns 1 if there is one; it is
 * not sure that the allocator gives the same place again.
 */
static int replace(gnutls_session_t *session)
{
    gnutls_session_t others[16], old = *session;
    int count = 0, found = 0, i;
    gnutls_deinit(old);
    do
        demand(gnutls_init(&others[count], GNUTLS_SERVER | GNUTLS_NO_TICKETS) == 0, "another session");
    while (others[count++] != old && count < 16);
    for (i = 0; i < count; i++)
        if (others[i] == old)
            found = 1;
        else
            gnutls_deinit(others[i]);
    return found;
}

/* Receives one byte, after it was asked twice. */
static ssize_t receive_one(gnutls_transport_ptr_t transport, void *data, size_t length)
{
    static int asked;
    (void)length;
    asked = !asked;
    if (!asked)
        return read((int)(intptr_t)transport, data, 1);
    errno = EAGAIN;
    return -1;
}

/*
 * A program that reads byte by byte. With drip=ours, it makes the whole handshake by our call. Else it makes our call until
 * the peer was judged, and then another one, which would finish the handshake.
 */
static int drip(mt_gnutls *link, gnutls_session_t session)
{
    const char *how = value("drip");
    mt_verdict *verdict = NULL;
    int result, more;
    gnutls_transport_set_pull_function(session, receive_one);
    do
        result = mt_gnutls_handshake(link);
    while (result == GNUTLS_E_AGAIN && (strcmp(how, "ours") == 0 || mt_gnutls_verdict(link, &verdict) != MT_OK));
    mt_verdict_free(verdict);
    if (strcmp(how, "handshake") == 0)
        do
            more = gnutls_handshake(session);
        while (more == GNUTLS_E_AGAIN);
    if (strcmp(how, "write") == 0)
        gnutls_record_send(session, says(), strlen(says()));
    return result;
}

/* A client without the adapter, which proves that it has its key as often as it is asked. */
static void plain(int round, int fd)
{
    gnutls_session_t session;
    char said[20] = "-";
    int result, finished;
    demand(gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_POST_HANDSHAKE_AUTH) == 0, "session");
    demand(gnutls_set_default_priority(session) == 0, "priorities");
    demand(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials) == 0, "credentials");
    gnutls_transport_set_int(session, fd);
    finished = gnutls_handshake(session) == 0;
    if (gnutls_record_send(session, "ping", 4) != 4 || !four(session, said))
        strcpy(said, "-");
    do
        result = (int)gnutls_record_recv(session, said, 4);
    while (result == GNUTLS_E_AGAIN);
    if (result == GNUTLS_E_REAUTH_REQUEST)
        gnutls_reauth(session, 0);
    gnutls_deinit(session);
    tell(round, finished, NULL, said);
}

/* A program that asks a client of TLS 1.3 again for its certificate. It does not get in a second time. */
static void ask_again(mt_gnutls *link, gnutls_session_t session)
{
    char more[5];
    demand(gnutls_reauth(session, 0) == GNUTLS_E_CERTIFICATE_ERROR, "request");
    demand(gnutls_record_send(session, "more", 4) < 0, "write after the answer");
    demand(gnutls_record_recv(session, more, 4) < 0, "read after the answer");
    demand(mt_gnutls_handshake(link) != 0, "handshake after the answer");
    demand(mt_gnutls_recheck(link) == 0, "trust after the answer");
}

static void attempt(int round, int fd)
{
    gnutls_session_t session;
    mt_gnutls link = {0};
    int server = is("role", "server");
    int resume = is("resume", "yes");
    int result, finished;
    char said[20] = "-", priorities[100];
    mt_verdict *verdict = NULL;

    if (is("role", "plain")) {
        plain(round, fd);
        return;
    }
    demand(gnutls_init(&session, (server ? GNUTLS_SERVER : GNUTLS_CLIENT) |
                                     (is("ask", "again") ? (unsigned)GNUTLS_POST_HANDSHAKE_AUTH : 0U) |
                                     (resume ? 0U : (unsigned)GNUTLS_NO_TICKETS)) == 0, "session");
    snprintf(priorities, sizeof(priorities), "NORMAL:-VERS-ALL:+VERS-TLS1.%c", value("tls")[1]);
    demand(gnutls_priority_set_direct(session, priorities, NULL) == 0, "priorities");
    demand(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials) == 0, "credentials");
    gnutls_transport_set_int(session, fd);
    if (server) {
        demand(mt_gnutls_accept(&link, session, judge, enrolment, enrolment == NULL ? NULL : "127.0.0.1") == MT_OK,
               "accept");
        if (resume)
            gnutls_session_ticket_enable_server(session, &ticket_key);
        if (is("verify", "none"))
            gnutls_certificate_server_set_request(session, GNUTLS_CERT_IGNORE);
    } else {
        demand(gnutls_server_name_set(session, GNUTLS_NAME_DNS, "kms1.example", 12) == 0, "name");
        if (!is("expect", "no"))
            demand(mt_gnutls_connect(&link, session, judge, value_or("id", NULL), value_or("dialled", NULL)) == MT_OK,
                   "expect");
        if (session_data.data != NULL)
            demand(gnutls_session_set_data(session, session_data.data, session_data.size) == 0, "session data");
    }
    do
        result = value_or("drip", NULL) != NULL ? drip(&link, session)
                 : is("raw", "yes")             ? gnutls_handshake(session)
                                                : mt_gnutls_handshake(&link);
    while (value_or("drip", NULL) == NULL && result < 0 && gnutls_error_is_fatal(result) == 0);
    finished = result == 0;
    /* A program may forget to look at the answer. */
    if (server) {
        if (four(session, said))
            gnutls_record_send(session, says(), strlen(says()));
        else
            strcpy(said, "-");
    } else if (gnutls_record_send(session, says(), strlen(says())) < 4 || !four(session, said)) {
        strcpy(said, "-");
    }
    if (finished && !server && resume && session_data.data == NULL)
        gnutls_session_get_data2(session, &session_data);
    mt_gnutls_verdict(&link, &verdict);
    if (finished && is("ask", "again"))
        ask_again(&link, session);
    if (finished && is("recheck", "yes")) {
        demand(mt_gnutls_recheck(&link) == 1, "trusted still");
        block(value("block"));
        demand(mt_gnutls_recheck(&link) == 0, "trusted no longer");
        /* As a transport that had to wait leaves it. */
        errno = EAGAIN;
        result = (int)gnutls_record_send(session, "more", 4);
        demand(result < 0 && gnutls_error_is_fatal(result) != 0, "written after the end of trust");
        errno = EAGAIN;
        result = (int)gnutls_record_recv(session, priorities, 4);
        demand(result < 0 && gnutls_error_is_fatal(result) != 0, "read after the end of trust");
    }
    if (finished)
        gnutls_bye(session, GNUTLS_SHUT_WR);
    if (is("replace", "yes")) {
        if (replace(&session)) {
            demand(mt_gnutls_handshake(&link) != 0, "a handshake of another session");
            demand(mt_gnutls_recheck(&link) == 0, "trust in the peer of another session");
            gnutls_deinit(session);
            strcpy(said, "replaced");
        }
    } else {
        gnutls_deinit(session);
    }
    mt_gnutls_free(&link);
    tell(round, finished, verdict, said);
}

static void tear_down(void)
{
    gnutls_free(session_data.data);
    gnutls_free(ticket_key.data);
    gnutls_certificate_free_credentials(credentials);
}
