// A call: its memory, its failure, and the lists that lie in that memory.

#include "host.h"
#include <stdlib.h>
#include <string.h>

// How much is taken from the C library at once, in bytes.
#define BLOCK_BYTES (8u * 1024)
// How many places a list has at first.
#define ROOM_FIRST 4
// Code of a failure that the connector's author did not foresee.
#define CONNECTOR_BUG "connector.bug"

struct block {
  struct block *before;
  size_t filled;
  size_t bytes;
  max_align_t memory[];
};

void cs_begin(cs_call *call, const cs_host *host, size_t bytes_max) {
  *call = (cs_call){.host = host, .bytes_max = bytes_max ? bytes_max : CS_MEMORY_BYTES_MAX};
  call->made = (cs_source){.call = call, .origin = CS_MADE};
}

void cs_end(cs_call *call) {
  while (call->blocks) {
    struct block *before = call->blocks->before;
    free(call->blocks);
    call->blocks = before;
  }
  call->bytes_taken = 0;
}

// A block with this much room; NULL if the call has taken what it may, or there is none.
static struct block *new_block(cs_call *call, size_t bytes) {
  size_t left = call->bytes_max - call->bytes_taken;
  if (left < bytes) return NULL;
  if (bytes < BLOCK_BYTES) bytes = left < BLOCK_BYTES ? left : BLOCK_BYTES;
  struct block *block = calloc(1, sizeof *block + bytes);
  if (!block) return NULL;
  block->bytes = bytes;
  call->bytes_taken += bytes;
  return block;
}

void *cs_alloc(cs_call *call, size_t bytes) {
  const size_t step = sizeof(max_align_t);
  if (bytes <= call->bytes_max) {
    size_t whole = (bytes + step - 1) / step * step;
    if (!whole) whole = step;
    struct block *block = call->blocks;
    if (!block || block->bytes - block->filled < whole) {
      block = new_block(call, whole);
      if (block) {
        block->before = call->blocks;
        call->blocks = block;
      }
    }
    if (block) {
      void *at = (char *)block->memory + block->filled;
      block->filled += whole;
      return at;
    }
  }
  // Nothing of this needs memory.
  cs_bug(call, CS("the call needs more memory than `memory_bytes_max` allows"));
  return NULL;
}

cs_failure *cs_fail(cs_call *call, cs_case is, cs_text code, cs_text message) {
  cs_failure *failure = call->has_failed ? &call->spare : &call->failure;
  *failure = (cs_failure){.is = is, .code = code, .message = message};
  call->has_failed = true;
  return failure;
}

cs_failure *cs_transient(cs_call *call, const char *code, cs_text message) {
  return cs_fail(call, CS_TRANSIENT, cs_text_of(code), message);
}

cs_failure *cs_rejected(cs_call *call, const char *code, cs_text message) {
  return cs_fail(call, CS_REJECTED, cs_text_of(code), message);
}

cs_failure *cs_conflict(cs_call *call, const char *code, cs_text message) {
  return cs_fail(call, CS_CONFLICT, cs_text_of(code), message);
}

cs_failure *cs_denied(cs_call *call, const char *code, cs_text message) {
  return cs_fail(call, CS_DENIED, cs_text_of(code), message);
}

cs_failure *cs_uncertain(cs_call *call, const char *code, cs_text message) {
  return cs_fail(call, CS_UNCERTAIN, cs_text_of(code), message);
}

cs_failure *cs_bug(cs_call *call, cs_text message) { return cs_rejected(call, CONNECTOR_BUG, message); }

bool cs_failed(const cs_call *call) { return call->has_failed; }

bool cs_take_failure(cs_call *call, cs_failure *failure) {
  if (!call->has_failed || cs_is(call->failure.code, CONNECTOR_BUG)) return false;
  *failure = call->failure;
  call->has_failed = false;
  return true;
}

bool cs_assert(cs_call *call, bool holds, const char *condition, const char *file, int line) {
  if (holds) return true;
  // Only the name: where the file lay is nobody's matter.
  const char *name = strrchr(file, '/');
  cs_text place = cs_text_of(name ? name + 1 : file);
  cs_text where = cs_join(call, place, CS(":"), cs_digits(call, line));
  cs_bug(call, cs_join(call, where, CS(": `"), cs_text_of(condition), CS("` does not hold")));
  return false;
}

void *cs_grown(cs_call *call, void *at, size_t count, size_t *room, size_t element_bytes) {
  if (count < *room) return at;
  size_t wanted = count < ROOM_FIRST ? ROOM_FIRST : count * 2;
  // Where the product would be none, this is more than there is.
  size_t bytes = wanted <= call->bytes_max / element_bytes ? wanted * element_bytes : SIZE_MAX;
  void *grown = cs_alloc(call, bytes);
  if (!grown) return NULL;
  if (count) memcpy(grown, at, count * element_bytes);
  *room = wanted;
  return grown;
}

// Adds to a list of any type.
#define ADD(call, list, one)                                                                        \
  do {                                                                                              \
    void *grown = cs_grown((call), (list)->at, (list)->count, &(list)->room, sizeof *(list)->at);   \
    if (grown) {                                                                                    \
      (list)->at = grown;                                                                           \
      (list)->at[(list)->count++] = (one);                                                          \
    }                                                                                               \
  } while (0)

void cs_add_text(cs_call *call, cs_texts *texts, cs_text text) { ADD(call, texts, text); }

void cs_add_pair(cs_call *call, cs_pairs *pairs, const char *name, cs_text value) {
  ADD(call, pairs, ((cs_pair){cs_text_of(name), value}));
}

void cs_add_field(cs_call *call, cs_fields *fields, cs_field field) { ADD(call, fields, field); }

void cs_add_change(cs_call *call, cs_changes *changes, cs_change change) { ADD(call, changes, change); }

void cs_add_record(cs_call *call, cs_records *records, cs_record record) { ADD(call, records, record); }

void cs_add_draft(cs_call *call, cs_drafts *drafts, cs_draft draft) { ADD(call, drafts, draft); }

void cs_add_snapshot(cs_call *call, cs_snapshots *snapshots, cs_snapshot snapshot) { ADD(call, snapshots, snapshot); }

cs_text cs_setting(cs_call *call, const char *name) { return call->host->setting(call, name); }

void cs_say(cs_call *call, cs_level level, cs_text message, cs_pairs fields) {
  call->host->say(call, level, message, fields);
}
