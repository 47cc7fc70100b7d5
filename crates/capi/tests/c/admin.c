/* All that a product does with its store, in C alone. Arguments: folder, pin, other certificate, CA, intermediate, list. */
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

/* The status that is expected, with the report where it is another one. */
static void expect(uint32_t status, uint32_t expected, mt_report *report, const char *what)
{
    char text[2000];
    if (status != expected) {
        mt_report_text(report, text, sizeof(text));
        fprintf(stderr, "failed: %s: status %u, not %u: %s\n", what, (unsigned)status, (unsigned)expected, text);
        exit(4);
    }
    mt_report_free(report);
}

#define OK(call) (report = NULL, status = (call), expect(status, MT_OK, report, #call))
#define FAILS(expected, call) (report = NULL, status = (call), expect(status, expected, report, #call))

static mt_bytes file(const char *name)
{
    static char content[6][20000];
    static int used;
    FILE *opened = fopen(name, "rb");
    size_t length;
    demand(opened != NULL && used < 6, name);
    length = fread(content[used], 1, sizeof(content[used]), opened);
    fclose(opened);
    return mt_data(content[used++], length);
}

static int contains(mt_store *store, const char *part)
{
    size_t length = mt_store_json(store, NULL, 0);
    char *json = malloc(length + 1);
    int found;
    demand(json != NULL && mt_store_json(store, json, length + 1) == length && strlen(json) == length, "JSON");
    found = strstr(json, part) != NULL;
    free(json);
    return found;
}

int main(int count, char **arguments)
{
    mt_store *store = NULL, *again = NULL;
    mt_settings *settings = NULL;
    mt_options *options = NULL;
    mt_report *report = NULL;
    uint32_t status, changed = 7;
    mt_bytes pin, other, ca, intermediate, list, names[2];
    char fingerprint[200], text[2000];
    uint64_t generation;
    const int64_t now = 1798761600; /* 2027-01-01 */

    demand(count == 7, "arguments");
    pin = file(arguments[2]);
    other = file(arguments[3]);
    ca = file(arguments[4]);
    intermediate = file(arguments[5]);
    list = file(arguments[6]);
    OK(mt_settings_new(&settings));
    OK(mt_settings_set_time(settings, now));
    OK(mt_settings_set_seal(settings, mt_text("0123456789abcdef0123456789abcdef")));
    OK(mt_settings_set_lock_wait(settings, 2000));
    FAILS(MT_ARGUMENT, mt_settings_set_seal(settings, mt_text("short")));
    FAILS(MT_NO_STORE, mt_store_open(mt_text(arguments[1]), settings, &store, &report));
    demand(store == NULL, "no store");
    OK(mt_store_create(mt_text(arguments[1]), settings, &store, &report));
    FAILS(MT_EXISTS, mt_store_create(mt_text(arguments[1]), settings, &again, &report));
    OK(mt_store_set_actor(store, mt_text("alice")));

    /* Servers. */
    names[0] = mt_text("kms1.example");
    names[1] = mt_text("192.0.2.1");
    OK(mt_store_add_server(store, mt_text("keys-1"), names, 2, &report));
    FAILS(MT_REFUSED, mt_store_add_server(store, mt_text("keys-2"), names, 2, &report));
    FAILS(MT_TEXT, mt_store_add_server(store, mt_text("no id!"), names, 2, &report));
    OK(mt_store_add_server(store, mt_text("keys-2"), NULL, 0, &report));
    OK(mt_store_add_name(store, mt_text("keys-2"), mt_text("kms2.example"), &report));
    OK(mt_store_release_name(store, mt_text("kms2.example"), &report));
    OK(mt_store_add_group(store, mt_text("pair"), &report));
    OK(mt_store_join_group(store, mt_text("pair"), mt_text("keys-2"), &report));
    demand(contains(store, "\"group\":\"pair\""), "group");
    OK(mt_store_leave_group(store, mt_text("keys-2"), &report));
    OK(mt_store_remove_group(store, mt_text("pair"), &report));
    OK(mt_store_remove_server(store, mt_text("keys-2"), &report));

    /* Pins. */
    OK(mt_options_new(&options));
    OK(mt_options_set_label(options, mt_text("main")));
    OK(mt_options_set_match(options, MT_MATCH_KEY));
    FAILS(MT_ARGUMENT, mt_options_set_match(options, 7));
    OK(mt_options_set_end(options, now + 86400 * 300));
    OK(mt_options_set_grace(options, 86400));
    FAILS(MT_TEXT, mt_options_add_name_pattern(options, mt_text("no pattern")));
    OK(mt_store_install_pin(store, MT_SCOPE_SERVER, mt_text("keys-1"), pin, options, &report));
    mt_options_free(options);
    FAILS(MT_ARGUMENT, mt_store_install_pin(store, 77, mt_text("keys-1"), pin, NULL, &report));
    FAILS(MT_ARGUMENT, mt_store_install_pin(store, MT_SCOPE_CLIENTS, mt_text("keys-1"), pin, NULL, &report));
    FAILS(MT_MALFORMED, mt_store_install_pin(store, MT_SCOPE_CLIENTS, mt_text(""), mt_text("junk"), NULL, &report));
    FAILS(MT_REFUSED, mt_store_install_authority(store, MT_SCOPE_CLIENTS, mt_text(""), pin, NULL, &report));
    demand(contains(store, "\"label\":\"main\"") && contains(store, "\"claim\":\"claimed\""), "pin");
    demand(contains(store, "\"installed_by\":\"alice\""), "who");
    demand(mt_certificate_fingerprint(pin, fingerprint, sizeof(fingerprint)) == 95, "fingerprint");
    demand(mt_certificate_subject(pin, text, sizeof(text)) > 0, "subject");
    {
        /* Text before a PEM section can begin with the byte that DER begins with. */
        const char title[] = "0 the key server\n";
        char *titled = malloc(sizeof(title) - 1 + pin.len);
        mt_bytes whole;
        demand(titled != NULL, "memory");
        memcpy(titled, title, sizeof(title) - 1);
        memcpy(titled + sizeof(title) - 1, pin.data, pin.len);
        whole.data = (const uint8_t *)titled;
        whole.len = sizeof(title) - 1 + pin.len;
        demand(mt_certificate_fingerprint(whole, text, sizeof(text)) == 95, "titled");
        demand(strcmp(text, fingerprint) == 0, "the same certificate");
        free(titled);
    }
    demand(mt_certificate_subject(mt_text("junk"), text, sizeof(text)) == 0 && text[0] == '\0', "no subject");

    /* Authorities. */
    OK(mt_store_install_authority(store, MT_SCOPE_ANY_SERVER, mt_text(""), ca, NULL, &report));
    OK(mt_store_install_intermediate(store, intermediate, NULL, &report));
    OK(mt_store_install_crl(store, list, &report));
    OK(mt_options_new(&options));
    OK(mt_options_add_name_pattern(options, mt_text("dns:*.arrays.example")));
    OK(mt_options_add_name_pattern(options, mt_text("uri:urn:x")));
    OK(mt_store_install_authority(store, MT_SCOPE_CLIENTS, mt_text(""), ca, options, &report));
    mt_options_free(options);

    /* From pins to authorities. */
    OK(mt_store_migrate(store, mt_text("keys-1"), now + 86400, &report));
    demand(contains(store, "\"claim\":\"migrating\""), "migrating");
    OK(mt_store_stop_migrating(store, mt_text("keys-1"), &report));
    FAILS(MT_REFUSED, mt_store_migrate(store, mt_text("keys-1"), now + 86400 * 400LL, &report));
    FAILS(MT_ARGUMENT, mt_store_migrate(store, mt_text("keys-1"), -5, &report));

    /* Blocks. */
    OK(mt_store_block(store, other, &report));
    FAILS(MT_REFUSED, mt_store_install_pin(store, MT_SCOPE_CLIENTS, mt_text(""), other, NULL, &report));
    OK(mt_store_unblock(store, other, &report));
    OK(mt_store_install_pin(store, MT_SCOPE_NAME, mt_text("kms9.example"), other, NULL, &report));
    demand(contains(store, "\"id\":\"kms9.example\""), "a server by its name");
    OK(mt_store_block_fingerprint(store, mt_text(fingerprint), &report));
    OK(mt_store_unblock_fingerprint(store, mt_text(fingerprint), &report));

    /* Removing. */
    OK(mt_store_remove(store, MT_SLOT_PIN, MT_SCOPE_SERVER, mt_text("keys-1"), mt_text(fingerprint), &report));
    FAILS(MT_REFUSED, mt_store_remove(store, MT_SLOT_PIN, MT_SCOPE_SERVER, mt_text("keys-1"), mt_text(fingerprint),
                                      &report));
    demand(contains(store, "\"claim\":\"claimed\""), "claimed still");
    OK(mt_store_install_pin_fingerprint(store, MT_SCOPE_SERVER, mt_text("keys-1"), mt_text(fingerprint), NULL,
                                        &report));
    OK(mt_store_release(store, mt_text("keys-1"), &report));
    FAILS(MT_TEXT, mt_store_install_pin_fingerprint(store, MT_SCOPE_CLIENTS, mt_text(""),
                                                    mt_text("5e:f3:4a:8b:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10"),
                                                    NULL, &report));

    /* The report, and what is on the disk. */
    status = mt_store_install_pin(store, MT_SCOPE_CLIENTS, mt_text(""), pin, NULL, &report);
    demand(status == MT_OK && mt_report_text(report, text, sizeof(text)) > 10, "report");
    demand(strstr(text, "added") == text, text);
    generation = mt_report_generation(report);
    mt_report_free(report);
    demand(generation == mt_store_generation(store) && generation > 10, "generation");
    OK(mt_store_open(mt_text(arguments[1]), settings, &again, &report));
    demand(mt_store_generation(again) == generation, "stored");
    OK(mt_store_block(again, other, NULL));
    demand(mt_store_generation(store) == generation, "not seen yet");
    OK(mt_store_refresh(store, &changed, NULL));
    demand(changed == 1 && mt_store_generation(store) == generation + 1, "refreshed");
    OK(mt_store_refresh(store, &changed, &report));
    demand(changed == 0, "nothing new");
    demand(mt_store_is_healthy(store) == 1 && mt_store_health(store, text, sizeof(text)) > 0, "health");
    mt_store_free(again);
    again = NULL;
    OK(mt_settings_set_seal(settings, mt_text("another key of 32 bytes or more!")));
    FAILS(MT_DAMAGED, mt_store_open(mt_text(arguments[1]), settings, &again, &report));
    demand(again == NULL, "sealed with another key");
    OK(mt_settings_set_seal(settings, mt_text("0123456789abcdef0123456789abcdef")));
    OK(mt_settings_set_minimum_generation(settings, generation + 100));
    FAILS(MT_ROLLED_BACK, mt_store_open(mt_text(arguments[1]), settings, &again, &report));
    mt_store_free(store);
    mt_settings_free(settings);
    printf("done\n");
    return 0;
}
