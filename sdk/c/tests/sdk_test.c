// The tests of the SDK, on this machine and with a host of their own: they need no component.
//
// A test is a row of the table at the end. What does not hold is said with its line, and the program ends with 1.

#include "../host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))
// How many texts of chance are read as JSON.
#define ROUNDS 20000

static int faults;

#define CHECK(condition, ...)                                          \
  do {                                                                 \
    if (!(condition)) {                                                \
      faults++;                                                        \
      printf("sdk_test.c:%d: `%s` does not hold: ", __LINE__, #condition); \
      printf(__VA_ARGS__);                                             \
      printf("\n");                                                    \
    }                                                                  \
  } while (0)

#define IS(text, words) CHECK(cs_is((text), (words)), "`%.*s`", (int)(text).length, (text).at ? (text).at : "nothing")

// ---- A host ----

static cs_answer given;
static cs_request asked;
static int times_asked;

static bool send(cs_call *call, const cs_request *request, const char *step, cs_answer *answer) {
  (void)step;
  times_asked++;
  asked = *request;
  if (!given.status) {
    cs_fail(call, CS_UNCERTAIN, CS("no-answer"), CS("it was cut off"));
    return false;
  }
  *answer = given;
  return true;
}

static cs_text setting(cs_call *call, const char *name) {
  (void)call;
  return strcmp(name, "region") == 0 ? CS("eu") : CS_NOTHING;
}

static void say(cs_call *call, cs_level level, cs_text message, cs_pairs fields) {
  (void)call, (void)level, (void)message, (void)fields;
}

static const cs_host host = {.send = send, .setting = setting, .say = say};

// Begins a call whose target answers so.
static void begin(cs_call *call, uint16_t status, const char *body) {
  given = (cs_answer){.status = status, .body = cs_text_of(body)};
  times_asked = 0;
  cs_begin(call, &host, 0);
}

#define CALL(name, status, body) \
  cs_call name;                  \
  begin(&name, (status), (body))

static const cs_answer *asks(cs_call *call, const char *step) {
  return cs_send(call, (cs_request){.endpoint = "api", .path = CS("/it")}, step);
}

// ---- The tests ----

static void a_status_is_the_usual_failure(void) {
  static const struct {
    uint16_t status;
    cs_case read, step;
    const char *code;
  } rows[] = {
      {302, CS_TRANSIENT, CS_UNCERTAIN, "unexpected-status"}, {400, CS_REJECTED, CS_REJECTED, "http-400"},
      {401, CS_DENIED, CS_DENIED, "not-permitted"},           {404, CS_REJECTED, CS_REJECTED, "not-found"},
      {408, CS_TRANSIENT, CS_UNCERTAIN, "unavailable"},       {409, CS_CONFLICT, CS_CONFLICT, "moved"},
      {423, CS_CONFLICT, CS_CONFLICT, "moved"},               {429, CS_TRANSIENT, CS_TRANSIENT, "rate-limited"},
      {499, CS_REJECTED, CS_REJECTED, "http-499"},            {503, CS_TRANSIENT, CS_UNCERTAIN, "unavailable"},
  };
  for (size_t i = 0; i < LENGTH(rows); i++) {
    for (int is_step = 0; is_step < 2; is_step++) {
      CALL(call, rows[i].status, "");
      CHECK(!cs_ok(&call, asks(&call, is_step ? "it" : CS_READ)), "%d", rows[i].status);
      CHECK(call.failure.is == (is_step ? rows[i].step : rows[i].read), "%d is %d", rows[i].status, call.failure.is);
      CHECK(call.failure.vendor_status == rows[i].status, "%d", call.failure.vendor_status);
      IS(call.failure.code, rows[i].code);
      cs_end(&call);
    }
  }
  for (uint16_t status = 200; status < 300; status += 99) {
    CALL(call, status, "");
    CHECK(cs_ok(&call, asks(&call, "it")) && !cs_failed(&call), "%d", status);
    cs_end(&call);
  }
}

static void the_first_failure_stays_and_nothing_is_sent_after_it(void) {
  CALL(call, 200, "{}");
  cs_conflict(&call, "moved", CS("first"))->revision = CS("3");
  cs_rejected(&call, "late", CS("second"))->revision = CS("4");
  cs_bug(&call, CS("third"));
  IS(call.failure.message, "first");
  IS(call.failure.revision, "3");
  CHECK(!asks(&call, "it") && times_asked == 0, "it was asked %d times", times_asked);
  CHECK(!cs_answer_json(&call, NULL) && !cs_json_read(&call, CS("{}")), "nothing is read");
  cs_failure taken;
  CHECK(cs_take_failure(&call, &taken) && !cs_failed(&call), "it can be taken back");
  IS(taken.code, "moved");
  CHECK(!cs_take_failure(&call, &taken), "there is none any more");
  CHECK(asks(&call, "it") && times_asked == 1, "and the call goes on");
  cs_end(&call);
}

static void a_failure_of_the_host_is_passed_on(void) {
  CALL(call, 0, NULL);
  CHECK(!cs_ok(&call, asks(&call, "it")), "there is no answer");
  CHECK(call.failure.is == CS_UNCERTAIN, "%d", call.failure.is);
  IS(call.failure.code, "no-answer");
  cs_end(&call);
}

static void a_bug_is_no_trap_and_is_not_taken_back(void) {
  cs_failure taken;
  CALL(call, 200, "");
  CHECK(CS_ASSERT(&call, 1 + 1 == 2) && !cs_failed(&call), "it holds");
  CHECK(!CS_ASSERT(&call, 1 + 1 == 3), "it does not");
  CHECK(call.failure.is == CS_REJECTED && !cs_take_failure(&call, &taken), "it is not taken back");
  IS(call.failure.code, "connector.bug");
  // The name of the file, and not its folder.
  CHECK(strncmp(call.failure.message.at, "sdk_test.c:", 11) == 0, "%.*s", (int)call.failure.message.length, call.failure.message.at);
  cs_end(&call);
  CALL(nameless, 200, "");
  CHECK(!asks(&nameless, "") && times_asked == 0, "a step without a name is not sent");
  IS(nameless.failure.code, "connector.bug");
  cs_end(&nameless);
}

static void memory_is_bounded_zeroed_and_freed(void) {
  CALL(call, 200, "");
  size_t sizes[] = {0, 1, 15, 16, 17, 8191, 8192, 100000};
  for (size_t i = 0; i < LENGTH(sizes); i++) {
    unsigned char *at = cs_alloc(&call, sizes[i]);
    CHECK(at && (uintptr_t)at % _Alignof(max_align_t) == 0, "%zu bytes", sizes[i]);
    for (size_t j = 0; j < sizes[i]; j++) {
      if (at[j]) faults++;
      at[j] = 0xff;
    }
  }
  CHECK(!cs_failed(&call), "there is enough");
  CHECK(!cs_alloc(&call, CS_MEMORY_BYTES_MAX) && cs_failed(&call), "there is not");
  IS(call.failure.message, "the call needs more memory than `memory_bytes_max` allows");
  cs_end(&call);
  CHECK(!call.blocks && !call.bytes_taken, "%zu", call.bytes_taken);
  size_t most[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2, CS_MEMORY_BYTES_MAX + 1};
  for (size_t i = 0; i < LENGTH(most); i++) {
    CALL(other, 200, "");
    CHECK(!cs_alloc(&other, most[i]), "%zu bytes", most[i]);
    IS(other.failure.code, "connector.bug");
    cs_end(&other);
  }
  CALL(whole, 200, "");
  size_t filled = 0;
  while (cs_alloc(&whole, 4096)) filled += 4096;
  CHECK(CS_MEMORY_BYTES_MAX - 8192 <= filled && filled <= CS_MEMORY_BYTES_MAX, "%zu", filled);
  cs_end(&whole);
}

static void a_list_of_the_host_is_never_written_into(void) {
  CALL(call, 200, "");
  cs_text own[] = {CS("a"), CS("b")};
  cs_texts list = {.at = own, .count = 1};
  for (int i = 0; i < 100; i++) cs_add_text(&call, &list, cs_digits(&call, i));
  CHECK(list.count == 101 && list.at != own, "%zu", list.count);
  IS(own[1], "b");
  IS(list.at[0], "a");
  IS(list.at[100], "99");
  cs_end(&call);
}

static void text_is_utf8(void) {
  static const struct {
    const char *bytes;
    bool is_fine;
    const char *mended;
  } rows[] = {
      {"", true, ""},
      {"\xc3\xb8-\xe2\x82\xac-\xf0\x9f\x98\x80", true, "\xc3\xb8-\xe2\x82\xac-\xf0\x9f\x98\x80"},
      {"\xf4\x8f\xbf\xbf\xed\x9f\xbf", true, "\xf4\x8f\xbf\xbf\xed\x9f\xbf"},
      {"a\xff", false, "a\xef\xbf\xbd"},
      {"\xc3", false, "\xef\xbf\xbd"},
      {"\xc0\xaf", false, "\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xe0\x9f\xbf", false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xed\xa0\x80", false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xf0\x8f\xbf\xbf", false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xf4\x90\x80\x80", false, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
  };
  for (size_t i = 0; i < LENGTH(rows); i++) {
    CALL(call, 200, "");
    CHECK(cs_is_well_formed(cs_text_of(rows[i].bytes)) == rows[i].is_fine, "row %zu", i);
    IS(cs_well_formed(&call, cs_text_of(rows[i].bytes)), rows[i].mended);
    cs_end(&call);
  }
}

static void numbers_become_text(void) {
  CALL(call, 200, "");
  IS(cs_digits(&call, 0), "0");
  IS(cs_digits(&call, INT64_MAX), "9223372036854775807");
  IS(cs_digits(&call, INT64_MIN), "-9223372036854775808");
  IS(cs_amount_of_minor(&call, 125000, 2), "1250.00");
  IS(cs_amount_of_minor(&call, -5, 2), "-0.05");
  IS(cs_amount_of_minor(&call, 0, 3), "0.000");
  IS(cs_amount_of_minor(&call, 7, 0), "7");
  IS(cs_amount_of_minor(&call, INT64_MIN, 2), "-92233720368547758.08");
  CHECK(!cs_failed(&call), "all of them are numbers");
  cs_end(&call);
}

static void money_converts_exactly_or_not_at_all(void) {
  static const struct {
    const char *amount;
    unsigned digits;
    int64_t minor;
    bool fits;
  } rows[] = {
      {"1250.00", 2, 125000, true},
      {"1250", 2, 125000, true},
      {"-3.5", 2, -350, true},
      {"3.500", 2, 350, true},
      {"3.505", 2, 0, false},
      {"5", 0, 5, true},
      {"5.1", 0, 0, false},
      {"92233720368547758.07", 2, INT64_MAX, true},
      {"92233720368547758.08", 2, 0, false},
      {"-92233720368547758.08", 2, INT64_MIN, true},
      {"-92233720368547758.09", 2, 0, false},
      {"99999999999999999999", 0, 0, false},
      {"9223372036854775807", 2, 0, false},
      {"1e3", 2, 0, false},
      {"1,5", 2, 0, false},
      {"", 2, 0, false},
      {"-", 2, 0, false},
  };
  for (size_t i = 0; i < LENGTH(rows); i++) {
    CALL(call, 200, "");
    int64_t minor = cs_minor_of(&call, (cs_money){cs_text_of(rows[i].amount), CS("EUR")}, rows[i].digits);
    CHECK(minor == rows[i].minor && cs_failed(&call) != rows[i].fits, "%s is %lld", rows[i].amount, (long long)minor);
    if (!rows[i].fits) IS(call.failure.code, "bad-amount");
    cs_end(&call);
  }
}

static void an_amount_is_read_as_it_was_written(void) {
  static const struct {
    const char *body, *found;
  } rows[] = {
      {"{\"amount\": 1250.00}", "1250.00"},
      {"{\"amount\": \"1250.00\"}", "1250.00"},
      {"{\"amount\": 0.1000000000000000000001}", "0.1000000000000000000001"},
      {"{\"amount\": 1, \"amount\": -2}", "-2"},
      {"{\"amount\": 1e3}", NULL},
      {"{\"amount\": \"many\"}", NULL},
      {"{\"amount\": null}", NULL},
      {"{}", NULL},
      {"[]", NULL},
      {"<html>", NULL},
      {"", NULL},
  };
  for (size_t i = 0; i < LENGTH(rows); i++) {
    for (int is_step = 0; is_step < 2; is_step++) {
      CALL(call, 200, rows[i].body);
      const cs_json *body = cs_answer_json(&call, cs_ok(&call, asks(&call, is_step ? "it" : CS_READ)));
      cs_text found = cs_must_decimal(cs_member(body, "amount"));
      CHECK(cs_equal(found, cs_text_of(rows[i].found)), "%s is `%.*s`", rows[i].body, (int)found.length, found.at);
      CHECK(cs_failed(&call) == !rows[i].found, "%s", rows[i].body);
      if (!rows[i].found) {
        CHECK(call.failure.is == (is_step ? CS_UNCERTAIN : CS_TRANSIENT), "%s is %d", rows[i].body, call.failure.is);
        IS(call.failure.code, "unreadable-answer");
      }
      cs_end(&call);
    }
  }
  CALL(call, 200, "{\"amount\": [true]}");
  cs_must_decimal(cs_member(cs_answer_json(&call, asks(&call, CS_READ)), "amount"));
  IS(call.failure.message,
     "the target answered something else than expected: `amount` must be a decimal number without exponent, and is an array");
  cs_end(&call);
}

static void json_comes_back_as_it_was(void) {
  static const struct {
    const char *text, *written;
  } rows[] = {
      {"null", "null"},
      {" [ ] ", "[]"},
      {"{\"b\": 1, \"a\": [true, false, null, {}]}", "{\"b\":1,\"a\":[true,false,null,{}]}"},
      {"[-0, 0.10, 1e5, 1E-5, 12345678901234567890]", "[-0,0.10,1e5,1E-5,12345678901234567890]"},
      {"\"\\u00f8\\/\\n\\u0001\\\"\\\\\"", "\"\xc3\xb8/\\n\\u0001\\\"\\\\\""},
      {"[\"\\\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\", 1]", "[\"\\\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",1]"},
      {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
      {"\"\\ud83d\\n\\ude00\"", "\"\xef\xbf\xbd\\n\xef\xbf\xbd\""},
      {"\"\\ud83d\\u0041\"", "\"\xef\xbf\xbd" "A\""},
      {"01", NULL},
      {"+1", NULL},
      {".5", NULL},
      {"5.", NULL},
      {"1e", NULL},
      {"-", NULL},
      {"[1,]", NULL},
      {"[1 2]", NULL},
      {"{\"a\"}", NULL},
      {"{\"a\":}", NULL},
      {"{a:1}", NULL},
      {"{\"a\":1,}", NULL},
      {"nul", NULL},
      {"truefalse", NULL},
      {"\"", NULL},
      {"\"\\\"", NULL},
      {"\"\\u00g0\"", NULL},
      {"\"\\x\"", NULL},
      {"\"\t\"", NULL},
      {"\"\xff\"", NULL},
      {"1 1", NULL},
      {"", NULL},
  };
  for (size_t i = 0; i < LENGTH(rows); i++) {
    CALL(call, 200, "");
    cs_text written = cs_json_write(&call, cs_json_read(&call, cs_text_of(rows[i].text)));
    CHECK(cs_equal(written, cs_text_of(rows[i].written)), "%s is `%.*s`", rows[i].text, (int)written.length, written.at);
    CHECK(cs_failed(&call) == !rows[i].written, "%s", rows[i].text);
    if (!rows[i].written) IS(call.failure.code, "bad-input");
    cs_end(&call);
  }
}

static void equal_data_is_equal_text(void) {
  CALL(call, 200, "");
  cs_value one = cs_value_json(&call, cs_json_read(&call, CS("{\"b\":{\"y\":1,\"x\":2},\"a\":[3,1],\"ab\":0,\"a\":9.90}")));
  IS(one.text, "{\"a\":9.90,\"ab\":0,\"b\":{\"x\":2,\"y\":1}}");
  cs_text many = CS("{\"k\":0");
  for (int i = 99; i; i--) many = cs_join(&call, many, CS(",\"k"), cs_digits(&call, 900 + i), CS("\":"), cs_digits(&call, i));
  cs_text text = cs_value_json(&call, cs_json_read(&call, cs_join(&call, many, CS(",\"k\":1}")))).text;
  const cs_json *again = cs_json_read(&call, text);
  int count = 0;
  for (const cs_json *item = cs_first(again); item; item = item->next, count++) CHECK(cs_must_integer(item) == (count ? count : 1), "%d", count);
  CHECK(count == 100 && !cs_failed(&call), "%d", count);
  cs_end(&call);
}

// Brackets, so many deep.
static cs_text nested(cs_call *call, unsigned depth) {
  char *at = cs_alloc(call, 2 * depth);
  if (!at) return CS_NOTHING;
  memset(at, '[', depth);
  memset(at + depth, ']', depth);
  return (cs_text){at, 2 * depth};
}

static void depth_has_an_end(void) {
  CALL(call, 200, "");
  const cs_json *deep = cs_json_read(&call, nested(&call, CS_JSON_DEPTH_MAX));
  CHECK(deep && cs_is_there(cs_json_write(&call, deep)), "it is read and written");
  CHECK(!cs_json_read(&call, nested(&call, CS_JSON_DEPTH_MAX + 1)), "this is not");
  IS(call.failure.message, "the JSON is something else than expected: no JSON at byte 65, it is too deep");
  cs_end(&call);
  CALL(maker, 200, "");
  cs_json *top = cs_json_array(&maker), *at = top;
  for (int i = 0; i < CS_JSON_DEPTH_MAX; i++) {
    cs_json *inner = cs_json_array(&maker);
    cs_push(at, inner);
    at = inner;
  }
  CHECK(!cs_is_there(cs_json_write(&maker, top)), "it is not written");
  IS(maker.failure.code, "connector.bug");
  cs_end(&maker);
}

static void json_is_made_as_the_author_says(void) {
  CALL(call, 200, "");
  cs_json *body = cs_json_object(&call), *list = cs_json_array(&call);
  cs_put(body, "reason", cs_json_text(&call, CS("<&> \"\x01")));
  cs_put(body, "amount", cs_json_number(&call, CS("-007.50")));
  cs_put(body, "nothing", cs_json_text(&call, CS_NOTHING));
  cs_put(body, "count", cs_json_integer(&call, -3));
  cs_push(list, cs_json_flag(&call, true));
  cs_push(list, cs_json_object(&call));
  cs_put(body, "list", list);
  cs_put(body, "reason", cs_json_text(&call, CS("once")));
  IS(cs_json_write(&call, body), "{\"reason\":\"once\",\"amount\":-7.50,\"nothing\":null,\"count\":-3,\"list\":[true,{}]}");
  CHECK(!cs_failed(&call), "it is all JSON");
  cs_put(body, "again", list);
  IS(call.failure.code, "connector.bug");
  cs_end(&call);
  CALL(number, 200, "");
  cs_json_number(&number, CS("1,5"));
  IS(number.failure.message, "`1,5` is no number");
  cs_end(&number);
  CALL(text, 200, "");
  cs_json_text(&text, CS("\xff"));
  IS(text.failure.code, "odd-value");
  cs_end(&text);
  IS(cs_text_of(CS_JSON({"type": "object", "required": ["a"], "x": "\n"})), "{\"type\": \"object\", \"required\": [\"a\"], \"x\": \"\\n\"}");
}

static void whole_numbers_are_whole(void) {
  static const struct {
    const char *text;
    int64_t number;
    bool fits;
  } rows[] = {
      {"9223372036854775807", INT64_MAX, true}, {"-9223372036854775808", INT64_MIN, true}, {"-0", 0, true},
      {"9223372036854775808", 0, false},        {"-9223372036854775809", 0, false},        {"1.0", 0, false},
      {"1e2", 0, false},                        {"\"1\"", 0, false},                       {"null", 0, false},
  };
  for (size_t i = 0; i < LENGTH(rows); i++) {
    CALL(call, 200, "");
    int64_t number = cs_must_integer(cs_json_read(&call, cs_text_of(rows[i].text)));
    CHECK(cs_failed(&call) != rows[i].fits, "%s", rows[i].text);
    CHECK(!rows[i].fits || number == rows[i].number, "%s is %lld", rows[i].text, (long long)number);
    cs_end(&call);
  }
}

static void what_may_be_missing_is_nothing(void) {
  CALL(call, 200, "");
  const cs_json *body = cs_json_read(&call, CS("{\"null\": null, \"text\": \"\", \"number\": 1}"));
  CHECK(!cs_is_there(cs_may_text(cs_member(body, "null"))) && !cs_is_there(cs_may_text(cs_member(body, "none"))), "nothing");
  CHECK(!cs_is_there(cs_may_text(cs_member(cs_member(body, "none"), "deeper"))), "nor in what is not there");
  CHECK(cs_is_there(cs_may_text(cs_member(body, "text"))) && !cs_failed(&call), "an empty text is one");
  cs_may_text(cs_member(body, "number"));
  IS(call.failure.message, "the JSON is something else than expected: `number` must be text, and is a number");
  cs_end(&call);
}

static void a_wait_is_read_in_either_form(void) {
  static const struct {
    const char *after;
    bool is;
    uint64_t ms;
  } rows[] = {
      {"120", true, 120000},
      {" 120 ", true, 120000},
      {"Sun, 29 Nov 2026 04:00:30 GMT", true, 30000},
      {"Mon, 01 Mar 2027 04:00:00 GMT", true, 92ull * 86400000},
      {"Sun, 29 Nov 2026 03:00:00 GMT", true, 0},
      {"Sun, 31 Feb 2027 03:00:00 GMT", false, 0},
      {"Sun, 29 Now 2026 03:00:00 GMT", false, 0},
      {"123456789", false, 0},
      {"-5", false, 0},
      {"soon", false, 0},
      {"", false, 0},
  };
  for (size_t i = 0; i < LENGTH(rows); i++) {
    CALL(call, 429, "");
    cs_add_pair(&call, &given.headers, "date", CS("Sun, 29 Nov 2026 04:00:00 GMT"));
    cs_add_pair(&call, &given.headers, "Retry-After", cs_text_of(rows[i].after));
    cs_add_pair(&call, &given.headers, "X-Request-Id", CS("req-7"));
    cs_ok(&call, asks(&call, CS_READ));
    CHECK(call.failure.has_after == rows[i].is && call.failure.after_ms == rows[i].ms, "`%s` is %llu", rows[i].after,
          (unsigned long long)call.failure.after_ms);
    IS(call.failure.vendor_request_id, "req-7");
    cs_end(&call);
  }
}

static void what_is_sent_is_encoded_and_is_text(void) {
  CALL(call, 200, "");
  cs_pairs form = {0};
  cs_add_pair(&call, &form, "a b", CS("c&d"));
  cs_add_pair(&call, &form, "e", CS(""));
  cs_request request = {.endpoint = "api", .path = cs_path(&call, CS("a b"), CS("c/d"), CS("\xc3\xb8~._-")), .type = "text/plain"};
  request.body = cs_form(&call, form);
  cs_send(&call, request, "it");
  IS(asked.path, "/a%20b/c%2Fd/%C3%B8~._-");
  IS(asked.body, "a%20b=c%26d&e=");
  IS(cs_header(asked.headers, "Content-Type"), "text/plain");
  CHECK(strcmp(asked.method, "GET") == 0 && !cs_failed(&call), "%s", asked.method);
  cs_add_pair(&call, &request.query, "q", CS("\xff"));
  CHECK(!cs_send(&call, request, CS_READ) && times_asked == 1, "it is not sent");
  IS(call.failure.code, "odd-value");
  cs_end(&call);
}

static void the_words_of_a_vendor_are_one_short_line(void) {
  CALL(call, 200, "");
  IS(cs_shortened(&call, CS("  two\n\twords \xff ")), "two words \xef\xbf\xbd");
  cs_text long_one = CS("");
  for (int i = 0; i < 300; i++) long_one = cs_join(&call, long_one, CS("\xc3\xb8"));
  cs_text line = cs_shortened(&call, long_one);
  CHECK(line.length == 403 && memcmp(line.at + 400, "\xe2\x80\xa6", 3) == 0, "%zu bytes", line.length);
  cs_text blanks = CS("");
  for (int i = 0; i < 300; i++) blanks = cs_join(&call, blanks, CS(" a"));
  line = cs_shortened(&call, blanks);
  CHECK(line.length == 199 + 3, "%zu bytes", line.length);
  cs_end(&call);
}

// ---- A connector ----

static cs_value held;
static int times_fetched;
static cs_snapshot fetched(cs_call *call, cs_record subject) {
  times_fetched++;
  return (cs_snapshot){.subject = subject, .fields = CS_FIELDS(call, cs_named("it", held))};
}
static cs_receipt applied(cs_call *call, const cs_effect *effect) {
  cs_snapshot now = fetched(call, effect->plan.subject);
  return cs_receipt_of(call, effect, &now);
}
static cs_drafts drafted(cs_call *call, const cs_delivery *delivery) {
  cs_drafts all = {0};
  cs_add_draft(call, &all, (cs_draft){CS("discount"), {CS("ticket"), CS("7")}, .dedupe_key = delivery->body});
  return all;
}
const cs_connector connector = {.fetch = fetched, .apply = applied, .receive = drafted};

static void an_odd_value_is_named(void) {
  const struct {
    cs_value value;
    bool is_fine;
  } rows[] = {
      {CS_ABSENT, true},
      {cs_value_decimal(CS("-12.50")), true},
      {cs_value_decimal(CS("1e3")), false},
      {cs_value_decimal(CS("+1")), false},
      {cs_value_decimal(CS(".5")), false},
      {cs_value_decimal(CS("5.")), false},
      {cs_value_decimal(CS("12345678901234567890123456789012345678901")), false},
      {cs_value_decimal(CS("1.12345678901234567890123456789012345678901")), false},
      {cs_value_decimal(CS_NOTHING), true},
      {cs_value_date(CS("2026-02-28")), true},
      {cs_value_date(CS("2028-02-29")), true},
      {cs_value_date(CS("2000-02-29")), true},
      {cs_value_date(CS("2100-02-29")), false},
      {cs_value_date(CS("2026-02-29")), false},
      {cs_value_date(CS("2026-2-1")), false},
      {cs_value_money(CS("1250.00"), CS("EUR")), true},
      {cs_value_money(CS("1250.00"), CS("eu")), false},
      {cs_value_money(CS("1.250,00"), CS("EUR")), false},
      {cs_value_money(CS("1250.000"), CS("EUR")), false},
      {cs_value_money(CS("1250.000"), CS("KWD")), true},
      {cs_value_money(CS("1250.0"), CS("JPY")), false},
      {cs_value_money(CS("1.2345"), CS("UYW")), true},
      {cs_value_money(CS("92233720368547758.07"), CS("EUR")), true},
      {cs_value_money(CS("-92233720368547758.08"), CS("EUR")), false},
      {cs_value_text(CS("")), true},
      {cs_value_text(CS("\xff")), false},
      {cs_value_reference(CS("order"), CS("7")), true},
      {cs_value_reference(CS("order"), CS("")), false},
      {cs_value_instant_ms(UINT64_MAX), false},
      {{.is = (cs_value_case)99}, false},
  };
  cs_change change = {CS("it"), CS_ABSENT, CS_ABSENT};
  cs_effect effect = {.plan = {.subject = {CS("order"), CS("7")}, .changes = {.at = &change, .count = 1}}};
  for (size_t i = 0; i < LENGTH(rows); i++) {
    held = rows[i].value;
    CALL(call, 200, "");
    cs_ask_fetch(&call, &connector, (cs_record){CS("order"), CS("7")});
    CHECK(cs_failed(&call) != rows[i].is_fine, "row %zu", i);
    if (!rows[i].is_fine) {
      CHECK(call.failure.is == CS_REJECTED, "%d", call.failure.is);
      CHECK(strncmp(call.failure.message.at, "`it` of the record is ", 22) == 0, "%s", call.failure.message.at);
    }
    cs_end(&call);
    CALL(attempt, 200, "");
    cs_ask_apply(&attempt, &connector, &effect);
    CHECK(cs_failed(&attempt) != rows[i].is_fine && (rows[i].is_fine || attempt.failure.is == CS_UNCERTAIN), "row %zu", i);
    cs_end(&attempt);
  }
  held = CS_ABSENT;
  CALL(call, 200, "");
  cs_ask_fetch(&call, &connector, (cs_record){CS("order"), CS("")});
  IS(call.failure.message, "the id of the record is none");
  cs_end(&call);
}

static cs_snapshot shown;
static cs_snapshot fetched_as_shown(cs_call *call, cs_record subject) {
  (void)call, (void)subject;
  return shown;
}
static cs_page pages(cs_call *call, cs_text kind, cs_text cursor, uint32_t limit, uint64_t now_ms) {
  (void)kind, (void)limit, (void)now_ms;
  cs_page page = {.next = cursor};
  for (int i = 0; i < 3; i++) cs_add_snapshot(call, &page.items, (cs_snapshot){.subject = {CS("order"), CS("7")}});
  return page;
}

static void what_the_contract_has_no_room_for_is_odd(void) {
  static const cs_connector shows = {.fetch = fetched_as_shown, .changes = pages};
  for (int i = 0; i < 7; i++) {
    CALL(call, 200, "");
    shown = (cs_snapshot){.subject = {CS("order"), CS("7")}, .url = CS("https://acme.example/7")};
    for (int j = 0; j < (i == 1 ? 501 : 500); j++) cs_add_field(&call, &shown.fields, (cs_field){cs_digits(&call, j), CS_ABSENT});
    if (i == 2) shown.fields.at[499].name = CS("7");
    if (i == 3) shown.url = CS("javascript:alert(1)");
    if (i == 4) shown.url = CS("http:/");
    char long_name[2049];
    memset(long_name, 'n', sizeof long_name);
    if (i == 5) shown.fields.at[0].name = (cs_text){long_name, 201};
    if (i == 6) shown.subject.id = (cs_text){long_name, 2049};
    cs_ask_fetch(&call, &shows, shown.subject);
    CHECK(cs_failed(&call) == (i != 0), "case %d", i);
    if (i) IS(call.failure.code, "odd-value");
    cs_end(&call);
  }
  for (uint32_t limit = 2; limit < 4; limit++) {
    for (int has_next = 0; has_next < 2; has_next++) {
      CALL(call, 200, "");
      cs_ask_changes(&call, &shows, CS("order"), has_next ? CS("7") : CS_NOTHING, limit, 0);
      CHECK(cs_failed(&call) == !(limit == 3 && has_next), "%u, %d", limit, has_next);
      cs_end(&call);
    }
  }
}

static void what_is_not_offered_says_so(void) {
  CALL(call, 200, "");
  cs_ask_plan(&call, &connector, &(cs_proposal){0}, 0);
  IS(call.failure.code, "not-offered");
  cs_end(&call);
  CALL(page, 200, "");
  cs_page none = cs_ask_changes(&page, &connector, CS("order"), CS_NOTHING, 10, 0);
  CHECK(!cs_failed(&page) && none.items.count == 0, "there are no changes");
  cs_end(&page);
  CALL(failed, 200, "");
  cs_bug(&failed, CS("its arguments did not come in"));
  times_fetched = 0;
  cs_ask_fetch(&failed, &connector, (cs_record){CS("order"), CS("7")});
  CHECK(!times_fetched, "it was asked all the same");
  IS(failed.failure.code, "connector.bug");
  cs_end(&failed);
}

static void a_wish_has_a_key(void) {
  char long_key[202];
  memset(long_key, 'x', sizeof long_key);
  const struct {
    cs_text key;
    bool is_fine;
  } rows[] = {{CS("T-7/1"), true}, {CS(""), false}, {{long_key, 200}, true}, {{long_key, 201}, false}, {CS("\xff"), false}};
  for (size_t i = 0; i < LENGTH(rows); i++) {
    CALL(call, 200, "");
    cs_ask_receive(&call, &connector, &(cs_delivery){.body = rows[i].key});
    CHECK(cs_failed(&call) != rows[i].is_fine, "row %zu", i);
    cs_end(&call);
  }
}

static void what_was_sealed_is_sent_and_not_what_was_asked(void) {
  CALL(call, 200, "");
  cs_fields wanted = CS_FIELDS(&call, cs_named("a", cs_value_text(CS("asked"))), cs_named("b", cs_value_text(CS("kept"))));
  cs_change change = {CS("a"), CS_ABSENT, cs_value_text(CS("sealed"))};
  cs_effect effect = {.what = {.operation = CS("set"), .fields = wanted}, .plan.changes = {.at = &change, .count = 1}};
  cs_proposal sealed = cs_sealed(&call, &effect);
  CHECK(sealed.fields.count == 2, "%zu", sealed.fields.count);
  IS(cs_input_text(&call, &sealed, "a"), "sealed");
  IS(cs_input_text(&call, &sealed, "b"), "kept");
  CHECK(!cs_is_there(cs_input_optional_text(&call, &sealed, "c")) && !cs_failed(&call), "c was left out");
  cs_money money = cs_input_money(&call, &sealed, "a");
  CHECK(!cs_is_there(money.amount) && !cs_is_there(money.currency), "nothing is left of it");
  IS(call.failure.message, "the field `a` must be an amount of money, not text");
  IS(call.failure.fields.at[0], "a");
  cs_end(&call);
  CALL(empty, 200, "");
  cs_proposal nothing = {.fields = CS_FIELDS(&empty, cs_named("a", cs_value_text(CS(""))))};
  cs_input_text(&empty, &nothing, "a");
  IS(empty.failure.message, "the field `a` must be text, not empty text");
  cs_end(&empty);
}

static void an_update_is_what_differs(void) {
  CALL(call, 200, "");
  cs_snapshot now = {.revision = CS("3"), .fields = CS_FIELDS(&call, cs_named("a", cs_value_integer(1)), cs_named("b", cs_value_flag(true)))};
  cs_plan plan = cs_plan_update(&call, &now, CS_FIELDS(&call, cs_named("b", cs_value_flag(true)), cs_named("a", cs_value_integer(2)), cs_named("c", CS_ABSENT)));
  CHECK(plan.changes.count == 1 && plan.changes.at[0].before.integer == 1 && plan.changes.at[0].after.integer == 2, "%zu", plan.changes.count);
  IS(plan.revision, "3");
  cs_end(&call);
}

// Texts that nobody meant, each in memory of exactly its size, so that whoever reads on is seen by a sanitizer.
static void no_text_breaks_the_reader(void) {
  static const char seed[] = "{\"a\": [1.50, -2e3, true, null, \"x\\n\\ud83d\\ude00\\u0000\"], \"b\": {\"c\": \"\xc3\xb8\"}}";
  static const char odd[] = "{}[]\",:\\u0e-.+tfn \xff\xc3\xed\xa0\x00";
  uint64_t draw = 7;
  int read = 0;
  for (int i = 0; i < ROUNDS; i++) {
    CALL(call, 200, "");
    char text[2 * sizeof seed];
    size_t length = sizeof seed - 1;
    memcpy(text, seed, length);
    for (int edits = i % 4; edits >= 0; edits--) {
      draw = draw * 6364136223846793005u + 1442695040888963407u;
      size_t at = (size_t)(draw >> 33) % length;
      if (draw & 4096) length = at + 1;
      text[at] = odd[(draw >> 20) % (sizeof odd - 1)];
    }
    char *exact = malloc(length);
    memcpy(exact, text, length);
    const cs_json *json = cs_json_read(&call, (cs_text){exact, length});
    CHECK((json != NULL) != cs_failed(&call), "either of the two");
    if (json) {
      read++;
      cs_text written = cs_json_write(&call, json);
      cs_text again = cs_json_write(&call, cs_json_read(&call, written));
      CHECK(cs_equal(written, again) && cs_is_well_formed(written), "%.*s", (int)written.length, written.at);
    }
    cs_end(&call);
    free(exact);
  }
  CHECK(read > 100, "only %d were JSON", read);
}

static const struct {
  const char *name;
  void (*run)(void);
} tests[] = {
#define TEST(name) {#name, name}
    TEST(a_status_is_the_usual_failure),
    TEST(the_first_failure_stays_and_nothing_is_sent_after_it),
    TEST(a_failure_of_the_host_is_passed_on),
    TEST(a_bug_is_no_trap_and_is_not_taken_back),
    TEST(memory_is_bounded_zeroed_and_freed),
    TEST(a_list_of_the_host_is_never_written_into),
    TEST(text_is_utf8),
    TEST(numbers_become_text),
    TEST(money_converts_exactly_or_not_at_all),
    TEST(an_amount_is_read_as_it_was_written),
    TEST(json_comes_back_as_it_was),
    TEST(equal_data_is_equal_text),
    TEST(depth_has_an_end),
    TEST(json_is_made_as_the_author_says),
    TEST(whole_numbers_are_whole),
    TEST(what_may_be_missing_is_nothing),
    TEST(a_wait_is_read_in_either_form),
    TEST(what_is_sent_is_encoded_and_is_text),
    TEST(the_words_of_a_vendor_are_one_short_line),
    TEST(an_odd_value_is_named),
    TEST(what_the_contract_has_no_room_for_is_odd),
    TEST(what_is_not_offered_says_so),
    TEST(a_wish_has_a_key),
    TEST(what_was_sealed_is_sent_and_not_what_was_asked),
    TEST(an_update_is_what_differs),
    TEST(no_text_breaks_the_reader),
};

int main(void) {
  int failed = 0;
  for (size_t i = 0; i < LENGTH(tests); i++) {
    int before = faults;
    tests[i].run();
    failed += before != faults;
    printf("%s: %s\n", before == faults ? "ok" : "FAILED", tests[i].name);
  }
  printf("%zu passed, %d failed\n", LENGTH(tests) - (size_t)failed, failed);
  return failed != 0;
}
