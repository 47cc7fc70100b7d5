/*
 * A key server that knows its clients by their certificates, by mutual TLS with OpenSSL. It answers each line with the name
 * of the client. Build it in the folder of this file:
 *
 *   cc -o server server.c $(pkg-config --variable=adapters mutual-trust)/openssl.c \
 *       $(pkg-config --cflags --libs mutual-trust openssl) -lpthread
 *
 *   server FOLDER PORT CERT KEY SECONDS
 *
 * FOLDER has the store, which is made if there is none; the folder must exist. CERT and KEY are the server's own, PEM. Unknown
 * clients may wait for an administrator for so many seconds. The administrator's commands come from the standard input:
 *
 *   pending                              who waits
 *   accept NUMBER FINGERPRINT LABEL      installs the certificate of a client that waits; it is known by the label then
 *   install FILE LABEL                   installs the certificate of a client, PEM or DER
 *   block FINGERPRINT                    refuses a certificate from now on, on open connections as well
 *   quit
 *
 * It has one thread for each connection, one that takes connections, and one that refreshes the store. Only the thread of a
 * connection uses its SSL, also to ask about the peer again: it wakes from poll once in a while for that.
 */

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "mutual_trust.h"
#include "mutual_trust_openssl.h"

/* How long a block by another process takes until it is in force here, in seconds. */
#define REFRESH 2
/* How long a connection takes until it sees that something changed, in milliseconds. */
#define WAKE 500

/* All of these are for all threads. They are made before the threads begin. */
static mt_store *store;
static mt_live *live;
static mt_judge *judge;
static mt_enrolment *enrolment;
static SSL_CTX *ctx;
static int listener;
static atomic_int ends;
static atomic_int connections;

/* Says what a call did, or why not. Takes the report. */
static int done(const char *what, uint32_t status, mt_report *report)
{
    char text[4000];
    mt_report_text(report, text, sizeof(text));
    printf("%s: %s %s\n", what, mt_status_text(status), text);
    mt_report_free(report);
    return status == MT_OK;
}

/* ---- Connections ---- */

/* Who the client is: the label of its pin, or the first name that its chain vouches for. 0 if it has none. */
static int name_of(SSL *ssl, char *name, size_t capacity)
{
    mt_verdict *verdict = NULL;
    size_t length = 0;
    if (mt_openssl_verdict(ssl, &verdict) == MT_OK && mt_verdict_is_accepted(verdict) == 1) {
        length = mt_verdict_label(verdict, name, capacity);
        if (length == 0)
            length = mt_verdict_name(verdict, 0, name, capacity);
    }
    mt_verdict_free(verdict);
    /* A name that was cut is the name of another client. */
    return length > 0 && length < capacity;
}

/* Why there is no link: the error of OpenSSL, and our verdict if it refuses. An accepted verdict is no link. */
static void explain(SSL *ssl, const char *address)
{
    mt_verdict *verdict = NULL;
    char text[4000] = "";
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    if (mt_openssl_verdict(ssl, &verdict) == MT_OK && mt_verdict_is_accepted(verdict) == 0)
        mt_verdict_text(verdict, text, sizeof(text));
    printf("%s: no link: %s %s\n", address, reason == NULL ? "the client closed it" : reason, text);
    mt_verdict_free(verdict);
}

/* Answers lines until the client goes, or is no longer trusted. generation is what was in force before the handshake. */
static void serve(SSL *ssl, const char *name, uint64_t generation)
{
    char line[1000], answer[1300];
    struct pollfd waits = {SSL_get_fd(ssl), POLLIN, 0};
    while (!ends) {
        int length;
        uint64_t now;
        waits.revents = 0;
        /* What OpenSSL read already does not wake poll. */
        if (SSL_pending(ssl) == 0 && poll(&waits, 1, WAKE) < 0 && errno != EINTR)
            return;
        now = mt_live_generation(live);
        if (now != generation && mt_openssl_recheck(ssl) != 1) {
            /* No alert is sent, and nothing more is read or written. */
            printf("%s: no longer trusted\n", name);
            return;
        }
        generation = now;
        if (SSL_pending(ssl) == 0 && waits.revents == 0)
            continue;
        length = SSL_read(ssl, line, sizeof(line));
        if (length <= 0)
            return;
        length = snprintf(answer, sizeof(answer), "%s: %.*s", name, length, line);
        if (SSL_write(ssl, answer, length) != length)
            return;
    }
}

static void *connection(void *argument)
{
    int fd = (int)(intptr_t)argument;
    struct sockaddr_storage from;
    socklen_t size = sizeof(from);
    struct timeval seconds = {10, 0};
    char address[NI_MAXHOST] = "", name[300];
    uint64_t generation = mt_judge_generation(judge);
    SSL *ssl = SSL_new(ctx);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &seconds, sizeof(seconds));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &seconds, sizeof(seconds));
    /* Without mt_openssl_from, an unknown client is refused and does not wait. */
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && getpeername(fd, (struct sockaddr *)&from, &size) == 0 &&
        getnameinfo((struct sockaddr *)&from, size, address, sizeof(address), NULL, 0, NI_NUMERICHOST) == 0 &&
        mt_openssl_from(ssl, address) == MT_OK) {
        SSL_set_accept_state(ssl);
        if (mt_openssl_handshake(ssl) != 1) {
            explain(ssl, address);
        } else if (!name_of(ssl, name, sizeof(name))) {
            printf("%s: the certificate has no label and no name\n", address);
        } else {
            printf("%s: linked\n", name);
            serve(ssl, name, generation);
            SSL_shutdown(ssl);
        }
    }
    SSL_free(ssl);
    close(fd);
    connections--;
    return NULL;
}

static void *take_connections(void *argument)
{
    (void)argument;
    while (!ends) {
        struct pollfd waits = {listener, POLLIN, 0};
        pthread_t thread;
        int fd;
        if (poll(&waits, 1, WAKE) <= 0)
            continue;
        fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        connections++;
        if (pthread_create(&thread, NULL, connection, (void *)(intptr_t)fd) == 0) {
            pthread_detach(thread);
        } else {
            connections--;
            close(fd);
        }
    }
    return NULL;
}

/* What other processes change in the store is in force after this, also for the judges of open connections. */
static void *refresh(void *argument)
{
    int slept = 0;
    (void)argument;
    while (!ends) {
        mt_report *report = NULL;
        uint32_t status;
        usleep(WAKE * 1000);
        slept += WAKE;
        if (slept < REFRESH * 1000)
            continue;
        slept = 0;
        status = mt_store_refresh(store, NULL, &report);
        if (status == MT_OK)
            mt_report_free(report);
        else
            done("refresh", status, report);
    }
    return NULL;
}

/* ---- The administrator ---- */

static void show_pending(void)
{
    mt_pending *pending = NULL;
    char address[100], text[4000];
    size_t i;
    if (mt_enrolment_pending(enrolment, &pending) != MT_OK)
        return;
    printf("waiting: %lu\n", (unsigned long)mt_pending_count(pending));
    for (i = 0; i < mt_pending_count(pending); i++) {
        mt_pending_address(pending, i, address, sizeof(address));
        mt_pending_text(pending, i, text, sizeof(text));
        /* The client chose what stands here. Only the fingerprint, read aloud at the client, says who it is. */
        printf("%lu %s %s\n", (unsigned long)mt_pending_number(pending, i), address, text);
    }
    mt_pending_free(pending);
}

static void accept_client(const char *number, const char *fingerprint, const char *label)
{
    mt_options *options = NULL;
    mt_report *report = NULL;
    uint32_t status = mt_options_new(&options);
    if (status == MT_OK)
        status = mt_options_set_label(options, mt_text(label));
    if (status == MT_OK)
        status = mt_enrolment_accept(enrolment, store, strtoull(number, NULL, 10), mt_text(fingerprint), options,
                                     mt_text("console"), &report);
    done("accept", status, report);
    mt_options_free(options);
}

/* The label is what this server knows the client by. */
static void install(const char *file, const char *label)
{
    static char certificate[65536];
    mt_options *options = NULL;
    mt_report *report = NULL;
    size_t length;
    uint32_t status;
    FILE *opened = fopen(file, "rb");
    if (opened == NULL) {
        perror(file);
        return;
    }
    length = fread(certificate, 1, sizeof(certificate), opened);
    fclose(opened);
    status = mt_options_new(&options);
    if (status == MT_OK)
        status = mt_options_set_label(options, mt_text(label));
    if (status == MT_OK)
        status = mt_store_install_pin(store, MT_SCOPE_CLIENTS, mt_text(""), mt_data(certificate, length), options, &report);
    done("install", status, report);
    mt_options_free(options);
}

static void administer(void)
{
    char line[1000], word[4][300];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        int count = sscanf(line, "%299s %299s %299s %299s", word[0], word[1], word[2], word[3]);
        mt_report *report = NULL;
        if (count == 1 && strcmp(word[0], "quit") == 0)
            return;
        if (count == 1 && strcmp(word[0], "pending") == 0)
            show_pending();
        else if (count == 4 && strcmp(word[0], "accept") == 0)
            accept_client(word[1], word[2], word[3]);
        else if (count == 3 && strcmp(word[0], "install") == 0)
            install(word[1], word[2]);
        else if (count == 2 && strcmp(word[0], "block") == 0)
            done("block", mt_store_block_fingerprint(store, mt_text(word[1]), &report), report);
        else
            printf("pending, accept NUMBER FINGERPRINT LABEL, install FILE LABEL, block FINGERPRINT, quit\n");
    }
}

/* ---- The start ---- */

static int open_store(const char *folder)
{
    mt_report *report = NULL;
    uint32_t status = mt_store_open(mt_text(folder), NULL, &store, &report);
    if (status == MT_NO_STORE) {
        mt_report_free(report);
        status = mt_store_create(mt_text(folder), NULL, &store, &report);
    }
    return done(folder, status, report) && mt_store_live(store, &live) == MT_OK &&
           mt_judge_new(live, NULL, &judge) == MT_OK;
}

/* The enrolment reads the clock of the system, so that its window closes. */
static int open_enrolment(uint64_t seconds)
{
    uint32_t status = mt_enrolment_new(MT_TIME_SYSTEM, &enrolment);
    if (status == MT_OK && seconds > 0)
        status = mt_enrolment_open(enrolment, seconds, 16);
    if (status != MT_OK)
        fprintf(stderr, "enrolment: %s\n", mt_status_text(status));
    return status == MT_OK;
}

/* Certificate and key first, the adapter last. */
static int make_context(const char *certificate, const char *key)
{
    ctx = SSL_CTX_new(TLS_server_method());
    if (ctx != NULL && SSL_CTX_use_certificate_chain_file(ctx, certificate) == 1 &&
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1 &&
        mt_openssl_server(ctx, judge, enrolment) == MT_OK)
        return 1;
    ERR_print_errors_fp(stderr);
    return 0;
}

static int listen_on(const char *port)
{
    struct sockaddr_in on = {0};
    socklen_t size = sizeof(on);
    int yes = 1;
    on.sin_family = AF_INET;
    on.sin_port = htons((unsigned short)atoi(port));
    on.sin_addr.s_addr = htonl(INADDR_ANY);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(listener, (struct sockaddr *)&on, sizeof(on)) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&on, &size) != 0) {
        perror(port);
        return 0;
    }
    printf("port %u\n", (unsigned)ntohs(on.sin_port));
    return 1;
}

int main(int count, char **words)
{
    pthread_t taking, refreshing;
    int started;

    if (mt_abi_version() != MT_ABI_VERSION) {
        fprintf(stderr, "the library is of another version than mutual_trust.h\n");
        return 2;
    }
    if (count != 6) {
        fprintf(stderr, "server FOLDER PORT CERT KEY SECONDS\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    /* A client that goes while we write must not end the server. */
    signal(SIGPIPE, SIG_IGN);
    started = open_store(words[1]) && open_enrolment(strtoull(words[5], NULL, 10)) && make_context(words[3], words[4]) &&
              listen_on(words[2]);
    /* A server that forks opens the store in each process, after the fork: what one process changes is in force in another
     * at that one's refresh. */
    if (started && pthread_create(&taking, NULL, take_connections, NULL) == 0) {
        if (pthread_create(&refreshing, NULL, refresh, NULL) == 0) {
            administer();
            ends = 1;
            pthread_join(refreshing, NULL);
        }
        ends = 1;
        pthread_join(taking, NULL);
        while (connections > 0)
            usleep(10000);
    }
    SSL_CTX_free(ctx);
    mt_enrolment_free(enrolment);
    mt_judge_free(judge);
    mt_live_free(live);
    mt_store_free(store);
    return started ? 0 : 1;
}
