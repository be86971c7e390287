// JSON, read and written: texts as they are, numbers as the digits that stand there, and no deeper than
// `CS_JSON_DEPTH_MAX`.

#include "host.h"
#include <string.h>

// Code of a failure because of a delivery that is not what it should be.
#define BAD_DELIVERY "bad-delivery"

static cs_json *new_node(const cs_source *source, cs_json_case is) {
  cs_json *node = cs_alloc(source->call, sizeof *node);
  if (node) *node = (cs_json){.is = is, .source = source};
  return node;
}

// Puts a node at the end of another.
static void append(cs_json *into, cs_json *node) {
  node->is_placed = true;
  if (into->last) {
    into->last->next = node;
  } else {
    into->first = node;
  }
  into->last = node;
}

void cs_unfit(const cs_source *source, cs_text why) {
  cs_call *call = source->call;
  switch (source->origin) {
    case CS_OF_ANSWER:
      cs_unreadable(call, source->answer, why);
      return;
    case CS_OF_DELIVERY:
      why = cs_join(call, CS("the delivery is something else than expected: "), cs_shortened(call, why));
      cs_rejected(call, BAD_DELIVERY, why);
      return;
    case CS_OF_INPUT:
      why = cs_join(call, CS("the JSON is something else than expected: "), cs_shortened(call, why));
      cs_rejected(call, "bad-input", why);
      return;
    case CS_MADE:
      cs_bug(call, why);
      return;
  }
}

// ---- Reading ----

typedef struct reading {
  const cs_source *source;
  cs_text text;
  size_t at;
  // What is wrong, once something is.
  const char *wrong;
} reading;

static cs_json *read_value(reading *of, unsigned depth);

static void *fault(reading *of, const char *what) {
  if (!of->wrong) of->wrong = what;
  return NULL;
}

// The byte that comes next; -1 at the end.
static int peek(const reading *of) { return of->at < of->text.length ? (unsigned char)of->text.at[of->at] : -1; }

static bool takes(reading *of, int byte) {
  if (peek(of) != byte) return false;
  of->at++;
  return true;
}

static void skip(reading *of) {
  for (int byte = peek(of); byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; byte = peek(of)) of->at++;
}

static bool is_digit(int byte) { return '0' <= byte && byte <= '9'; }

static bool read_digits(reading *of) {
  size_t from = of->at;
  while (is_digit(peek(of))) of->at++;
  return from < of->at;
}

static cs_json *read_number(reading *of) {
  size_t from = of->at;
  takes(of, '-');
  bool is_number = takes(of, '0') || read_digits(of);
  if (is_number && takes(of, '.')) is_number = read_digits(of);
  if (is_number && (takes(of, 'e') || takes(of, 'E'))) {
    if (!takes(of, '+')) takes(of, '-');
    is_number = read_digits(of);
  }
  if (!is_number) return fault(of, "a number is not written as one");
  cs_json *node = new_node(of->source, CS_JSON_NUMBER);
  if (node) node->text = (cs_text){of->text.at + from, of->at - from};
  return node;
}

// The four hexadecimal digits that come next; -1 if they are none.
static int read_hex(reading *of) {
  int unit = 0;
  for (int i = 0; i < 4; i++) {
    int byte = peek(of), letter = byte | 0x20;
    if (!is_digit(byte) && (letter < 'a' || 'f' < letter)) return -1;
    unit = unit * 16 + (is_digit(byte) ? byte - '0' : letter - 'a' + 10);
    of->at++;
  }
  return unit;
}

static size_t put_character(char *into, unsigned code) {
  if (code < 0x80) {
    into[0] = (char)code;
    return 1;
  }
  size_t bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = bytes - 1; i; i--, code >>= 6) into[i] = (char)(0x80 | (code & 0x3f));
  into[0] = (char)(first[bytes] | code);
  return bytes;
}

// A character behind `\u`; one that is half a pair is replaced. -1 if there is none.
static int read_escaped(reading *of) {
  int unit = read_hex(of);
  if (unit < 0xd800 || 0xdfff < unit) return unit;
  size_t behind = of->at;
  if (unit < 0xdc00 && takes(of, '\\') && takes(of, 'u')) {
    int other = read_hex(of);
    if (0xdc00 <= other && other <= 0xdfff) return 0x10000 + ((unit - 0xd800) << 10) + (other - 0xdc00);
  }
  // What follows is read for itself.
  of->at = behind;
  return 0xfffd;
}

// How many bytes the text that begins here has at most, without its quotes; the end is found later.
static size_t length_of_text(const reading *of) {
  size_t at = of->at;
  while (at < of->text.length && of->text.at[at] != '"') at += of->text.at[at] == '\\' ? 2 : 1;
  return (at < of->text.length ? at : of->text.length) - of->at;
}

// Reads what an escape stands for, of which the backslash is read; -1 if it is none.
static int read_escape(reading *of) {
  static const char names[] = "\"\\/bfnrt", letters[] = "\"\\/\b\f\n\r\t";
  int name = peek(of);
  const char *found = 0 < name ? strchr(names, name) : NULL;
  if (!found && name != 'u') return -1;
  of->at++;
  return found ? letters[found - names] : read_escaped(of);
}

// A text, of which the first quote is read. Where nothing in it is escaped, it stays where it is.
static cs_text read_text(reading *of) {
  const char *from = of->text.at + of->at;
  size_t most = length_of_text(of), length = 0;
  char *words = NULL;
  for (int byte = peek(of); byte != '"'; byte = peek(of)) {
    if (byte < 0) return fault(of, "a text does not end"), CS_NOTHING;
    if (byte < 0x20) return fault(of, "a text holds a control character"), CS_NOTHING;
    if (byte == '\\') {
      if (!words) {
        // What is escaped is shorter when it is read.
        words = cs_alloc(of->source->call, most);
        if (!words) return CS_NOTHING;
        memcpy(words, from, length);
      }
      of->at++;
      int code = read_escape(of);
      if (code < 0) return fault(of, "an escape in a text is none"), CS_NOTHING;
      length += put_character(words + length, (unsigned)code);
      continue;
    }
    size_t bytes = cs_character(of->text.at + of->at, of->text.length - of->at);
    if (!bytes) return fault(of, "it is not UTF-8"), CS_NOTHING;
    if (words) memcpy(words + length, of->text.at + of->at, bytes);
    length += bytes;
    of->at += bytes;
  }
  of->at++;
  return (cs_text){words ? words : from, length};
}

static cs_json *read_word(reading *of, const char *word, cs_json_case is, bool flag) {
  size_t length = strlen(word);
  if (of->text.length - of->at < length || memcmp(of->text.at + of->at, word, length) != 0) {
    return fault(of, "a word is neither `true` nor `false` nor `null`");
  }
  of->at += length;
  cs_json *node = new_node(of->source, is);
  if (node) node->flag = flag;
  return node;
}

// An array or an object, of which the first bracket is read.
static cs_json *read_all(reading *of, cs_json_case is, int end, unsigned depth) {
  if (CS_JSON_DEPTH_MAX <= depth) return fault(of, "it is too deep");
  cs_json *whole = new_node(of->source, is);
  skip(of);
  if (!whole || takes(of, end)) return whole;
  do {
    cs_text name = CS_NOTHING;
    skip(of);
    if (is == CS_JSON_OBJECT) {
      if (!takes(of, '"')) return fault(of, "a member has no name");
      name = read_text(of);
      if (!cs_is_there(name)) return NULL;
      skip(of);
      if (!takes(of, ':')) return fault(of, "a member has no value");
    }
    cs_json *one = read_value(of, depth + 1);
    if (!one) return NULL;
    one->name = name;
    append(whole, one);
    skip(of);
  } while (takes(of, ','));
  return takes(of, end) ? whole : fault(of, "an array or an object does not end");
}

static cs_json *read_value(reading *of, unsigned depth) {
  skip(of);
  int byte = peek(of);
  switch (byte) {
    case '{':
      of->at++;
      return read_all(of, CS_JSON_OBJECT, '}', depth);
    case '[':
      of->at++;
      return read_all(of, CS_JSON_ARRAY, ']', depth);
    case '"': {
      of->at++;
      cs_text words = read_text(of);
      cs_json *node = cs_is_there(words) ? new_node(of->source, CS_JSON_TEXT) : NULL;
      if (node) node->text = words;
      return node;
    }
    case 't':
      return read_word(of, "true", CS_JSON_FLAG, true);
    case 'f':
      return read_word(of, "false", CS_JSON_FLAG, false);
    case 'n':
      return read_word(of, "null", CS_JSON_NULL, false);
    case -1:
      return fault(of, "it ends too early");
    default:
      return read_number(of);
  }
}

static const cs_json *read_from(cs_call *call, cs_source from, cs_text text) {
  if (cs_failed(call)) return NULL;
  cs_source *source = cs_alloc(call, sizeof *source);
  if (!source) return NULL;
  *source = from;
  reading of = {.source = source, .text = text};
  cs_json *json = read_value(&of, 0);
  skip(&of);
  if (json && of.at < text.length) json = fault(&of, "something follows it");
  if (of.wrong) {
    cs_text place = cs_join(call, CS("at byte "), cs_digits(call, (int64_t)of.at), CS(", "), cs_text_of(of.wrong));
    if (from.origin == CS_OF_DELIVERY) {
      cs_rejected(call, BAD_DELIVERY, cs_join(call, CS("the body of the delivery is no JSON: "), place));
    }
    cs_unfit(source, cs_join(call, CS("no JSON "), place));
  }
  return cs_failed(call) ? NULL : json;
}

const cs_json *cs_answer_json(cs_call *call, const cs_answer *answer) {
  if (!answer) return NULL;
  return read_from(call, (cs_source){.call = call, .origin = CS_OF_ANSWER, .answer = answer}, answer->body);
}

const cs_json *cs_delivery_json(cs_call *call, const cs_delivery *delivery) {
  if (!cs_is_well_formed(delivery->body)) cs_rejected(call, BAD_DELIVERY, CS("the body of the delivery is no text"));
  return read_from(call, (cs_source){.call = call, .origin = CS_OF_DELIVERY}, delivery->body);
}

const cs_json *cs_json_read(cs_call *call, cs_text text) {
  return read_from(call, (cs_source){.call = call, .origin = CS_OF_INPUT}, text);
}

// ---- What was read ----

cs_json_case cs_json_is(const cs_json *json) { return json ? json->is : CS_JSON_MISSING; }

static cs_json *member_of(const cs_json *object, cs_text name) {
  cs_json *found = NULL;
  if (object->is != CS_JSON_OBJECT) return NULL;
  for (cs_json *one = object->first; one; one = one->next) {
    if (cs_equal(one->name, name)) found = one;
  }
  return found;
}

const cs_json *cs_member(const cs_json *object, const char *name) {
  if (!object) return NULL;
  cs_json *found = member_of(object, cs_text_of(name));
  if (found) return found;
  cs_json *missing = new_node(object->source, CS_JSON_MISSING);
  if (missing) missing->name = cs_text_of(name);
  return missing;
}

const cs_json *cs_first(const cs_json *array) { return array ? array->first : NULL; }

static const char *word_of(cs_json_case is) {
  switch (is) {
    case CS_JSON_MISSING:
      return "missing";
    case CS_JSON_NULL:
      return "null";
    case CS_JSON_FLAG:
      return "true or false";
    case CS_JSON_NUMBER:
      return "a number";
    case CS_JSON_TEXT:
      return "text";
    case CS_JSON_ARRAY:
      return "an array";
    case CS_JSON_OBJECT:
      return "an object";
  }
  return "of no type";
}

// Makes the call fail because this is not what it must be.
static void unfit(const cs_json *json, const char *wanted) {
  cs_call *call = json->source->call;
  cs_text name = cs_is_there(json->name) ? cs_join(call, CS("`"), json->name, CS("`")) : CS("it");
  cs_text found = cs_text_of(word_of(json->is));
  cs_unfit(json->source, cs_join(call, name, CS(" must be "), cs_text_of(wanted), CS(", and is "), found));
}

// The same node if it is this; else NULL, and the call has failed.
static const cs_json *must_be(const cs_json *json, cs_json_case is, const char *wanted) {
  if (cs_json_is(json) == is) return json;
  if (json) unfit(json, wanted);
  return NULL;
}

static bool is_nothing(const cs_json *json) {
  return cs_json_is(json) == CS_JSON_MISSING || cs_json_is(json) == CS_JSON_NULL;
}

cs_text cs_must_text(const cs_json *json) {
  const cs_json *found = must_be(json, CS_JSON_TEXT, "text");
  return found ? found->text : CS_NOTHING;
}

cs_text cs_must_decimal(const cs_json *json) {
  bool has_digits = cs_json_is(json) == CS_JSON_NUMBER || cs_json_is(json) == CS_JSON_TEXT;
  if (has_digits && cs_is_decimal(json->text)) return json->text;
  if (json) unfit(json, "a decimal number without exponent");
  return CS_NOTHING;
}

int64_t cs_must_integer(const cs_json *json) {
  static const char wanted[] = "a whole number of 64 bits";
  const cs_json *found = must_be(json, CS_JSON_NUMBER, wanted);
  if (!found) return 0;
  cs_text digits = found->text;
  bool is_negative = digits.at[0] == '-', fits = true;
  uint64_t most = (uint64_t)INT64_MAX + is_negative, number = 0;
  for (size_t i = is_negative; fits && i < digits.length; i++) {
    uint64_t digit = (uint64_t)(digits.at[i] - '0');
    fits = is_digit(digits.at[i]) && number <= (most - digit) / 10;
    number = fits ? number * 10 + digit : 0;
  }
  if (!fits) unfit(found, wanted);
  return is_negative ? (int64_t)(0 - number) : (int64_t)number;
}

bool cs_must_flag(const cs_json *json) {
  const cs_json *found = must_be(json, CS_JSON_FLAG, "true or false");
  return found && found->flag;
}

const cs_json *cs_must_array(const cs_json *json) { return must_be(json, CS_JSON_ARRAY, "an array"); }

const cs_json *cs_must_object(const cs_json *json) { return must_be(json, CS_JSON_OBJECT, "an object"); }

cs_text cs_may_text(const cs_json *json) { return is_nothing(json) ? CS_NOTHING : cs_must_text(json); }

cs_text cs_may_decimal(const cs_json *json) { return is_nothing(json) ? CS_NOTHING : cs_must_decimal(json); }

const cs_json *cs_may_array(const cs_json *json) { return is_nothing(json) ? NULL : cs_must_array(json); }

const cs_json *cs_may_object(const cs_json *json) { return is_nothing(json) ? NULL : cs_must_object(json); }

// ---- Making ----

cs_json *cs_json_object(cs_call *call) { return new_node(&call->made, CS_JSON_OBJECT); }

cs_json *cs_json_array(cs_call *call) { return new_node(&call->made, CS_JSON_ARRAY); }

cs_json *cs_json_null(cs_call *call) { return new_node(&call->made, CS_JSON_NULL); }

cs_json *cs_json_text(cs_call *call, cs_text text) {
  if (!cs_is_there(text)) return cs_json_null(call);
  if (!cs_is_well_formed(text)) cs_rejected(call, "odd-value", CS("bytes that are no text cannot stand in JSON"));
  cs_json *node = new_node(&call->made, CS_JSON_TEXT);
  if (node) node->text = text;
  return node;
}

cs_json *cs_json_number(cs_call *call, cs_text digits) {
  cs_json *node = new_node(&call->made, CS_JSON_NUMBER);
  if (!node) return NULL;
  // A decimal of the contract may begin with zeros, which a number of JSON must not.
  bool is_negative = digits.length && digits.at[0] == '-';
  size_t zeros = is_negative;
  while (zeros + 1 < digits.length && digits.at[zeros] == '0' && is_digit(digits.at[zeros + 1])) zeros++;
  node->text = digits;
  if (zeros != is_negative) {
    cs_text rest = {digits.at + zeros, digits.length - zeros};
    node->text = is_negative ? cs_join(call, CS("-"), rest) : rest;
  }
  reading of = {.source = &call->made, .text = node->text};
  if (!read_number(&of) || of.at < node->text.length) {
    cs_rejected(call, "odd-value", cs_join(call, CS("`"), cs_shortened(call, digits), CS("` is no number")));
  }
  return node;
}

cs_json *cs_json_integer(cs_call *call, int64_t number) {
  cs_json *node = new_node(&call->made, CS_JSON_NUMBER);
  if (node) node->text = cs_digits(call, number);
  return node;
}

cs_json *cs_json_flag(cs_call *call, bool flag) {
  cs_json *node = new_node(&call->made, CS_JSON_FLAG);
  if (node) node->flag = flag;
  return node;
}

// Whether a node can be put into another; of one that is NULL the call has failed already.
static bool can_place(const cs_json *into, const cs_json *node, cs_json_case is) {
  if (!into || !node) return false;
  cs_call *call = into->source->call;
  bool is_ours = into->source->origin == CS_MADE && node->source->origin == CS_MADE;
  if (is_ours && into->is == is && !node->is_placed && into != node) return true;
  cs_bug(call, CS("only JSON that was made and stands nowhere can be put, into an object, or pushed, into an array"));
  return false;
}

void cs_put(cs_json *object, const char *name, cs_json *value) {
  if (!can_place(object, value, CS_JSON_OBJECT)) return;
  value->name = cs_text_of(name);
  cs_json *there = member_of(object, value->name);
  if (!there) {
    append(object, value);
    return;
  }
  cs_json *next = there->next;
  *there = *value;
  there->next = next;
  there->is_placed = value->is_placed = true;
}

void cs_push(cs_json *array, cs_json *value) {
  if (can_place(array, value, CS_JSON_ARRAY)) append(array, value);
}

// ---- Writing ----

typedef struct writing {
  cs_call *call;
  char *at;
  size_t length;
  size_t room;
  bool is_sorted;
} writing;

static void write_bytes(writing *to, const char *bytes, size_t length) {
  if (cs_failed(to->call)) return;
  while (to->room - to->length < length) {
    // Twice as much each time; what a list would ask for.
    char *grown = cs_grown(to->call, to->at, to->room, &to->room, 1);
    if (!grown) return;
    to->at = grown;
  }
  if (length) memcpy(to->at + to->length, bytes, length);
  to->length += length;
}

static void write_words(writing *to, const char *words) { write_bytes(to, words, strlen(words)); }

static void write_text(writing *to, cs_text text) {
  static const char names[] = "\"\\bfnrt", letters[] = "\"\\\b\f\n\r\t", hex[] = "0123456789abcdef";
  write_words(to, "\"");
  size_t from = 0;
  for (size_t i = 0; i < text.length; i++) {
    unsigned char byte = (unsigned char)text.at[i];
    if (0x20 <= byte && byte != '"' && byte != '\\') continue;
    write_bytes(to, text.at + from, i - from);
    from = i + 1;
    const char *found = byte ? strchr(letters, byte) : NULL;
    char escaped[] = {'\\', found ? names[found - letters] : 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    write_bytes(to, escaped, found ? 2 : sizeof escaped);
  }
  write_bytes(to, text.at + from, text.length - from);
  write_words(to, "\"");
}

static int in_order(cs_text one, cs_text other) {
  size_t shorter = one.length < other.length ? one.length : other.length;
  int order = shorter ? memcmp(one.at, other.at, shorter) : 0;
  return order ? order : (one.length < other.length ? -1 : one.length > other.length);
}

// The members by their names, of several of one name the last. Two sorted halves are merged, so that a target that
// sends many does not cost the square of them.
static const cs_json *sorted(cs_json *first, size_t count) {
  if (count < 2) {
    if (first) first->next = NULL;
    return first;
  }
  cs_json *half = first, *rest;
  for (size_t i = 1; i < count / 2; i++) half = half->next;
  rest = half->next;
  const cs_json *one = sorted(first, count / 2), *other = sorted(rest, count - count / 2);
  cs_json whole = {0}, *end = &whole;
  while (one || other) {
    int order = !one ? 1 : !other ? -1 : in_order(one->name, other->name);
    const cs_json **from = order < 0 ? &one : &other;
    // Of two with one name, the later one is in the second half.
    if (order == 0) one = one->next;
    end->next = (cs_json *)*from;
    end = end->next;
    *from = (*from)->next;
  }
  end->next = NULL;
  return whole.next;
}

// The members in the order in which they are written; what was read or made stays as it is.
static const cs_json *members(writing *to, const cs_json *object) {
  if (!to->is_sorted || object->is != CS_JSON_OBJECT) return object->first;
  size_t count = 0;
  cs_json *first = NULL, *last = NULL;
  for (const cs_json *one = object->first; one; one = one->next, count++) {
    cs_json *copy = cs_alloc(to->call, sizeof *copy);
    if (!copy) return NULL;
    *copy = *one;
    copy->next = NULL;
    if (last) last->next = copy;
    if (!first) first = copy;
    last = copy;
  }
  return sorted(first, count);
}

static void write_value(writing *to, const cs_json *json, unsigned depth) {
  switch (json->is) {
    case CS_JSON_MISSING:
    case CS_JSON_NULL:
      write_words(to, "null");
      return;
    case CS_JSON_FLAG:
      write_words(to, json->flag ? "true" : "false");
      return;
    case CS_JSON_NUMBER:
      write_bytes(to, json->text.at, json->text.length);
      return;
    case CS_JSON_TEXT:
      write_text(to, json->text);
      return;
    case CS_JSON_ARRAY:
    case CS_JSON_OBJECT:
      break;
  }
  bool is_object = json->is == CS_JSON_OBJECT;
  if (CS_JSON_DEPTH_MAX <= depth) {
    cs_bug(to->call, CS("JSON that is too deep cannot be written"));
    return;
  }
  write_words(to, is_object ? "{" : "[");
  const cs_json *first = members(to, json);
  for (const cs_json *one = first; one && !cs_failed(to->call); one = one->next) {
    if (one != first) write_words(to, ",");
    if (is_object) {
      write_text(to, one->name);
      write_words(to, ":");
    }
    write_value(to, one, depth + 1);
  }
  write_words(to, is_object ? "}" : "]");
}

static cs_text written(cs_call *call, const cs_json *json, bool is_sorted) {
  writing to = {.call = call, .is_sorted = is_sorted};
  if (!json || cs_failed(call)) return CS_NOTHING;
  write_value(&to, json, 0);
  return cs_failed(call) ? CS_NOTHING : (cs_text){to.at, to.length};
}

cs_text cs_json_write(cs_call *call, const cs_json *json) { return written(call, json, false); }

cs_value cs_value_json(cs_call *call, const cs_json *json) {
  cs_text text = written(call, json, true);
  return cs_is_there(text) ? (cs_value){.is = CS_VALUE_JSON, .text = text} : CS_ABSENT;
}
