/*
 * Wrong uses that the library must answer, and with the word "freed", one that it cannot and that valgrind sees.
 * Arguments: folder of a store with the server keys-1, a certificate (DER) that is its pin, the time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mutual_trust.h"

static void demand(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "failed: %s\n", what);
        exit(4);
    }
}

static int same_everywhere(const char *bytes, size_t length, char expected)
{
    size_t i;
    for (i = 0; i < length; i++)
        if (bytes[i] != expected)
            return 0;
    return 1;
}

int main(int count, char **arguments)
{
    static char der[20000];
    mt_settings *settings = NULL;
    mt_store *store = NULL;
    mt_live *live = NULL, *copy = NULL;
    mt_judge *judge = NULL;
    mt_policy *policy = NULL;
    mt_peer *peer = NULL;
    mt_verdict *verdict = (mt_verdict *)der;
    mt_report *report = NULL;
    uint32_t reason = 99;
    char text[4000], small[8];
    mt_bytes chain[2], many[200];
    size_t length, i;
    FILE *opened;

    demand(count >= 4, "arguments");
    opened = fopen(arguments[2], "rb");
    demand(opened != NULL, "certificate");
    length = fread(der, 1, sizeof(der), opened);
    fclose(opened);
    chain[0] = mt_data(der, length);

    demand(mt_abi_version() == MT_ABI_VERSION, "version");
    demand(mt_settings_new(&settings) == MT_OK, "settings");
    demand(mt_settings_set_time(settings, (int64_t)atoll(arguments[3])) == MT_OK, "time");
    demand(mt_settings_set_time(settings, -3) == MT_ARGUMENT, "no time");
    demand(mt_settings_set_time(settings, INT64_MIN) == MT_ARGUMENT, "no time");
    demand(mt_store_open(mt_text(arguments[1]), settings, &store, NULL) == MT_OK, "store");
    demand(mt_store_live(store, &live) == MT_OK, "live");
    demand(mt_live_clone(live, &copy) == MT_OK && mt_live_generation(copy) == mt_store_generation(store), "clone");
    demand(mt_policy_new(&policy) == MT_OK, "policy");
    demand(mt_policy_set_grace(policy, UINT64_MAX) == MT_ARGUMENT, "grace");
    demand(mt_policy_set_crl_grace(policy, UINT64_MAX) == MT_ARGUMENT, "grace of lists");
    demand(mt_policy_set_profile(policy, 0) == MT_ARGUMENT, "profile");
    demand(mt_policy_set_profile(policy, MT_PROFILE_STRICT) == MT_OK, "profile");
    demand(mt_policy_set_max_intermediates(policy, SIZE_MAX) == MT_ARGUMENT, "intermediates");
    demand(mt_policy_set_remembered_chains(policy, SIZE_MAX) == MT_ARGUMENT, "remembered");
    demand(mt_policy_require_crl(policy) == MT_OK && mt_policy_allow_unlisted(policy) == MT_OK, "policy");
    demand(mt_policy_clients_by_pin_only(policy) == MT_OK, "policy");
    demand(mt_policy_allow_chains_without_clock(policy) == MT_OK, "policy");
    demand(mt_judge_new(live, policy, &judge) == MT_OK, "judge");
    demand(mt_judge_set_time(judge, (int64_t)atoll(arguments[3])) == MT_OK, "time of the judge");
    demand(mt_judge_set_time(judge, -77) == MT_ARGUMENT, "no time");

    /* A good answer, in buffers of all sizes. */
    demand(mt_judge_server(judge, mt_text("keys-1"), mt_text(NULL), chain, 1, &reason, &verdict) == 1, "accepted");
    demand(reason == MT_REASON_PIN_MATCHED && verdict != NULL, "reason");
    demand(mt_verdict_is_accepted(verdict) == 1 && mt_verdict_reason(verdict) == reason, "the same");
    demand(mt_verdict_generation(verdict) == mt_judge_generation(judge), "generation");
    length = mt_verdict_text(verdict, NULL, 0);
    demand(length > 10 && length < sizeof(text), "length");
    demand(mt_verdict_text(verdict, NULL, 100) == length, "a buffer that is NULL");
    memset(small, 'x', sizeof(small));
    demand(mt_verdict_text(verdict, small, 0) == length && same_everywhere(small, 8, 'x'), "nothing written");
    demand(mt_verdict_text(verdict, small, 1) == length && small[0] == '\0' && small[1] == 'x', "NUL alone");
    demand(mt_verdict_text(verdict, small, 7) == length && strlen(small) == 6 && small[7] == 'x', "cut");
    memset(text, 'x', sizeof(text));
    demand(mt_verdict_text(verdict, text, length + 1) == length && strlen(text) == length, "exact");
    demand(text[length + 1] == 'x', "not behind");
    demand(mt_verdict_text(verdict, text, SIZE_MAX) == 0, "a capacity that cannot be");
    demand(mt_verdict_label(verdict, text, sizeof(text)) == 10 && strcmp(text, "the server") == 0, "label");
    demand(mt_verdict_rule(verdict, text, sizeof(text)) == 2 && strcmp(text, "M1") == 0, "rule");
    demand(mt_verdict_server(verdict, text, sizeof(text)) == 6 && strcmp(text, "keys-1") == 0, "server");
    demand(mt_verdict_fingerprint(verdict, text, sizeof(text)) == 95, "fingerprint");
    demand(mt_verdict_name_count(verdict) == 0 && mt_verdict_name(verdict, 0, text, sizeof(text)) == 0, "names");
    for (i = 0; i < mt_verdict_warning_count(verdict); i++)
        demand(mt_verdict_warning(verdict, i, text, sizeof(text)) > 0, "warning");
    demand(mt_verdict_warning(verdict, i, text, sizeof(text)) == 0 && text[0] == '\0', "no more warnings");
    demand(mt_verdict_remedy(verdict, text, sizeof(text)) > 0, "remedy");
    demand(mt_verdict_json(verdict, text, sizeof(text)) > 0 && text[0] == '{', "JSON");

    /* With an id, the name that was dialled need not belong to the server: a warning says so. */
    mt_verdict_free(verdict);
    demand(mt_judge_server(judge, mt_text("keys-1"), mt_text("nowhere.example"), chain, 1, &reason, &verdict) == 1, "the id");
    demand(reason == MT_REASON_PIN_MATCHED && mt_verdict_warning_count(verdict) > 0, "a warning");

    /* Outputs are empty after a call that failed, whatever was there and whichever argument was wrong. */
    strcpy(text, "old");
    demand(mt_verdict_label(NULL, text, sizeof(text)) == 0 && text[0] == '\0', "no verdict, no label");
    mt_verdict_free(verdict);
    verdict = (mt_verdict *)der;
    reason = 99;
    demand(mt_judge_server(NULL, mt_text("keys-1"), mt_text(NULL), chain, 1, &reason, &verdict) == 0, "no judge");
    demand(reason == MT_REASON_NONE && verdict == NULL, "no reason");
    demand(mt_judge_server(judge, mt_text(""), mt_text(""), chain, 1, &reason, &verdict) == 0, "no server");
    demand(mt_judge_server(judge, mt_text("keys-1"), mt_text("no name!"), chain, 1, NULL, NULL) == 0, "no name");
    demand(mt_judge_server(judge, mt_data("\xff\xfe", 2), mt_text(""), chain, 1, NULL, NULL) == 0, "no UTF-8");
    demand(mt_judge_server(judge, mt_data(NULL, 5), mt_text(""), chain, 1, NULL, NULL) == 0, "NULL with a length");
    demand(mt_judge_server(judge, mt_data("x", SIZE_MAX), mt_text(""), chain, 1, NULL, NULL) == 0, "too long");
    demand(mt_judge_server(judge, mt_text("keys-1"), mt_text(""), chain, 0, NULL, NULL) == 0, "no chain");
    demand(mt_judge_server(judge, mt_text("keys-1"), mt_text(""), NULL, 3, NULL, NULL) == 0, "NULL for a chain");
    demand(mt_judge_server(judge, mt_text("keys-1"), mt_text(""), chain, SIZE_MAX, NULL, NULL) == 0, "no such chain");
    chain[1] = mt_data(NULL, 7);
    demand(mt_judge_server(judge, mt_text("keys-1"), mt_text(""), chain, 2, NULL, NULL) == 0, "a hole in the chain");
    chain[1] = mt_data(NULL, 0);
    demand(mt_judge_server(judge, mt_text("keys-2"), mt_text(""), chain, 2, &reason, NULL) == 0, "another server");
    demand(reason == MT_REASON_UNKNOWN_SERVER, "unknown server");
    for (i = 0; i < 200; i++)
        many[i] = chain[0];
    demand(mt_judge_server(judge, mt_text("keys-1"), mt_text(""), many, 200, &reason, NULL) == 0, "200 certificates");
    demand(reason == MT_REASON_TOO_MANY_CERTIFICATES, "too many");
    demand(mt_judge_client(judge, chain, 1, &reason, &verdict) == 0 && reason > 100, "not a client");
    mt_verdict_free(verdict);

    /* A peer is not trusted before it was judged in this handshake. */
    demand(mt_peer_server(judge, mt_text(""), mt_text(""), &peer) == MT_TEXT && peer == NULL, "no server");
    demand(mt_peer_client(judge, NULL, mt_text(""), &peer) == MT_OK, "client");
    mt_peer_free(peer);
    demand(mt_peer_server(judge, mt_text("keys-1"), mt_text(""), &peer) == MT_OK, "peer");
    demand(mt_peer_finished(peer, 0) == 0 && mt_peer_recheck(peer) == 0, "not judged");
    demand(mt_peer_verdict(peer, &verdict) == MT_NOT_FOUND && verdict == NULL, "no verdict");
    demand(mt_peer_judge(peer, chain, 1) == 1 && mt_peer_recheck(peer) == 0, "not finished");
    demand(mt_peer_finished(peer, 1) == 0 && mt_peer_finished(peer, 0) == 0, "resumed");
    demand(mt_peer_judge(peer, chain, 1) == 1 && mt_peer_begin(peer) == MT_OK, "a second handshake");
    demand(mt_peer_finished(peer, 0) == 0, "of which nothing was judged");
    demand(mt_peer_judge(peer, chain, 1) == 1 && mt_peer_judge(peer, chain, 0) == 0, "judged twice");
    demand(mt_peer_finished(peer, 0) == 0, "the second counts");
    demand(mt_peer_judge(peer, chain, 1) == 1 && mt_peer_judge(peer, NULL, 1) == 0, "judged twice, NULL the second time");
    demand(mt_peer_finished(peer, 0) == 0, "the second counts, whatever it is");
    demand(mt_peer_judge(peer, chain, 1) == 1 && mt_peer_finished(peer, 0) == 1, "finished");
    demand(mt_peer_recheck(peer) == 1 && mt_peer_may_wait(peer) == 0, "trusted");

    /* Handles are freed in any order; what is left works. */
    mt_policy_free(policy);
    mt_live_free(live);
    mt_store_free(store);
    mt_judge_free(judge);
    demand(mt_peer_recheck(peer) == 1, "by itself");
    demand(mt_peer_verdict(peer, &verdict) == MT_OK, "its verdict");
    mt_peer_free(peer);
    demand(mt_verdict_is_accepted(verdict) == 1, "by itself");
    demand(mt_live_wait(copy, mt_live_generation(copy), 1) == mt_live_generation(copy), "nothing new");
    demand(mt_live_publish_file(copy, mt_text("junk"), &report) == MT_DAMAGED, "no store file");
    demand(mt_report_text(report, text, sizeof(text)) > 5, "why");
    mt_report_free(report);
    demand(mt_live_from_file(mt_text(""), &live, NULL) == MT_DAMAGED && live == NULL, "an empty file");
    mt_live_free(copy);
    mt_settings_free(settings);
    demand(mt_reason_accepts(MT_REASON_PIN_MATCHED) == 1 && mt_reason_accepts(MT_REASON_BLOCKED) == 0, "reasons");
    demand(mt_reason_accepts(0) == 0 && mt_reason_accepts(12345) == 0, "no reasons");
    demand(mt_reason_name(MT_REASON_BLOCKED, text, sizeof(text)) == 7 && strcmp(text, "Blocked") == 0, "name");
    demand(mt_reason_meaning(MT_REASON_BLOCKED, text, sizeof(text)) > 10, "meaning");
    demand(mt_reason_remedy(MT_REASON_BLOCKED, text, sizeof(text)) > 10, "remedy");
    demand(mt_reason_name(12345, text, sizeof(text)) == 0 && text[0] == '\0', "no name");
    demand(mt_version(text, sizeof(text)) > 4, "version");
    mt_verdict_free(verdict);
    if (count > 4 && strcmp(arguments[4], "freed") == 0)
        printf("a freed verdict says %u\n", (unsigned)mt_verdict_reason(verdict));
    printf("done\n");
    return 0;
}
