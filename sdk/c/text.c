// Texts: in UTF-8, with their length, never changed in place.

#include "host.h"
#include <string.h>

// Longest whole number as text.
#define DIGITS_BYTES_MAX 20
// How many characters of a vendor's words a message repeats.
#define WORDS_CHARACTERS_MAX 200
// Most digits before the point of a number, and after it.
#define DECIMAL_DIGITS_MAX 40

// What stands for bytes that are no text.
static const char replacement[] = "\xef\xbf\xbd";

cs_text cs_text_of(const char *words) { return words ? (cs_text){words, strlen(words)} : CS_NOTHING; }

bool cs_is_there(cs_text text) { return text.at != NULL; }

bool cs_equal(cs_text one, cs_text other) {
  if (cs_is_there(one) != cs_is_there(other) || one.length != other.length) return false;
  return !one.length || memcmp(one.at, other.at, one.length) == 0;
}

bool cs_is(cs_text text, const char *words) { return cs_equal(text, cs_text_of(words)); }

cs_text cs_join_of(cs_call *call, const cs_text *texts, size_t count) {
  size_t length = 0;
  for (size_t i = 0; i < count; i++) length = SIZE_MAX - length < texts[i].length ? SIZE_MAX : length + texts[i].length;
  char *at = cs_alloc(call, length);
  if (!at) return CS_NOTHING;
  cs_text whole = {at, length};
  for (size_t i = 0; i < count; i++) {
    if (!texts[i].length) continue;
    memcpy(at, texts[i].at, texts[i].length);
    at += texts[i].length;
  }
  return whole;
}

cs_text cs_copy(cs_call *call, cs_text text) { return cs_is_there(text) ? cs_join(call, text) : text; }

cs_text cs_digits(cs_call *call, int64_t number) {
  char digits[DIGITS_BYTES_MAX];
  char *end = digits + sizeof digits, *at = end;
  // The smallest number has no positive of its own.
  uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  do {
    *--at = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (number < 0) *--at = '-';
  return cs_copy(call, (cs_text){at, (size_t)(end - at)});
}

static char lower(char letter) { return 'A' <= letter && letter <= 'Z' ? (char)(letter | 0x20) : letter; }

cs_text cs_header(cs_pairs pairs, const char *name) {
  size_t length = strlen(name);
  for (size_t i = 0; i < pairs.count; i++) {
    cs_text found = pairs.at[i].name;
    size_t same = 0;
    if (found.length != length) continue;
    while (same < length && lower(found.at[same]) == lower(name[same])) same++;
    if (same == length) return pairs.at[i].value;
  }
  return CS_NOTHING;
}

size_t cs_character(const char *at, size_t length) {
  const unsigned char *byte = (const unsigned char *)at;
  if (!length) return 0;
  if (byte[0] < 0x80) return 1;
  size_t bytes = byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
  if (byte[0] < 0xc2 || 0xf4 < byte[0] || length < bytes) return 0;
  for (size_t i = 1; i < bytes; i++) {
    if ((byte[i] & 0xc0) != 0x80) return 0;
  }
  // What could be shorter, half a pair of surrogates, and what is beyond the last character.
  if (byte[0] == 0xe0 && byte[1] < 0xa0) return 0;
  if (byte[0] == 0xed && 0x9f < byte[1]) return 0;
  if (byte[0] == 0xf0 && byte[1] < 0x90) return 0;
  if (byte[0] == 0xf4 && 0x8f < byte[1]) return 0;
  return bytes;
}

bool cs_is_well_formed(cs_text text) {
  for (size_t at = 0; at < text.length;) {
    size_t bytes = cs_character(text.at + at, text.length - at);
    if (!bytes) return false;
    at += bytes;
  }
  return true;
}

cs_text cs_well_formed(cs_call *call, cs_text text) {
  if (cs_is_well_formed(text)) return text;
  size_t most = text.length <= SIZE_MAX / (sizeof replacement - 1) ? text.length * (sizeof replacement - 1) : SIZE_MAX;
  char *words = cs_alloc(call, most);
  if (!words) return CS_NOTHING;
  size_t length = 0;
  for (size_t at = 0; at < text.length;) {
    size_t bytes = cs_character(text.at + at, text.length - at);
    const char *from = bytes ? text.at + at : replacement;
    size_t added = bytes ? bytes : sizeof replacement - 1;
    memcpy(words + length, from, added);
    length += added;
    at += bytes ? bytes : 1;
  }
  return (cs_text){words, length};
}

static bool is_blank(char letter) { return letter == ' ' || ('\t' <= letter && letter <= '\r'); }

cs_text cs_shortened(cs_call *call, cs_text words) {
  static const char more[] = "\xe2\x80\xa6";
  size_t most = 4 * WORDS_CHARACTERS_MAX + sizeof more;
  char *line = cs_alloc(call, most);
  if (!line) return CS_NOTHING;
  size_t length = 0, characters = 0, at = 0;
  while (at < words.length) {
    size_t blanks = at;
    while (at < words.length && is_blank(words.at[at])) at++;
    if (at == words.length) break;
    bool has_blank = blanks < at && length;
    if (WORDS_CHARACTERS_MAX < characters + has_blank + 1) {
      memcpy(line + length, more, sizeof more - 1);
      length += sizeof more - 1;
      break;
    }
    if (has_blank) line[length++] = ' ';
    size_t bytes = cs_character(words.at + at, words.length - at);
    memcpy(line + length, bytes ? words.at + at : replacement, bytes ? bytes : sizeof replacement - 1);
    length += bytes ? bytes : sizeof replacement - 1;
    characters += has_blank + 1u;
    at += bytes ? bytes : 1;
  }
  return (cs_text){line, length};
}

// How many digits stand here.
static size_t digits_at(cs_text text, size_t at) {
  size_t count = 0;
  while (at + count < text.length && '0' <= text.at[at + count] && text.at[at + count] <= '9') count++;
  return count;
}

bool cs_is_decimal(cs_text text) {
  size_t at = text.length && text.at[0] == '-';
  size_t whole = digits_at(text, at);
  if (!whole || DECIMAL_DIGITS_MAX < whole) return false;
  at += whole;
  if (at == text.length) return true;
  size_t part = text.at[at] == '.' ? digits_at(text, at + 1) : 0;
  return part && part <= DECIMAL_DIGITS_MAX && at + 1 + part == text.length;
}

// The number in exactly these digits; -1 if that is none.
static int number_at(cs_text text, size_t at, size_t digits) {
  if (text.length < at + digits || digits_at(text, at) < digits) return -1;
  int number = 0;
  for (size_t i = 0; i < digits; i++) number = number * 10 + (text.at[at + i] - '0');
  return number;
}

static bool is_day(int year, int month, int day) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 0 || month < 1 || 12 < month) return false;
  bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return 1 <= day && day <= days[month - 1] + (is_leap && month == 2);
}

bool cs_is_date(cs_text text) {
  if (text.length != 10 || text.at[4] != '-' || text.at[7] != '-') return false;
  return is_day(number_at(text, 0, 4), number_at(text, 5, 2), number_at(text, 8, 2));
}

// The days from 1970-01-01 to a day, which may be before it: years begin in March, so that the leap day is the last.
static int64_t days_to(int year, int month, int day) {
  int64_t from = month < 3 ? year - 1 : year;
  int64_t era = (from < 0 ? from - 399 : from) / 400;
  int64_t of_era = from - era * 400;
  int64_t of_year = (153 * (month + (month < 3 ? 9 : -3)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool cs_http_date(cs_text text, int64_t *seconds) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec", form[] = "___, 00 ___ 0000 00:00:00 GMT";
  if (text.length != sizeof form - 1) return false;
  for (size_t i = 0; i < text.length; i++) {
    bool is_fixed = form[i] != '_' && form[i] != '0';
    if (is_fixed && text.at[i] != form[i]) return false;
  }
  int month = 1;
  while (month <= 12 && memcmp(months + 3 * (month - 1), text.at + 8, 3) != 0) month++;
  int day = number_at(text, 5, 2), year = number_at(text, 12, 4);
  int hour = number_at(text, 17, 2), minute = number_at(text, 20, 2), second = number_at(text, 23, 2);
  bool is_time = 0 <= hour && hour <= 23 && 0 <= minute && minute <= 59 && 0 <= second && second <= 60;
  if (!is_day(year, month, day) || !is_time) return false;
  *seconds = ((days_to(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
  return true;
}
