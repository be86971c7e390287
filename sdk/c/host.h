// What stands between the SDK and whoever asks it: the glue of a component (`guest/`), or a test.

#ifndef COUNTERSIGN_HOST_H
#define COUNTERSIGN_HOST_H

#include "countersign.h"

// What a host offers.
typedef struct cs_host {
  // Sends a request and gives the answer; or makes the call fail, and says no.
  bool (*send)(cs_call *call, const cs_request *request, const char *step, cs_answer *answer);
  cs_text (*setting)(cs_call *call, const char *name);
  void (*say)(cs_call *call, cs_level level, cs_text message, cs_pairs fields);
} cs_host;

// What a JSON came from, and so what it means that it is not as wanted.
typedef enum cs_origin {
  CS_MADE,
  CS_OF_ANSWER,
  CS_OF_DELIVERY,
  CS_OF_INPUT,
} cs_origin;

typedef struct cs_source {
  cs_call *call;
  cs_origin origin;
  // Only of `CS_OF_ANSWER`.
  const cs_answer *answer;
} cs_source;

struct cs_call {
  const cs_host *host;
  // Whatever a test wants to find again.
  void *of_host;
  // The memory of the call: blocks, the one that is being filled first.
  struct block *blocks;
  size_t bytes_taken;
  size_t bytes_max;
  bool has_failed;
  cs_failure failure;
  // What is added to a failure that does not count.
  cs_failure spare;
  // Of what the connector makes.
  cs_source made;
};

// Begins a call, and ends it: then all its memory is free.
void cs_begin(cs_call *call, const cs_host *host, size_t bytes_max);
void cs_end(cs_call *call);
// Makes a call fail with a failure of any case.
cs_failure *cs_fail(cs_call *call, cs_case is, cs_text code, cs_text message);

// The questions of the host, each with what is odd about the answer turned into a failure.
void cs_ask_check(cs_call *call, const cs_connector *of);
cs_snapshot cs_ask_fetch(cs_call *call, const cs_connector *of, cs_record subject);
cs_page cs_ask_changes(cs_call *call, const cs_connector *of, cs_text kind, cs_text cursor, uint32_t limit,
                       uint64_t now_ms);
cs_plan cs_ask_plan(cs_call *call, const cs_connector *of, const cs_proposal *what, uint64_t now_ms);
cs_receipt cs_ask_apply(cs_call *call, const cs_connector *of, const cs_effect *effect);
cs_finding cs_ask_probe(cs_call *call, const cs_connector *of, const cs_effect *effect);
cs_receipt cs_ask_undo(cs_call *call, const cs_connector *of, const cs_effect *effect, const cs_receipt *landed);
cs_finding cs_ask_probe_undo(cs_call *call, const cs_connector *of, const cs_effect *effect, const cs_receipt *landed);
cs_records cs_ask_interpret(cs_call *call, const cs_connector *of, const cs_delivery *delivery);
cs_drafts cs_ask_receive(cs_call *call, const cs_connector *of, const cs_delivery *delivery);

// ---- What the files of the SDK share ----

// The place of a list with room for one more, which may be another; NULL if there is no memory.
void *cs_grown(cs_call *call, void *at, size_t count, size_t *room, size_t element_bytes);
// How long the character is that begins here, in bytes; 0 if it is no UTF-8.
size_t cs_character(const char *at, size_t length);
// Whether a text is UTF-8.
bool cs_is_well_formed(cs_text text);
// The text with replacement characters for what is not UTF-8.
cs_text cs_well_formed(cs_call *call, cs_text text);
// A vendor's words on one line, of bounded length.
cs_text cs_shortened(cs_call *call, cs_text words);
// Whether a text is decimal as the contract has it: `-`, digits, `.`, digits.
bool cs_is_decimal(cs_text text);
// An amount in units of so many digits after the point; says no if it does not convert exactly.
bool cs_to_minor(cs_text amount, unsigned digits, int64_t *minor);
// The seconds from 1970 to a moment as HTTP writes it; says no if it is none.
bool cs_http_date(cs_text text, int64_t *seconds);
// Whether a text is a day, `YYYY-MM-DD`.
bool cs_is_date(cs_text text);
// A text in the memory of the call.
cs_text cs_copy(cs_call *call, cs_text text);
// Longest id, revision, cursor, address, and text of an `extra`, in bytes.
#define CS_ID_BYTES_MAX 2048
// Makes the call fail because of a JSON that is not as wanted.
void cs_unfit(const cs_source *source, cs_text why);

#endif
