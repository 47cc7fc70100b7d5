/*
 * One thread blocks and unblocks the pin of keys-1, one refreshes a second handle of the same store, and six decide, for
 * some seconds. Arguments: folder, certificate (DER), time, seconds.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mutual_trust.h"

static mt_bytes certificate;
static mt_store *store, *other;
static mt_judge *judge, *other_judge;
static mt_live *live;
static time_t until;
static unsigned long accepted[6], refused[6], published;

static void demand(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "failed: %s\n", what);
        exit(4);
    }
}

static void *publish(void *argument)
{
    struct timespec pause = {0, 2000000};
    (void)argument;
    while (time(NULL) < until) {
        uint64_t generation = mt_store_generation(store);
        demand(mt_store_block(store, certificate, NULL) == MT_OK, "block");
        /* In force at once. */
        demand(mt_judge_generation(judge) > generation, "in force");
        demand(mt_judge_server(judge, mt_text("keys-1"), mt_text(""), &certificate, 1, NULL, NULL) == 0, "blocked");
        nanosleep(&pause, NULL);
        demand(mt_store_unblock(store, certificate, NULL) == MT_OK, "unblock");
        nanosleep(&pause, NULL);
        published += 2;
    }
    return NULL;
}

static void *refresh(void *argument)
{
    uint64_t generation = 0;
    (void)argument;
    while (time(NULL) < until) {
        uint64_t found;
        mt_live_wait(live, generation, 100);
        generation = mt_live_generation(live);
        demand(mt_store_refresh(other, NULL, NULL) == MT_OK, "refresh");
        found = mt_store_generation(other);
        /* A block is in force a moment before it is on the disk. */
        demand(found + 1 >= generation, "refreshed");
    }
    return NULL;
}

static void *decide(void *argument)
{
    size_t number = (size_t)argument;
    mt_judge *ours = number % 2 == 0 ? judge : other_judge;
    mt_peer *peer = NULL;
    uint64_t last = 0;
    while (time(NULL) < until) {
        uint32_t reason = 0;
        mt_verdict *verdict = NULL;
        char text[3000];
        uint32_t yes = mt_judge_server(ours, mt_text("keys-1"), mt_text(""), &certificate, 1, &reason, &verdict);
        demand(verdict != NULL && mt_verdict_generation(verdict) >= last, "generations grow");
        last = mt_verdict_generation(verdict);
        if (yes == 1)
            demand(reason == MT_REASON_PIN_MATCHED, "accepted");
        else
            demand(reason == MT_REASON_BLOCKED, "refused");
        demand(mt_verdict_text(verdict, text, sizeof(text)) > 0, "text");
        mt_verdict_free(verdict);
        demand(mt_peer_server(ours, mt_text("keys-1"), mt_text(""), &peer) == MT_OK, "peer");
        if (mt_peer_judge(peer, &certificate, 1) == 1)
            demand(mt_peer_finished(peer, 0) == 1, "finished");
        mt_peer_recheck(peer);
        mt_peer_free(peer);
        *(yes == 1 ? &accepted[number] : &refused[number]) += 1;
    }
    return NULL;
}

int main(int count, char **arguments)
{
    static char der[20000];
    mt_settings *settings = NULL;
    mt_live *other_live = NULL;
    pthread_t threads[8];
    FILE *opened;
    size_t i;
    int64_t now;

    demand(count == 5, "arguments");
    opened = fopen(arguments[2], "rb");
    demand(opened != NULL, "certificate");
    certificate = mt_data(der, fread(der, 1, sizeof(der), opened));
    fclose(opened);
    now = (int64_t)atoll(arguments[3]);
    until = time(NULL) + atoi(arguments[4]);
    demand(mt_settings_new(&settings) == MT_OK && mt_settings_set_time(settings, now) == MT_OK, "settings");
    demand(mt_store_open(mt_text(arguments[1]), settings, &store, NULL) == MT_OK, "store");
    demand(mt_store_open(mt_text(arguments[1]), settings, &other, NULL) == MT_OK, "the same store");
    mt_settings_free(settings);
    demand(mt_store_live(store, &live) == MT_OK && mt_store_live(other, &other_live) == MT_OK, "live");
    demand(mt_judge_new(live, NULL, &judge) == MT_OK, "judge");
    demand(mt_judge_new(other_live, NULL, &other_judge) == MT_OK, "judge");
    demand(mt_judge_set_time(judge, now) == MT_OK && mt_judge_set_time(other_judge, now) == MT_OK, "time");
    pthread_create(&threads[6], NULL, publish, NULL);
    pthread_create(&threads[7], NULL, refresh, NULL);
    for (i = 0; i < 6; i++)
        pthread_create(&threads[i], NULL, decide, (void *)i);
    for (i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < 6; i++)
        demand(accepted[i] > 0 && refused[i] > 0, "both answers");
    mt_judge_free(judge);
    mt_judge_free(other_judge);
    mt_live_free(live);
    mt_live_free(other_live);
    mt_store_free(store);
    mt_store_free(other);
    printf("published=%lu\n", published);
    return 0;
}
