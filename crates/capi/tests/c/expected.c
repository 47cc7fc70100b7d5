/* What a program expects of calls that answer MT_OK. Arguments: what, an empty folder, a pin, another certificate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mutual_trust.h"

static void demand(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "failed: %s\n", what);
        exit(4);
    }
}

static mt_bytes file(const char *name)
{
    static char content[2][20000];
    static int used;
    FILE *opened = fopen(name, "rb");
    size_t length;
    demand(opened != NULL && used < 2, name);
    length = fread(content[used], 1, sizeof(content[used]), opened);
    fclose(opened);
    return mt_data(content[used++], length);
}

static mt_store *create(const char *folder, int64_t time)
{
    mt_settings *settings = NULL;
    mt_store *store = NULL;
    demand(mt_settings_new(&settings) == MT_OK && mt_settings_set_time(settings, time) == MT_OK, "settings");
    demand(mt_store_create(mt_text(folder), settings, &store, NULL) == MT_OK, "store");
    mt_settings_free(settings);
    return store;
}

static void wait_for_more(mt_store *store)
{
    mt_live *live = NULL;
    uint64_t generation, now;
    struct timespec begin, end;
    int i;
    demand(mt_store_live(store, &live) == MT_OK, "live");
    generation = mt_live_generation(live);
    now = generation;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (i = 0; i < 3; i++) {
        now = mt_live_wait(live, now, 100);
        demand(now == generation, "a wait that ended without news answers the generation in force");
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    demand((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000 >= 290, "each of them waited");
    demand(mt_store_block_fingerprint(store, mt_text("5ef34a8b0102030405060708090a0b0c0d0e0f105ef34a8b0102030405060708"),
                                      NULL) == MT_OK,
           "block");
    demand(mt_live_wait(live, now, 10000) > now, "news");
    demand(mt_live_wait(NULL, 0, 0) == 0, "NULL");
    mt_live_free(live);
}

static int knows_no_time(mt_store *store)
{
    char text[2000];
    mt_store_health(store, text, sizeof(text));
    return strstr(text, "not set") != NULL;
}

static void time_of_a_store(mt_store *store)
{
    demand(mt_store_is_healthy(store) == 0 && knows_no_time(store), "no time yet");
    demand(mt_store_set_time(store, -77) == MT_ARGUMENT && knows_no_time(store), "no such time");
    demand(mt_store_set_time(store, 1798761600) == MT_OK, "set");
    demand(!knows_no_time(store) && mt_store_is_healthy(store) == 1, "the time counts for health");
    demand(mt_store_set_time(store, MT_TIME_UNSET) == MT_OK && knows_no_time(store), "unset again");
    demand(mt_store_set_time(store, MT_TIME_SYSTEM) == MT_OK && !knows_no_time(store), "of the system");
}

/* A report of an expired certificate warns of it by the clock of the store. The pin ends in July of 2027. */
static int warns_of_its_end(mt_store *store, mt_bytes pin)
{
    mt_report *report = NULL;
    char text[3000];
    demand(mt_store_install_pin(store, MT_SCOPE_CLIENTS, mt_text(""), pin, NULL, &report) == MT_OK, "installed");
    mt_report_text(report, text, sizeof(text));
    mt_report_free(report);
    return strstr(text, "expired") != NULL;
}

static void time_of_changes(mt_store *store, mt_bytes pin, mt_bytes other)
{
    demand(!warns_of_its_end(store, pin), "no time, no end");
    demand(mt_store_set_time(store, 1830297600) == MT_OK, "set"); /* 2028-01-01 */
    demand(warns_of_its_end(store, other), "the time counts for changes");
}

static void time_of_an_enrolment(void)
{
    mt_enrolment *enrolment = NULL, *copy = NULL;
    const int64_t now = 1798761600;
    demand(mt_enrolment_new(now, &enrolment) == MT_OK && mt_enrolment_clone(enrolment, &copy) == MT_OK, "enrolment");
    demand(mt_enrolment_open(enrolment, 60, 5) == MT_OK && mt_enrolment_is_open(enrolment) == 1, "open");
    demand(mt_enrolment_set_time(copy, -77) == MT_ARGUMENT && mt_enrolment_is_open(enrolment) == 1, "no such time");
    demand(mt_enrolment_set_time(copy, now + 59) == MT_OK && mt_enrolment_is_open(enrolment) == 1, "open still");
    demand(mt_enrolment_set_time(copy, now + 61) == MT_OK && mt_enrolment_is_open(enrolment) == 0, "closed by its time");
    mt_enrolment_free(copy);
    mt_enrolment_free(enrolment);
}

/* The report of a change has the number that is in force after it, in its text as well. */
static void same(mt_store *store, uint32_t status, mt_report *report, const char *what)
{
    char text[3000], number[60];
    demand(status == MT_OK, what);
    demand(mt_report_generation(report) == mt_store_generation(store), what);
    mt_report_text(report, text, sizeof(text));
    snprintf(number, sizeof(number), "(generation %lu)", (unsigned long)mt_store_generation(store));
    demand(strstr(text, number) != NULL, text);
    mt_report_free(report);
}

static void generation_of_a_report(mt_store *store, mt_bytes pin, mt_bytes other)
{
    mt_report *report = NULL;
    uint32_t status = mt_store_install_pin(store, MT_SCOPE_CLIENTS, mt_text(""), pin, NULL, &report);
    same(store, status, report, "pin");
    mt_store_set_time(store, 1798761600 + 86400 * 3);
    status = mt_store_block(store, other, &report);
    same(store, status, report, "block");
    status = mt_store_block(store, other, &report);
    same(store, status, report, "block again");
    mt_store_set_time(store, 1798761600 + 86400 * 6);
    status = mt_store_unblock(store, other, &report);
    same(store, status, report, "unblock");
}

static void address_of_a_client(mt_store *store)
{
    static const struct {
        const char *text;
        uint32_t status;
    } addresses[] = {
        {"192.0.2.7", MT_OK},      {"fe80::1", MT_OK},   {"fe80::1%eth0", MT_OK},   {"fe80::1%", MT_TEXT},
        {"192.0.2.7%eth0", MT_TEXT}, {"%eth0", MT_TEXT}, {"array-7.example", MT_TEXT}, {"", MT_TEXT},
    };
    mt_live *live = NULL;
    mt_judge *judge = NULL;
    mt_enrolment *enrolment = NULL;
    size_t i;
    demand(mt_store_live(store, &live) == MT_OK && mt_judge_new(live, NULL, &judge) == MT_OK, "judge");
    demand(mt_enrolment_new(MT_TIME_SYSTEM, &enrolment) == MT_OK, "enrolment");
    for (i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        mt_peer *peer = NULL;
        uint32_t status = mt_peer_client(judge, enrolment, mt_text(addresses[i].text), &peer);
        demand(status == addresses[i].status && (peer != NULL) == (status == MT_OK), addresses[i].text);
        mt_peer_free(peer);
    }
    mt_enrolment_free(enrolment);
    mt_judge_free(judge);
    mt_live_free(live);
}

static void text_of_a_status(mt_store *store)
{
    mt_report *report = NULL;
    char text[100];
    uint32_t status = mt_store_add_server(store, mt_text("no id!"), NULL, 0, &report);
    demand(status == MT_TEXT && mt_report_text(report, text, sizeof(text)) == 0, "no report");
    demand(strstr(mt_status_text(status), "not UTF-8") != NULL, mt_status_text(status));
    demand(strcmp(mt_status_text(MT_OK), "Done.") == 0, mt_status_text(MT_OK));
    demand(strcmp(mt_status_text(MT_NULL), "A pointer is NULL that must not be.") == 0, mt_status_text(MT_NULL));
    demand(strstr(mt_status_text(12345), "no such status") != NULL, mt_status_text(12345));
    mt_report_free(report);
}

int main(int count, char **arguments)
{
    mt_store *store;
    mt_bytes pin, other;
    const char *what;
    demand(count == 5, "arguments");
    what = arguments[1];
    pin = file(arguments[3]);
    other = file(arguments[4]);
    store = create(arguments[2], strncmp(what, "time", 4) == 0 ? MT_TIME_UNSET : 1798761600);
    if (strcmp(what, "wait") == 0)
        wait_for_more(store);
    else if (strcmp(what, "time of a store") == 0)
        time_of_a_store(store);
    else if (strcmp(what, "time of changes") == 0)
        time_of_changes(store, pin, other);
    else if (strcmp(what, "time of an enrolment") == 0)
        time_of_an_enrolment();
    else if (strcmp(what, "generation") == 0)
        generation_of_a_report(store, pin, other);
    else if (strcmp(what, "address") == 0)
        address_of_a_client(store);
    else if (strcmp(what, "status") == 0)
        text_of_a_status(store);
    else
        demand(0, what);
    mt_store_free(store);
    printf("done\n");
    return 0;
}
