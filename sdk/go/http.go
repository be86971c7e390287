package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// wordsCharactersMax is how many characters of a vendor's words a message repeats.
	wordsCharactersMax = 200
	// waitDigitsMax is how many digits of a `Retry-After` in seconds are read: three years.
	waitDigitsMax = 8
	// dateLayout is how HTTP writes a moment.
	dateLayout = "Mon, 02 Jan 2006 15:04:05 GMT"
)

// Path makes a path of these segments, each percent-encoded.
func Path(segments ...string) string {
	var path strings.Builder
	for _, segment := range segments {
		path.WriteByte('/')
		// A segment may hold no `+` for a blank: that is for forms.
		path.WriteString(strings.ReplaceAll(url.QueryEscape(segment), "+", "%20"))
	}
	return path.String()
}

// Draft is a request in the making.
type Draft struct {
	host    Host
	request Request
	// fault is why it cannot be sent.
	fault error
}

// Query adds a pair to the query.
func (draft *Draft) Query(name, value string) *Draft {
	draft.request.Query = append(draft.request.Query, Pair{name, value})
	return draft
}

// Header adds a header.
func (draft *Draft) Header(name, value string) *Draft {
	draft.request.Headers = append(draft.request.Headers, Pair{name, value})
	return draft
}

// JSON makes the body JSON. The members of a map are sorted and those of a struct stand as it declares them: the
// same data is the same bytes in every attempt.
func (draft *Draft) JSON(body any) *Draft {
	text, err := stable(body)
	if err != nil {
		draft.fault = fmt.Errorf("the body of a request cannot be written: %w", err)
	}
	return draft.Text("application/json", text)
}

// Form makes the body a form.
func (draft *Draft) Form(fields ...Pair) *Draft {
	pairs := make([]string, len(fields))
	for index, field := range fields {
		pairs[index] = url.QueryEscape(field.Name) + "=" + url.QueryEscape(field.Value)
	}
	return draft.Text("application/x-www-form-urlencoded", strings.Join(pairs, "&"))
}

// Text makes the body text of this type.
func (draft *Draft) Text(kind, body string) *Draft {
	draft.request.Body = Body{Text: body}
	return draft.Header("content-type", kind)
}

// Read sends what changes nothing.
func (draft *Draft) Read() Sent { return draft.send("") }

// Step sends what changes something. Name and bytes are the same in every attempt.
func (draft *Draft) Step(name string) Sent {
	if name == "" {
		return Sent{err: fmt.Errorf("a step needs a name")}
	}
	return draft.send(name)
}

func (draft *Draft) send(step string) Sent {
	draft.request.Step = step
	if draft.fault != nil {
		return Sent{err: draft.fault}
	}
	if !isWellFormed(&draft.request) {
		return Sent{err: Rejected(OddValue, "the request holds bytes that are no text")}
	}
	response, err := draft.host.Send(draft.request)
	if err != nil {
		return Sent{err: err}
	}
	return Sent{answer: &Answer{response, step != ""}}
}

// isWellFormed says whether every text is UTF-8: another cannot leave.
func isWellFormed(request *Request) bool {
	texts := []string{request.Endpoint, request.Path, request.Step, request.Body.Text}
	for _, pair := range append(append([]Pair{}, request.Query...), request.Headers...) {
		texts = append(texts, pair.Name, pair.Value)
	}
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return false
		}
	}
	return true
}

// Sent is what became of a request.
type Sent struct {
	answer *Answer
	err    error
}

// Answer gives the answer, whatever its status; an error if there is none.
func (sent Sent) Answer() (*Answer, error) { return sent.answer, sent.err }

// OK gives the answer if its status says success; else the usual failure.
func (sent Sent) OK() (*Answer, error) {
	if sent.err == nil && !sent.answer.IsSuccess() {
		return nil, sent.answer.Failure("")
	}
	return sent.answer, sent.err
}

// Answer is an answer of the target, whatever its status.
type Answer struct {
	response Response
	isOfStep bool
}

// Status is the HTTP status.
func (answer *Answer) Status() uint16 { return answer.response.Status }

// IsSuccess says whether the status says success (2xx).
func (answer *Answer) IsSuccess() bool { return 200 <= answer.Status() && answer.Status() < 300 }

// IsOfStep says whether it answers a step.
func (answer *Answer) IsOfStep() bool { return answer.isOfStep }

// Header gives the first header of this name; `nil` if there is none.
func (answer *Answer) Header(name string) *string { return header(answer.response.Headers, name) }

func header(headers []Pair, name string) *string {
	for _, pair := range headers {
		if strings.EqualFold(pair.Name, name) {
			return &pair.Value
		}
	}
	return nil
}

// RequestID is the vendor's own id of the request, from the usual headers.
func (answer *Answer) RequestID() *string {
	for _, name := range []string{"request-id", "x-request-id", "x-correlation-id"} {
		if found := answer.Header(name); found != nil {
			return found
		}
	}
	return nil
}

// Text is the body as text, with replacement characters for what is not UTF-8.
func (answer *Answer) Text() string { return answer.response.Body.text() }

func (body Body) text() string {
	if body.Bytes != nil {
		return strings.ToValidUTF8(string(body.Bytes), "\ufffd")
	}
	return body.Text
}

// Bytes is the body as it came.
func (answer *Answer) Bytes() []byte {
	if answer.response.Body.Bytes != nil {
		return answer.response.Body.Bytes
	}
	return []byte(answer.response.Body.Text)
}

// Valid is data that can say what is wrong with it, such as a member that is missing.
type Valid interface{ Valid() error }

// JSON reads the body as JSON into what `into` points to, and asks it whether it is [Valid] if it can say. A member
// of type [json.Number] keeps an amount as it was written. A body of another shape is [IsTransient] after a read and
// [IsUncertain] after a step: a proxy may have answered for the target.
func (answer *Answer) JSON(into any) error {
	if err := json.Unmarshal(answer.Bytes(), into); err != nil {
		return answer.Unreadable(err.Error())
	}
	if valid, can := into.(Valid); can {
		if err := valid.Valid(); err != nil {
			return answer.Unreadable(err.Error())
		}
	}
	return nil
}

// Unreadable is the failure for an answer that cannot be understood although its status says success.
func (answer *Answer) Unreadable(why string) *Failure {
	message := "the target answered something else than expected: " + shortened(why)
	if answer.isOfStep {
		return Uncertain("unreadable-answer", message).Answered(answer)
	}
	return Transient("unreadable-answer", message).Answered(answer)
}

// Failure is the usual failure for this status; `words` are the vendor's own.
//
//	status             read                  step
//	401, 403           denied                denied
//	404, 410           rejected `not-found`  rejected `not-found`
//	409, 412, 423      conflict              conflict
//	425, 429           transient             transient: such a request was not begun
//	408, 5xx           transient             uncertain: it may have landed
//	2xx, 3xx, others   transient             uncertain
//	other 4xx          rejected              rejected
func (answer *Answer) Failure(words string) *Failure {
	message := fmt.Sprintf("the target answered %d", answer.Status())
	if said := shortened(words); said != "" {
		message += ": " + said
	}
	return answer.of(message).Answered(answer)
}

func (answer *Answer) of(message string) *Failure {
	status := answer.Status()
	switch status {
	case 401, 403:
		return Denied("not-permitted", message)
	case 404, 410:
		return Rejected("not-found", message)
	case 409, 412, 423:
		return Conflict("moved", message)
	case 425, 429:
		return Transient("rate-limited", message).After(answer.RetryAfterMs())
	}
	isUnavailable := 500 <= status || status == 408
	if 400 <= status && !isUnavailable {
		return Rejected(fmt.Sprintf("http-%d", status), message)
	}
	code := "unexpected-status"
	if isUnavailable {
		code = "unavailable"
	}
	if answer.isOfStep {
		return Uncertain(code, message)
	}
	return Transient(code, message).After(answer.RetryAfterMs())
}

// RetryAfterMs is how long the vendor asked us to wait, in milliseconds, from `Retry-After` in either form. A date is
// counted from the answer's own `Date`, since a connector has no clock.
func (answer *Answer) RetryAfterMs() *uint64 {
	after, date := answer.Header("retry-after"), answer.Header("date")
	if after == nil {
		return nil
	}
	text := strings.TrimSpace(*after)
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil && len(text) <= waitDigitsMax {
		return Some(seconds * 1000)
	}
	if date == nil {
		return nil
	}
	until, odd := time.Parse(dateLayout, text)
	now, odder := time.Parse(dateLayout, strings.TrimSpace(*date))
	if odd != nil || odder != nil {
		return nil
	}
	return Some(uint64(max(0, until.Sub(now).Milliseconds())))
}

// Text is the body of the delivery, or `rejected` if it is no text.
func (delivery *Delivery) Text() (string, error) {
	if delivery.Body.Bytes != nil {
		return "", Rejected("bad-delivery", "the body of the delivery is no text")
	}
	return delivery.Body.Text, nil
}

// Header gives the first header of this name; `nil` if there is none.
func (delivery *Delivery) Header(name string) *string { return header(delivery.Headers, name) }

// stable writes JSON with the members of maps sorted, and no white space.
func stable(data any) (string, error) {
	var text bytes.Buffer
	writer := json.NewEncoder(&text)
	writer.SetEscapeHTML(false)
	if err := writer.Encode(data); err != nil {
		return "", err
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

// shortened gives a vendor's words on one line, of bounded length.
func shortened(words string) string {
	line := []rune(strings.Join(strings.Fields(words), " "))
	if wordsCharactersMax < len(line) {
		return string(line[:wordsCharactersMax]) + "…"
	}
	return string(line)
}
