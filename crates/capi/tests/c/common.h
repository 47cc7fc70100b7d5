/*
 * What the test programs of all stacks share: arguments, sockets, a judge of a store.
 *
 * A program takes words of the form name=value, makes or takes one connection after the other, and says on one line what
 * became of each:
 *
 *   round=0 finished=1 reason=1 rule=M1 label=array-7 said=pong
 */
#ifndef COMMON_H
#define COMMON_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "mutual_trust.h"

static int words;
static char **word;

static const char *value_or(const char *name, const char *missing)
{
    size_t length = strlen(name);
    int i;
    for (i = 1; i < words; i++)
        if (strncmp(word[i], name, length) == 0 && word[i][length] == '=')
            return word[i] + length + 1;
    return missing;
}

static const char *value(const char *name)
{
    const char *found = value_or(name, NULL);
    if (found == NULL) {
        fprintf(stderr, "no %s=...\n", name);
        exit(3);
    }
    return found;
}

static int is(const char *name, const char *expected)
{
    return strcmp(value_or(name, ""), expected) == 0;
}

/* The end of a test program that cannot go on. */
static void demand(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "failed: %s\n", what);
        exit(4);
    }
}

static mt_store *store, *other_store;
static mt_judge *judge, *other_judge;
static mt_enrolment *enrolment;

static void open_judge(const char *folder, int64_t now, mt_store **opened, mt_judge **made)
{
    mt_live *live = NULL;
    mt_report *report = NULL;
    mt_settings *settings = NULL;
    mt_policy *policy = NULL;
    char text[1000];

    demand(mt_settings_new(&settings) == MT_OK, "settings");
    demand(mt_settings_set_time(settings, now) == MT_OK, "time of the store");
    if (mt_store_open(mt_text(folder), settings, opened, &report) != MT_OK) {
        mt_report_text(report, text, sizeof(text));
        fprintf(stderr, "%s\n", text);
        exit(4);
    }
    mt_report_free(report);
    mt_settings_free(settings);
    demand(mt_store_live(*opened, &live) == MT_OK, "live");
    demand(mt_policy_new(&policy) == MT_OK, "policy");
    demand(mt_policy_set_remembered_chains(policy, 10) == MT_OK, "remembered chains");
    demand(mt_judge_new(live, policy, made) == MT_OK, "judge");
    demand(mt_judge_set_time(*made, now) == MT_OK, "time");
    mt_policy_free(policy);
    mt_live_free(live);
}

/* What a program works with: store=..., other=... for a second store, enrol=yes or closed. */
static void begin(int count, char **arguments)
{
    int64_t now;

    words = count;
    word = arguments;
    signal(SIGPIPE, SIG_IGN);
    now = (int64_t)atoll(value("now"));
    open_judge(value("store"), now, &store, &judge);
    if (value_or("other", NULL) != NULL)
        open_judge(value("other"), now, &other_store, &other_judge);
    if (value_or("enrol", NULL) != NULL) {
        demand(mt_enrolment_new(now, &enrolment) == MT_OK, "enrolment");
        demand(mt_enrolment_is_open(enrolment) == 0, "closed at first");
        demand(mt_enrolment_open(enrolment, 600, 4) == MT_OK, "open");
        demand(mt_enrolment_is_open(enrolment) == 1, "open");
    }
    if (is("enrol", "closed"))
        demand(mt_enrolment_close(enrolment) == MT_OK, "close");
}

/* Shows the clients that wait, and accepts the first of them if its fingerprint was given. */
static void enrol(void)
{
    mt_pending *pending = NULL;
    mt_report *report = NULL;
    mt_options *options = NULL;
    char address[64], text[2000];
    const char *heard = value_or("heard", NULL);
    uint32_t status;
    size_t i, count;

    if (enrolment == NULL)
        return;
    demand(mt_enrolment_pending(enrolment, &pending) == MT_OK, "pending");
    count = mt_pending_count(pending);
    printf("waiting=%d", (int)count);
    for (i = 0; i < count; i++) {
        mt_pending_address(pending, i, address, sizeof(address));
        demand(mt_pending_text(pending, i, text, sizeof(text)) < sizeof(text), "room for a text");
        demand(strstr(text, "subject: ") == text, "subject");
        printf(" from=%s", address);
    }
    if (count > 0 && heard != NULL) {
        demand(mt_options_new(&options) == MT_OK, "options");
        demand(mt_options_set_label(options, mt_text("enrolled")) == MT_OK, "label");
        status = mt_enrolment_accept(enrolment, store, mt_pending_number(pending, 0), mt_text(heard), options,
                                     mt_text("alice"), &report);
        printf(" accepted=%d", (int)status);
        mt_options_free(options);
        mt_report_free(report);
    }
    printf("\n");
    mt_pending_free(pending);
}

static char *file(const char *name, size_t *length)
{
    FILE *opened = fopen(name, "rb");
    char *content = malloc(100000);
    demand(opened != NULL && content != NULL, name);
    *length = fread(content, 1, 100000, opened);
    fclose(opened);
    return content;
}

/* Blocks the certificate of a file, as an administrator does between two connections. */
static void block(const char *name)
{
    size_t length;
    char *content = file(name, &length);
    demand(mt_store_block(store, mt_data(content, length), NULL) == MT_OK, "block");
    free(content);
}

static void limit(int fd)
{
    struct timeval seconds = {20, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &seconds, sizeof(seconds));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &seconds, sizeof(seconds));
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int dial(int port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    limit(fd);
    demand(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
    return fd;
}

static int listening = -1;

static int answer(void)
{
    int fd;
    if (listening < 0) {
        struct sockaddr_in address = loopback(0);
        socklen_t length = sizeof(address);
        listening = socket(AF_INET, SOCK_STREAM, 0);
        demand(bind(listening, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
        demand(listen(listening, 8) == 0, "listen");
        demand(getsockname(listening, (struct sockaddr *)&address, &length) == 0, "port");
        printf("port=%d\n", (int)ntohs(address.sin_port));
        fflush(stdout);
    }
    fd = accept(listening, NULL, NULL);
    demand(fd >= 0, "accept");
    limit(fd);
    return fd;
}

/* Closes a connection. What was not read would reset it, and an alert of ours with it. */
static void leave(int fd)
{
    char rest[512];
    shutdown(fd, SHUT_WR);
    while (read(fd, rest, sizeof(rest)) > 0)
        ;
    close(fd);
}

/* Says what became of a connection. Takes the verdict. */
static void tell(int round, int finished, mt_verdict *verdict, const char *said)
{
    char label[100], json[4000], fingerprint[100], rule[8];
    mt_verdict_label(verdict, label, sizeof(label));
    mt_verdict_rule(verdict, rule, sizeof(rule));
    mt_verdict_fingerprint(verdict, fingerprint, sizeof(fingerprint));
    printf("round=%d finished=%d reason=%u rule=%s label=%s fingerprint=%s said=%s\n", round, finished,
           (unsigned)mt_verdict_reason(verdict), rule, label, fingerprint, said);
    fflush(stdout);
    if (verdict != NULL) {
        demand(mt_verdict_json(verdict, json, sizeof(json)) < sizeof(json), "room for JSON");
        demand(json[0] == '{', "JSON");
    }
    mt_verdict_free(verdict);
}

/* What it says to the peer: says=..., for peers that wait for the end of a line. */
static const char *says(void)
{
    return value_or("says", is("role", "server") ? "pong" : "ping");
}

/* One connection: implemented by each stack. */
static void attempt(int round, int fd);
static void set_up(void);
static void tear_down(void);

int main(int count, char **arguments)
{
    int rounds, round;
    begin(count, arguments);
    rounds = atoi(value_or("rounds", "1"));
    set_up();
    for (round = 0; round < rounds; round++) {
        int fd = is("role", "server") ? answer() : dial(atoi(value("port")));
        attempt(round, fd);
        leave(fd);
        enrol();
        fflush(stdout);
        if (round == 0 && value_or("block", NULL) != NULL)
            block(value("block"));
    }
    tear_down();
    mt_enrolment_free(enrolment);
    mt_judge_free(judge);
    mt_judge_free(other_judge);
    mt_store_free(store);
    mt_store_free(other_store);
    return 0;
}

#endif
