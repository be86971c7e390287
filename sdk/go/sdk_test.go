package sdk

import (
	"encoding/json"
	"errors"
	"testing"
)

// target is a host whose target gives one answer, and remembers what it was asked.
type target struct {
	response Response
	asked    Request
}

func (of *target) Send(request Request) (Response, error) {
	of.asked = request
	return of.response, nil
}

func (of *target) Setting(string) *string    { return nil }
func (of *target) Say(Level, string, []Pair) {}
func (of *target) get() *Draft               { return ContextOf(of).Get("api", Path("a b", "c/d")) }
func answering(status uint16, body string) *target {
	return &target{response: Response{Status: status, Body: Body{Text: body}}}
}

func failureIn(t *testing.T, err error) *Failure {
	t.Helper()
	var failure *Failure
	if !errors.As(err, &failure) {
		t.Fatalf("`%v` is no failure", err)
	}
	return failure
}

func TestAStatusIsTheUsualFailure(t *testing.T) {
	for _, row := range []struct {
		status     uint16
		read, step Case
	}{
		{302, IsTransient, IsUncertain},
		{400, IsRejected, IsRejected},
		{401, IsDenied, IsDenied},
		{404, IsRejected, IsRejected},
		{408, IsTransient, IsUncertain},
		{409, IsConflict, IsConflict},
		{429, IsTransient, IsTransient},
		{503, IsTransient, IsUncertain},
	} {
		_, read := answering(row.status, "").get().Read().OK()
		_, step := answering(row.status, "").get().Step("it").OK()
		if found := failureIn(t, read).Case; found != row.read {
			t.Errorf("%d after a read is %d", row.status, found)
		}
		if found := failureIn(t, step).Case; found != row.step {
			t.Errorf("%d after a step is %d", row.status, found)
		}
	}
}

type amount struct {
	Amount json.Number `json:"amount"`
}

func (of amount) Valid() error {
	if of.Amount == "" {
		return errors.New("no amount")
	}
	return nil
}

func TestAnAmountIsReadAsItWasWritten(t *testing.T) {
	for body, expected := range map[string]json.Number{
		`{"amount": 1250.00}`:                  "1250.00",
		`{"amount": 0.1000000000000000000001}`: "0.1000000000000000000001",
		`{}`:                                   "",
		`<html>`:                               "",
	} {
		answer, err := answering(200, body).get().Step("it").OK()
		if err != nil {
			t.Fatal(err)
		}
		var found amount
		err = answer.JSON(&found)
		if found.Amount != expected || (err == nil) != (expected != "") {
			t.Errorf("%s is `%s`, %v", body, found.Amount, err)
		}
		if err != nil && failureIn(t, err).Case != IsUncertain {
			t.Errorf("%s after a step is %v", body, err)
		}
	}
}

func TestWhatIsSentIsTextAndTheSameEachTime(t *testing.T) {
	host := answering(200, "")
	body := Object{"b": "<&>", "a": 1}
	if _, err := host.get().JSON(body).Step("it").OK(); err != nil {
		t.Fatal(err)
	}
	if host.asked.Path != "/a%20b/c%2Fd" || host.asked.Body.Text != `{"a":1,"b":"<&>"}` {
		t.Errorf("%v", host.asked)
	}
	_, err := host.get().Query("q", "\xff").Read().OK()
	if failureIn(t, err).Code != OddValue {
		t.Error(err)
	}
	if _, err := host.get().JSON(make(chan int)).Step("it").OK(); err == nil {
		t.Error("a channel is no JSON")
	}
}

func TestAWaitIsReadInEitherForm(t *testing.T) {
	const now = "Sun, 29 Nov 2026 04:00:00 GMT"
	for after, expected := range map[string]*uint64{
		"120":                           Some(uint64(120_000)),
		"Sun, 29 Nov 2026 04:00:30 GMT": Some(uint64(30_000)),
		"Sun, 29 Nov 2026 03:00:00 GMT": Some(uint64(0)),
		"-5":                            nil,
		"soon":                          nil,
	} {
		host := answering(429, "")
		host.response.Headers = []Pair{{"date", now}, {"retry-after", after}}
		_, err := host.get().Read().OK()
		found := failureIn(t, err).AfterMs
		if (found == nil) != (expected == nil) || (found != nil && *found != *expected) {
			t.Errorf("`%s` is %v", after, found)
		}
	}
}

func TestAnOddValueIsNamed(t *testing.T) {
	for _, row := range []struct {
		value  Value
		isFine bool
	}{
		{Absent{}, true},
		{nil, false},
		{Decimal("-12.50"), true},
		{Decimal("1e3"), false},
		{Decimal("+1"), false},
		{Decimal(".5"), false},
		{Decimal("5."), false},
		{Date("2026-02-28"), true},
		{Date("2026-02-29"), false},
		{Money{"1250.00", "EUR"}, true},
		{Money{"1250.00", "eu"}, false},
		{Money{"-92233720368547758.07", "EUR"}, true},
		{Money{"92233720368547758.08", "EUR"}, false},
		{Money{"1.234", "KWD"}, true},
		{Money{"1.234", "EUR"}, false},
		{Money{"1.0", "JPY"}, false},
		{Text("\xff"), false},
		{RecordRef{"order", "7"}, true},
	} {
		odd := Snapshot{Fields: []Field{Named("it", row.value)}}.Oddity()
		if (odd == "") != row.isFine {
			t.Errorf("%v: %s", row.value, odd)
		}
	}
}

func TestAnAddressIsOneOfTheWeb(t *testing.T) {
	for url, isFine := range map[string]bool{"https://crm.example.com/7": true, "javascript:alert(1)": false, "": false} {
		for _, odd := range []string{Snapshot{URL: &url}.Oddity(), Receipt{URL: &url}.Oddity()} {
			if (odd == "") != isFine {
				t.Errorf("`%s`: %s", url, odd)
			}
		}
	}
}

func TestWhatWasSealedIsSentAndNotWhatWasAsked(t *testing.T) {
	effect := Effect{
		What: Proposal{Operation: "set", Fields: []Field{Named("a", Text("asked")), Named("b", Text("kept"))}},
		Plan: WritePlan{Changes: []Change{{"a", Absent{}, Text("sealed")}}},
	}
	for name, expected := range map[string]string{"a": "sealed", "b": "kept"} {
		if found, err := effect.Sealed().Text(name); err != nil || found != expected {
			t.Errorf("%s is `%s`, %v", name, found, err)
		}
	}
	_, err := effect.Sealed().Money("a")
	if failureIn(t, err).Message != "the field `a` must be an amount of money, not text" {
		t.Error(err)
	}
}
