package sdk

// Text of any kind is UTF-8. An option of the contract is a pointer here: `nil` is nothing.

// Money is an amount as decimal text in the major unit, such as "1250.00", with an ISO 4217 code in capitals.
type Money struct {
	Amount   string
	Currency string
}

// RecordRef is a record at the target: its kind, and the target's own id.
type RecordRef struct {
	Kind string
	ID   string
}

// Value is the value of a field: one of the types below. Two values are equal (`==`) if the contract says so.
// Amounts and rates are decimal text and never pass through a float.
type Value interface{ isValue() }

type (
	// Absent means that the target holds nothing there.
	Absent struct{}
	// Flag is true or false.
	Flag bool
	// Integer is a whole number without unit.
	Integer int64
	// Decimal is a number as decimal text, such as "12.50". 25 % is "25".
	Decimal string
	// Text is text as the target holds it.
	Text string
	// Date is a day, `YYYY-MM-DD`.
	Date string
	// InstantMs is a moment, in milliseconds since 1970-01-01T00:00:00Z.
	InstantMs uint64
	// JSON is nested data as text, its members sorted; [JSONValue] makes it.
	JSON string
)

func (Absent) isValue()    {}
func (Flag) isValue()      {}
func (Integer) isValue()   {}
func (Decimal) isValue()   {}
func (Text) isValue()      {}
func (Date) isValue()      {}
func (InstantMs) isValue() {}
func (Money) isValue()     {}
func (RecordRef) isValue() {}
func (JSON) isValue()      {}

// Field is a named value.
type Field struct {
	Name  string
	Value Value
}

// Pair is a name and a text, such as a header.
type Pair struct {
	Name  string
	Value string
}

// Snapshot is what a record holds now.
type Snapshot struct {
	Subject RecordRef
	// Revision is the target's version token, if it has one.
	Revision *string
	// URL is where a person opens the record.
	URL    *string
	Fields []Field
}

// Proposal is what is asked for.
type Proposal struct {
	Operation string
	Subject   RecordRef
	Fields    []Field
}

// Change is one line of a write plan.
type Change struct {
	Name   string
	Before Value
	After  Value
}

// WritePlan says field by field what an approval will change. People see it; `Apply` writes it and nothing else.
type WritePlan struct {
	Subject  RecordRef
	Revision *string
	Changes  []Change
	// Remarks are sentences for the approver on what the target will do by itself.
	Remarks []string
}

// Effect is one approved change, for one attempt or one look.
type Effect struct {
	// EffectID is the same for ever, at most 64 characters.
	EffectID string
	// Attempt is counted from 1. What is written must not depend on it.
	Attempt uint32
	What    Proposal
	Plan    WritePlan
	// NowMs is the moment of the attempt, in milliseconds since 1970 in UTC.
	NowMs uint64
	Extra []Pair
}

// Receipt is the target's proof of a change.
type Receipt struct {
	Subject         RecordRef
	Revision        *string
	URL             *string
	VendorRequestID *string
	// Applied is what the target holds of each planned field.
	Applied []Field
	Extra   []Pair
}

// Finding is what a look found: [Landed], [NotThere] or [Unknown].
type Finding interface{ isFinding() }

type (
	// Landed means that the effect is there.
	Landed struct{ Receipt Receipt }
	// NotThere means that it is not, and that no earlier attempt can still arrive.
	NotThere struct{}
	// Unknown means that the target does not say.
	Unknown struct{}
)

func (Landed) isFinding()   {}
func (NotThere) isFinding() {}
func (Unknown) isFinding()  {}

// Page is a page of what has changed.
type Page struct {
	// Items are the records, oldest change first.
	Items []Snapshot
	// Next is where to go on; `nil` if there is nothing more for now.
	Next *string
}

// Guarantee is what the host may promise of an operation.
type Guarantee uint8

const (
	// ByKey: the target honours an idempotency key.
	ByKey Guarantee = iota
	// ByNaturalKey: the target has a unique field that we choose.
	ByNaturalKey
	// ByProbe: `Probe` finds the effect by a look.
	ByProbe
	// Blind: none of these. A person decides after an unknown outcome.
	Blind
)

// Operation is one kind of change that the connector can make.
type Operation struct {
	// Name is stable: policies and connections name it.
	Name string
	// Kind of record that it is about.
	Kind      string
	Guarantee Guarantee
	// Input is the JSON Schema (2020-12) of the input, as data.
	Input Object
	// Reversible says that [Compensator] can take it back.
	Reversible bool
}

// Object is data of a JSON object.
type Object = map[string]any

// Descriptor is what the connector says of itself.
type Descriptor struct {
	// Name and Version equal those of the manifest.
	Name       string
	Version    string
	System     string
	Kinds      []string
	Operations []Operation
	// Tells are the kinds of whose changes it tells; see [Teller].
	Tells []string
}

// Delivery is what a target told by itself. The host has verified who sent it.
type Delivery struct {
	// Hook is the webhook of the manifest that it came by.
	Hook string
	// Headers have names in lower case, in order of arrival.
	Headers []Pair
	Body    Body
	// ReceivedMs is when it arrived, in milliseconds since 1970 in UTC.
	ReceivedMs uint64
}

// DraftIntent is an intent that a delivery asks for.
type DraftIntent struct {
	IntentType string
	Source     RecordRef
	Fields     []Field
	// DedupeKey is the same text for the same wish, at most 200 characters.
	DedupeKey string
	// Requester is who asks, as the vendor names them.
	Requester *string
}

// Body is the body of a message. At most one of its members is set.
type Body struct {
	Text  string
	Bytes []byte
}

// Level says how much a line for operators matters.
type Level uint8

const (
	// Debug is for the connector's author.
	Debug Level = iota
	// Info is worth knowing.
	Info
	// Warn is worth a look.
	Warn
	// Error is worth a call.
	Error
)

// Method is an HTTP method. Every host knows these.
type Method string

const (
	// Get changes nothing.
	Get Method = "GET"
	// Head changes nothing.
	Head Method = "HEAD"
	// Post makes something.
	Post Method = "POST"
	// Put puts something in a place.
	Put Method = "PUT"
	// Patch changes a part.
	Patch Method = "PATCH"
	// Delete takes something away.
	Delete Method = "DELETE"
)

// Request is what to send to a named endpoint.
type Request struct {
	Endpoint string
	Method   Method
	// Path begins with "/" and is percent-encoded; see [Path].
	Path    string
	Query   []Pair
	Headers []Pair
	Body    Body
	// Step is the name of the step; empty for what changes nothing.
	Step string
}

// Response is what came back, whatever its status.
type Response struct {
	Status  uint16
	Headers []Pair
	Body    Body
}

// Some gives a pointer to a value, for what the contract calls an option.
func Some[T any](value T) *T { return &value }
