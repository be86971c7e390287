// Requests to the target, and what its answers mean.

#include "host.h"
#include <string.h>

// How many digits of a `Retry-After` in seconds are read: three years.
#define WAIT_DIGITS_MAX 8
// Most bytes that a path or a form has for one byte of what it is made of.
#define ENCODED_BYTES_MAX 3

// What is between two names of a list that is written as one text.
typedef struct writing {
  char *at;
  size_t length;
} writing;

// Writes a text percent-encoded: all but what RFC 3986 leaves unreserved.
static void encode(writing *into, cs_text text) {
  static const char hex[] = "0123456789ABCDEF", plain[] = "-._~";
  for (size_t i = 0; i < text.length; i++) {
    unsigned char byte = (unsigned char)text.at[i];
    bool is_letter = ('a' <= (byte | 0x20) && (byte | 0x20) <= 'z') || ('0' <= byte && byte <= '9');
    if (is_letter || (byte && strchr(plain, byte))) {
      into->at[into->length++] = (char)byte;
    } else {
      into->at[into->length++] = '%';
      into->at[into->length++] = hex[byte >> 4];
      into->at[into->length++] = hex[byte & 15];
    }
  }
}

// Room for these texts when they are encoded, each with one byte before it.
static writing room_for(cs_call *call, const cs_text *texts, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    size_t left = (SIZE_MAX - bytes - 1) / ENCODED_BYTES_MAX;
    bytes = left < texts[i].length ? SIZE_MAX - 1 : bytes + 1 + ENCODED_BYTES_MAX * texts[i].length;
  }
  return (writing){.at = cs_alloc(call, bytes)};
}

cs_text cs_path_of(cs_call *call, const cs_text *segments, size_t count) {
  writing path = room_for(call, segments, count);
  if (!path.at) return CS_NOTHING;
  for (size_t i = 0; i < count; i++) {
    path.at[path.length++] = '/';
    encode(&path, segments[i]);
  }
  return (cs_text){path.at, path.length};
}

cs_text cs_form(cs_call *call, cs_pairs pairs) {
  // A pair is two texts, one after the other.
  cs_texts texts = {0};
  for (size_t i = 0; i < pairs.count; i++) {
    cs_add_text(call, &texts, pairs.at[i].name);
    cs_add_text(call, &texts, pairs.at[i].value);
  }
  writing form = room_for(call, texts.at, texts.count);
  if (!form.at) return CS_NOTHING;
  for (size_t i = 0; i < texts.count; i++) {
    if (i) form.at[form.length++] = i % 2 ? '=' : '&';
    encode(&form, texts.at[i]);
  }
  return (cs_text){form.at, form.length};
}

static bool are_well_formed(cs_pairs pairs) {
  for (size_t i = 0; i < pairs.count; i++) {
    if (!cs_is_well_formed(pairs.at[i].name) || !cs_is_well_formed(pairs.at[i].value)) return false;
  }
  return true;
}

const cs_answer *cs_send(cs_call *call, cs_request request, const char *step) {
  if (!CS_ASSERT(call, request.endpoint) || !CS_ASSERT(call, !step || *step)) return NULL;
  if (!request.method) request.method = "GET";
  if (request.type) cs_add_pair(call, &request.headers, "content-type", cs_text_of(request.type));
  if (!cs_is_well_formed(request.path) || !are_well_formed(request.query) || !are_well_formed(request.headers)) {
    cs_rejected(call, "odd-value", CS("the request holds bytes that are no text"));
  }
  cs_answer *answer = cs_alloc(call, sizeof *answer);
  // A call that has failed already changes nothing more.
  if (cs_failed(call) || !call->host->send(call, &request, step, answer)) return NULL;
  answer->is_of_step = step != NULL;
  return cs_failed(call) ? NULL : answer;
}

const cs_answer *cs_ok(cs_call *call, const cs_answer *answer) {
  if (!answer || (200 <= answer->status && answer->status < 300)) return answer;
  cs_answer_failure(call, answer, CS_NOTHING);
  return NULL;
}

const cs_answer *cs_get(cs_call *call, const char *endpoint, cs_text path) {
  return cs_ok(call, cs_send(call, (cs_request){.endpoint = endpoint, .path = path}, CS_READ));
}

// Adds what an answer says of itself.
static cs_failure *answered(cs_failure *failure, const cs_answer *answer) {
  failure->vendor_status = answer->status;
  failure->vendor_request_id = cs_request_id(answer);
  return failure;
}

static cs_failure *after(cs_failure *failure, const cs_answer *answer) {
  failure->has_after = cs_retry_after_ms(answer, &failure->after_ms);
  return failure;
}

static cs_failure *failure_of(cs_call *call, const cs_answer *answer, cs_text message) {
  uint16_t status = answer->status;
  switch (status) {
    case 401:
    case 403:
      return cs_denied(call, "not-permitted", message);
    case 404:
    case 410:
      return cs_rejected(call, "not-found", message);
    case 409:
    case 412:
    case 423:
      return cs_conflict(call, "moved", message);
    case 425:
    case 429:
      return after(cs_transient(call, "rate-limited", message), answer);
    default:
      break;
  }
  bool is_unavailable = 500 <= status || status == 408;
  if (400 <= status && !is_unavailable) {
    return cs_fail(call, CS_REJECTED, cs_join(call, CS("http-"), cs_digits(call, status)), message);
  }
  const char *code = is_unavailable ? "unavailable" : "unexpected-status";
  if (answer->is_of_step) return cs_uncertain(call, code, message);
  return after(cs_transient(call, code, message), answer);
}

cs_failure *cs_answer_failure(cs_call *call, const cs_answer *answer, cs_text words) {
  cs_text said = cs_shortened(call, words);
  cs_text message = cs_join(call, CS("the target answered "), cs_digits(call, answer->status));
  if (said.length) message = cs_join(call, message, CS(": "), said);
  return answered(failure_of(call, answer, message), answer);
}

cs_failure *cs_unreadable(cs_call *call, const cs_answer *answer, cs_text why) {
  static const char code[] = "unreadable-answer";
  cs_text message = cs_join(call, CS("the target answered something else than expected: "), cs_shortened(call, why));
  cs_failure *failure = answer->is_of_step ? cs_uncertain(call, code, message) : cs_transient(call, code, message);
  return answered(failure, answer);
}

cs_text cs_request_id(const cs_answer *answer) {
  static const char *const names[] = {"request-id", "x-request-id", "x-correlation-id"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    cs_text found = cs_header(answer->headers, names[i]);
    // A longer one would break the call that it is to explain.
    if (cs_is_there(found) && found.length <= CS_ID_BYTES_MAX) return found;
  }
  return CS_NOTHING;
}

// Without the blanks around it.
static cs_text trimmed(cs_text text) {
  while (text.length && (text.at[0] == ' ' || text.at[0] == '\t')) text = (cs_text){text.at + 1, text.length - 1};
  while (text.length && (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t')) text.length--;
  return text;
}

bool cs_retry_after_ms(const cs_answer *answer, uint64_t *wait_ms) {
  cs_text text = trimmed(cs_header(answer->headers, "retry-after"));
  uint64_t seconds = 0;
  size_t digits = 0;
  while (digits < text.length && '0' <= text.at[digits] && text.at[digits] <= '9' && digits < WAIT_DIGITS_MAX) {
    seconds = seconds * 10 + (uint64_t)(text.at[digits++] - '0');
  }
  if (digits && digits == text.length) {
    *wait_ms = seconds * 1000;
    return true;
  }
  int64_t until = 0, now = 0;
  if (!cs_http_date(text, &until) || !cs_http_date(trimmed(cs_header(answer->headers, "date")), &now)) return false;
  *wait_ms = now < until ? (uint64_t)(until - now) * 1000 : 0;
  return true;
}
