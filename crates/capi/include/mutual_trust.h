/*
 * mutual_trust.h: may this peer be trusted, and by which installed certificate?
 *
 * For programs that speak mutual TLS with OpenSSL, mbedTLS or GnuTLS, on either end. The adapters of these stacks are
 * beside this file: compile one of them into the program. A program with another stack calls mt_peer_server or
 * mt_peer_client for each connection, mt_peer_judge where that stack asks about the certificates of the peer, and
 * mt_peer_finished behind the handshake; it refuses if an answer is not 1. mt_judge_server and mt_judge_client judge
 * certificates alone, without a connection.
 *
 * This file is made from the library. Do not edit it.
 *
 * Answers. A call that answers with a status answers MT_OK (0) or why not. A judging call answers 1 if the peer may be
 * trusted and 0 in all other cases, faults of the program and of the library included. mt_status_text says what a status
 * means. An accepted verdict is no link: the peer may refuse us, and only the answer of the handshake says that there is one.
 *
 * Handles. What a call gives through an argument of the form "mt_x **" belongs to the caller, who frees it with
 * mt_x_free. Such an argument is set to NULL first, so it can be freed in any case. Handles can be freed in any order:
 * each keeps what it needs. A handle that was freed must not be used again: the library cannot tell.
 *
 * Bytes. What is handed over as mt_bytes, or as a pointer with a count, belongs to the caller and is read during the call
 * alone. NULL with a length of 0 is the empty text.
 *
 * Texts. A call with "char *text, size_t capacity" writes as much of the text as there is room for, whole characters of
 * UTF-8 and a NUL behind them, as snprintf does. It returns the length of the whole text without the NUL. With a
 * capacity of 0 it writes nothing, and text may be NULL. If nothing is written, the length is 0. Compare a text, or use it as a
 * name, only if the answer is below the capacity: in 8 bytes, the label "array-12" is cut to "array-1", which is another
 * client's.
 *
 * Threads. Each function says what it needs. All handles may be given to another thread.
 *
 * Processes. A handle counts in the process that made it. After fork, a child has what was in force at the fork, and no block
 * or change of its parent comes to it. Each process opens the store itself, after the fork, and calls mt_store_refresh.
 *
 * Times. A time in seconds is a clock that stands still until the next call that sets it. MT_TIME_SYSTEM is a clock that runs.
 */

#ifndef MUTUAL_TRUST_H
#define MUTUAL_TRUST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes or a text without NUL, of the caller. */
typedef struct mt_bytes {
    const void *data;
    size_t len;
} mt_bytes;

/* The bytes of a text that ends with a NUL. NULL is the empty text. */
static inline mt_bytes mt_text(const char *text)
{
    mt_bytes bytes;
    bytes.data = text;
    bytes.len = text == NULL ? 0 : strlen(text);
    return bytes;
}

/* So many bytes. */
static inline mt_bytes mt_data(const void *data, size_t len)
{
    mt_bytes bytes;
    bytes.data = data;
    bytes.len = len;
    return bytes;
}

/* The version of the interface that this header has; mt_abi_version() is that of the library. */

#define MT_ABI_VERSION UINT32_C(1)

/* ---- What calls answer ---- */

/* Done. */
#define MT_OK UINT32_C(0)
/* A pointer is NULL that must not be. */
#define MT_NULL UINT32_C(1)
/* A number is out of its range, or a length cannot be. */
#define MT_ARGUMENT UINT32_C(2)
/* A text is not UTF-8, or not of the form that is asked for: an id, a name, a fingerprint, a pattern. */
#define MT_TEXT UINT32_C(3)
/* The bytes are no certificate and no revocation list, or they are malformed. */
#define MT_MALFORMED UINT32_C(4)
/* There is no store in the folder. */
#define MT_NO_STORE UINT32_C(5)
/* There is a store in the folder already. */
#define MT_EXISTS UINT32_C(6)
/* The store file is damaged, of a later version, or its seal is wrong. What was in force stays in force. */
#define MT_DAMAGED UINT32_C(7)
/* The store file is older than what this system had. What was in force stays in force. */
#define MT_ROLLED_BACK UINT32_C(8)
/* Another process is changing the store, and has not finished in time. */
#define MT_BUSY UINT32_C(9)
/* The rules of the store do not allow it. Nothing changed. */
#define MT_REFUSED UINT32_C(10)
/* The disk did not take the change. It is not in force; a block is, until the process ends. */
#define MT_NOT_SAVED UINT32_C(11)
/* A file or the folder cannot be used. */
#define MT_DISK UINT32_C(12)
/* The enrolment does not allow it. The peer keeps waiting. */
#define MT_ENROLMENT UINT32_C(13)
/* There is nothing with this number. */
#define MT_NOT_FOUND UINT32_C(14)
/* A fault of the library, or an earlier one in the same store. Nothing is accepted. Please report it. */
#define MT_FAULT UINT32_C(255)

/* ---- What calls take ---- */

/* A scope: one server, by its id. */
#define MT_SCOPE_SERVER UINT32_C(1)
/* A scope: the server that has a name. If there is none, it is added with that name as its id. */
#define MT_SCOPE_NAME UINT32_C(2)
/* A scope: the members of a group, by its id. For pins. */
#define MT_SCOPE_GROUP UINT32_C(3)
/* A scope: servers that hold no authority of their own and are not claimed by a pin. For authorities. */
#define MT_SCOPE_ANY_SERVER UINT32_C(4)
/* A scope: clients. */
#define MT_SCOPE_CLIENTS UINT32_C(5)
/* A scope: every chain. For intermediates. */
#define MT_SCOPE_EVERYONE UINT32_C(6)
/* A slot: a certificate that the peer itself must present. */
#define MT_SLOT_PIN UINT32_C(1)
/* A slot: a CA certificate at which a presented chain may end. */
#define MT_SLOT_AUTHORITY UINT32_C(2)
/* A slot: a CA certificate that completes chains. */
#define MT_SLOT_INTERMEDIATE UINT32_C(3)
/* A pin matches the whole certificate. */
#define MT_MATCH_CERTIFICATE UINT32_C(1)
/* A pin matches every certificate with its public key. */
#define MT_MATCH_KEY UINT32_C(2)
/* Chains may break RFC 5280 where private CAs do so harmlessly. They are accepted with warnings. */
#define MT_PROFILE_COMPATIBLE UINT32_C(1)
/* Chains must be as RFC 5280 says. */
#define MT_PROFILE_STRICT UINT32_C(2)

/* A time: read the clock of the operating system each time. */
#define MT_TIME_SYSTEM INT64_C(-1)
/* A time: there is no clock, or it was not set since power-on. */
#define MT_TIME_UNSET INT64_C(-2)

/* ---- Reasons of verdicts ----
 *
 * Below 100: the peer may be trusted. A number is never used for another reason, and further ones may come.
 */

/* There is no verdict: an argument cannot be used. */
#define MT_REASON_NONE UINT32_C(0)
/* The peer presented the certificate that is installed as a pin, byte for byte. */
#define MT_REASON_PIN_MATCHED UINT32_C(1)
/* The peer presented a certificate whose fingerprint is installed as a pin. */
#define MT_REASON_FINGERPRINT_MATCHED UINT32_C(2)
/* The peer presented a certificate with the key of a pin that matches by public key. */
#define MT_REASON_KEY_MATCHED UINT32_C(3)
/* The peer presented a chain that ends in an installed authority. */
#define MT_REASON_CHAIN_VERIFIED UINT32_C(4)
/* The peer sent more certificates, or more bytes, than the limits allow. */
#define MT_REASON_TOO_MANY_CERTIFICATES UINT32_C(101)
/* The peer's certificate is malformed and cannot be read. */
#define MT_REASON_MALFORMED_CERTIFICATE UINT32_C(102)
/* The peer's certificate, or one that it relies on, is blocked. */
#define MT_REASON_BLOCKED UINT32_C(103)
/* Nothing is installed for this peer. */
#define MT_REASON_NOTHING_INSTALLED UINT32_C(104)
/* The trust store has no server with this id. */
#define MT_REASON_UNKNOWN_SERVER UINT32_C(105)
/* The dialled name belongs to no server. */
#define MT_REASON_UNLISTED_NAME UINT32_C(106)
/* This server is trusted by pins only, and none of its pins can be used now. */
#define MT_REASON_NO_USABLE_PIN UINT32_C(107)
/* This peer is trusted by pins only, and it presented another certificate. */
#define MT_REASON_PIN_DOES_NOT_MATCH UINT32_C(108)
/* The peer presented another certificate with the key of a pin, and that pin accepts one certificate only. */
#define MT_REASON_RENEWED_WITH_SAME_KEY UINT32_C(109)
/* The peer presented a certificate with the subject of a pin and another key. */
#define MT_REASON_SAME_SUBJECT_OTHER_KEY UINT32_C(110)
/* The peer's certificate is signed with the key of a pin, and a pin is not trusted as an issuer. */
#define MT_REASON_ISSUED_BY_PIN UINT32_C(111)
/* This server is trusted by pins only, and it presented a certificate of a CA. */
#define MT_REASON_AUTHORITIES_NOT_ASKED UINT32_C(112)
/* The certificate is installed as a pin of another server or group. */
#define MT_REASON_PIN_OF_ANOTHER_SERVER UINT32_C(113)
/* The certificate is installed for the other role: a client's where a server is expected, or the reverse. */
#define MT_REASON_INSTALLED_FOR_OTHER_ROLE UINT32_C(114)
/* The entry that decides about this peer is disabled. */
#define MT_REASON_ENTRY_DISABLED UINT32_C(115)
/* The entry that decides about this peer is past the end that was set for it. */
#define MT_REASON_ENTRY_ENDED UINT32_C(116)
/* The peer's certificate, or the installed one that matches it, has expired. */
#define MT_REASON_EXPIRED UINT32_C(117)
/* The peer's certificate, or the installed one that matches it, is not valid yet. */
#define MT_REASON_NOT_YET_VALID UINT32_C(118)
/* The extended key usage of the certificate does not allow the peer's role. */
#define MT_REASON_WRONG_EXTENDED_KEY_USAGE UINT32_C(119)
/* A certificate of the chain has anyExtendedKeyUsage without the usage of the peer's role, and a chain needs that usage. */
#define MT_REASON_ANY_EXTENDED_KEY_USAGE_ALONE UINT32_C(120)
/* The certificate has a critical extension that is not supported here. */
#define MT_REASON_UNKNOWN_CRITICAL_EXTENSION UINT32_C(121)
/* The policy or the crypto provider does not accept the key of the certificate. */
#define MT_REASON_KEY_NOT_ALLOWED UINT32_C(122)
/* The certificate's signature by its own key does not verify. */
#define MT_REASON_WRONG_SELF_SIGNATURE UINT32_C(123)
/* The peer did not prove that it has the private key of its certificate. */
#define MT_REASON_HANDSHAKE_SIGNATURE_INVALID UINT32_C(124)
/* The handshake is not finished, so the peer has proved nothing yet. */
#define MT_REASON_HANDSHAKE_NOT_FINISHED UINT32_C(125)
/* The clock is not set: ends are judged at the floor, and chains cannot be judged. */
#define MT_REASON_CLOCK_UNSET UINT32_C(126)
/* The clock is more than 26 hours below the floor and is not used: ends are judged at the floor, and chains cannot be judged. */
#define MT_REASON_CLOCK_BELOW_FLOOR UINT32_C(127)
/* No installed authority issued the peer's certificate. */
#define MT_REASON_UNKNOWN_ISSUER UINT32_C(128)
/* The peer presented a self-signed certificate that is not installed. */
#define MT_REASON_SELF_SIGNED_NOT_INSTALLED UINT32_C(129)
/* The peer presented a CA certificate as its own. */
#define MT_REASON_CA_USED_AS_END_ENTITY UINT32_C(130)
/* The peer presented a certificate that is installed as a CA, and a CA is not a peer. */
#define MT_REASON_AUTHORITY_PRESENTED_AS_PEER UINT32_C(131)
/* The peer's certificate cannot be used in a chain; the detail says why. */
#define MT_REASON_UNPARSABLE_END_ENTITY UINT32_C(132)
/* A certificate of the chain is signed with an algorithm that is too weak, or that the crypto provider lacks. */
#define MT_REASON_SIGNATURE_ALGORITHM_UNSUPPORTED UINT32_C(133)
/* A signature in the chain does not verify under the issuer's key. */
#define MT_REASON_CHAIN_SIGNATURE_INVALID UINT32_C(134)
/* An authority or intermediate of the chain has expired. */
#define MT_REASON_ISSUER_EXPIRED UINT32_C(135)
/* An authority or intermediate of the chain is not valid yet. */
#define MT_REASON_ISSUER_NOT_YET_VALID UINT32_C(136)
/* An issuer in the chain is not a CA, may not sign certificates, or is a CA for another purpose. */
#define MT_REASON_ISSUER_CANNOT_SIGN UINT32_C(137)
/* A revocation list revokes the peer's certificate, or one that it relies on. */
#define MT_REASON_REVOKED UINT32_C(138)
/* No installed revocation list says whether a certificate of the chain is revoked, and one is required. */
#define MT_REASON_REVOCATION_UNKNOWN UINT32_C(139)
/* The revocation lists that cover a certificate of the chain have expired. */
#define MT_REASON_CRL_EXPIRED UINT32_C(140)
/* The chain has more intermediates than a CA in it, or the limit, allows. */
#define MT_REASON_PATH_TOO_LONG UINT32_C(141)
/* A certificate of the chain breaks RFC 5280, and the strict profile refuses that. */
#define MT_REASON_PROFILE_VIOLATION UINT32_C(142)
/* A CA of the chain constrains names of a form that is not supported here, and the chain has such names. */
#define MT_REASON_CONSTRAINT_FORM_UNSUPPORTED UINT32_C(143)
/* Comparing the names of the chain with its name constraints takes more work than the limit. */
#define MT_REASON_TOO_MANY_CONSTRAINTS UINT32_C(144)
/* A CA of the chain may not issue for the names in the certificate. */
#define MT_REASON_NAME_CONSTRAINT_VIOLATED UINT32_C(145)
/* Too many paths were tried without success. */
#define MT_REASON_TOO_MANY_PATHS UINT32_C(146)
/* The path builder refused the chain; the detail says why. */
#define MT_REASON_PATH_REFUSED UINT32_C(147)
/* No subject alternative name of the certificate matches a name of the server. */
#define MT_REASON_NAME_MISMATCH UINT32_C(148)
/* The server has no name to compare with the certificate. */
#define MT_REASON_NO_NAME_TO_MATCH UINT32_C(149)
/* No subject alternative name of the client matches a pattern of the authority. */
#define MT_REASON_NO_PATTERN_MATCHES UINT32_C(150)
/* The policy accepts clients by pin only, and no pin matches. */
#define MT_REASON_PINS_ONLY UINT32_C(151)

/* ---- Handles ---- */

/* Settings of a store. */
typedef struct mt_settings mt_settings;
/* A store in a folder, open. */
typedef struct mt_store mt_store;
/* What is in force. */
typedef struct mt_live mt_live;
/* What is demanded of peers. */
typedef struct mt_policy mt_policy;
/* Decides about peers. */
typedef struct mt_judge mt_judge;
/* The peer of one connection. */
typedef struct mt_peer mt_peer;
/* What was decided about a peer. */
typedef struct mt_verdict mt_verdict;
/* What a call did, or why it did not. */
typedef struct mt_report mt_report;
/* Options of an entry. */
typedef struct mt_options mt_options;
/* Unknown clients that wait for an administrator. */
typedef struct mt_enrolment mt_enrolment;
/* The clients that waited at one moment. */
typedef struct mt_pending mt_pending;

/* ---- The library ---- */

/*
 * The version of the interface that the library has. A program compares it with MT_ABI_VERSION, with which it was
 * compiled, before it uses anything else.
 * Threads: any.
 */
uint32_t mt_abi_version(void);

/*
 * Writes the version of the library, as "0.1.0".
 * Returns the length of the whole text (see "Texts" above).
 * Threads: any.
 */
size_t mt_version(char *text, size_t capacity);

/* ---- Settings of a store ---- */

/*
 * Makes settings: the clock of the system, no seal, any generation, at most 10 seconds of waiting for another process.
 * Free them with mt_settings_free.
 * Threads: any.
 */
uint32_t mt_settings_new(mt_settings **settings);

/*
 * Sets the time by which a store judges ends and keeps its floor: seconds since 1970, MT_TIME_SYSTEM or
 * MT_TIME_UNSET. Seconds are a clock that stands still: it needs mt_store_set_time again and again.
 * It counts for the stores that are opened with these settings afterwards. An open store takes mt_store_set_time.
 * Threads: any.
 */
uint32_t mt_settings_set_time(const mt_settings *settings, int64_t seconds);

/*
 * Demands that the store file is sealed with this key by HMAC-SHA-256, and seals what is written. A key is 32 to 1024
 * random bytes. The library keeps a copy and wipes it; the caller wipes its own.
 * Threads: any.
 */
uint32_t mt_settings_set_seal(const mt_settings *settings, mt_bytes key);

/*
 * Refuses a store file of a lower generation: an old file that was put back. A product keeps the last generation
 * (mt_store_generation) where the writers of the folder cannot change it.
 * Threads: any.
 */
uint32_t mt_settings_set_minimum_generation(const mt_settings *settings, uint64_t generation);

/*
 * Sets how long a change waits for another process that is changing the store.
 * Threads: any.
 */
uint32_t mt_settings_set_lock_wait(const mt_settings *settings, uint32_t milliseconds);

/*
 * Frees settings. Stores that were opened with them keep theirs. NULL is nothing to do.
 * Threads: any, when no other uses them.
 */
void mt_settings_free(mt_settings *settings);

/* ---- The store ---- */

/*
 * Makes an empty store in a folder that exists. It trusts no peer. Fails if there is a store already.
 * settings may be NULL. Free *store with mt_store_free, and *report, if you asked for one, with mt_report_free.
 * Threads: any.
 */
uint32_t mt_store_create(mt_bytes folder, const mt_settings *settings, mt_store **store, mt_report **report);

/*
 * Opens the store in a folder. Other processes may have it open too: the command mutual-trust, for example.
 * settings may be NULL. Free *store with mt_store_free, and *report, if you asked for one, with mt_report_free.
 * Threads: any.
 */
uint32_t mt_store_open(mt_bytes folder, const mt_settings *settings, mt_store **store, mt_report **report);

/*
 * Puts in force what other processes and other handles changed in the store, for the judges of this handle. Call it every
 * few seconds, in each process. *changed, if not NULL, is 1 if
 * there was something new. If it fails, what was in force stays in force.
 * report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. Never call it in a handshake: it reads files.
 */
uint32_t mt_store_refresh(const mt_store *store, uint32_t *changed, mt_report **report);

/*
 * The generation in force. It grows with each change. 0 for NULL.
 * Threads: any; calls on one store wait for each other.
 */
uint64_t mt_store_generation(const mt_store *store);

/*
 * Whether all is well with the store: 1, else 0. mt_store_health says what is not.
 * Threads: any; calls on one store wait for each other.
 */
uint32_t mt_store_is_healthy(const mt_store *store);

/*
 * Writes the state of the store for an operator: faults of the disk, blocks that are not saved, the clock.
 * Returns the length of the whole text.
 * Threads: any; calls on one store wait for each other.
 */
size_t mt_store_health(const mt_store *store, char *text, size_t capacity);

/*
 * Sets the time of an open store from now on, for its health and its changes: seconds since 1970, a clock that stands
 * still until the next call; MT_TIME_SYSTEM; or MT_TIME_UNSET. It is not written to the disk, and other handles of the
 * folder keep their time. A judge has a time of its own (mt_judge_set_time), and an enrolment as well.
 * Threads: any, also at the same time.
 */
uint32_t mt_store_set_time(const mt_store *store, int64_t seconds);

/*
 * Records the administrator who makes the changes from now on, one line of text. An empty text removes the name.
 * Threads: any; it counts for the changes of all threads on this handle.
 */
uint32_t mt_store_set_actor(const mt_store *store, mt_bytes who);

/*
 * Gives what is in force in this store, now and after each change and refresh. It outlives the store.
 * Free *live with mt_live_free.
 * Threads: any.
 */
uint32_t mt_store_live(const mt_store *store, mt_live **live);

/*
 * Closes a store and frees its handle. What is in force stays in force for those who have it (mt_live), without
 * further changes. NULL is nothing to do.
 * Threads: any, when no other uses the handle.
 */
void mt_store_free(mt_store *store);

/* ---- What is in force ---- */

/*
 * Takes the bytes of a store file, for a system without a file system. They are not sealed: the caller vouches for
 * them. report may be NULL. Free *live with mt_live_free, and *report with mt_report_free.
 * Threads: any.
 */
uint32_t mt_live_from_file(mt_bytes file, mt_live **live, mt_report **report);

/*
 * Puts the bytes of a newer store file in force, for all who have live. A file of a lower generation is refused.
 * report may be NULL; free *report with mt_report_free.
 * Threads: any; a verdict that is being made ends with what it began with.
 */
uint32_t mt_live_publish_file(const mt_live *live, mt_bytes file, mt_report **report);

/*
 * The generation in force. 0 for NULL.
 * Threads: any, also at the same time. It does not wait.
 */
uint64_t mt_live_generation(const mt_live *live);

/*
 * Waits until more than this generation is in force, at most so many milliseconds. Returns the generation in force: the
 * one that was given, if nothing newer came. Wait for more than that the next time. 0 for NULL.
 * A thread that waits here asks about its open connections when something newer came. Begin with the generation by which
 * the connection was judged (mt_verdict_generation), or with mt_judge_generation from before the handshake.
 * Threads: any, also at the same time.
 */
uint64_t mt_live_wait(const mt_live *live, uint64_t generation, uint32_t milliseconds);

/*
 * Makes a second handle of the same. Free *copy with mt_live_free.
 * Threads: any, also at the same time.
 */
uint32_t mt_live_clone(const mt_live *live, mt_live **copy);

/*
 * Frees a handle. Judges that were made of it keep what they need. NULL is nothing to do.
 * Threads: any, when no other uses the handle.
 */
void mt_live_free(mt_live *live);

/* ---- The policy ---- */

/*
 * Makes a policy with the strict defaults: ends are enforced, unlisted names refused, no chains without a clock.
 * Free it with mt_policy_free.
 * Threads: any.
 */
uint32_t mt_policy_new(mt_policy **policy);

/*
 * Accepts pins that have no rule of their own for so many seconds after their end, at most 366 days, with a warning.
 * Threads: any.
 */
uint32_t mt_policy_set_grace(const mt_policy *policy, uint64_t seconds);

/*
 * Gives names that belong to no server to the authorities of any server, with a warning.
 * Threads: any.
 */
uint32_t mt_policy_allow_unlisted(const mt_policy *policy);

/*
 * Accepts clients by pin alone, whatever authorities are installed for them.
 * Threads: any.
 */
uint32_t mt_policy_clients_by_pin_only(const mt_policy *policy);

/*
 * Judges chains also while the clock is not set, by the newest time that the store has seen.
 * Threads: any.
 */
uint32_t mt_policy_allow_chains_without_clock(const mt_policy *policy);

/*
 * Refuses chains for whose issuers there is no revocation list.
 * Threads: any.
 */
uint32_t mt_policy_require_crl(const mt_policy *policy);

/*
 * Uses revocation lists for so many seconds after their end, at most 366 days, with a warning.
 * Threads: any.
 */
uint32_t mt_policy_set_crl_grace(const mt_policy *policy, uint64_t seconds);

/*
 * Sets the profile of chains: MT_PROFILE_COMPATIBLE (the default) or MT_PROFILE_STRICT.
 * Threads: any.
 */
uint32_t mt_policy_set_profile(const mt_policy *policy, uint32_t profile);

/*
 * Lowers the number of intermediates that a chain may have. It cannot be raised above the limit of the library.
 * Threads: any.
 */
uint32_t mt_policy_set_max_intermediates(const mt_policy *policy, size_t count);

/*
 * Remembers so many accepted chains in each judge, so that a peer that comes again costs no signature. 0, the default,
 * remembers none. A change of trust forgets all of them.
 * Threads: any.
 */
uint32_t mt_policy_set_remembered_chains(const mt_policy *policy, size_t count);

/*
 * Frees a policy. Judges that were made with it keep theirs. NULL is nothing to do.
 * Threads: any, when no other uses it.
 */
void mt_policy_free(mt_policy *policy);

/* ---- The judge ---- */

/*
 * Makes a judge of what is in force in live, with a policy, which may be NULL for the defaults. It keeps what it needs:
 * live and policy may be freed. It follows each change of the store from its next verdict on.
 * Free *judge with mt_judge_free.
 * Threads: any.
 */
uint32_t mt_judge_new(const mt_live *live, const mt_policy *policy, mt_judge **judge);

/*
 * Sets the time by which verdicts are made from now on: seconds since 1970, a clock that stands still until the next
 * call; MT_TIME_SYSTEM (the default); or MT_TIME_UNSET while the clock of the system was not set since power-on.
 * Threads: any, also at the same time.
 */
uint32_t mt_judge_set_time(const mt_judge *judge, int64_t seconds);

/*
 * Judges a server. Returns 1 if it may be trusted, and 0 in all other cases.
 *
 * id is the server that is expected, and dialled the name or address that was dialled. One of them may be empty: with
 * an id alone, the names of the server count; with a name alone, the server to which the name belongs is expected, and
 * a name that belongs to none is refused. With both, the id decides: dialled need not belong to the server, and a pin
 * of the server is accepted whatever was dialled, with a warning.
 * chain has the certificates as the peer sent them, DER, its own first.
 *
 * *reason, if not NULL, is the number of the reason, MT_REASON_...; 0 if an argument cannot be used. *verdict, if not
 * NULL, is the verdict; free it with mt_verdict_free. It is NULL if there is none.
 *
 * The answer holds if the TLS stack verifies that the peer has the private key: the three adapters see to it.
 * Threads: any, also at the same time; they do not wait for each other. It reads no file.
 */
uint32_t mt_judge_server(
    const mt_judge *judge,
    mt_bytes id,
    mt_bytes dialled,
    const mt_bytes *chain,
    size_t count,
    uint32_t *reason,
    mt_verdict **verdict);

/*
 * Judges a client. Returns 1 if it may be trusted, and 0 in all other cases. The arguments are as for mt_judge_server;
 * free *verdict with mt_verdict_free.
 * Threads: any, also at the same time; they do not wait for each other. It reads no file.
 */
uint32_t mt_judge_client(
    const mt_judge *judge,
    const mt_bytes *chain,
    size_t count,
    uint32_t *reason,
    mt_verdict **verdict);

/*
 * Makes a second handle of the same judge. Free *copy with mt_judge_free.
 * Threads: any, also at the same time.
 */
uint32_t mt_judge_clone(const mt_judge *judge, mt_judge **copy);

/*
 * The generation that is in force for this judge. 0 for NULL.
 * Threads: any, also at the same time.
 */
uint64_t mt_judge_generation(const mt_judge *judge);

/*
 * Frees a judge. Verdicts of it and peers that were made with it stay. NULL is nothing to do.
 * Threads: any, when no other uses it.
 */
void mt_judge_free(mt_judge *judge);

/* ---- The peer of one connection ---- */

/*
 * Makes the peer of a connection to a server. id and dialled are as for mt_judge_server. For adapters: they make one for
 * each connection. Free *peer with mt_peer_free.
 * Threads: any, also at the same time.
 */
uint32_t mt_peer_server(const mt_judge *judge, mt_bytes id, mt_bytes dialled, mt_peer **peer);

/*
 * Makes the peer of a connection from a client. With an enrolment, which may be NULL, an unknown client may wait there
 * under address, its IP address as text; the scope of an IPv6 address ("fe80::1%eth0") may stand there and is dropped.
 * Without an enrolment, address is empty. Free *peer with mt_peer_free.
 * Threads: any, also at the same time.
 */
uint32_t mt_peer_client(const mt_judge *judge, const mt_enrolment *enrolment, mt_bytes address, mt_peer **peer);

/*
 * A handshake begins: what an earlier one found does not count for it.
 * Threads: the one that makes the handshake.
 */
uint32_t mt_peer_begin(const mt_peer *peer);

/*
 * Judges what the peer presented in this handshake: DER, in the order in which it was sent, its own certificate first.
 * Returns 1 if it may be trusted, once its handshake signature is verified, and 0 in all other cases. The
 * certificates are copied.
 * Threads: the one that makes the handshake. It reads no file.
 */
uint32_t mt_peer_judge(const mt_peer *peer, const mt_bytes *chain, size_t count);

/*
 * Whether the peer was refused as unknown and may wait in the enrolment: 1, else 0. Then the TLS stack goes on to the
 * handshake signature, and the connection ends behind it, whatever the program does.
 * Threads: the one that makes the handshake.
 */
uint32_t mt_peer_may_wait(const mt_peer *peer);

/*
 * The handshake is finished, and the TLS stack has verified its signature under the key of the certificate that was
 * judged. resumed is not 0 if the session was resumed. Returns 1 if the connection may be used, and 0 in all other
 * cases: nothing was judged in this handshake, the peer was refused, the session was resumed. An unknown client waits
 * from now on.
 * Threads: the one that makes the handshake.
 */
uint32_t mt_peer_finished(const mt_peer *peer, uint32_t resumed);

/*
 * Judges the peer of an open connection again, by what is in force now. Returns 1 if it is still trusted, and 0 in all
 * other cases: then close the connection. Only for a connection whose handshake mt_peer_finished answered with 1.
 * It does not touch the connection: the recheck functions of the adapters do, and are for the thread of the connection.
 * Threads: any, also at the same time. It reads no file.
 */
uint32_t mt_peer_recheck(const mt_peer *peer);

/*
 * Gives the last verdict on the peer. MT_NOT_FOUND if it was not judged. Free *verdict with mt_verdict_free.
 * Threads: any, also at the same time.
 */
uint32_t mt_peer_verdict(const mt_peer *peer, mt_verdict **verdict);

/*
 * Frees a peer. NULL is nothing to do.
 * Threads: any, when no other uses it.
 */
void mt_peer_free(mt_peer *peer);

/* ---- The verdict ---- */

/*
 * Whether the peer may be trusted: 1, else 0. It is no answer about the link: after a 1, the handshake can fail, and the
 * peer can refuse us.
 * Threads: any, also at the same time.
 */
uint32_t mt_verdict_is_accepted(const mt_verdict *verdict);

/*
 * The number of the reason, MT_REASON_.... 0 for NULL.
 * Threads: any, also at the same time.
 */
uint32_t mt_verdict_reason(const mt_verdict *verdict);

/*
 * Writes the rule behind it, as "P2".
 * Returns the length of the whole text.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_rule(const mt_verdict *verdict, char *text, size_t capacity);

/*
 * Writes the label of the pin that decided, by which a program knows the peer. Nothing if a chain decided, if the pin
 * has no label, or if the peer is refused.
 * Returns the length of the whole text. Compare it only if the answer is below the capacity: else it was cut.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_label(const mt_verdict *verdict, char *text, size_t capacity);

/*
 * How many names a chain vouches for. 0 for a pin, and for a refusal.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_name_count(const mt_verdict *verdict);

/*
 * Writes a name that a chain vouches for, counted from 0, as "dns:array-7.example".
 * Returns the length of the whole text. Compare it only if the answer is below the capacity: else it was cut.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_name(const mt_verdict *verdict, size_t index, char *text, size_t capacity);

/*
 * Writes the id of the server that was expected. Nothing for a client, and if the name belongs to none.
 * Returns the length of the whole text. Compare it only if the answer is below the capacity: else it was cut.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_server(const mt_verdict *verdict, char *text, size_t capacity);

/*
 * Writes the SHA-256 fingerprint of the certificate that was presented. Nothing if it is hidden, as in enrolment.
 * Returns the length of the whole text. Compare it only if the answer is below the capacity: else it was cut.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_fingerprint(const mt_verdict *verdict, char *text, size_t capacity);

/*
 * How many warnings there are.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_warning_count(const mt_verdict *verdict);

/*
 * Writes a warning, counted from 0.
 * Returns the length of the whole text.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_warning(const mt_verdict *verdict, size_t index, char *text, size_t capacity);

/*
 * The generation of the store by which it was decided. 0 for NULL.
 * Threads: any, also at the same time.
 */
uint64_t mt_verdict_generation(const mt_verdict *verdict);

/*
 * Writes what to do about it, in this case. What a peer presented may stand in it.
 * Returns the length of the whole text.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_remedy(const mt_verdict *verdict, char *text, size_t capacity);

/*
 * Writes the verdict for an operator, several lines: the reason, what was expected and presented, what to do. Never
 * send it to the peer.
 * Returns the length of the whole text.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_text(const mt_verdict *verdict, char *text, size_t capacity);

/*
 * Writes the verdict as one object of JSON, on one line. Further members may come.
 * Returns the length of the whole text.
 * Threads: any, also at the same time.
 */
size_t mt_verdict_json(const mt_verdict *verdict, char *text, size_t capacity);

/*
 * Frees a verdict. NULL is nothing to do.
 * Threads: any, when no other uses it.
 */
void mt_verdict_free(mt_verdict *verdict);

/* ---- Reasons ---- */

/*
 * Whether a verdict with this reason trusts the peer: 1, else 0. 0 for a number that is no reason.
 * Threads: any.
 */
uint32_t mt_reason_accepts(uint32_t reason);

/*
 * Writes the stable name of a reason, as "PinMatched". Nothing for a number that is no reason.
 * Returns the length of the whole text.
 * Threads: any.
 */
size_t mt_reason_name(uint32_t reason, char *text, size_t capacity);

/*
 * Writes what a reason means, as a sentence. Nothing for a number that is no reason.
 * Returns the length of the whole text.
 * Threads: any.
 */
size_t mt_reason_meaning(uint32_t reason, char *text, size_t capacity);

/*
 * Writes what an operator does about a reason in general. Nothing for a number that is no reason.
 * Returns the length of the whole text.
 * Threads: any.
 */
size_t mt_reason_remedy(uint32_t reason, char *text, size_t capacity);

/* ---- Reports ---- */

/*
 * What a status means, one line that ends with a NUL. It belongs to the library: never free it. Never NULL. A call that
 * fails because of an argument (MT_NULL, MT_ARGUMENT, MT_TEXT) mostly gives no report: then this text is all there is.
 * Threads: any, also at the same time.
 */
const char *mt_status_text(uint32_t status);

/*
 * Writes what a call did, line by line: first what became of it, then what follows from it, with warnings. If the
 * call failed, why. Nothing for NULL, as after a call that gave no report: see mt_status_text.
 * Returns the length of the whole text.
 * Threads: any, also at the same time.
 */
size_t mt_report_text(const mt_report *report, char *text, size_t capacity);

/*
 * The generation of the store after the call. 0 if the call failed.
 * Threads: any, also at the same time.
 */
uint64_t mt_report_generation(const mt_report *report);

/*
 * Frees a report. NULL is nothing to do.
 * Threads: any, when no other uses it.
 */
void mt_report_free(mt_report *report);

/* ---- Certificates ---- */

/*
 * Writes the SHA-256 fingerprint of a certificate, PEM or DER, as it is read aloud. Nothing if it is malformed.
 * Returns the length of the whole text.
 * Threads: any.
 */
size_t mt_certificate_fingerprint(mt_bytes certificate, char *text, size_t capacity);

/*
 * Writes the subject of a certificate, PEM or DER, as one line. Nothing if it is malformed.
 * Returns the length of the whole text.
 * Threads: any.
 */
size_t mt_certificate_subject(mt_bytes certificate, char *text, size_t capacity);

/* ---- Options of an entry ---- */

/*
 * Makes options: no label, no end, match by certificate, no patterns.
 * Free them with mt_options_free.
 * Threads: any.
 */
uint32_t mt_options_new(mt_options **options);

/*
 * Sets the label, by which a program knows the peer of a pin (mt_verdict_label).
 * Threads: any.
 */
uint32_t mt_options_set_label(const mt_options *options, mt_bytes label);

/*
 * Lets a pin stand for either role, whatever its extended key usage says, with a warning.
 * Threads: any.
 */
uint32_t mt_options_set_any_role(const mt_options *options);

/*
 * Sets what a pin matches: MT_MATCH_CERTIFICATE (the default) or MT_MATCH_KEY.
 * Threads: any.
 */
uint32_t mt_options_set_match(const mt_options *options, uint32_t matching);

/*
 * Sets when the entry ends, in seconds since 1970. After it, the entry accepts nothing and is still held.
 * Threads: any.
 */
uint32_t mt_options_set_end(const mt_options *options, int64_t seconds);

/*
 * Accepts a pin for so many seconds after the end of its certificate, whatever the policy says.
 * Threads: any.
 */
uint32_t mt_options_set_grace(const mt_options *options, uint64_t seconds);

/*
 * Adds a pattern of names, as "dns:*.arrays.example", one of which clients of an authority must have.
 * Threads: any.
 */
uint32_t mt_options_add_name_pattern(const mt_options *options, mt_bytes pattern);

/*
 * Frees options. Entries that were installed with them keep theirs. NULL is nothing to do.
 * Threads: any, when no other uses them.
 */
void mt_options_free(mt_options *options);

/* ---- Installing and removing ---- */

/*
 * Installs a certificate, PEM or DER, as a pin: one that the peer itself must present.
 * scope is MT_SCOPE_SERVER, MT_SCOPE_NAME, MT_SCOPE_GROUP or MT_SCOPE_CLIENTS, and whose the id or name; empty for
 * clients. A server that has a pin must present one from then on: authorities are not asked.
 * options and report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_install_pin(
    const mt_store *store,
    uint32_t scope,
    mt_bytes whose,
    mt_bytes pem_or_der,
    const mt_options *options,
    mt_report **report);

/*
 * Installs a pin of which only the fingerprint is known, as a person at the peer read it aloud: SHA-256, 64 hexadecimal
 * digits, with or without colons. The arguments are as for mt_store_install_pin; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_install_pin_fingerprint(
    const mt_store *store,
    uint32_t scope,
    mt_bytes whose,
    mt_bytes fingerprint,
    const mt_options *options,
    mt_report **report);

/*
 * Installs a CA certificate, PEM or DER, at which presented chains may end.
 * scope is MT_SCOPE_SERVER, MT_SCOPE_NAME, MT_SCOPE_ANY_SERVER or MT_SCOPE_CLIENTS, and whose the id or name; empty
 * for the last two. options and report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_install_authority(
    const mt_store *store,
    uint32_t scope,
    mt_bytes whose,
    mt_bytes pem_or_der,
    const mt_options *options,
    mt_report **report);

/*
 * Installs a CA certificate, PEM or DER, that completes the chains of peers that do not send it. No chain ends at it.
 * options and report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_install_intermediate(
    const mt_store *store,
    mt_bytes pem_or_der,
    const mt_options *options,
    mt_report **report);

/*
 * Installs a revocation list, PEM or DER. Its issuer must be installed. From the first list of an issuer on, revocation
 * is checked for its certificates. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_install_crl(const mt_store *store, mt_bytes pem_or_der, mt_report **report);

/*
 * Removes an entry. slot is MT_SLOT_..., scope is MT_SCOPE_... but MT_SCOPE_NAME, whose the id, and fingerprint that of
 * the certificate: 64 hexadecimal digits. A server stays claimed without its pin. report may be NULL; free *report with
 * mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_remove(
    const mt_store *store,
    uint32_t slot,
    uint32_t scope,
    mt_bytes whose,
    mt_bytes fingerprint,
    mt_report **report);

/* ---- Servers and groups ---- */

/*
 * Adds a server: an id that never changes, and the names and addresses by which it is dialled; none if it is reached by
 * id alone. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_add_server(
    const mt_store *store,
    mt_bytes id,
    const mt_bytes *names,
    size_t count,
    mt_report **report);

/*
 * Adds a name to a server. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_add_name(const mt_store *store, mt_bytes id, mt_bytes name, mt_report **report);

/*
 * Takes a name from its server. A link to that name is refused then. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_release_name(const mt_store *store, mt_bytes name, mt_report **report);

/*
 * Removes a server with its entries. A claimed one must be released first. report may be NULL; free *report with
 * mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_remove_server(const mt_store *store, mt_bytes id, mt_report **report);

/*
 * Removes the pins of a server, and lets authorities decide about it from then on. report may be NULL; free *report
 * with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_release(const mt_store *store, mt_bytes id, mt_report **report);

/*
 * Lets a server that has pins also present a chain, until a time in seconds since 1970, at most 366 days from now.
 * report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_migrate(const mt_store *store, mt_bytes id, int64_t until, mt_report **report);

/*
 * Ends a migration before its time. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_stop_migrating(const mt_store *store, mt_bytes id, mt_report **report);

/*
 * Adds a group: servers that replicate one certificate. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_add_group(const mt_store *store, mt_bytes group, mt_report **report);

/*
 * Makes a server a member of a group. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_join_group(const mt_store *store, mt_bytes group, mt_bytes id, mt_report **report);

/*
 * Takes a server out of its group. It stays claimed. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_leave_group(const mt_store *store, mt_bytes id, mt_report **report);

/*
 * Removes a group. Its members stay claimed. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_remove_group(const mt_store *store, mt_bytes group, mt_report **report);

/* ---- Blocks ---- */

/*
 * Blocks a certificate, PEM or DER, and its key, for servers and clients, whatever else is installed. It is in force
 * when the call returns, also with MT_NOT_SAVED: then until the process ends. That is so for the judges of this handle.
 * Those of another handle of the same folder, in this process or another, have it after its mt_store_refresh. Open
 * connections go on until they are asked about again (mt_openssl_recheck, ...).
 * report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_block(const mt_store *store, mt_bytes pem_or_der, mt_report **report);

/*
 * Blocks the certificate with this fingerprint: SHA-256, 64 hexadecimal digits. Its key is not blocked. As
 * mt_store_block otherwise: report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_block_fingerprint(const mt_store *store, mt_bytes hexadecimal, mt_report **report);

/*
 * Lifts the block of a certificate, PEM or DER, and its key, as mt_store_block made it.
 * report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_unblock(const mt_store *store, mt_bytes pem_or_der, mt_report **report);

/*
 * Lifts the block of a fingerprint, as mt_store_block_fingerprint made it.
 * report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_store_unblock_fingerprint(const mt_store *store, mt_bytes hexadecimal, mt_report **report);

/* ---- What a store has ---- */

/*
 * Writes what the store has as one object of JSON: generation, servers, groups, entries, blocks. Further members may
 * come.
 * Returns the length of the whole text. Call it with a capacity of 0 first, and again with enough room; between the two,
 * another thread or process may have changed the store.
 * Threads: any; calls on one store wait for each other.
 */
size_t mt_store_json(const mt_store *store, char *text, size_t capacity);

/* ---- Enrolment ---- */

/*
 * Makes a closed enrolment, in which no client waits. seconds is its time: MT_TIME_SYSTEM reads the clock of the
 * operating system each time. Seconds since 1970, as time(NULL), are a clock that stands still until
 * mt_enrolment_set_time: a window that is open does not close meanwhile. Free *enrolment with mt_enrolment_free.
 * Threads: any.
 */
uint32_t mt_enrolment_new(int64_t seconds, mt_enrolment **enrolment);

/*
 * Sets the time of an enrolment from now on, for all handles of it: seconds since 1970, a clock that stands still until
 * the next call; MT_TIME_SYSTEM; or MT_TIME_UNSET.
 * Threads: any, also at the same time.
 */
uint32_t mt_enrolment_set_time(const mt_enrolment *enrolment, int64_t seconds);

/*
 * Makes a second handle of the same enrolment. Free *copy with mt_enrolment_free.
 * Threads: any, also at the same time.
 */
uint32_t mt_enrolment_clone(const mt_enrolment *enrolment, mt_enrolment **copy);

/*
 * Lets unknown clients wait for so many seconds, at most count of them. They are still refused.
 * Threads: any, also at the same time.
 */
uint32_t mt_enrolment_open(const mt_enrolment *enrolment, uint64_t seconds, size_t count);

/*
 * Lets no further client wait. Those who wait can still be accepted.
 * Threads: any, also at the same time.
 */
uint32_t mt_enrolment_close(const mt_enrolment *enrolment);

/*
 * Whether an unknown client can wait now: 1, else 0.
 * Threads: any, also at the same time.
 */
uint32_t mt_enrolment_is_open(const mt_enrolment *enrolment);

/*
 * Keeps a place for the client whose certificate has this fingerprint. It is not accepted by that.
 * Threads: any, also at the same time.
 */
uint32_t mt_enrolment_expect(const mt_enrolment *enrolment, mt_bytes fingerprint);

/*
 * Gives the clients that wait now, the longest wait first. Free *pending with mt_pending_free.
 * Threads: any, also at the same time.
 */
uint32_t mt_enrolment_pending(const mt_enrolment *enrolment, mt_pending **pending);

/*
 * Installs the certificate of a client that waits as a pin for clients, if fingerprint is that of its certificate.
 * A person at the client reads it aloud; nothing here shows it. by is the administrator. options may be NULL, with a
 * label they make the client known by it. report may be NULL; free *report with mt_report_free.
 * Threads: any; calls on one store wait for each other. It writes to the disk.
 */
uint32_t mt_enrolment_accept(
    const mt_enrolment *enrolment,
    const mt_store *store,
    uint64_t number,
    mt_bytes fingerprint,
    const mt_options *options,
    mt_bytes by,
    mt_report **report);

/*
 * Rejects a client that waits. by is the administrator.
 * Threads: any, also at the same time.
 */
uint32_t mt_enrolment_reject(const mt_enrolment *enrolment, uint64_t number, mt_bytes by);

/*
 * Frees an enrolment. Peers that were made with it keep it. NULL is nothing to do.
 * Threads: any, when no other uses it.
 */
void mt_enrolment_free(mt_enrolment *enrolment);

/*
 * How many clients waited.
 * Threads: any, also at the same time.
 */
size_t mt_pending_count(const mt_pending *pending);

/*
 * The number of a client that waits, for mt_enrolment_accept; index counts from 0. 0 if there is none.
 * Threads: any, also at the same time.
 */
uint64_t mt_pending_number(const mt_pending *pending, size_t index);

/*
 * Writes the IP address of a client that waits.
 * Returns the length of the whole text.
 * Threads: any, also at the same time.
 */
size_t mt_pending_address(const mt_pending *pending, size_t index, char *text, size_t capacity);

/*
 * Writes what helps to recognise a client that waits: subject, issuer, names, validity, kind of key. The peer chose
 * them. Not its fingerprint.
 * Returns the length of the whole text.
 * Threads: any, also at the same time.
 */
size_t mt_pending_text(const mt_pending *pending, size_t index, char *text, size_t capacity);

/*
 * Frees a list. NULL is nothing to do.
 * Threads: any, when no other uses it.
 */
void mt_pending_free(mt_pending *pending);

#ifdef __cplusplus
}
#endif

#endif /* MUTUAL_TRUST_H */
