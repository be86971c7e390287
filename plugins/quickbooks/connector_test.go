// What no cassette shows: amounts and entries of every shape, and what must not be asked or repeated.

package connector

import (
	"errors"
	"strings"
	"testing"

	"countersign/sdk"
)

// answered is a host that answers everything alike, and keeps what it was asked.
type answered struct {
	status uint16
	body   string
	asked  *[]sdk.Request
}

func (of answered) Send(request sdk.Request) (sdk.Response, error) {
	*of.asked = append(*of.asked, request)
	headers := []sdk.Pair{{Name: "intuit_tid", Value: "1-69e0"}}
	return sdk.Response{Status: of.status, Headers: headers, Body: sdk.Body{Text: of.body}}, nil
}

func (answered) Setting(string) *string { return nil }

func (answered) Say(sdk.Level, string, []sdk.Pair) {}

func answering(status uint16, body string) (sdk.Context, *[]sdk.Request) {
	asked := &[]sdk.Request{}
	return sdk.ContextOf(answered{status, body, asked}), asked
}

func failureOf(t *testing.T, err error) *sdk.Failure {
	t.Helper()
	var failure *sdk.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("that is no failure: %v", err)
	}
	return failure
}

func TestAnAmountIsReadAndWrittenDigitForDigit(t *testing.T) {
	for text, wanted := range map[string]string{
		"40.5": "40.50", "40.50000": "40.50", "40": "40.00", "0.05": "0.05", "9999999999.99": "9999999999.99",
	} {
		if read, fits := centsOf(text); !fits || read.String() != wanted {
			t.Errorf("%s is %s, %v", text, read, fits)
		}
	}
	for _, text := range []string{"", "-", "40.505", "4e1", "1.5e3", "99999999999", "x", "1.x"} {
		if read, fits := centsOf(text); fits {
			t.Errorf("`%s` is %s", text, read)
		}
	}
	for amount, wanted := range map[cents]sdk.Value{
		4_050: sdk.Money{Amount: "40.50", Currency: "USD"},
		4_000: sdk.Money{Amount: "40", Currency: "USD"},
	} {
		if value := amount.value("USD"); value != wanted {
			t.Errorf("%d is %v", amount, value)
		}
	}
}

func TestAnEntryHasAnAmountOnlyIfItIsOfTwoLinesThatBalance(t *testing.T) {
	line := func(side, account, amount string) string {
		detail := `{"PostingType":"` + side + `","AccountRef":{"value":"` + account + `"}}`
		return `{"Amount":` + amount + `,"DetailType":"JournalEntryLineDetail","JournalEntryLineDetail":` + detail + `}`
	}
	dollars := func(amount string) sdk.Value { return sdk.Money{Amount: amount, Currency: "USD"} }
	for _, entry := range []struct {
		amount sdk.Value
		lines  []string
	}{
		{dollars("40.50"), []string{line("Debit", "1", "40.50"), line("Credit", "2", "40.5")}},
		{dollars("7"), []string{line("Credit", "2", "7"), `{"DetailType":"DescriptionOnly"}`, line("Debit", "1", "7")}},
		{sdk.Absent{}, []string{line("Debit", "1", "1"), line("Credit", "2", "2")}},
		{sdk.Absent{}, []string{line("Debit", "1", "1"), line("Debit", "2", "1")}},
		{sdk.Absent{}, []string{line("Debit", "1", "1"), line("Credit", "2", "1"), line("Credit", "3", "1")}},
		{sdk.Absent{}, []string{line("Debit", "1", "1.005"), line("Credit", "2", "1.005")}},
		{sdk.Absent{}, []string{line("Debit", "1", "-1"), line("Credit", "2", "-1")}},
		{sdk.Absent{}, []string{line("Debit", "", "1"), line("Credit", "2", "1")}},
		{sdk.Absent{}, []string{line("Debit", "1", "1"), line("Credit", "2", "1"), `{"DetailType":"TaxLineDetail"}`}},
	} {
		body := `{"JournalEntry":{"Id":"7","SyncToken":"3","CurrencyRef":{"value":"USD"},"Line":[`
		context, _ := answering(200, body+strings.Join(entry.lines, ",")+"]}}")
		now, err := quickbooks{}.Fetch(context, sdk.RecordRef{Kind: kindEntry, ID: "7"})
		if err != nil || *now.Revision != "3" {
			t.Fatal(err)
		}
		if found := sdk.ValueOf(now.Fields, "amount"); found != entry.amount {
			t.Errorf("%v is %v", entry.lines, found)
		}
	}
}

func TestARefusalIsNamedAndItsSentencesAreNotRepeated(t *testing.T) {
	said := `{"Message":"Grace","Detail":"Grace","code":"6000"}`
	context, _ := answering(400, `{"Fault":{"Error":[`+said+`],"type":"ValidationFault"}}`)
	failure := failureOf(t, quickbooks{}.Check(context))
	if failure.Case != sdk.IsRejected || failure.Code != "business-rule" || *failure.VendorStatus != 400 {
		t.Errorf("%+v", failure)
	}
	if strings.Contains(failure.Message, "Grace") || *failure.VendorRequestID != "1-69e0" {
		t.Errorf("%+v", failure)
	}
}

func TestARecordWithoutAnIdIsNotAskedFor(t *testing.T) {
	for _, kind := range []string{kindCompany, kindAccount, kindEntry} {
		context, asked := answering(200, "{}")
		_, err := quickbooks{}.Fetch(context, sdk.RecordRef{Kind: kind})
		if failure := failureOf(t, err); failure.Code != "not-found" || len(*asked) != 0 {
			t.Errorf("%s: %+v", kind, failure)
		}
	}
}

func TestTheConnectionsCompanyNeedsNoRealm(t *testing.T) {
	const said = `{"QueryResponse":{"CompanyInfo":[{"CompanyName":"Ours"}]},
		"Preferences":{"CurrencyPrefs":{"HomeCurrency":{"value":"USD"}}}}`
	context, asked := answering(200, said)
	now, err := quickbooks{}.Fetch(context, sdk.RecordRef{Kind: kindCompany, ID: "default"})
	if err != nil || sdk.ValueOf(now.Fields, "name") != sdk.Text("Ours") || len(*asked) != 2 {
		t.Errorf("%v %v %v", now, err, *asked)
	}
	context, _ = answering(200, `{"QueryResponse":{}}`)
	_, err = quickbooks{}.Fetch(context, sdk.RecordRef{Kind: kindCompany, ID: "default"})
	if failure := failureOf(t, err); failure.Case != sdk.IsTransient || failure.Code != "unreadable-answer" {
		t.Errorf("%+v", failure)
	}
}

func TestNothingInAStatementEndsItsText(t *testing.T) {
	if found := quoted(`a' or \`); found != `'a\' or \\'` {
		t.Error(found)
	}
}
