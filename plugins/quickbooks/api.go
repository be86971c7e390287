// Requests to QuickBooks' Accounting API, and what its errors mean. Sources:
// https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes and `handling-common-errors`
// beside it, https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/data-queries,
// https://blogs.intuit.com/2025/01/21/changes-to-our-accounting-api-that-may-impact-your-application (minor versions)

package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"countersign/sdk"
)

const (
	// api is the endpoint of the manifest.
	api = "api"
	// minorVersion is the oldest that QuickBooks still speaks; another one may say other things.
	minorVersion = "75"
	// throttledMs is how long Intuit asks to wait where no header says it.
	throttledMs = 60_000
)

// get begins a read of one record.
func get(context sdk.Context, segments ...string) *sdk.Draft {
	return begun(context.Get(api, sdk.Path(segments...)))
}

func begun(draft *sdk.Draft) *sdk.Draft {
	// Without it QuickBooks answers in XML.
	return draft.Header("accept", "application/json").Query("minorversion", minorVersion)
}

// record reads one record of this kind.
func record(context sdk.Context, subject sdk.RecordRef, resource string, into any) error {
	if subject.ID == "" {
		// It would be another address.
		return sdk.NotFound(subject)
	}
	answer, err := settled(get(context, resource, subject.ID).Read())
	if err != nil {
		return err
	}
	return answer.JSON(into)
}

// queried is the answer to a query.
type queried struct {
	Response *struct {
		Account      []account
		CompanyInfo  []company
		JournalEntry []entry
	} `json:"QueryResponse"`
}

// Valid says what is wrong with it.
func (found queried) Valid() error {
	if found.Response == nil {
		return errors.New("that is no answer to a query")
	}
	return errors.Join(valid(found.Response.Account), valid(found.Response.CompanyInfo), valid(found.Response.JournalEntry))
}

// valid says what is wrong with one of them.
func valid[T sdk.Valid](all []T) error {
	for _, one := range all {
		if err := one.Valid(); err != nil {
			return err
		}
	}
	return nil
}

// query asks for the records that a statement names.
func query(context sdk.Context, statement string) (found queried, answer *sdk.Answer, err error) {
	answer, err = settled(get(context, "query").Query("query", statement).Read())
	if err == nil {
		err = answer.JSON(&found)
	}
	return found, answer, err
}

// quoted is text as a statement has it.
func quoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// fault is an error of QuickBooks'. The door before it writes the same words with other capitals, which Go reads too.
type fault struct {
	Kind     string    `json:"type"`
	Problems []problem `json:"Error"`
}

type problem struct {
	// Code is a number, as text, with or without zeros before it. The sentences beside it may name people.
	Code string `json:"code"`
}

// code is the number of the first error; empty if there is none.
func (of *fault) code() string {
	if of == nil || len(of.Problems) == 0 {
		return ""
	}
	code := strings.TrimLeft(of.Problems[0].Code, "0")
	if 6 < len(code) || strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return code
}

// is says whether the fault is of one of these kinds: `AuthenticationFault`, or `AUTHENTICATION` at the door.
func (of *fault) is(kinds ...string) bool {
	for _, kind := range kinds {
		if of != nil && strings.HasPrefix(strings.ToLower(of.Kind), kind) {
			return true
		}
	}
	return false
}

// settled gives the answer if it says success, else what QuickBooks' error means. An error can come with status 200.
func settled(sent sdk.Sent) (*sdk.Answer, error) {
	answer, err := sent.Answer()
	if err != nil {
		return nil, err
	}
	var said struct {
		Fault *fault `json:"Fault"`
	}
	// A body that is no error of QuickBooks' leaves the status to speak, or whoever reads it next.
	if json.Unmarshal(answer.Bytes(), &said) != nil {
		said.Fault = nil
	}
	if answer.IsSuccess() && said.Fault == nil {
		return answer, nil
	}
	failed := failure(answer, said.Fault)
	failed.VendorStatus = sdk.Some(answer.Status())
	failed.VendorRequestID = requestID(answer)
	return nil, failed
}

// requestID is the id of an answer, for Intuit's support desk.
func requestID(answer *sdk.Answer) *string { return answer.Header("intuit_tid") }

// failure is what an error of QuickBooks' means.
func failure(answer *sdk.Answer, of *fault) *sdk.Failure {
	usual := answer.Failure("")
	code := of.code()
	known, isKnown := meanings[code]
	switch {
	case 500 <= answer.Status() || answer.Status() == 408:
		return usual
	case answer.Status() == 429 || code == "3001":
		wait := answer.RetryAfterMs()
		if wait == nil {
			wait = sdk.Some[uint64](throttledMs)
		}
		return sdk.Transient("rate-limited", "QuickBooks takes no more requests for now").After(wait)
	case isKnown:
		return &sdk.Failure{Case: known.of, Code: known.code, Message: told(code, known.message)}
	case of.is("auth"):
		return sdk.Denied("not-permitted", told(code, "QuickBooks does not admit this connection"))
	case of.is("system", "service"):
		return unavailable(answer, code)
	case of.is("validation") && answer.IsSuccess():
		return sdk.Rejected("fault-"+code, told(code, "QuickBooks does not take it"))
	case usual.Case == sdk.IsRejected && usual.Code != "not-found" && code != "":
		return sdk.Rejected("fault-"+code, told(code, "QuickBooks does not take it"))
	}
	return usual
}

// unavailable is the failure for an error within QuickBooks.
func unavailable(answer *sdk.Answer, code string) *sdk.Failure {
	message := told(code, "something is wrong within QuickBooks")
	if answer.IsOfStep() {
		return sdk.Uncertain("unavailable", message)
	}
	return sdk.Transient("unavailable", message)
}

func told(code, message string) string {
	if code == "" {
		return message
	}
	return fmt.Sprintf("%s (error %s)", message, code)
}

type meaning struct {
	of            sdk.Case
	code, message string
}

// meanings are those of the errors that do not mean what their status does, or that people meet. The sentences are ours.
var meanings = map[string]meaning{
	"120":  {sdk.IsDenied, "not-permitted", "whoever connected the company has no access to it any more"},
	"3100": {sdk.IsDenied, "not-permitted", "the app may not use this company"},
	"3200": {sdk.IsDenied, "not-authenticated", "QuickBooks does not know the token"},
	"5020": {sdk.IsDenied, "not-permitted", "the company's subscription or user may not use this feature"},
	"6190": {sdk.IsDenied, "subscription-ended", "the company's subscription has ended, or was not paid"},
	"610":  {sdk.IsRejected, "not-found", "QuickBooks has no such record, or what it names is inactive"},
	"2500": {sdk.IsRejected, "invalid-reference", "it names a record that QuickBooks does not have, or that is inactive"},
	"6000": {sdk.IsRejected, "business-rule", "a rule of QuickBooks forbids it"},
	"6210": {sdk.IsRejected, "locked-period", "the books are closed for that date"},
	"5010": {sdk.IsConflict, "moved", "somebody else changed the record"},
	// Nobody but the effect's own earlier attempt has its number and its key: it landed since the look.
	"600":  {sdk.IsUncertain, "key-taken", "QuickBooks has seen the request already"},
	"6140": {sdk.IsUncertain, "number-taken", "QuickBooks has an entry of this number already"},
}
