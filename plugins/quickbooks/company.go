// The company of the connection: what its books are in, up to when they are closed, and its accounts. Sources, below
// https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/: preferences, companyinfo, account

package connector

import (
	"errors"
	"fmt"
	"time"

	"countersign/sdk"
)

const (
	// pageRecords is the most that a query answers.
	pageRecords = 1_000
	// pagesMax is how many pages of accounts are looked through.
	pagesMax = 10
)

// reference is how QuickBooks' records name each other.
type reference struct {
	Value string `json:"value"`
}

// books are what the company's preferences say of its books.
type books struct {
	Preferences struct {
		Accounting struct {
			BookCloseDate string
		} `json:"AccountingInfoPrefs"`
		Currency struct {
			HomeCurrency reference
		} `json:"CurrencyPrefs"`
	}
}

// Valid says what is wrong with them.
func (of books) Valid() error {
	if of.currency() == "" {
		return errors.New("the preferences name no home currency")
	}
	if _, err := time.Parse(time.DateOnly, of.closed()); of.closed() != "" && err != nil {
		return errors.New("the day up to which the books are closed is none")
	}
	return nil
}

func (of books) currency() string { return of.Preferences.Currency.HomeCurrency.Value }

// closed is the last day on which the books are closed; empty if none is. A time zone may stand behind it.
func (of books) closed() string {
	day := of.Preferences.Accounting.BookCloseDate
	return day[:min(len(day), len(time.DateOnly))]
}

func readBooks(context sdk.Context) (of books, err error) {
	answer, err := settled(get(context, "preferences").Read())
	if err == nil {
		err = answer.JSON(&of)
	}
	return of, err
}

// isConnections says whether the subject is the connection's company, whichever that is: so the host calls the subject of
// a binding that names none.
func isConnections(subject sdk.RecordRef) bool { return subject.ID == "default" }

type company struct {
	CompanyName *string
}

// Valid says what is wrong with it.
func (of company) Valid() error {
	if of.CompanyName == nil {
		return errors.New("that is no company")
	}
	return nil
}

// oneCompany is the answer to a read of one.
type oneCompany struct{ CompanyInfo company }

// Valid says what is wrong with it.
func (of oneCompany) Valid() error { return of.CompanyInfo.Valid() }

// readCompany reads the company of this realm, which must be the connection's: what is meant for one company never lands
// in the books of another one.
func readCompany(context sdk.Context, subject sdk.RecordRef) (company, error) {
	if isConnections(subject) {
		found, answer, err := query(context, "SELECT * FROM CompanyInfo")
		if err == nil && len(found.Response.CompanyInfo) != 1 {
			err = answer.Unreadable("that is not one company")
		}
		if err != nil {
			return company{}, err
		}
		return found.Response.CompanyInfo[0], nil
	}
	var of oneCompany
	err := record(context, subject, "companyinfo", &of)
	return of.CompanyInfo, err
}

func fetchCompany(context sdk.Context, subject sdk.RecordRef) (sdk.Snapshot, error) {
	of, err := readCompany(context, subject)
	if err != nil {
		return sdk.Snapshot{}, err
	}
	books, err := readBooks(context)
	if err != nil {
		return sdk.Snapshot{}, err
	}
	fields := []sdk.Field{
		sdk.Named("name", text(*of.CompanyName)),
		sdk.Named("base_currency", sdk.Text(books.currency())),
		sdk.Named("closed_up_to", date(books.closed())),
	}
	return sdk.Snapshot{Subject: subject, Fields: fields}, nil
}

type account struct {
	ID        string `json:"Id"`
	SyncToken string
	// Name is the full one, with the names of the accounts above it.
	Name     string    `json:"FullyQualifiedName"`
	Number   string    `json:"AcctNum"`
	Type     string    `json:"AccountType"`
	Currency reference `json:"CurrencyRef"`
	Active   *bool
}

// Valid says what is wrong with it.
func (of account) Valid() error {
	if of.ID == "" || of.Name == "" {
		return errors.New("that is no account")
	}
	return nil
}

// oneAccount is the answer to a read of one.
type oneAccount struct{ Account account }

// Valid says what is wrong with it.
func (of oneAccount) Valid() error { return of.Account.Valid() }

func (of account) isActive() bool { return of.Active == nil || *of.Active }

// label is what people call it.
func (of account) label() string {
	if of.Number == "" {
		return of.Name
	}
	return of.Number + " " + of.Name
}

func fetchAccount(context sdk.Context, subject sdk.RecordRef) (sdk.Snapshot, error) {
	var of oneAccount
	if err := record(context, subject, "account", &of); err != nil {
		return sdk.Snapshot{}, err
	}
	found := of.Account
	fields := []sdk.Field{
		sdk.Named("name", text(found.Name)),
		sdk.Named("number", text(found.Number)),
		sdk.Named("type", text(found.Type)),
		sdk.Named("currency", text(found.Currency.Value)),
		sdk.Named("active", sdk.Flag(found.isActive())),
	}
	return sdk.Snapshot{Subject: subject, Revision: sdk.Some(found.SyncToken), Fields: fields}, nil
}

// allAccounts gives every account, those that are inactive too.
func allAccounts(context sdk.Context) ([]account, error) {
	var all []account
	for page := range pagesMax {
		statement := fmt.Sprintf("SELECT * FROM Account WHERE Active IN (true, false) ORDERBY Id STARTPOSITION %d MAXRESULTS %d",
			page*pageRecords+1, pageRecords)
		found, _, err := query(context, statement)
		if err != nil {
			return nil, err
		}
		all = append(all, found.Response.Account...)
		if len(found.Response.Account) < pageRecords {
			return all, nil
		}
	}
	message := fmt.Sprintf("the company has %d accounts and more, which is too many to look through", pageRecords*pagesMax)
	return nil, sdk.Rejected("too-many-accounts", message)
}

// named gives the account that an input names by its number, or else by its full name.
func named(all []account, field, wanted, currency string) (account, error) {
	var found []account
	for _, is := range []func(account) bool{
		func(of account) bool { return of.Number == wanted },
		func(of account) bool { return of.Name == wanted },
	} {
		for _, one := range all {
			if is(one) && len(found) < 2 {
				found = append(found, one)
			}
		}
		if len(found) != 0 {
			break
		}
	}
	refused := func(code, why string) (account, error) {
		return account{}, sdk.Rejected(code, fmt.Sprintf("the account `%s` %s", wanted, why), field)
	}
	switch {
	case len(found) == 0:
		return refused("no-such-account", "is none of the company's")
	case len(found) != 1:
		return refused("ambiguous", "is there twice")
	case !found[0].isActive():
		return refused("account-inactive", "is inactive")
	case found[0].Type == "Accounts Receivable" || found[0].Type == "Accounts Payable":
		return refused("account-reserved", "takes entries only with a customer or vendor, whom this connector does not name")
	case found[0].Currency.Value != "" && found[0].Currency.Value != currency:
		return refused("wrong-currency", "is in another currency than the books")
	}
	return found[0], nil
}

// text is what QuickBooks holds; it leaves out what is empty.
func text(of string) sdk.Value {
	if of == "" {
		return sdk.Absent{}
	}
	return sdk.Text(of)
}

func date(of string) sdk.Value {
	if of == "" {
		return sdk.Absent{}
	}
	return sdk.Date(of)
}
