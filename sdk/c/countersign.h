// A connector to countersign, in C: define one `const cs_connector connector`, and include nothing else of ours.
//
// Whatever a function of this file gives lives until the call that the host made returns, and nobody frees anything.
//
// A call that has failed stays failed: what is asked of the target then is not sent, what is given is empty, and what
// the connector returns is not looked at. So read on as if all went well, and ask `cs_failed` before something depends
// on it. What stands in your source (names, codes) is `const char *`, what comes from elsewhere is `cs_text`.

#ifndef COUNTERSIGN_H
#define COUNTERSIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Deepest JSON that is read or written, in levels.
#define CS_JSON_DEPTH_MAX 64
// Most memory that one call takes by these functions, in bytes, unless the connector says otherwise: the class `small`
// has 32 MiB for this, for what the host hands over and for what is handed back.
#define CS_MEMORY_BYTES_MAX (12u * 1024 * 1024)

// One call of the host. Keep nothing between calls: each has an instance of its own.
typedef struct cs_call cs_call;

// ---- Texts and pairs ----

// Text in UTF-8, which need not end with a zero. One whose `at` is NULL is nothing, as an option of the contract is.
typedef struct cs_text {
  const char *at;
  size_t length;
} cs_text;

typedef struct cs_texts {
  cs_text *at;
  size_t count;
  // How many there are places for; none of them may be used of a list that came from the host.
  size_t room;
} cs_texts;

// A name and a text, such as a header.
typedef struct cs_pair {
  cs_text name;
  cs_text value;
} cs_pair;

typedef struct cs_pairs {
  cs_pair *at;
  size_t count;
  size_t room;
} cs_pairs;

// Text that stands in the source.
#define CS(words) ((cs_text){"" words, sizeof(words) - 1})
// Nothing.
#define CS_NOTHING ((cs_text){NULL, 0})

// Text that ends with a zero; nothing of NULL.
cs_text cs_text_of(const char *words);
// Whether there is a text; an empty one is there.
bool cs_is_there(cs_text text);
// Whether two texts are the same; nothing and an empty text are not.
bool cs_equal(cs_text one, cs_text other);
// Whether a text consists of these words.
bool cs_is(cs_text text, const char *words);
// These texts, one after the other: `cs_join(call, CS("no order `"), id, CS("`"))`.
#define cs_join(call, ...) cs_join_of((call), CS_TEXTS(__VA_ARGS__))
cs_text cs_join_of(cs_call *call, const cs_text *texts, size_t count);
// A whole number as text.
cs_text cs_digits(cs_call *call, int64_t number);
// Adds to a list, which may be empty (`= {0}`) or come from the host.
void cs_add_text(cs_call *call, cs_texts *texts, cs_text text);
void cs_add_pair(cs_call *call, cs_pairs *pairs, const char *name, cs_text value);
// The first value of this name, whatever the case of its letters; nothing if there is none.
cs_text cs_header(cs_pairs pairs, const char *name);

#define CS_TEXTS(...) (const cs_text[]){__VA_ARGS__}, sizeof((const cs_text[]){__VA_ARGS__}) / sizeof(cs_text)

// ---- Failures and memory ----

// The kind of a failure: it, and nothing else, says what happens next.
typedef enum cs_case {
  // Nothing was changed, and trying again may help.
  CS_TRANSIENT,
  // It will never work as asked.
  CS_REJECTED,
  // The record moved under us.
  CS_CONFLICT,
  // Credential or permission trouble.
  CS_DENIED,
  // The change may or may not have landed.
  CS_UNCERTAIN,
} cs_case;

// Why a call gives no result.
typedef struct cs_failure {
  cs_case is;
  cs_text code;
  // One line for people, lower case, without secrets and personal data.
  cs_text message;
  // Those that the vendor objected to; only of `CS_REJECTED`.
  cs_texts fields;
  // What the vendor holds now; only of `CS_CONFLICT`.
  cs_text revision;
  // How long the vendor asked us to wait, in milliseconds; only of `CS_TRANSIENT`.
  bool has_after;
  uint64_t after_ms;
  // The status of the vendor's answer; 0 if there was none.
  uint16_t vendor_status;
  cs_text vendor_request_id;
  cs_pairs extra;
} cs_failure;

// These make the call fail, and give the failure, to which more can be added. The first one counts: of a call that has
// failed already, they give one that nobody looks at.
cs_failure *cs_transient(cs_call *call, const char *code, cs_text message);
cs_failure *cs_rejected(cs_call *call, const char *code, cs_text message);
cs_failure *cs_conflict(cs_call *call, const char *code, cs_text message);
cs_failure *cs_denied(cs_call *call, const char *code, cs_text message);
cs_failure *cs_uncertain(cs_call *call, const char *code, cs_text message);
// The same, `rejected`, with the code `connector.bug`: what the author did not foresee.
cs_failure *cs_bug(cs_call *call, cs_text message);

// Whether the call has failed.
bool cs_failed(const cs_call *call);
// Takes the failure back, so that the connector can go on, and gives it. Says no if there is none, or if it is a bug.
bool cs_take_failure(cs_call *call, cs_failure *failure);
// Whether a condition holds, of which the author is sure. If it does not, the call has failed with a bug, and you
// return: `if (!CS_ASSERT(call, count == 1)) return (cs_receipt){0};`
#define CS_ASSERT(call, condition) cs_assert((call), (condition), #condition, __FILE__, __LINE__)
bool cs_assert(cs_call *call, bool holds, const char *condition, const char *file, int line);

// Zeroed memory until the call has returned. NULL if there is no more: then the call has failed, and you return.
void *cs_alloc(cs_call *call, size_t bytes);

// ---- Values and records ----

// Money as decimal text in the major unit, such as "1250.00", with an ISO 4217 code in capitals.
typedef struct cs_money {
  cs_text amount;
  cs_text currency;
} cs_money;

// A record at the target: its kind, and the target's own id.
typedef struct cs_record {
  cs_text kind;
  cs_text id;
} cs_record;

typedef enum cs_value_case {
  // The target holds nothing there.
  CS_VALUE_ABSENT,
  CS_VALUE_FLAG,
  // A whole number without unit.
  CS_VALUE_INTEGER,
  // A number as decimal text, such as "12.50". 25 % is "25".
  CS_VALUE_DECIMAL,
  CS_VALUE_TEXT,
  // A day, `YYYY-MM-DD`.
  CS_VALUE_DATE,
  // A moment, in milliseconds since 1970 in UTC.
  CS_VALUE_INSTANT_MS,
  CS_VALUE_MONEY,
  CS_VALUE_REFERENCE,
  // Nested data as text of JSON, its members sorted.
  CS_VALUE_JSON,
} cs_value_case;

// The value of a field. Amounts and rates are decimal text, and never pass through a float.
typedef struct cs_value {
  cs_value_case is;
  union {
    // The first is as large as any, so that a value of which nothing else is said is zero.
    cs_money money;
    cs_record reference;
    // Of `CS_VALUE_DECIMAL`, `TEXT`, `DATE` and `JSON`.
    cs_text text;
    bool flag;
    int64_t integer;
    uint64_t instant_ms;
  };
} cs_value;

typedef struct cs_field {
  cs_text name;
  cs_value value;
} cs_field;

typedef struct cs_fields {
  cs_field *at;
  size_t count;
  size_t room;
} cs_fields;

// Makers of values. Of a text that is nothing they make one that is absent.
cs_value cs_value_flag(bool flag);
cs_value cs_value_integer(int64_t integer);
cs_value cs_value_decimal(cs_text digits);
cs_value cs_value_text(cs_text text);
cs_value cs_value_date(cs_text day);
cs_value cs_value_instant_ms(uint64_t moment);
cs_value cs_value_money(cs_text amount, cs_text currency);
cs_value cs_value_reference(cs_text kind, cs_text id);
#define CS_ABSENT ((cs_value){.is = CS_VALUE_ABSENT})
// Whether two values are the same as the contract sees it.
bool cs_same(cs_value one, cs_value other);

// A field of this name.
cs_field cs_named(const char *name, cs_value value);
// A list of these: `CS_FIELDS(call, cs_named("status", status), cs_named("reason", reason))`.
#define CS_FIELDS(call, ...) \
  cs_fields_of((call), (const cs_field[]){__VA_ARGS__}, sizeof((const cs_field[]){__VA_ARGS__}) / sizeof(cs_field))
cs_fields cs_fields_of(cs_call *call, const cs_field *fields, size_t count);
void cs_add_field(cs_call *call, cs_fields *fields, cs_field field);
// The value of the field of this name; absent if there is none.
cs_value cs_value_of(cs_fields fields, cs_text name);

// How many digits a currency has after the point.
unsigned cs_currency_digits(cs_text currency);
// An amount of minor units as text: 125000 with 2 digits is "1250.00".
cs_text cs_amount_of_minor(cs_call *call, int64_t minor, unsigned digits);
// An amount in minor units. What does not convert exactly is `rejected` with the code `bad-amount`, and gives 0.
int64_t cs_minor_of(cs_call *call, cs_money money, unsigned digits);

// What a record holds now.
typedef struct cs_snapshot {
  cs_record subject;
  // The target's version token, if it has one.
  cs_text revision;
  // Where a person opens the record.
  cs_text url;
  cs_fields fields;
} cs_snapshot;

// What is asked for.
typedef struct cs_proposal {
  cs_text operation;
  cs_record subject;
  cs_fields fields;
} cs_proposal;

// One line of a plan.
typedef struct cs_change {
  cs_text name;
  cs_value before;
  cs_value after;
} cs_change;

typedef struct cs_changes {
  cs_change *at;
  size_t count;
  size_t room;
} cs_changes;

// What an approval will change, field by field. People see it; `apply` writes it and nothing else.
typedef struct cs_plan {
  cs_record subject;
  cs_text revision;
  cs_changes changes;
  // Sentences for the approver on what the target will do by itself.
  cs_texts remarks;
} cs_plan;

// One approved change, for one attempt or one look.
typedef struct cs_effect {
  // The same for ever, at most 64 characters.
  cs_text id;
  // Counted from 1. What is written must not depend on it.
  uint32_t attempt;
  cs_proposal what;
  cs_plan plan;
  // The moment of the attempt, in milliseconds since 1970 in UTC.
  uint64_t now_ms;
  cs_pairs extra;
} cs_effect;

// The target's proof of a change.
typedef struct cs_receipt {
  cs_record subject;
  cs_text revision;
  cs_text url;
  cs_text vendor_request_id;
  // What the target holds of each planned field.
  cs_fields applied;
  cs_pairs extra;
} cs_receipt;

typedef enum cs_found {
  // The target does not say.
  CS_UNKNOWN,
  // The effect is there.
  CS_LANDED,
  // It is not, and no earlier attempt can still arrive.
  CS_NOT_THERE,
} cs_found;

// What a look found.
typedef struct cs_finding {
  cs_found is;
  // Only of `CS_LANDED`.
  cs_receipt receipt;
} cs_finding;

// Inputs that must be there and of this type; else the call is `rejected` with the code `bad-input`, and they give what
// is empty. Ask them of `cs_sealed(call, effect)` in an attempt.
cs_text cs_input_text(cs_call *call, const cs_proposal *what, const char *name);
// Nothing if it was left out.
cs_text cs_input_optional_text(cs_call *call, const cs_proposal *what, const char *name);
cs_text cs_input_decimal(cs_call *call, const cs_proposal *what, const char *name);
cs_text cs_input_date(cs_call *call, const cs_proposal *what, const char *name);
cs_money cs_input_money(cs_call *call, const cs_proposal *what, const char *name);
int64_t cs_input_integer(cs_call *call, const cs_proposal *what, const char *name);
uint64_t cs_input_instant_ms(cs_call *call, const cs_proposal *what, const char *name);
bool cs_input_flag(cs_call *call, const cs_proposal *what, const char *name);
cs_record cs_input_reference(cs_call *call, const cs_proposal *what, const char *name);

// The plan of an update: each wanted field that the record does not hold already.
cs_plan cs_plan_update(cs_call *call, const cs_snapshot *now, cs_fields wanted);
// The plan of a creation: every field of the proposal, from nothing to what was asked for.
cs_plan cs_plan_creation(cs_call *call, const cs_proposal *what);
void cs_add_change(cs_call *call, cs_changes *changes, cs_change change);
// What was asked for, with the values that were sealed: make requests of this, never of `effect->what`.
cs_proposal cs_sealed(cs_call *call, const cs_effect *effect);
// A receipt for this record: of each planned field what `now` holds.
cs_receipt cs_receipt_of(cs_call *call, const cs_effect *effect, const cs_snapshot *now);
// The call is `rejected`: the target has no such record, or the connector no such operation or kind of record.
cs_failure *cs_not_found(cs_call *call, cs_record subject);
cs_failure *cs_unknown_operation(cs_call *call, cs_text name);
cs_failure *cs_unknown_kind(cs_call *call, cs_text kind);

// ---- Requests ----

typedef struct cs_request {
  // An endpoint of the manifest.
  const char *endpoint;
  // "GET" if it is not said.
  const char *method;
  // Begins with "/" and is percent-encoded; see `cs_path`.
  cs_text path;
  // Not encoded.
  cs_pairs query;
  cs_pairs headers;
  // The `content-type` of the body, if it has one.
  const char *type;
  // Text, or any other bytes.
  cs_text body;
} cs_request;

// What came back, whatever its status.
typedef struct cs_answer {
  uint16_t status;
  cs_pairs headers;
  cs_text body;
  // Whether it answers a step.
  bool is_of_step;
} cs_answer;

// In the place of a step's name: the request changes nothing.
#define CS_READ NULL

// A path of these segments, each percent-encoded: `cs_path(call, CS("orders"), id)`.
#define cs_path(call, ...) cs_path_of((call), CS_TEXTS(__VA_ARGS__))
cs_text cs_path_of(cs_call *call, const cs_text *segments, size_t count);
// These pairs as a form, for a body of the type `application/x-www-form-urlencoded`.
cs_text cs_form(cs_call *call, cs_pairs pairs);

// Sends a request, and gives the answer whatever its status; NULL if there is none, and the call has failed. `step` is
// the name of what changes something, or `CS_READ`. The name and the bytes of a step are the same in every attempt.
const cs_answer *cs_send(cs_call *call, cs_request request, const char *step);
// The answer if its status says success. Else NULL, and the call has failed as `cs_answer_failure` says.
const cs_answer *cs_ok(cs_call *call, const cs_answer *answer);
// The two in one for what is only looked at.
const cs_answer *cs_get(cs_call *call, const char *endpoint, cs_text path);

// Makes the usual failure of an answer's status; `words` are the vendor's own, or nothing.
//
//   status             read                  step
//   401, 403           denied                denied
//   404, 410           rejected `not-found`  rejected `not-found`
//   409, 412, 423      conflict              conflict
//   425, 429           transient             transient: such a request was not begun
//   408, 5xx           transient             uncertain: it may have landed
//   2xx, 3xx, others   transient             uncertain
//   other 4xx          rejected              rejected
cs_failure *cs_answer_failure(cs_call *call, const cs_answer *answer, cs_text words);
// The same for an answer that cannot be understood although its status says success: `uncertain` after a step, else
// `transient`, for a proxy may have answered in the target's place.
cs_failure *cs_unreadable(cs_call *call, const cs_answer *answer, cs_text why);
// The vendor's own id of the request, from the usual headers; nothing if there is none.
cs_text cs_request_id(const cs_answer *answer);
// Whether the vendor asked us to wait, by `Retry-After` in either form, and how long. A date is counted from the
// answer's own `Date`, since a connector has no clock.
bool cs_retry_after_ms(const cs_answer *answer, uint64_t *wait_ms);

// A setting of the connection; nothing if it has none.
cs_text cs_setting(cs_call *call, const char *name);

typedef enum cs_level { CS_DEBUG, CS_INFO, CS_WARN, CS_ERROR } cs_level;

// Says a line for operators. No secret, no personal data.
void cs_say(cs_call *call, cs_level level, cs_text message, cs_pairs fields);

// ---- JSON ----

typedef enum cs_json_case {
  // Not there: a member that an object does not have.
  CS_JSON_MISSING,
  CS_JSON_NULL,
  CS_JSON_FLAG,
  CS_JSON_NUMBER,
  CS_JSON_TEXT,
  CS_JSON_ARRAY,
  CS_JSON_OBJECT,
} cs_json_case;

typedef struct cs_json cs_json;
struct cs_json {
  cs_json_case is;
  bool flag;
  // The words of a text, and the digits of a number as they were written.
  cs_text text;
  // Of a member.
  cs_text name;
  // The next one in its array or object.
  cs_json *next;
  // The rest is ours.
  cs_json *first;
  cs_json *last;
  const struct cs_source *source;
  bool is_placed;
};

// Reads a body. One of another shape makes the call fail as `cs_unreadable` says; of a delivery, and of any other text,
// it is `rejected` with the code `bad-delivery` or `bad-input`. So does whatever of it is asked for in vain, below.
// They give NULL only if the call has failed, and whoever is asked about NULL gives what is empty.
const cs_json *cs_answer_json(cs_call *call, const cs_answer *answer);
const cs_json *cs_json_read(cs_call *call, cs_text text);

// The member of this name. If there is none it gives one that is missing; the last one, if there are several.
const cs_json *cs_member(const cs_json *object, const char *name);
// The first one of an array or object; NULL if it has none. The others follow by `next`.
const cs_json *cs_first(const cs_json *array);
// What a JSON is, also if it is NULL.
cs_json_case cs_json_is(const cs_json *json);

// What must be of this type; else the call fails.
cs_text cs_must_text(const cs_json *json);
// A number, or text, that is a decimal number: its digits as they were written.
cs_text cs_must_decimal(const cs_json *json);
int64_t cs_must_integer(const cs_json *json);
bool cs_must_flag(const cs_json *json);
const cs_json *cs_must_array(const cs_json *json);
const cs_json *cs_must_object(const cs_json *json);
// The same, but it may be `null` or missing: then they give nothing, and NULL.
cs_text cs_may_text(const cs_json *json);
cs_text cs_may_decimal(const cs_json *json);
const cs_json *cs_may_array(const cs_json *json);
const cs_json *cs_may_object(const cs_json *json);

// Makers of JSON, for bodies. Each stands in one place.
cs_json *cs_json_object(cs_call *call);
cs_json *cs_json_array(cs_call *call);
// `null` for nothing.
cs_json *cs_json_text(cs_call *call, cs_text text);
// Of decimal text, or of a number as JSON writes it.
cs_json *cs_json_number(cs_call *call, cs_text digits);
cs_json *cs_json_integer(cs_call *call, int64_t number);
cs_json *cs_json_flag(cs_call *call, bool flag);
cs_json *cs_json_null(cs_call *call);
// Puts a member into an object, instead of one of the same name.
void cs_put(cs_json *object, const char *name, cs_json *value);
// Puts one at the end of an array.
void cs_push(cs_json *array, cs_json *value);
// As text, without white space, in the order in which it was put there: the same bytes in every attempt.
cs_text cs_json_write(cs_call *call, const cs_json *json);
// The value of nested data, its members sorted: equal data is equal text. Numbers keep the digits that they have.
cs_value cs_value_json(cs_call *call, const cs_json *json);

// Text of JSON that stands in the source: `CS_JSON({"type": "object"})`.
#define CS_JSON(...) #__VA_ARGS__

// ---- What a target tells by itself ----

// The host has verified who sent it.
typedef struct cs_delivery {
  // The webhook of the manifest that it came by.
  cs_text hook;
  // Names in lower case, in order of arrival.
  cs_pairs headers;
  cs_text body;
  // When it arrived, in milliseconds since 1970 in UTC.
  uint64_t received_ms;
} cs_delivery;

const cs_json *cs_delivery_json(cs_call *call, const cs_delivery *delivery);

typedef struct cs_records {
  cs_record *at;
  size_t count;
  size_t room;
} cs_records;

// An intent that a delivery asks for.
typedef struct cs_draft {
  cs_text intent_type;
  cs_record source;
  cs_fields fields;
  // The same for the same wish, however often it is delivered; 1 to 200 characters.
  cs_text dedupe_key;
  // Who asked, as the target names them.
  cs_text requester;
} cs_draft;

typedef struct cs_drafts {
  cs_draft *at;
  size_t count;
  size_t room;
} cs_drafts;

typedef struct cs_snapshots {
  cs_snapshot *at;
  size_t count;
  size_t room;
} cs_snapshots;

// A page of what has changed.
typedef struct cs_page {
  // Oldest change first.
  cs_snapshots items;
  // Where to go on; nothing if there is no more for now.
  cs_text next;
} cs_page;

void cs_add_record(cs_call *call, cs_records *records, cs_record record);
void cs_add_draft(cs_call *call, cs_drafts *drafts, cs_draft draft);
void cs_add_snapshot(cs_call *call, cs_snapshots *snapshots, cs_snapshot snapshot);

// ---- The connector ----

// What the host may promise of an operation.
typedef enum cs_guarantee {
  // The target honours an idempotency key.
  CS_BY_KEY,
  // The target has a unique field that we choose.
  CS_BY_NATURAL_KEY,
  // `probe` finds the effect by a look.
  CS_BY_PROBE,
  // None of these. A person decides after an unknown outcome.
  CS_BLIND,
} cs_guarantee;

// One kind of change that the connector can make.
typedef struct cs_operation {
  // Stable: policies and connections name it.
  const char *name;
  // The kind of record that it is about.
  const char *kind;
  // The JSON Schema (2020-12) of the input; see `CS_JSON`.
  const char *input;
  cs_guarantee guarantee;
  // Whether `undo` can take it back.
  bool is_reversible;
} cs_operation;

// Lists for a connector: `CS_NAMES("order", "customer")`, `CS_OPERATIONS({.name = "cancel-order", ...}, {...})`.
#define CS_NAMES(...) (const char *const[]){__VA_ARGS__, NULL}
#define CS_OPERATIONS(...) (const cs_operation[]){__VA_ARGS__, {.name = NULL}}

// What the connector says of itself, and one function for each question. A world that asks for a function that is not
// there is answered `rejected` with the code `not-offered`.
typedef struct cs_connector {
  // As in the manifest.
  const char *name;
  const char *version;
  const char *system;
  const char *const *kinds;
  const cs_operation *operations;
  // The kinds of record of whose changes `changes` tells; NULL if it tells of none.
  const char *const *tells;
  // Most memory that one call takes by the functions of this file; 0 is `CS_MEMORY_BYTES_MAX`. The class in the
  // manifest must have some more.
  size_t memory_bytes_max;

  // Says whether address, credential and permissions are right.
  void (*check)(cs_call *call);
  // Says what a record holds now.
  cs_snapshot (*fetch)(cs_call *call, cs_record subject);
  // Says which records of a kind changed since a place, which is nothing at the beginning. `limit` is the most that is
  // wanted, and `now_ms` the moment of the question.
  cs_page (*changes)(cs_call *call, cs_text kind, cs_text cursor, uint32_t limit, uint64_t now_ms);
  // Says field by field what `apply` would write. It only reads.
  cs_plan (*plan)(cs_call *call, const cs_proposal *what, uint64_t now_ms);
  // Makes one attempt: it writes the sealed plan and nothing else, and gives the target's proof.
  cs_receipt (*apply)(cs_call *call, const cs_effect *effect);
  // Says whether the effect is there. It only reads.
  cs_finding (*probe)(cs_call *call, const cs_effect *effect);
  // Takes back what landed; its plan is that of the effect with before and after exchanged.
  cs_receipt (*undo)(cs_call *call, const cs_effect *effect, const cs_receipt *landed);
  // Says whether what takes it back is there. It only reads.
  cs_finding (*probe_undo)(cs_call *call, const cs_effect *effect, const cs_receipt *landed);
  // Names the records that a delivery is about; none if it concerns us not.
  cs_records (*interpret)(cs_call *call, const cs_delivery *delivery);
  // Says what a delivery asks for; nothing if it asks for nothing.
  cs_drafts (*receive)(cs_call *call, const cs_delivery *delivery);
} cs_connector;

// The author's.
extern const cs_connector connector;

#endif
