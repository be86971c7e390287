// A connector in C on nothing but the generated bindings: it reads and writes notes, which are plain text.
//
// What an answer holds is freed by the bindings when the host has it, so all of it is allocated. What a call is given
// is not freed: each call has an instance of its own.

#include "contract.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef contract_string_t text;
typedef countersign_connector_types_failure_t failure;
typedef countersign_connector_types_detail_t detail;
typedef countersign_connector_http_request_t request;
typedef countersign_connector_http_response_t response;
typedef countersign_connector_types_record_ref_t record_ref;
typedef countersign_connector_types_snapshot_t snapshot;
typedef countersign_connector_types_value_t value;
typedef countersign_connector_types_field_t field;
typedef countersign_connector_types_list_field_t fields;
typedef countersign_connector_types_change_t change;
typedef countersign_connector_types_proposal_t proposal;
typedef countersign_connector_types_write_plan_t write_plan;
typedef countersign_connector_types_effect_t effect;
typedef countersign_connector_types_receipt_t receipt;
typedef countersign_connector_types_finding_t finding;
typedef contract_tuple2_string_string_t pair;

// A `Retry-After` in seconds has at most this many digits: three years.
#define WAIT_DIGITS_MAX 8

static void *taken(size_t bytes) {
  void *at = calloc(1, bytes ? bytes : 1);
  if (!at) abort();
  return at;
}

static text copied(text of) {
  text copy = {taken(of.len), of.len};
  memcpy(copy.ptr, of.ptr, of.len);
  return copy;
}

// A text that is not to be freed: an argument of an import.
static text lent(const char *words) { return (text){(uint8_t *)words, strlen(words)}; }

static text own(const char *words) { return copied(lent(words)); }

static detail because(const char *code, const char *message) {
  return (detail){.code = own(code), .message = own(message)};
}

static bool is(text it, const char *words) { return it.len == strlen(words) && memcmp(it.ptr, words, it.len) == 0; }

// The value of the header `name`, which is in lower case.
static const text *header(const response *answer, const char *name) {
  for (size_t i = 0; i < answer->headers.len; i++) {
    const pair *one = &answer->headers.ptr[i];
    if (is(one->f0, name)) return &one->f1;
  }
  return NULL;
}

static contract_option_u64_t wait(const response *answer) {
  const text *after = header(answer, "retry-after");
  uint64_t seconds = 0;
  if (!after || !after->len || WAIT_DIGITS_MAX < after->len) return (contract_option_u64_t){0};
  for (size_t i = 0; i < after->len; i++) {
    uint8_t digit = after->ptr[i];
    if (digit < '0' || '9' < digit) return (contract_option_u64_t){0};
    seconds = seconds * 10 + (digit - '0');
  }
  return (contract_option_u64_t){true, seconds * 1000};
}

static failure transient(const char *code, const char *message) {
  failure why = {.tag = COUNTERSIGN_CONNECTOR_TYPES_FAILURE_TRANSIENT};
  why.val.transient.detail = because(code, message);
  return why;
}

static failure uncertain(const char *code, const char *message) {
  failure why = {.tag = COUNTERSIGN_CONNECTOR_TYPES_FAILURE_UNCERTAIN};
  why.val.uncertain = because(code, message);
  return why;
}

static failure rejected(const char *code, const char *message) {
  failure why = {.tag = COUNTERSIGN_CONNECTOR_TYPES_FAILURE_REJECTED};
  why.val.rejected.detail = because(code, message);
  return why;
}

// What the status of an answer means, to a read or to a step; the table of the SDKs.
static failure failed(const response *answer, bool is_of_step) {
  uint16_t status = answer->status;
  char message[64], code[16];
  snprintf(message, sizeof message, "the target answered %u", status);
  snprintf(code, sizeof code, "http-%u", status);
  bool is_unavailable = 500 <= status || status == 408;
  failure why;
  if (status == 401 || status == 403) {
    why = (failure){.tag = COUNTERSIGN_CONNECTOR_TYPES_FAILURE_DENIED};
    why.val.denied = because("not-permitted", message);
  } else if (status == 404 || status == 410) {
    why = rejected("not-found", message);
  } else if (status == 409 || status == 412 || status == 423) {
    why = (failure){.tag = COUNTERSIGN_CONNECTOR_TYPES_FAILURE_CONFLICT};
    why.val.conflict.detail = because("moved", message);
  } else if (status == 425 || status == 429) {
    why = transient("rate-limited", message);
    why.val.transient.after_ms = wait(answer);
  } else if (400 <= status && !is_unavailable) {
    why = rejected(code, message);
  } else if (is_of_step) {
    why = uncertain(is_unavailable ? "unavailable" : "unexpected-status", message);
  } else {
    why = transient(is_unavailable ? "unavailable" : "unexpected-status", message);
    why.val.transient.after_ms = wait(answer);
  }
  return why;
}

// Asks the target, and says whether it answered with success; else `why` is the failure.
static bool asked(request *what, response *answer, failure *why) {
  if (!countersign_connector_http_send(what, answer, why)) return false;
  if (200 <= answer->status && answer->status < 300) return true;
  *why = failed(answer, what->purpose.tag == COUNTERSIGN_CONNECTOR_HTTP_PURPOSE_STEP);
  return false;
}

static bool got(text path, response *answer, failure *why) {
  request what = {.endpoint = lent("api"), .method = lent("GET"), .path = path};
  return asked(&what, answer, why);
}

// The path of a note: all but what RFC 3986 leaves unreserved is percent-encoded.
static text path_of(text id) {
  static const char start[] = "/notes/", hex[] = "0123456789ABCDEF", plain[] = "-._~";
  text path = {taken(sizeof start + 3 * id.len), sizeof start - 1};
  memcpy(path.ptr, start, path.len);
  for (size_t i = 0; i < id.len; i++) {
    uint8_t byte = id.ptr[i];
    bool is_letter = ('a' <= (byte | 32) && (byte | 32) <= 'z') || ('0' <= byte && byte <= '9');
    if (is_letter || (byte && strchr(plain, byte))) {
      path.ptr[path.len++] = byte;
    } else {
      path.ptr[path.len++] = '%';
      path.ptr[path.len++] = hex[byte >> 4];
      path.ptr[path.len++] = hex[byte & 15];
    }
  }
  return path;
}

static record_ref same(record_ref subject) { return (record_ref){copied(subject.kind), copied(subject.id)}; }

static contract_option_string_t copied_option(const text *of) {
  return of ? (contract_option_string_t){true, copied(*of)} : (contract_option_string_t){0};
}

static value words(text of) {
  value it = {.tag = COUNTERSIGN_CONNECTOR_TYPES_VALUE_TEXT};
  it.val.text = copied(of);
  return it;
}

// What a note is: text with a mark of its version. A proxy that answers for the target gives neither.
static bool is_note(const response *answer) {
  return answer->body.tag == COUNTERSIGN_CONNECTOR_TYPES_PAYLOAD_TEXT && header(answer, "etag");
}

static const char no_note[] = "the target answered something else than a note";

static bool read_note(text id, response *answer, failure *why) {
  if (!got(path_of(id), answer, why)) return false;
  if (is_note(answer)) return true;
  *why = transient("unreadable-answer", no_note);
  return false;
}

static fields text_of(const response *note) {
  field *it = taken(sizeof *it);
  *it = (field){own("text"), words(note->body.val.text)};
  return (fields){it, 1};
}

static receipt receipt_of(const effect *what, const response *note) {
  receipt it = {.subject = same(what->plan.subject), .revision = copied_option(header(note, "etag"))};
  if (what->plan.changes.len) it.applied = text_of(note);
  return it;
}

void exports_countersign_connector_identity_describe(exports_countersign_connector_identity_descriptor_t *ret) {
  text *kind = taken(sizeof *kind);
  *kind = own("note");
  exports_countersign_connector_identity_operation_t *write = taken(sizeof *write);
  *write = (exports_countersign_connector_identity_operation_t){
      .name = own("write-note"),
      .kind = own("note"),
      .input_schema = own("{\"type\":\"object\",\"required\":[\"text\"],\"properties\":{\"text\":{\"title\":\"Words\"}}}"),
      .guarantee = EXPORTS_COUNTERSIGN_CONNECTOR_IDENTITY_GUARANTEE_BY_KEY};
  *ret = (exports_countersign_connector_identity_descriptor_t){.name = own("tests.plain-c"),
                                                              .version = own("1.0.0"),
                                                              .system = own("notes"),
                                                              .kinds = {kind, 1},
                                                              .operations = {write, 1}};
}

bool exports_countersign_connector_reader_check(failure *err) {
  response answer;
  return got(lent("/notes/"), &answer, err);
}

bool exports_countersign_connector_reader_fetch(record_ref *subject, snapshot *ret, failure *err) {
  response note;
  if (!read_note(subject->id, &note, err)) return false;
  *ret = (snapshot){
      .subject = same(*subject), .revision = copied_option(header(&note, "etag")), .fields = text_of(&note)};
  return true;
}

// Notes have no list of changes.
bool exports_countersign_connector_reader_changes(text *kind, text *cursor, uint32_t limit, uint64_t now_ms,
                                                  exports_countersign_connector_reader_page_t *ret, failure *err) {
  (void)kind, (void)cursor, (void)limit, (void)now_ms, (void)err;
  *ret = (exports_countersign_connector_reader_page_t){0};
  return true;
}

bool exports_countersign_connector_writer_plan(proposal *what, uint64_t now_ms, write_plan *ret, failure *err) {
  (void)now_ms;
  const text *wanted = NULL;
  for (size_t i = 0; i < what->fields.len; i++) {
    const field *one = &what->fields.ptr[i];
    if (is(one->name, "text") && one->value.tag == COUNTERSIGN_CONNECTOR_TYPES_VALUE_TEXT) wanted = &one->value.val.text;
  }
  if (!wanted || !wanted->len) {
    *err = rejected("bad-input", "the field `text` must be text");
    return false;
  }
  response note;
  if (!read_note(what->subject.id, &note, err)) return false;
  *ret = (write_plan){.subject = same(what->subject), .revision = copied_option(header(&note, "etag"))};
  text now = note.body.val.text;
  if (now.len == wanted->len && memcmp(now.ptr, wanted->ptr, now.len) == 0) return true;
  change *it = taken(sizeof *it);
  *it = (change){own("text"), words(now), words(*wanted)};
  ret->changes.ptr = it;
  ret->changes.len = 1;
  return true;
}

bool exports_countersign_connector_writer_apply(effect *what, receipt *ret, failure *err) {
  const write_plan *plan = &what->plan;
  if (plan->changes.len != 1 || !is(plan->changes.ptr->name, "text") || !plan->revision.is_some ||
      plan->changes.ptr->after.tag != COUNTERSIGN_CONNECTOR_TYPES_VALUE_TEXT) {
    *err = rejected("bad-input", "the plan is none of this connector's");
    return false;
  }
  // The target keeps the mark of the effect beside the words, and gives it back with them.
  pair headers[] = {{lent("content-type"), lent("text/plain")},
                    {lent("if-match"), plan->revision.val},
                    {lent("x-reference"), what->effect_id}};
  request put = {.endpoint = lent("api"), .method = lent("PUT"), .path = path_of(plan->subject.id)};
  put.headers.ptr = headers;
  put.headers.len = sizeof headers / sizeof *headers;
  put.body.tag = COUNTERSIGN_CONNECTOR_TYPES_PAYLOAD_TEXT;
  put.body.val.text = plan->changes.ptr->after.val.text;
  put.purpose.tag = COUNTERSIGN_CONNECTOR_HTTP_PURPOSE_STEP;
  put.purpose.val.step = lent("write");
  response note;
  if (!asked(&put, &note, err)) return false;
  if (!is_note(&note)) {
    *err = uncertain("unreadable-answer", no_note);
    return false;
  }
  *ret = receipt_of(what, &note);
  return true;
}

bool exports_countersign_connector_writer_probe(effect *what, finding *ret, failure *err) {
  response note;
  if (!read_note(what->plan.subject.id, &note, err)) return false;
  const text *by = header(&note, "x-reference");
  *ret = (finding){.tag = COUNTERSIGN_CONNECTOR_TYPES_FINDING_ABSENT};
  if (by && by->len == what->effect_id.len && memcmp(by->ptr, what->effect_id.ptr, by->len) == 0) {
    ret->tag = COUNTERSIGN_CONNECTOR_TYPES_FINDING_LANDED;
    ret->val.landed = receipt_of(what, &note);
  }
  return true;
}
