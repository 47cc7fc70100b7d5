/* A PKCS#11 module that passes each call on to SoftHSM, counts some of them, and fails when a test says so.
 *
 * MT_SHIM names a folder. The file `orders` in it is read and removed at each call; its lines are
 *   fail FUNCTION VALUE TIMES   the next calls of the function return the value
 *   flags VALUE                 the token has these flags as well
 *   slow MILLISECONDS           each signature takes as long
 *   linger MILLISECONDS         each log-in takes as long
 *   hide MECHANISM              the token does not have this mechanism
 *   reset                       the module is finalised, as by another part of the process
 *   close                       all sessions are closed, and the token is logged out
 *   absent TIMES                there is no token for this many calls of C_GetSlotList
 *   moved NUMBER                the token is in another slot, by so much
 *   fork                        the process is forked in the next C_OpenSession
 * Each call of a function below is a line in the file `calls`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong_t;
typedef struct {
    unsigned char version[2];
    void *functions[68];
} list_t;
typedef struct {
    unsigned char text[96];
    ulong_t flags;
    /* what follows is SoftHSM's alone */
} token_info_t;

enum {
    INITIALIZE = 0, FINALIZE = 1, GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, GET_MECHANISM_LIST = 7,
    SESSION_INFO = 15, ATTRIBUTES = 24, FIND_INIT = 26, FIND = 27, FIND_FINAL = 28,
    OPEN_SESSION = 12, CLOSE_SESSION = 13, CLOSE_ALL = 14, LOGIN = 18, GENERATE_PAIR = 59, SIGN_INIT = 42, SIGN = 43
};

static list_t *softhsm;
static list_t list;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t resets = PTHREAD_RWLOCK_INITIALIZER;
static struct { char name[32]; ulong_t value; long times; } fails[64];
static int fail_count;
static ulong_t more_flags;
static ulong_t hidden[16];
static int hidden_count;
static long slow;
static long linger;
static long absent;
static int forks;
static ulong_t moved;
static ulong_t last_slot;

static void path(char *into, size_t size, const char *name) {
    const char *folder = getenv("MT_SHIM");
    snprintf(into, size, "%s/%s", folder ? folder : "/nowhere", name);
}

/* Reads the orders, and counts the call. Gives what it returns, or 0. */
static ulong_t called(const char *function) {
    char name[4096], line[256];
    ulong_t value = 0;
    int close_all = 0, reset = 0;
    pthread_mutex_lock(&lock);
    path(name, sizeof name, "orders");
    FILE *orders = fopen(name, "r");
    if (orders) {
        while (fgets(line, sizeof line, orders)) {
            char what[32];
            if (sscanf(line, "fail %31s %lx %ld", fails[fail_count].name, &fails[fail_count].value,
                       &fails[fail_count].times) == 3) fail_count++;
            else if (sscanf(line, "flags %lx", &more_flags) == 1) ;
            else if (sscanf(line, "slow %ld", &slow) == 1) ;
            else if (sscanf(line, "linger %ld", &linger) == 1) ;
            else if (sscanf(line, "absent %ld", &absent) == 1) ;
            else if (sscanf(line, "moved %lu", &moved) == 1) ;
            else if (sscanf(line, "hide %lx", &hidden[hidden_count]) == 1) hidden_count++;
            else if (sscanf(line, "%31s", what) == 1) {
                if (!strcmp(what, "reset")) reset = 1;
                if (!strcmp(what, "close")) close_all = 1;
                if (!strcmp(what, "fork")) forks = 1;
            }
        }
        fclose(orders);
        unlink(name);
    }
    for (int i = 0; i < fail_count; i++)
        if (!strcmp(fails[i].name, function) && fails[i].times > 0) {
            fails[i].times--;
            value = fails[i].value;
            break;
        }
    path(name, sizeof name, "calls");
    FILE *calls = fopen(name, "a");
    if (calls) {
        fprintf(calls, "%s\n", function);
        fclose(calls);
    }
    pthread_mutex_unlock(&lock);
    /* SoftHSM crashes if a session is closed while another thread is in it: calls end before a reset, and it ends before them. */
    if (close_all || reset) pthread_rwlock_wrlock(&resets);
    if (close_all) ((ulong_t (*)(ulong_t))softhsm->functions[CLOSE_ALL])(last_slot);
    if (reset) ((ulong_t (*)(void *))softhsm->functions[FINALIZE])(NULL);
    if (close_all || reset) pthread_rwlock_unlock(&resets);
    return value;
}

/* A call into SoftHSM, which no reset interrupts. */
static ulong_t done(ulong_t value) {
    pthread_rwlock_unlock(&resets);
    return value;
}
#define CALL(index, types) (pthread_rwlock_rdlock(&resets), (ulong_t (*) types)softhsm->functions[index])
#define FAIL(function) do { ulong_t value = called(function); if (value) return value; } while (0)

static ulong_t initialize(void *args) {
    FAIL("C_Initialize");
    return done(CALL(INITIALIZE, (void *))(args));
}

static ulong_t get_slot_list(unsigned char present, ulong_t *slots, ulong_t *count) {
    FAIL("C_GetSlotList");
    if (absent > 0) {
        absent--;
        *count = 0;
        return 0;
    }
    ulong_t value = done(CALL(GET_SLOT_LIST, (unsigned char, ulong_t *, ulong_t *))(present, slots, count));
    if (!value && slots)
        for (ulong_t i = 0; i < *count; i++) slots[i] += moved;
    return value;
}

static ulong_t get_token_info(ulong_t slot, token_info_t *info) {
    FAIL("C_GetTokenInfo");
    ulong_t value = done(CALL(GET_TOKEN_INFO, (ulong_t, token_info_t *))(slot - moved, info));
    if (!value) info->flags |= more_flags;
    return value;
}

static ulong_t get_mechanism_list(ulong_t slot, ulong_t *types, ulong_t *count) {
    FAIL("C_GetMechanismList");
    ulong_t value = done(CALL(GET_MECHANISM_LIST, (ulong_t, ulong_t *, ulong_t *))(slot - moved, types, count));
    if (!value && types)
        for (ulong_t i = 0; i < *count; i++)
            for (int h = 0; h < hidden_count; h++)
                /* MD5, of which nothing here has a use */
                if (types[i] == hidden[h]) types[i] = 0x210;
    return value;
}

static ulong_t open_session(ulong_t slot, ulong_t flags, void *data, void *notify, ulong_t *session) {
    FAIL("C_OpenSession");
    slot -= moved;
    last_slot = slot;
    if (forks) {
        forks = 0;
        int pid = fork();
        if (pid < 0) return 5;
        /* SoftHSM fails if two processes log in at the same time: the child goes on when the parent has written `go`. */
        char go[4096];
        path(go, sizeof go, "go");
        for (int i = 0; pid == 0 && access(go, F_OK) && i < 10000; i++) usleep(2000);
    }
    return done(CALL(OPEN_SESSION, (ulong_t, ulong_t, void *, void *, ulong_t *))(slot, flags, data, notify, session));
}

static ulong_t close_session(ulong_t session) {
    FAIL("C_CloseSession");
    return done(CALL(CLOSE_SESSION, (ulong_t))(session));
}

static ulong_t login(ulong_t session, ulong_t user, unsigned char *pin, ulong_t length) {
    FAIL("C_Login");
    if (linger) usleep(linger * 1000);
    return done(CALL(LOGIN, (ulong_t, ulong_t, unsigned char *, ulong_t))(session, user, pin, length));
}

static ulong_t sign_init(ulong_t session, void *mechanism, ulong_t key) {
    FAIL("C_SignInit");
    for (int h = 0; h < hidden_count; h++)
        /* CKR_MECHANISM_INVALID */
        if (*(ulong_t *)mechanism == hidden[h]) return 0x70;
    return done(CALL(SIGN_INIT, (ulong_t, void *, ulong_t))(session, mechanism, key));
}

static ulong_t sign(ulong_t session, unsigned char *data, ulong_t length, unsigned char *signature, ulong_t *size) {
    FAIL("C_Sign");
    if (signature && slow) usleep(slow * 1000);
    return done(CALL(SIGN, (ulong_t, unsigned char *, ulong_t, unsigned char *, ulong_t *))(session, data, length, signature, size));
}

static ulong_t session_info(ulong_t session, void *info) {
    return done(CALL(SESSION_INFO, (ulong_t, void *))(session, info));
}

static ulong_t attributes(ulong_t session, ulong_t object, void *wanted, ulong_t count) {
    return done(CALL(ATTRIBUTES, (ulong_t, ulong_t, void *, ulong_t))(session, object, wanted, count));
}

static ulong_t find_init(ulong_t session, void *wanted, ulong_t count) {
    return done(CALL(FIND_INIT, (ulong_t, void *, ulong_t))(session, wanted, count));
}

static ulong_t find(ulong_t session, ulong_t *objects, ulong_t most, ulong_t *count) {
    return done(CALL(FIND, (ulong_t, ulong_t *, ulong_t, ulong_t *))(session, objects, most, count));
}

static ulong_t find_final(ulong_t session) {
    return done(CALL(FIND_FINAL, (ulong_t))(session));
}

ulong_t C_GetFunctionList(list_t **out) {
    if (!softhsm) {
        const char *file = getenv("MT_SOFTHSM");
        void *module = dlopen(file ? file : "libsofthsm2.so", RTLD_NOW);
        if (!module) return 5;
        ulong_t (*get)(list_t **) = (ulong_t (*)(list_t **))dlsym(module, "C_GetFunctionList");
        if (!get || get(&softhsm)) return 5;
        list = *softhsm;
        list.functions[INITIALIZE] = initialize;
        list.functions[GET_SLOT_LIST] = get_slot_list;
        list.functions[GET_TOKEN_INFO] = get_token_info;
        list.functions[GET_MECHANISM_LIST] = get_mechanism_list;
        list.functions[OPEN_SESSION] = open_session;
        list.functions[CLOSE_SESSION] = close_session;
        list.functions[LOGIN] = login;
        list.functions[SIGN_INIT] = sign_init;
        list.functions[SIGN] = sign;
        list.functions[SESSION_INFO] = session_info;
        list.functions[ATTRIBUTES] = attributes;
        list.functions[FIND_INIT] = find_init;
        list.functions[FIND] = find;
        list.functions[FIND_FINAL] = find_final;
    }
    *out = &list;
    return 0;
}
