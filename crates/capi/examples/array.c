/*
 * An array that reads a key from its key server over KMIP 1.2, by mutual TLS with OpenSSL. Build it in the folder of this file:
 *
 *   cc -o array array.c $(pkg-config --variable=adapters mutual-trust)/openssl.c \
 *       $(pkg-config --cflags --libs mutual-trust openssl)
 *
 *   array trust FOLDER ID NAME FILE               installs the certificate of a key server (PEM or DER) as its pin
 *   array key FOLDER ID NAME PORT CERT KEY NAME   reads the key with this name, and shows its check value
 *
 * FOLDER has the store; `array trust` makes it if there is none, in a folder that exists. CERT and KEY are the array's own,
 * PEM. Install CERT at the key server, and make the key there. For example:
 *
 *   mkdir trust
 *   ./array trust trust keys-1 kms1.example kms1.pem
 *   ./array key trust keys-1 kms1.example 5696 us.pem us.key KEY-IDENTIFIER
 *
 * Only the request Get is sent, and the answer must have a key of AES that is not wrapped. The tests run it against a key
 * server of their own that speaks as much of KMIP (tests/suite/example.rs); no product was tried.
 */

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "mutual_trust.h"
#include "mutual_trust_openssl.h"

/* ---- Trust ---- */

/* Says why a call failed. A call with a wrong argument gives no report: then the status alone says it. */
static void failed(const char *what, uint32_t status, const mt_report *report)
{
    char text[2000];
    mt_report_text(report, text, sizeof(text));
    fprintf(stderr, "%s: %s %s\n", what, mt_status_text(status), text);
}

/* Opens the store. Makes it if there is none and make is not 0. */
static mt_store *open_store(const char *folder, int make)
{
    mt_store *store = NULL;
    mt_report *report = NULL;
    uint32_t status = mt_store_open(mt_text(folder), NULL, &store, &report);

    if (status == MT_NO_STORE && make) {
        mt_report_free(report);
        status = mt_store_create(mt_text(folder), NULL, &store, &report);
    }
    if (status != MT_OK)
        failed(folder, status, report);
    mt_report_free(report);
    return store;
}

/* Makes a server with a name. It may be there already, and have the name or not. */
static int add_server(mt_store *store, const char *id, const char *name)
{
    mt_report *first = NULL, *second = NULL;
    mt_bytes names[1];
    uint32_t status;
    names[0] = mt_text(name);
    status = mt_store_add_server(store, mt_text(id), names, 1, &first);
    if (status != MT_OK) {
        uint32_t again = mt_store_add_name(store, mt_text(id), mt_text(name), &second);
        if (again != MT_OK) {
            failed(id, status, first);
            if (again == MT_REFUSED)
                failed(name, again, second);
        }
        status = again;
    }
    mt_report_free(first);
    mt_report_free(second);
    return status == MT_OK;
}

static int trust(const char *folder, const char *id, const char *name, const char *file)
{
    static char certificate[65536];
    mt_store *store = open_store(folder, 1);
    mt_report *report = NULL;
    char text[2000];
    size_t length;
    uint32_t status;
    FILE *opened = fopen(file, "rb");

    if (store == NULL || opened == NULL) {
        if (opened == NULL)
            fprintf(stderr, "%s: %s\n", file, strerror(errno));
        else
            fclose(opened);
        mt_store_free(store);
        return 1;
    }
    length = fread(certificate, 1, sizeof(certificate), opened);
    fclose(opened);
    if (!add_server(store, id, name)) {
        mt_store_free(store);
        return 1;
    }
    status = mt_store_install_pin(store, MT_SCOPE_SERVER, mt_text(id), mt_data(certificate, length), NULL, &report);
    if (status == MT_OK) {
        mt_report_text(report, text, sizeof(text));
        printf("%s\n", text);
    } else {
        failed(file, status, report);
    }
    mt_report_free(report);
    mt_store_free(store);
    return status == MT_OK ? 0 : 1;
}

/* ---- KMIP: tag, type, length, value ---- */

enum { STRUCTURE = 1, INTEGER = 2, ENUMERATION = 5, TEXT = 7, BYTES = 8 };

struct writer {
    unsigned char bytes[1024];
    size_t used;
};

static void write_number(struct writer *to, uint32_t number, size_t bytes)
{
    while (bytes-- > 0 && to->used < sizeof(to->bytes))
        to->bytes[to->used++] = (unsigned char)(number >> (8 * bytes));
}

static void write_head(struct writer *to, uint32_t tag, uint32_t type, size_t length)
{
    write_number(to, tag, 3);
    write_number(to, type, 1);
    write_number(to, (uint32_t)length, 4);
}

static void write_integer(struct writer *to, uint32_t tag, uint32_t type, uint32_t value)
{
    write_head(to, tag, type, 4);
    write_number(to, value, 4);
    write_number(to, 0, 4);
}

static void write_text(struct writer *to, uint32_t tag, const char *text)
{
    size_t length = strlen(text), i;
    write_head(to, tag, TEXT, length);
    for (i = 0; i < (length + 7) / 8 * 8; i++)
        write_number(to, i < length ? (unsigned char)text[i] : 0, 1);
}

/* Returns where the structure began, for end_structure. */
static size_t begin_structure(struct writer *to, uint32_t tag)
{
    write_head(to, tag, STRUCTURE, 0);
    return to->used;
}

static void end_structure(struct writer *to, size_t began)
{
    size_t end = to->used;
    to->used = began - 4;
    write_number(to, (uint32_t)(end - began), 4);
    to->used = end;
}

static void write_get(struct writer *to, const char *identifier)
{
    size_t message = begin_structure(to, 0x420078);
    size_t header = begin_structure(to, 0x420077);
    size_t version = begin_structure(to, 0x420069);
    size_t item, payload;
    write_integer(to, 0x42006A, INTEGER, 1);
    write_integer(to, 0x42006B, INTEGER, 2);
    end_structure(to, version);
    write_integer(to, 0x42000D, INTEGER, 1); /* one request */
    end_structure(to, header);
    item = begin_structure(to, 0x42000F);
    write_integer(to, 0x42005C, ENUMERATION, 10); /* Get */
    payload = begin_structure(to, 0x420079);
    write_text(to, 0x420094, identifier);
    end_structure(to, payload);
    end_structure(to, item);
    end_structure(to, message);
}

/* An item of an answer. */
struct item {
    const unsigned char *value;
    size_t length;
};

static uint32_t number_at(const unsigned char *bytes, size_t count)
{
    uint32_t number = 0;
    while (count-- > 0)
        number = number << 8 | *bytes++;
    return number;
}

/* The first item with this tag and type among those of a structure. 0 if there is none, or if the answer is malformed. */
static int find(struct item within, uint32_t tag, uint32_t type, struct item *found)
{
    while (within.length >= 8) {
        size_t length = number_at(within.value + 4, 4);
        size_t padded = length + (8 - length % 8) % 8;
        if (padded < length || padded > within.length - 8)
            return 0;
        if (number_at(within.value, 3) == tag && within.value[3] == type) {
            found->value = within.value + 8;
            found->length = length;
            return 1;
        }
        within.value += 8 + padded;
        within.length -= 8 + padded;
    }
    return 0;
}

/* The key in an answer. It points into the answer. */
static int key_of(struct item answer, struct item *key)
{
    struct item message, batch, status, text, payload, object, block, value;
    if (!find(answer, 0x42007B, STRUCTURE, &message) || !find(message, 0x42000F, STRUCTURE, &batch) ||
        !find(batch, 0x42007F, ENUMERATION, &status) || status.length != 4) {
        fprintf(stderr, "the answer is no KMIP\n");
        return 0;
    }
    if (number_at(status.value, 4) != 0) {
        if (!find(batch, 0x42007D, TEXT, &text))
            text.length = 0;
        fprintf(stderr, "the key server refuses: %.*s\n", (int)(text.length < 200 ? text.length : 200),
                text.length == 0 ? "" : (const char *)text.value);
        return 0;
    }
    if (!find(batch, 0x42007C, STRUCTURE, &payload) || !find(payload, 0x42008F, STRUCTURE, &object) ||
        !find(object, 0x420040, STRUCTURE, &block) || !find(block, 0x420045, STRUCTURE, &value) ||
        !find(value, 0x420043, BYTES, key)) {
        fprintf(stderr, "the answer has no symmetric key\n");
        return 0;
    }
    return 1;
}

/* ---- The link ---- */

static int dial(const char *host, const char *port)
{
    struct addrinfo hints, *addresses = NULL, *address;
    struct timeval seconds = {10, 0};
    int fd = -1;
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &hints, &addresses) != 0)
        return -1;
    for (address = addresses; address != NULL && fd < 0; address = address->ai_next) {
        fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &seconds, sizeof(seconds));
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &seconds, sizeof(seconds));
        if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(addresses);
    return fd;
}

/* Why there is no link: our verdict if it refuses, or what OpenSSL says. An accepted verdict is no link: the key server can
 * refuse us. */
static void explain(SSL *ssl)
{
    mt_verdict *verdict = NULL;
    char text[4000];
    if (mt_openssl_verdict(ssl, &verdict) == MT_OK && !mt_verdict_is_accepted(verdict)) {
        mt_verdict_text(verdict, text, sizeof(text));
        fprintf(stderr, "%s\n", text);
    } else {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        fprintf(stderr, "no link: %s\n", reason == NULL ? "the key server closed it" : reason);
    }
    mt_verdict_free(verdict);
}

static int read_all(SSL *ssl, unsigned char *to, size_t length)
{
    while (length > 0) {
        int got = SSL_read(ssl, to, (int)length);
        if (got <= 0)
            return 0;
        to += got;
        length -= (size_t)got;
    }
    return 1;
}

/* The value by which two ends compare a key without showing it: the first bytes of an encrypted block of zeros. */
static int show(const char *name, struct item key)
{
    static const unsigned char zeros[16];
    unsigned char block[32];
    int length = 0, done = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *aes = key.length == 32 ? EVP_aes_256_ecb() : key.length == 16 ? EVP_aes_128_ecb() : NULL;
    if (cipher != NULL && aes != NULL && EVP_EncryptInit_ex(cipher, aes, NULL, key.value, NULL) == 1 &&
        EVP_EncryptUpdate(cipher, block, &length, zeros, sizeof(zeros)) == 1 && length >= 3) {
        printf("%s: %d bits, check value %02X%02X%02X\n", name, (int)key.length * 8, block[0], block[1], block[2]);
        done = 1;
    }
    EVP_CIPHER_CTX_free(cipher);
    return done;
}

/* Asks for a key over a link that is finished. */
static int get(SSL *ssl, const char *name)
{
    static unsigned char answer[16384];
    struct writer request = {{0}, 0};
    struct item all, key;
    size_t length;
    int done = 0;
    if (strlen(name) > 500)
        return 0;
    write_get(&request, name);
    if (SSL_write(ssl, request.bytes, (int)request.used) != (int)request.used || !read_all(ssl, answer, 8)) {
        /* Over TLS 1.3, the key server's refusal of us arrives here. */
        explain(ssl);
        return 0;
    }
    length = number_at(answer + 4, 4);
    if (length > sizeof(answer) - 8) {
        fprintf(stderr, "the answer is too long\n");
    } else if (!read_all(ssl, answer + 8, length)) {
        explain(ssl);
    } else {
        all.value = answer;
        all.length = length + 8;
        if (key_of(all, &key))
            done = show(name, key);
    }
    OPENSSL_cleanse(answer, sizeof(answer));
    return done;
}

/* A context with our identity that judges key servers by what is in the store. */
static SSL_CTX *context(const char *folder, const char *certificate, const char *key)
{
    mt_store *store = open_store(folder, 0);
    mt_live *live = NULL;
    mt_judge *judge = NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    int made = 0;
    if (store != NULL && ctx != NULL && mt_store_live(store, &live) == MT_OK &&
        mt_judge_new(live, NULL, &judge) == MT_OK) {
        if (SSL_CTX_use_certificate_chain_file(ctx, certificate) == 1 &&
            SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1)
            made = mt_openssl_client(ctx, judge) == MT_OK;
        else
            ERR_print_errors_fp(stderr);
    }
    /* A service keeps the store, and calls mt_store_refresh every few seconds in a thread of its own. */
    mt_judge_free(judge);
    mt_live_free(live);
    mt_store_free(store);
    if (!made) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static int read_key(char **words)
{
    const char *id = words[3], *host = words[4], *port = words[5], *name = words[8];
    SSL_CTX *ctx = context(words[2], words[6], words[7]);
    SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
    int fd = -1, done = 0;

    if (ssl != NULL && (fd = dial(host, port)) < 0)
        fprintf(stderr, "%s port %s: nothing answers\n", host, port);
    if (ssl != NULL && fd >= 0 && SSL_set_fd(ssl, fd) == 1) {
        SSL_set_connect_state(ssl);
        SSL_set_tlsext_host_name(ssl, host);
        if (mt_openssl_expect(ssl, id, host) == MT_OK && mt_openssl_handshake(ssl) == 1) {
            done = get(ssl, name);
            SSL_shutdown(ssl);
        } else {
            explain(ssl);
        }
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    if (fd >= 0)
        close(fd);
    return done ? 0 : 1;
}

int main(int count, char **words)
{
    if (mt_abi_version() != MT_ABI_VERSION) {
        fprintf(stderr, "the library is of another version than mutual_trust.h\n");
        return 2;
    }
    if (count == 6 && strcmp(words[1], "trust") == 0)
        return trust(words[2], words[3], words[4], words[5]);
    if (count == 9 && strcmp(words[1], "key") == 0)
        return read_key(words);
    fprintf(stderr, "usage: array trust FOLDER ID NAME FILE\n"
                    "       array key FOLDER ID NAME PORT CERT KEY KEYNAME\n");
    return 2;
}
