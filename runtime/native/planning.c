/* From rows and their spans to what attention is told of a step.
 *
 * A *reading* is a row that sees a span. Readings of spans that begin in the same slot are a *group*:
 * they read the same keys, some of them fewer than others. A group is read in *chunks*; a *task* is
 * one chunk of one group. What one new token finds in one chunk is a *part*. The parts of one token
 * are neighbours: chunk after chunk, span after span, in the order of its view.
 */
#include <stdlib.h>

#include "plan.h"

enum { ALIGNED = 64 };

typedef struct {
    int64_t n_new, n_spans;
} Row;

typedef struct {
    int64_t slot, n_tokens, rotated_for;
} Span;

typedef struct {
    int64_t slot, number;
    Reading reading;
} Sorted;

INLINE int64_t chunks_of(int64_t n_tokens, int64_t chunk) { return (n_tokens + chunk - 1) / chunk; }

static int by_slot(const void *a, const void *b) {
    const Sorted *x = a, *y = b;
    if (x->slot != y->slot) return x->slot < y->slot ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* `chunk_tokens`, doubled until what is found in all parts is at most `found_most` numbers. */
static int64_t chunk_of(const Shape *shape, const Row *rows, int64_t n_rows, const Span *spans,
                        int64_t chunk, int64_t found_most) {
    int64_t per_part = shape->n_heads * padded(shape->head_dim);
    for (;; chunk *= 2) {
        int64_t n_parts = 0, longest = 0;
        const Span *span = spans;
        for (int64_t r = 0; r < n_rows; r++)
            for (int64_t s = 0; s < rows[r].n_spans; s++, span++) {
                n_parts += rows[r].n_new * chunks_of(span->n_tokens, chunk);
                if (span->n_tokens > longest) longest = span->n_tokens;
            }
        if (chunk >= longest || n_parts * per_part <= found_most) return chunk;
    }
}

/* What turns n positions from `position` on. */
static void turns_of(const Shape *shape, int64_t position, int64_t n, float *turns) {
    for (int64_t i = 0; i < n; i++)
        turn_of(shape->frequencies, shape->head_dim, position + i, shape->scaling,
                turns + i * shape->head_dim);
}

/* Slots and rotations of the last n_new tokens of a row, which are new. */
static void new_tokens(Plan *plan, const Row *row, const Span *spans, int64_t token) {
    int64_t missing = row->n_new;
    for (int64_t s = row->n_spans - 1; missing > 0; s--) {
        int64_t n = least(spans[s].n_tokens, missing), skipped = spans[s].n_tokens - n;
        missing -= n;
        for (int64_t i = 0; i < n; i++)
            plan->new_slots[token + missing + i] = spans[s].slot + skipped + i;
        turns_of(&plan->shape, spans[s].rotated_for + skipped, n,
                 plan->new_turns + (token + missing) * plan->shape.head_dim);
    }
}

/* Memory of all arrays in one piece; the first call counts, the second hands out. */
static void *piece(char *memory, int64_t *used, int64_t n_bytes) {
    void *found = memory ? memory + *used : NULL;
    *used += (n_bytes + ALIGNED - 1) / ALIGNED * ALIGNED;
    return found;
}

static int64_t hand_out(Plan *plan, char *memory, int64_t n_lines, int64_t n_tasks_most) {
    int64_t used = 0, head_dim = plan->shape.head_dim, results = plan->n_parts * plan->shape.n_heads;
    piece(memory, &used, sizeof(Plan));
    plan->readings = piece(memory, &used, plan->n_readings * sizeof(Reading));
    plan->groups = piece(memory, &used, plan->n_readings * sizeof(Group));
    plan->tasks = piece(memory, &used, n_tasks_most * sizeof(Task));
    plan->part_starts = piece(memory, &used, (plan->n_new + 1) * sizeof(int64_t));
    plan->new_slots = piece(memory, &used, plan->n_new * sizeof(int64_t));
    plan->new_turns = piece(memory, &used, plan->n_new * head_dim * sizeof(float));
    plan->turns = piece(memory, &used, n_lines * head_dim * sizeof(float));
    plan->found = piece(memory, &used, results * padded(head_dim) * sizeof(float));
    plan->largest = piece(memory, &used, results * sizeof(float));
    plan->sums = piece(memory, &used, results * sizeof(float));
    return used;
}

static void group_readings(Plan *plan, const Sorted *sorted) {
    for (int64_t i = 0; i < plan->n_readings; i++) {
        plan->readings[i] = sorted[i].reading;
        if (!i || sorted[i].slot != sorted[i - 1].slot)
            plan->groups[plan->n_groups++] = (Group){sorted[i].slot, 0, i, 0};
        Group *group = plan->groups + plan->n_groups - 1;
        group->n_readings++;
        if (sorted[i].reading.n_keys > group->n_keys) group->n_keys = sorted[i].reading.n_keys;
    }
    for (int64_t g = 0; g < plan->n_groups; g++)
        for (int64_t c = 0; c < chunks_of(plan->groups[g].n_keys, plan->chunk_tokens); c++)
            plan->tasks[plan->n_tasks++] = (Task){g, c};
}

/* How much there is of everything. */
static void count(Plan *plan, const Row *rows, int64_t n_rows, const Span *span, int64_t *n_lines,
                  int64_t *n_tasks_most, int64_t *n_scores) {
    for (int64_t r = 0; r < n_rows; r++) {
        plan->n_new += rows[r].n_new;
        plan->n_readings += rows[r].n_spans;
        *n_lines += rows[r].n_new * rows[r].n_spans;
        for (int64_t s = 0; s < rows[r].n_spans; s++, span++) {
            int64_t n_chunks = chunks_of(span->n_tokens, plan->chunk_tokens);
            plan->n_parts += rows[r].n_new * n_chunks;
            *n_tasks_most += n_chunks;
            *n_scores += rows[r].n_new * span->n_tokens;
        }
    }
}

/* All about new tokens and rotations; the readings, in the order of rows, with their slots. */
static void read_rows(Plan *plan, const Row *rows, int64_t n_rows, const Span *span,
                      Sorted *readings) {
    int64_t token = 0, part = 0, line = 0, number = 0, head_dim = plan->shape.head_dim;
    for (int64_t r = 0; r < n_rows; r++) {
        const Row *row = rows + r;
        int64_t to_place = -row->n_new, n_parts = 0, next_part = part;
        for (int64_t s = 0; s < row->n_spans; s++) {
            to_place += span[s].n_tokens;
            n_parts += chunks_of(span[s].n_tokens, plan->chunk_tokens);
        }
        for (int64_t i = 0; i < row->n_new; i++) plan->part_starts[token + i] = part + i * n_parts;
        new_tokens(plan, row, span, token);
        for (int64_t s = 0; s < row->n_spans; s++, span++, number++) {
            Reading reading = {token, row->n_new, to_place + 1, span->n_tokens, line,
                               next_part, n_parts};
            readings[number] = (Sorted){span->slot, number, reading};
            turns_of(&plan->shape, to_place + span->rotated_for, row->n_new,
                     plan->turns + line * head_dim);
            line += row->n_new;
            to_place -= span->n_tokens;
            next_part += chunks_of(span->n_tokens, plan->chunk_tokens);
        }
        part += n_parts * row->n_new;
        token += row->n_new;
    }
    plan->part_starts[token] = part;
}

/* Plan a step. Layers of up to `scores_alone` scores are one thread's. NULL: no memory. */
Plan *plan_step(const Shape *shape, const Row *rows, int64_t n_rows, const Span *spans,
                int64_t chunk_tokens, int64_t found_most, Region region, int64_t n_threads,
                int64_t scores_alone) {
    Plan counted = {.shape = *shape, .region = region, .n_threads = n_threads};
    int64_t n_lines = 0, n_scores = 0, n_tasks_most = 0;
    counted.chunk_tokens = chunk_of(shape, rows, n_rows, spans, chunk_tokens, found_most);
    count(&counted, rows, n_rows, spans, &n_lines, &n_tasks_most, &n_scores);
    if (n_scores * shape->n_heads <= scores_alone) counted.n_threads = 1;
    char *memory = aligned_alloc(ALIGNED, hand_out(&counted, NULL, n_lines, n_tasks_most));
    Sorted *readings = malloc(sizeof(Sorted) * counted.n_readings);
    if (!memory || !readings) {
        free(memory);
        free(readings);
        return NULL;
    }
    Plan *plan = (Plan *)memory;
    *plan = counted;
    hand_out(plan, memory, n_lines, n_tasks_most);
    read_rows(plan, rows, n_rows, spans, readings);
    qsort(readings, plan->n_readings, sizeof(Sorted), by_slot);
    group_readings(plan, readings);
    free(readings);
    return plan;
}

void free_plan(Plan *plan) { free(plan); }
