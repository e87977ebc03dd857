/* One thread of ours that does part of what another thread could do alone.
 *
 * Nobody waits for it to come: who shares work out begins at once, and waits at the end only for a
 * piece that the helper has in hand. So it costs little where other processes want the cores. It
 * looks for work for as long as a model of small matrices takes from one to the next, and then
 * sleeps.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "common.h"

enum {
    LOOKS = 6000,      /* before it sleeps: about a tenth of a millisecond */
    IMPATIENCE = 1000, /* looks at a helper that is not done, before its core is offered to it */
};

static struct {
    pthread_mutex_t door;
    pthread_cond_t bell;
    void (*function)(void *); /* the work */
    void *data;
    int64_t number;         /* of the work, twice; one more while it is open */
    int32_t inside, asleep; /* the helper is */
    int32_t taken;          /* somebody shares work out to it */
    int32_t exists;
} helper = {.door = PTHREAD_MUTEX_INITIALIZER, .bell = PTHREAD_COND_INITIALIZER};

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define STORE(x, value) __atomic_store_n(&(x), value, __ATOMIC_SEQ_CST)

static void pause_shortly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int is_new(int64_t number, int64_t done) { return number != done && number % 2; }

static int64_t sleep_until_work(int64_t done) {
    int64_t number;
    pthread_mutex_lock(&helper.door);
    STORE(helper.asleep, 1);
    while (!is_new(number = LOAD(helper.number), done))
        pthread_cond_wait(&helper.bell, &helper.door);
    STORE(helper.asleep, 0);
    pthread_mutex_unlock(&helper.door);
    return number;
}

static int64_t next_work(int64_t done) {
    for (int looks = 0; looks < LOOKS; looks++) {
        int64_t number = LOAD(helper.number);
        if (is_new(number, done)) return number;
        pause_shortly();
    }
    return sleep_until_work(done);
}

static void *help(void *nothing) {
    int64_t done = 0;
    for (;;) {
        int64_t number = next_work(done);
        STORE(helper.inside, 1);
        if (LOAD(helper.number) == number) helper.function(helper.data); /* it is still open */
        STORE(helper.inside, 0);
        done = number;
    }
    return nothing;
}

/* A process that was forked has no helper. */
static void forget_it(void) {
    pthread_mutex_init(&helper.door, NULL);
    pthread_cond_init(&helper.bell, NULL);
    helper.number += helper.number % 2;
    helper.inside = helper.asleep = helper.taken = helper.exists = 0;
}

/* Begin the helper; it takes no signals. Says whether there is one. */
static int begin(void) {
    static int is_told = 0;
    sigset_t all_signals, before;
    pthread_t thread;
    if (!is_told) is_told = !pthread_atfork(NULL, NULL, forget_it);
    sigfillset(&all_signals);
    pthread_sigmask(SIG_SETMASK, &all_signals, &before);
    int failed = pthread_create(&thread, NULL, help, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed) pthread_detach(thread);
    return !failed;
}

static void wake_it(void) {
    pthread_mutex_lock(&helper.door);
    pthread_cond_signal(&helper.bell);
    pthread_mutex_unlock(&helper.door);
}

/* A `Region` of this thread and the helper, if nobody else has it. */
void with_helper(void (*function)(void *), void *data, unsigned n_threads, unsigned flags) {
    (void)n_threads, (void)flags;
    if (__atomic_exchange_n(&helper.taken, 1, __ATOMIC_SEQ_CST)) {
        function(data);
        return;
    }
    if (!helper.exists) helper.exists = begin();
    helper.function = function;
    helper.data = data;
    STORE(helper.number, helper.number + 1);
    if (LOAD(helper.asleep)) wake_it();
    function(data);
    STORE(helper.number, helper.number + 1);
    for (int looks = 0; LOAD(helper.inside); looks++)
        if (looks < IMPATIENCE)
            pause_shortly();
        else
            sched_yield();
    STORE(helper.taken, 0);
}
